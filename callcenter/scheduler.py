"""Runs what is due: offers that time out, wrap-ups that end, pages that stayed away, meetings, the sweep, old mails."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from sqlalchemy import select, update

from callcenter import clock, jobs
from callcenter.calls import service as calls
from callcenter.calls.offers import ask_again
from callcenter.calls.reconcile import SWEEP_SECONDS
from callcenter.campaigns import answering, going, previews
from callcenter.campaigns import engine as campaigns
from callcenter.contacts import following, leaving, replacing
from callcenter.db import Committed, Database, UnitOfWork, away
from callcenter.files import service as files
from callcenter.jobs import Job
from callcenter.meetings import attempts, due, engine, invitations, renaming
from callcenter.messages import pruning
from callcenter.patience import patiently
from callcenter.privacy import retention
from callcenter.texts import service as texts
from callcenter.tickets import reminding as tickets
from callcenter.trunks import service as trunks

log = structlog.get_logger(__name__)

T = TypeVar("T")
Work = Callable[[UnitOfWork, dict[str, Any]], Awaitable[None]]


async def _sweep(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Mend meetings and campaigns first: the sweep of calls frees agents whose countdown has no job."""
    await engine.sweep(uow, payload)
    await campaigns.sweep(uow, payload)
    await calls.sweep(uow, payload)


