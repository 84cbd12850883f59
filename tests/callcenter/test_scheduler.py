"""The scheduler: exact wake-ups, each job once, failures kept and tried again."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select

from callcenter import clock, jobs, scheduler
from callcenter.db import Database, UnitOfWork
from callcenter.jobs import Job
from callcenter.scheduler import WORK, Scheduler


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Payloads of the jobs of kind "note" that ran."""
    seen: list[dict[str, Any]] = []

    async def note(_uow: UnitOfWork, payload: dict[str, Any]) -> None:
        seen.append(payload)

    monkeypatch.setitem(WORK, "note", note)
    return seen


@pytest.fixture
async def running(database: Database) -> AsyncIterator[Scheduler]:
    worker = Scheduler(database)
    database.after_commit.append(worker.committed)
    task = asyncio.create_task(worker.run())
    yield worker
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def put(database: Database, key: str, seconds: float = 0, kind: str = "note", **payload: Any) -> None:
    async with database.unit_of_work() as uow:
        await jobs.put(uow, key, kind, clock.now() + dt.timedelta(seconds=seconds), **payload)


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_job_runs_when_it_is_due_and_once(database: Database, ran: list[dict[str, Any]], running: Scheduler) -> None:
    await put(database, "late", 3600, n=2)
    await put(database, "now", 0, n=1)
    await until(lambda: ran)
    assert ran == [{"n": 1}]
    clock.shift(3601)
    await until(lambda: len(ran) > 1)
    assert ran == [{"n": 1}, {"n": 2}]
    async with database.reading() as uow:
        assert set(await uow.session.scalars(select(Job.key))) == {"sweep", "prune_mails", "sweep_files", "retention"}


async def test_a_commit_wakes_the_scheduler_without_waiting_for_its_next_look(
    database: Database, ran: list[dict[str, Any]], running: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "LONGEST_SLEEP", 3600.0)
    await put(database, "first", 0, n=1)
    await until(lambda: len(ran) == 1)
    await put(database, "second", 0, n=2)
    await until(lambda: len(ran) == 2)
    await put(database, "third", 0.3, n=3)
    await until(lambda: len(ran) == 3)


async def test_a_job_that_fails_keeps_its_error_and_is_tried_again_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    async def fail_twice(uow: UnitOfWork, payload: dict[str, Any]) -> None:
        tries.append(1)
        await jobs.put(uow, "half", "note", uow.now)
        if len(tries) < 3:
            raise ZeroDivisionError("on purpose")

    monkeypatch.setitem(WORK, "odd", fail_twice)
    worker = Scheduler(database)
    await put(database, "odd", kind="odd")
    assert await worker.run_due() == 1
    assert await worker.run_due() == 0, "not at once"
    async with database.reading() as uow:
        stored = list(await uow.session.scalars(select(Job)))
    assert [(job.key, "on purpose" in job.error, job.tries) for job in stored] == [("odd", True, 1)], "half its work is undone"
    clock.shift(3)
    assert await worker.run_due() == 1
    clock.shift(8)
    assert await worker.run_due() == 1
    assert len(tries) == 3
    assert worker.counters["failed"] == 2


async def test_a_job_moved_while_it_was_claimed_is_left_alone(database: Database, ran: list[dict[str, Any]]) -> None:
    worker = Scheduler(database)
    await put(database, "moved", n=1)
    claimed = await worker._claim()
    await put(database, "moved", 60, n=2)
    await worker._do(claimed[0])
    assert ran == []
    clock.shift(61)
    assert await worker.run_due() == 1
    assert ran == [{"n": 2}]


async def test_a_job_of_an_unknown_kind_fails_with_a_word_and_stops_nobody(database: Database, ran: list[dict[str, Any]]) -> None:
    worker = Scheduler(database)
    await put(database, "odd", -1, kind="nonsense")
    await put(database, "good", n=1)
    assert await worker.run_due() == 2
    assert ran == [{"n": 1}]


async def test_several_schedulers_do_each_job_once(database: Database, ran: list[dict[str, Any]]) -> None:
    for n in range(30):
        await put(database, f"job{n}", n=n)
    workers = [Scheduler(database) for _ in range(3)]

    async def work(worker: Scheduler) -> None:
        while await worker.run_due():
            pass

    await asyncio.gather(*(work(worker) for worker in workers))
    assert sorted(each["n"] for each in ran) == list(range(30))
