"""The unit of work, durable messages and due work, on both databases."""

import asyncio
import contextlib
import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import column, event, insert, select, table, text

from callcenter import clock, inbox, jobs, sqlite_inline
from callcenter.db import Committed, Database, UnitOfWork
from callcenter.events import AgentStateChanged, CallOffered, CallWithdrawn, Notice, SwitchState
from callcenter.facts import AgentChanged, Fact
from callcenter.phone import Drain
from callcenter.postgresql_binary import BINARY
from callcenter.users.models import AuditEntry, User
from tests.postgres import repeating_subqueries


async def add_user(database: Database, login: str = "anna") -> int:
    async with database.unit_of_work() as uow:
        user = User(login=login, name=login, role="consultant", password_hash="", created_at=uow.now)
        uow.session.add(user)
        await uow.session.flush()
        return user.id


async def test_commands_and_messages_leave_after_the_commit_and_never_after_a_rollback(database: Database) -> None:
    left: list[Committed] = []
    database.after_commit.append(left.append)
    user_id = await add_user(database)
    left.clear()
    async with database.unit_of_work() as uow:
        uow.send(Drain())
        uow.emit(Notice(level="info", sentence="one"), [user_id])
        uow.emit(SwitchState(up=True), None)
        assert left == []
    assert [type(each) for each in left[0].commands] == [Drain]
    assert left[0].outgoing[0].seq == {user_id: 1}
    left.clear()
    with pytest.raises(RuntimeError, match="on purpose"):
        async with database.unit_of_work() as uow:
            uow.send(Drain())
            uow.emit(Notice(level="info", sentence="two"), [user_id])
            raise RuntimeError("on purpose")
    assert left == []
    async with database.reading() as uow:
        assert [(row.seq, row.data["sentence"]) for row in await inbox.after(uow, user_id, 0)] == [(1, "one")]


async def test_a_pop_up_goes_before_the_state_it_brought_and_after_all_else(database: Database) -> None:
    left: list[Committed] = []
    user_id = await add_user(database)
    database.after_commit.append(left.append)
    state = AgentStateChanged(user_id=user_id, state="offered", since=clock.now())
    pop_up = CallOffered(
        call_id="c", offer_id="o", number="", number_shown="", identification="off", offered_at=clock.now(), candidates=[]
    )
    async with database.unit_of_work() as uow:
        for message in (state, CallWithdrawn(call_id="c", reason="timeout"), state, state, pop_up, pop_up):
            uow.emit(message, [user_id])
    [committed] = left
    kinds = [each.event.TYPE for each in committed.outgoing]
    assert kinds == ["agent.state", "call.withdrawn", "call.offered", "call.offered", "agent.state", "agent.state"]
    assert [each.seq[user_id] for each in committed.outgoing] == [1, 2, 3, 4, 5, 6]


async def test_messages_are_numbered_without_gaps_under_concurrent_writers(database: Database) -> None:
    user_ids = [await add_user(database, f"user{n}") for n in range(3)]

    async def write(n: int) -> None:
        async with database.unit_of_work() as uow:
            uow.emit(Notice(level="info", sentence=str(n)), reversed(user_ids) if n % 2 else user_ids)
            uow.emit(Notice(level="info", sentence=f"{n} again"), [user_ids[n % 3]])

    await asyncio.gather(*(write(n) for n in range(20)))
    async with database.reading() as uow:
        for user_id in user_ids:
            rows = await inbox.after(uow, user_id, 0)
            assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
            assert await inbox.last_seq(uow, user_id) == len(rows)


async def test_a_row_is_asked_for_once_in_a_unit_of_work(database: Database) -> None:
    user_id = await add_user(database)
    asked: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    async with database.unit_of_work() as uow:
        for _ in range(3):
            assert (await uow.session.get_one(User, user_id)).login == "anna"
    assert sum("FROM users" in statement for statement in asked) == 1


async def test_lines_are_written_with_the_commit_and_those_of_what_failed_never(database: Database) -> None:
    async def line(uow: UnitOfWork, action: str) -> None:
        uow.write_line(AuditEntry, at=uow.now, actor_name="anna", action=action, detail={})

    async with database.unit_of_work() as uow:
        await line(uow, "first")
        with contextlib.suppress(RuntimeError):
            async with uow.apart():
                await line(uow, "undone")
                raise RuntimeError("on purpose")
        await line(uow, "second")
    with contextlib.suppress(RuntimeError):
        async with database.unit_of_work() as uow:
            await line(uow, "rolled back")
            raise RuntimeError("on purpose")
    async with database.reading() as uow:
        entries = await uow.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        assert [each.action for each in entries] == ["first", "second"]


