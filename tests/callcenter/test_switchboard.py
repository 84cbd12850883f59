"""The switchboard: events in order, whatever the database or one of them does."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from callcenter import clock
from callcenter.calls import service as calls
from callcenter.calls.models import Call, Leg
from callcenter.db import Database, away
from callcenter.phone import (
    Command,
    EndReason,
    Event,
    LegAnswered,
    LegEnded,
    LegOffered,
    LegRinging,
    LinkDown,
    LinkUp,
    Query,
    Reply,
    Snapshot,
    StationLive,
)
from callcenter.switchboard import Switchboard
from tests.callcenter.calls.floor import CALLER, DIALLED, Floor, open_floor


class Line:
    """A phone whose events are put by hand; `taken` are those the switchboard is done with."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Event] = asyncio.Queue()
        self.taken: list[Event] = []

    def send(self, command: Command) -> None:
        """Nothing is behind this line."""

    async def ask(self, query: Query, timeout: float = 5.0) -> Reply:
        raise NotImplementedError

    async def events(self) -> AsyncIterator[Event]:
        while True:
            event = await self.queue.get()
            yield event
            self.taken.append(event)

    async def done(self, count: int) -> None:
        """Wait until so many events are taken."""
        async with asyncio.timeout(60):
            while len(self.taken) < count:
                await asyncio.sleep(0.01)


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await open_floor(database)


@pytest.fixture
async def line() -> Line:
    return Line()


@pytest.fixture
async def switchboard(floor: Floor, line: Line) -> AsyncIterator[Switchboard]:
    switchboard = Switchboard(floor.database, line)
    running = asyncio.create_task(switchboard.run())
    yield switchboard
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def offered(floor: Floor, leg_id: str, number: str = CALLER) -> LegOffered:
    return LegOffered(leg_id, floor.trunk_id, number, "", DIALLED, False, "", clock.monotonic())


async def test_events_are_taken_in_order(floor: Floor, line: Line, switchboard: Switchboard) -> None:
    await floor.ready("anna")
    for event in (
        LinkUp(Snapshot("boot")),
        StationLive(str(floor.people["anna"].id), "tab1"),
        offered(floor, "one"),
        LegEnded("one", EndReason.CANCELLED, "far"),
        LegAnswered("nobody"),
        LegRinging("nobody", early_media=False),
    ):
        line.queue.put_nowait(event)
    await line.done(5)
    assert switchboard.up
    assert (await floor.call_of("one")).end_reason == "cancelled"
    line.queue.put_nowait(LinkDown())
    await line.done(6)
    async with asyncio.timeout(60):
        while switchboard.up:
            await asyncio.sleep(0.01)
    assert switchboard.counters["failed"] == 0


async def test_one_event_our_code_fails_on_is_left_out_and_the_next_is_taken(
    floor: Floor, line: Line, switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_uow: object, _event: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(calls, "leg_ringing", fail)
    for event in (LegRinging("x", early_media=False), offered(floor, "two"), LinkDown()):
        line.queue.put_nowait(event)
    await line.done(2)
    assert switchboard.counters["failed"] == 1
    assert (await floor.call_of("two")).state == "waiting"


async def test_a_database_locked_for_five_seconds_loses_and_reorders_nothing(
    floor: Floor, line: Line, switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not floor.database.sqlite:
        pytest.skip("the lock of another process is SQLite's")
    await floor.ready("anna")
    writer = floor.database.engine
    async with writer.connect() as connection:
        await connection.execute(text("PRAGMA busy_timeout=50"))  # the pool has one connection: this one is used below
        await connection.rollback()
    other = sqlite3.connect(Path(floor.database.url.split("///")[1]), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    for n in range(5):
        line.queue.put_nowait(offered(floor, f"leg{n}", f"+4860100000{n}"))
        line.queue.put_nowait(LegEnded(f"leg{n}", EndReason.CANCELLED, "far"))
    line.queue.put_nowait(offered(floor, "last"))
    line.queue.put_nowait(LinkDown())
    async with asyncio.timeout(60):
        while switchboard.counters["retried"] < 4:
            await asyncio.sleep(0.05)
    assert switchboard.behind
    assert line.taken == []
    await asyncio.sleep(5)
    assert line.taken == []
    other.execute("ROLLBACK")
    other.close()
    await line.done(11)
    assert not switchboard.behind
    assert switchboard.counters["failed"] == 0
    ended = sorted(await floor.all(Call), key=lambda call: call.id)
    assert [call.number[-1] for call in ended] == ["0", "1", "2", "3", "4", "7"], "in the order they came"
    assert [call.state for call in ended] == ["ended"] * 5 + ["offered"]
    assert {leg.state for leg in await floor.all(Leg) if leg.id != "last"} == {"ended"}


async def test_a_database_that_is_gone_and_comes_back_loses_nothing(floor: Floor, line: Line, switchboard: Switchboard) -> None:
    if floor.database.sqlite:
        pytest.skip("a file does not go away")
    url = make_url(floor.database.url)
    admin = create_async_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'))
        gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        await connection.execute(text(gone), {"name": url.database})
    line.queue.put_nowait(offered(floor, "one"))
    line.queue.put_nowait(LegEnded("one", EndReason.CANCELLED, "far"))
    line.queue.put_nowait(LinkDown())
    async with asyncio.timeout(60):
        while switchboard.counters["retried"] < 3:
            await asyncio.sleep(0.05)
    assert switchboard.behind
    assert line.taken == []
    async with admin.connect() as connection:
        await connection.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'))
    await admin.dispose()
    await line.done(2)
    assert (await floor.call_of("one")).state == "ended"
    assert switchboard.counters["failed"] == 0


def test_a_fault_in_our_own_statement_is_no_reason_to_wait() -> None:
    def failed(words: str) -> OperationalError:
        return OperationalError("SELECT", {}, sqlite3.OperationalError(words))

    assert away(failed("database is locked"))
    assert away(failed("disk I/O error"))
    assert not away(failed("no such table: calls"))
    assert not away(failed('near "SELCT": syntax error'))
    assert not away(ZeroDivisionError())
    assert away(ConnectionRefusedError())