async def _prune_mails(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Delete old mails, but for those the meetings still read."""
    await pruning.prune(uow, payload, invitations.needed)


WORK: dict[str, Work] = {
    "offer_timeout": calls.offer_timeout,
    "ask_again": ask_again,
    "max_wait": calls.max_wait_over,
    "wrap_up": calls.wrap_up_over,
    "station_grace": calls.station_grace_over,
    "away_call": calls.away_call_over,
    "announcement": calls.announcement_overdue,
    "unknown_leg": calls.unknown_leg,
    "sweep": _sweep,
    "meetings": due.tick,
    "countdown": attempts.countdown_over,
    going.JOB: answering.time_over,
    previews.JOB: previews.time_over,
    renaming.JOB: renaming.find_by_new_name,
    following.JOB: following.go_on,
    leaving.JOB: leaving.go_on,
    "configure_trunks": trunks.tell_switch,
    pruning.KIND: _prune_mails,
    files.KIND: files.sweep,
    replacing.KIND: replacing.step,
    retention.KIND: retention.work,
    texts.UNKNOWN: texts.give_up,
    tickets.JOB: tickets.remind,
}

LONGEST_SLEEP = 1.0  # seconds: jobs put by other processes are seen after this at the latest
_LONGEST_RETRY = 300  # seconds between tries of a job that fails
_PUT_BACK = 5.0  # seconds the clock must have gone back before what looks after everything comes at once
_LOOKING_AFTER = ("sweep", "meetings", "countdown", going.JOB, previews.JOB)  # jobs that may come too early


class Scheduler:
    """Sleeps until the next job is due, or is woken, and runs what is due: each job and its end in one transaction.

    A job that fails keeps its error and is tried again after 2, 4, 8 ... seconds. `counters`: done, failed, retried.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._woken = asyncio.Event()
        self._until = clock.now()
        self._clocks = (clock.now(), clock.monotonic())
        self.counters: Counter[str] = Counter({"done": 0, "failed": 0, "retried": 0})

    def wake(self, at: dt.datetime) -> None:
        """Be awake at `at`."""
        if at < self._until:
            self._woken.set()

    def committed(self, committed: Committed) -> None:
        """Take the times a transaction made work due at (an after-commit listener)."""
        if committed.due:
            self.wake(min(committed.due))

    async def run(self) -> None:
        """Run what is due until cancelled; the first sweep, and a look at old mails, come soon after the start."""
        await self._patiently(self._first_sweep)
        while True:
            self._woken.clear()
            self._until = dt.datetime.max.replace(tzinfo=dt.UTC)  # whatever is put while we look wakes us
            await self._watch_clock()
            due = await self._patiently(self._next_due)
            now = clock.now()
            if due is not None and due <= now and await self.run_due():
                continue
            await self._sleep(due, now)  # read once: what is put meanwhile wakes us

    async def run_due(self) -> int:
        """Run everything that is due now, once; returns how many jobs that were."""
        await self._watch_clock()
        claimed = await self._patiently(self._claim)
        for job in claimed:
            await self._patiently(lambda job=job: self._do(job))  # type: ignore[misc]  # bound now, run now
        return len(claimed)

    async def _watch_clock(self) -> None:
        """Look after everything at once when the clock was put back: what was due soon would wait for as long again."""
        before, now = self._clocks, (clock.now(), clock.monotonic())
        self._clocks = now
        back = (now[1] - before[1]) - (now[0] - before[0]).total_seconds()
        if back > _PUT_BACK and now[0] < before[0]:
            log.warning("scheduler.clock_put_back", seconds=round(back))
            await self._patiently(self._look_after)

    async def _look_after(self) -> None:
        async with self._database.unit_of_work() as uow:
            waiting = update(Job).where(Job.kind.in_(_LOOKING_AFTER), Job.due_at > uow.now)
            await uow.session.execute(waiting.values(due_at=uow.now, leased_until=None, fence=Job.fence + 1))

    async def _sleep(self, due: dt.datetime | None, now: dt.datetime) -> None:
        """Wait for `due`, for LONGEST_SLEEP at most: also when it was due at `now` already, and others hold it."""
        seconds = LONGEST_SLEEP if due is None or due <= now else min(LONGEST_SLEEP, (due - now).total_seconds())
        self._until = now + dt.timedelta(seconds=seconds)
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _first_sweep(self) -> None:
        async with self._database.unit_of_work() as uow:
            await jobs.put(uow, "sweep", "sweep", uow.now + dt.timedelta(seconds=SWEEP_SECONDS))
            await jobs.put(uow, pruning.KIND, pruning.KIND, uow.now + pruning.FIRST)
            await jobs.put(uow, files.KIND, files.KIND, uow.now + pruning.FIRST)
            await jobs.put(uow, retention.KIND, retention.KIND, uow.now + retention.FIRST)

    async def _next_due(self) -> dt.datetime | None:
        async with self._database.reading() as uow:
            return await jobs.next_due(uow)

    async def _claim(self) -> list[Job]:
        async with self._database.unit_of_work() as uow:
            return await jobs.claim(uow)

    async def _do(self, job: Job) -> None:
        """Run a job and finish it in one transaction; one that was moved or dropped since it was claimed is left."""
        try:
            async with self._database.unit_of_work() as uow:
                held = select(Job.key).where(Job.key == job.key, Job.fence == job.fence)
                if await uow.session.scalar(held) is None:
                    return
                await WORK[job.kind](uow, job.payload)
                await jobs.finish(uow, job.key, job.fence)
        except Exception as error:
            if away(error):
                raise
            await self._failed(job, error)
        else:
            self.counters["done"] += 1

    async def _failed(self, job: Job, error: Exception) -> None:
        """Keep why a job failed and when to try again."""
        self.counters["failed"] += 1
        log.exception("scheduler.job_failed", key=job.key, kind=job.kind, tries=job.tries)
        async with self._database.unit_of_work() as uow:
            again = uow.now + dt.timedelta(seconds=min(2**job.tries, _LONGEST_RETRY))
            changed = update(Job).where(Job.key == job.key, Job.fence == job.fence)
            await uow.session.execute(changed.values(error=repr(error)[:1000], leased_until=None, due_at=again))

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """Run a step, again and again while the database is away."""
        return await patiently(step, self._away)

    def _away(self, error: Exception, failed: int) -> None:
        if not failed:
            log.error("scheduler.database_away", error=str(error)[:500])
        self.counters["retried"] += 1