async def test_a_part_that_fails_gives_back_the_facts_it_replaced(database: Database) -> None:
    heard: list[Fact] = []

    async def hear(_: UnitOfWork, fact: Fact) -> None:
        heard.append(fact)

    database.reactions.append(hear)
    async with database.unit_of_work() as uow:
        uow.note(AgentChanged(1, "ready"))
        uow.note(AgentChanged(2, "ready"))
        uow.note(AgentChanged(1, "on_call"))
        with contextlib.suppress(RuntimeError):
            async with uow.apart():
                uow.note(AgentChanged(2, "on_call"))
                raise RuntimeError("on purpose")
    assert heard == [AgentChanged(2, "ready"), AgentChanged(1, "on_call")]


async def test_a_job_is_claimed_once_moved_by_putting_it_again_and_finished_by_its_claimer_only(database: Database) -> None:
    async with database.unit_of_work() as uow:
        await jobs.put(uow, "offer:1", "offer_timeout", uow.now - dt.timedelta(seconds=1), offer_id="1")
        await jobs.put(uow, "later", "offer_timeout", uow.now + dt.timedelta(hours=1))

    async def claim() -> list[tuple[str, int]]:
        async with database.unit_of_work() as uow:
            return [(job.key, job.fence) for job in await jobs.claim(uow)]

    claimed = [each for batch in await asyncio.gather(*(claim() for _ in range(4))) for each in batch]
    assert [key for key, _ in claimed] == ["offer:1"]
    async with database.unit_of_work() as uow:
        await jobs.put(uow, "offer:1", "offer_timeout", uow.now + dt.timedelta(seconds=5))
    async with database.unit_of_work() as uow:
        assert not await jobs.finish(uow, *claimed[0])
    clock.shift(3601)
    assert sorted(key for key, _ in await claim()) == ["later", "offer:1"]
    clock.shift(3700)
    assert len(await claim()) == 2, "a lease that ran out is claimed again"


async def test_a_reader_cannot_write_on_sqlite(database: Database) -> None:
    if not database.sqlite:
        return
    async with database.reading() as uow:
        uow.session.add(User(login="x", name="x", role="consultant", password_hash="", created_at=uow.now))
        with pytest.raises(Exception, match="readonly"):
            await uow.session.flush()


async def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    await add_user(database)
    async with database.reading() as uow:
        user = (await uow.session.scalars(select(User))).one()
    assert user.created_at.utcoffset() == dt.timedelta(0)


async def test_waiting_for_another_process_does_not_stop_the_loop_and_a_commit_follows(database: Database) -> None:
    if not database.sqlite:
        return
    await add_user(database)
    foreign = sqlite3.connect(database.url.partition(":///")[2], isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(add_user(database, "second"))
    turns = 0
    for _ in range(50):
        await asyncio.sleep(0.002)
        turns += 1
    assert not writing.done()
    assert turns == 50
    foreign.execute("COMMIT")
    foreign.close()
    assert await writing


async def test_the_log_is_moved_into_the_file_while_commits_go_on(database: Database) -> None:
    if not database.sqlite:
        return
    path = Path(database.url.partition(":///")[2])
    for n in range(2 * sqlite_inline.COMMITS_PER_CHECKPOINT + 1):
        await add_user(database, f"user{n}")

    def in_the_file() -> int:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as alone:  # without the log
            try:
                return int(alone.execute("SELECT count(*) FROM users").fetchone()[0])
            except sqlite3.DatabaseError:  # half moved: the thread is at it
                return 0

    async with asyncio.timeout(60):
        while in_the_file() < sqlite_inline.COMMITS_PER_CHECKPOINT:
            await asyncio.sleep(0.01)


async def test_no_more_jobs_are_claimed_than_wanted_however_postgresql_plans_it(tables_url: str, database_kind: str) -> None:
    database = Database(tables_url + repeating_subqueries(database_kind))
    async with database.unit_of_work() as uow:
        for number in range(10):
            await jobs.put(uow, f"offer:{number}", "offer_timeout", uow.now)
    async with database.unit_of_work() as uow:
        assert len(await jobs.claim(uow, 3)) == 3
    await database.close()


async def test_octets_come_as_they_are_where_a_statement_asks_for_it(database: Database) -> None:
    formats: list[int] = []

    def heard(_connection: Any, cursor: Any, *_: Any) -> None:
        formats.append(0 if database.sqlite else int(cursor._cursor.format))

    event.listen(database.reader.sync_engine, "after_cursor_execute", heard)
    query = text("SELECT key, block, bits FROM contact_postings WHERE key = :key")
    row = ("T=1", 7, bytes(range(256)))
    async with database.unit_of_work() as uow:
        await uow.session.execute(insert(table("contact_postings", *map(column, ("key", "block", "bits")))).values(row))
    async with database.reading() as uow:
        connection = await uow.session.connection()
        formats.clear()
        plain = (await connection.execute(query, {"key": "T=1"})).all()
        binary = (await connection.execute(query, {"key": "T=1"}, execution_options=BINARY)).all()
    assert [tuple(each) for each in plain] == [tuple(each) for each in binary] == [row]
    assert formats == ([0, 0] if database.sqlite else [0, 1])
