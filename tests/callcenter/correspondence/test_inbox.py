"""A mail server that hangs, lies or goes away holds up nobody, and is not asked too often. A server of the tests' own."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from callcenter.correspondence import imap, inbox
from callcenter.correspondence.imap import Broken, Refused
from callcenter.correspondence.inbox import Inbox
from callcenter.correspondence.models import Email, Mailbox
from callcenter.db import Database
from tests.callcenter.correspondence.conftest import letter
from tests.callcenter.messages.conftest import settings_for


@dataclass(slots=True)
class Server:
    """An IMAP server with one message; `fault` says what is wrong with it. `seen`: the commands it got."""

    port: int = 0
    fault: str = ""
    raw: bytes = field(default_factory=letter)
    seen: list[str] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if self.fault == "silent":
                await reader.read()
            if self.fault == "no greeting":
                writer.write(b"* BYE busy\r\n")
            else:
                writer.write(b"* OK [CAPABILITY IMAP4rev1] here\r\n")
                while line := await reader.readline():
                    if not await self._answer(line.decode().strip(), reader, writer):
                        break
        writer.close()

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        tag, _, command = line.partition(" ")
        self.seen.append(command)
        name = re.sub(r"^UID ", "", command).partition(" ")[0].upper()
        if self.fault == f"hangs at {name}":
            await reader.read()
        if self.fault == f"BYE at {name}":
            writer.write(b"* BYE going down\r\n")
            return False
        if self.fault == f"noise at {name}":
            writer.write(b"\x00\xff{99\r\n" * 100)
            return False
        answers = {
            "CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
            "SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 2]\r\n",
            "SEARCH": b"* SEARCH 1\r\n",
            "FETCH": self._fetched(),
            "LOGOUT": b"* BYE bye\r\n",
        }
        writer.write(answers.get(name, b""))
        if name == "FETCH" and self.fault in ("lost in the middle", "announces gigabytes"):
            return False
        refused = self.fault == "wrong password" and name == "LOGIN"
        writer.write(f"{tag} {'NO LOGIN failed' if refused else 'OK done'}\r\n".encode())
        await writer.drain()
        return name != "LOGOUT"

    def _fetched(self) -> bytes:
        if self.fault == "announces gigabytes":
            return b"* 1 FETCH (UID 1 RFC822.SIZE 9999999999 BODY[]<0> {9999999999}\r\nabc"
        head = f"* 1 FETCH (UID 1 RFC822.SIZE {len(self.raw)} BODY[]<0> {{{len(self.raw)}}}\r\n".encode()
        return head + (self.raw[:20] if self.fault == "lost in the middle" else self.raw + b")\r\n")


@asynccontextmanager
async def running(fault: str = "") -> AsyncIterator[Server]:
    found = Server(fault=fault)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


def use(database: Database, folder: Path, server: Server) -> Database:
    given = {"imap": f"127.0.0.1:{server.port}", "imap_user": "post", "imap_password": SecretStr("x"), "imap_tls": "none"}
    database.settings = settings_for(folder, 25, **given)
    return database


async def kept(database: Database) -> int:
    async with database.reading() as uow:
        return len(list(await uow.session.scalars(select(Email.id))))


async def test_the_server_of_these_tests_can_be_read(database: Database, tmp_path: Path) -> None:
    async with running() as server:
        await Inbox(use(database, tmp_path, server)).read_for_good(rounds=1)
    assert await kept(database) == 1
    assert any(r"(\Seen)" in each for each in server.seen)
    assert not any("EXPUNGE" in each or "Deleted" in each for each in server.seen)


@pytest.mark.parametrize(
    "fault",
    [
        *("silent", "no greeting", "hangs at LOGIN", "hangs at FETCH", "BYE at SELECT", "BYE at FETCH", "noise at SEARCH"),
        *("lost in the middle", "announces gigabytes"),
    ],
)
async def test_a_server_with_a_fault_is_left_and_nothing_half_is_kept(
    database: Database, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "ANSWER_SECONDS", 0.5)
    async with running(fault) as server:
        with pytest.raises(Broken):
            await Inbox(use(database, tmp_path, server)).read_for_good(rounds=1)
        assert await kept(database) == 0
        server.fault = ""
        await Inbox(database).read_for_good(rounds=1)
    assert await kept(database) == 1, "nothing is lost"


async def test_a_server_that_hangs_never_holds_the_loop_and_a_stop_does_not_wait(database: Database, tmp_path: Path) -> None:
    async with running("hangs at FETCH") as server:
        task = asyncio.create_task(Inbox(use(database, tmp_path, server)).run())
        while not any("FETCH" in each for each in server.seen):
            await asyncio.sleep(0.01)
        for _ in range(20):  # the loop turns while the thread waits
            await asyncio.sleep(0)
        task.cancel()
        started = time.monotonic()
        await asyncio.gather(task, return_exceptions=True)
        assert time.monotonic() - started < imap.ANSWER_SECONDS


async def test_a_step_that_takes_too_long_is_cut_off(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "STEP_SECONDS", 0.2)
    async with running("hangs at LOGIN") as server:
        with pytest.raises(Broken, match="in time"):
            await Inbox(use(database, tmp_path, server)).read_for_good(rounds=1)


async def test_a_wrong_password_is_not_tried_again_and_again(database: Database, tmp_path: Path) -> None:
    waits: list[float] = []
    async with running("wrong password") as server:
        reader = Inbox(use(database, tmp_path, server))
        with pytest.raises(Refused, match="LOGIN failed"):
            await reader.read_for_good(rounds=1)
        task = asyncio.create_task(reader.run())
        while reader.counters["faults"] < 1:
            await asyncio.sleep(0.01)
        async with database.reading() as uow:
            while (box := await uow.session.get(Mailbox, inbox.name_of(database))) is None:
                await asyncio.sleep(0.01)
                await uow.session.rollback()
        assert "LOGIN failed" in box.error
        assert "x" not in box.error.split(), "the password is not told"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert server.connections == 2
    waits = [Inbox._wait(Refused("no"), each, each) for each in range(5)]
    assert waits == [300, 600, 1200, 2400, 3600]
    assert [Inbox._wait(Broken("no"), each, 0) for each in (0, 1, 7, 20)] == [2, 4, 256, 300]


async def test_without_a_mailbox_nothing_happens(database: Database) -> None:
    task = asyncio.create_task(Inbox(database).run())
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
