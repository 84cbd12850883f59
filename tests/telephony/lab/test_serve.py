"""The carrier as a process: what it says when it cannot start, its control connection, and datagrams that mean harm."""

import asyncio
import contextlib
import json
import random
import socket
from pathlib import Path

import pytest
import structlog

from callcenter import rehearsal
from callcenter.config import Settings
from callcenter.errors import Conflict, Invalid, NotFound, Unavailable
from telephony.lab.customers import CUSTOMERS
from telephony.lab.serve import serve
from tests.peers import labs
from tests.telephony.lab.test_message import INVITE


async def test_a_taken_address_is_said_in_a_sentence(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        other = Settings(data_dir=tmp_path / "other", lab_sip=lab.settings.lab_sip)
        with pytest.raises(Unavailable, match="cannot listen on"):
            await serve(other, asyncio.Event())


async def test_without_a_carrier_nobody_calls(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="not running"):
        await rehearsal.let_call(Settings(data_dir=tmp_path))


async def test_customers_are_listed_and_can_be_told_to_behave_otherwise(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        listed = await rehearsal.customers(lab.settings)
        assert [each["number"] for each in listed] == [each.number for each in CUSTOMERS]
        changed = await rehearsal.behave(lab.settings, listed[0]["number"], "busy")
        assert changed["behaviour"] == "busy"
        assert (await rehearsal.customers(lab.settings))[0] == changed
        with pytest.raises(Invalid):
            await rehearsal.behave(lab.settings, listed[0]["number"], "sings")
        with pytest.raises(NotFound):
            await rehearsal.behave(lab.settings, "+48999999999", "busy")


async def test_a_customer_is_on_one_call_at_a_time(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        for each in CUSTOMERS:
            await rehearsal.let_call(lab.settings, each.number)
        with pytest.raises(Conflict, match="on the phone"):
            await rehearsal.let_call(lab.settings, CUSTOMERS[0].number)
        with pytest.raises(Conflict, match="All demo customers"):
            await rehearsal.let_call(lab.settings)
        calls = await rehearsal.calls(lab.settings)
        assert {each["state"] for each in calls} == {"calling"}
        await rehearsal.hang_up(lab.settings, calls[0]["id"])

        async def over() -> bool:
            return any(each["outcome"] == "hung_up" for each in await rehearsal.calls(lab.settings))

        await labs.until_found(over, "the call is over")
        with pytest.raises(NotFound):
            await rehearsal.hang_up(lab.settings, calls[0]["id"])
        with pytest.raises(Invalid):
            await rehearsal.press(lab.settings, calls[1]["id"], "12x")


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b'{"do": "dance"}', b'{"do": "call", "tone": "x"}', b"\xff\xfe"])
async def test_nonsense_on_the_control_connection_is_refused(tmp_path: Path, line: bytes) -> None:
    async with labs.running(tmp_path) as lab:
        reader, writer = await asyncio.open_unix_connection(lab.settings.socket_path("lab"))
        writer.write(line + b"\n")
        assert json.loads(await reader.readline())["ok"] is False
        writer.write(b"x" * 200_000 + b"\n")
        assert await reader.read() == b""  # too long: the connection ends, the carrier goes on
        writer.close()
        assert len(await rehearsal.customers(lab.settings)) == len(CUSTOMERS)


async def test_only_the_owner_may_control_it(tmp_path: Path) -> None:
    async with labs.running(tmp_path / "data") as lab:
        assert lab.settings.socket_path("lab").stat().st_mode & 0o777 == 0o600
    (tmp_path / "data").chmod(0o777)
    with pytest.raises(Invalid, match="changed by others"):
        await serve(lab.settings, asyncio.Event())


async def test_hostile_datagrams_do_not_kill_it(tmp_path: Path) -> None:
    chance = random.Random(7)
    hostile = [
        b"",
        b"\0",
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"INVITE",
        b"SIP/2.0 200 OK\r\n\r\n",
        INVITE[:60],
        b"\xff" * 9000,
        INVITE * 50,
    ]
    hostile += [INVITE.replace(b"sip:+48221000000@127.0.0.1:5060 SIP", each) for each in (b"tel:1 SIP", b"sip: SIP", b"x SIP")]
    hostile += [
        INVITE.replace(b"INVITE", each) for each in (b"REGISTER", b"BYE", b"CANCEL", b"ACK", b"UPDATE", b"NOTIFY", b"OPTIONS")
    ]
    hostile += [
        INVITE.replace(b"\r\nCSeq", b"\r\nAuthorization: Digest username=\xff, nonce=\r\nCSeq").replace(b"INVITE", b"REGISTER")
    ]
    for _ in range(300):
        at, cut = chance.randrange(len(INVITE)), chance.randrange(20)
        hostile.append(INVITE[:at] + chance.randbytes(chance.randrange(12)) + INVITE[at + cut :])
    fell_over: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: fell_over.append(context))
    with structlog.testing.capture_logs() as logged:
        await attack(tmp_path, hostile)
    assert fell_over == []
    events = [each["event"] for each in logged]
    assert "malformed datagram dropped" in events
    assert "message failed" not in events


async def attack(folder: Path, hostile: list[bytes]) -> None:
    """Send datagrams to a carrier and see that it still answers."""
    async with labs.running(folder) as lab:
        with socket.socket(type=socket.SOCK_DGRAM) as attacker:
            attacker.bind(("127.0.0.1", 0))
            attacker.setblocking(False)
            for each in hostile:
                attacker.sendto(each[:65_000], lab.address)
                await asyncio.sleep(0)
            options = INVITE.replace(b"INVITE", b"OPTIONS").replace(b"z9hG4bK1;", b"z9hG4bKlast;").replace(b"x@y", b"last@y")

            async def answered() -> bool:
                attacker.sendto(options, lab.address)
                await asyncio.sleep(0)
                with contextlib.suppress(BlockingIOError):
                    while data := attacker.recv(65_535):
                        if b"last@y" in data and data.startswith(b"SIP/2.0 200"):
                            return True
                return False

            await labs.until_found(answered, "the carrier still answers")
        assert len(await rehearsal.customers(lab.settings)) == len(CUSTOMERS)
