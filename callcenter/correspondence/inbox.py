"""Reads the mailbox customers answer to, for as long as the product runs.

The conversation runs in a thread of its own, so that a server that hangs holds up nobody; each step has a time limit, after
which the connection is cut. How far it has read is kept with what it has read, in one transaction: nothing twice, nothing
lost. After a fault it comes again, later each time; when the server refuses the password much later.
"""

import asyncio
import datetime as dt
import queue
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callcenter.correspondence import receiving
from callcenter.correspondence.imap import Broken, Folder, Message, Refused, Session
from callcenter.correspondence.models import Mailbox
from callcenter.db import Database, UnitOfWork, away
from callcenter.messages.addresses import one_line
from callcenter.patience import patiently

log = structlog.get_logger(__name__)

T = TypeVar("T")

STEP_SECONDS = 120.0  # for one step, a large message among them
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0  # seconds after a fault, doubled
REFUSED_WAIT, LONGEST_REFUSED_WAIT = 300.0, 3600.0  # the same when the password was refused
LOOK_BACK = dt.timedelta(days=2)  # when the server numbers its messages anew: what came since, those we have are known
FIRST_LOOK_BACK = dt.timedelta(days=7)  # of a mailbox never read before, what nobody has seen


def name_of(database: Database) -> str:
    """Return the name of the mailbox the settings name, "" for none."""
    settings = database.settings
    return f"{settings.imap_user}@{settings.imap}/{settings.imap_folder}" if settings.imap else ""


class Inbox:
    """Reads until cancelled. `counters`: received, faults, skipped."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settings = database.settings
        self._name = name_of(database)
        self.counters: Counter[str] = Counter({"received": 0, "faults": 0, "skipped": 0})

    async def run(self) -> None:
        """Read the mailbox until cancelled; without one, only wait to be cancelled."""
        if not self._name:
            await asyncio.Event().wait()
        failed, refused = 0, 0
        while True:
            before = self.counters["read"]
            try:
                await self.read_for_good()
            except (Broken, Refused, RuntimeError, ValueError, LookupError, SQLAlchemyError) as error:
                if not isinstance(error, Broken | Refused):  # a fault of ours about the mailbox must not end the product
                    log.exception("inbox.failed", mailbox=self._name)
                self.counters["faults"] += 1
                if self.counters["read"] > before:
                    failed = refused = 0
                wait = self._wait(error, failed, refused)
                failed, refused = failed + 1, refused + isinstance(error, Refused)
                await self._faulty(str(error), wait)
                await asyncio.sleep(wait)

    @staticmethod
    def _wait(error: Exception, failed: int, refused: int) -> float:
        if isinstance(error, Refused):
            return min(REFUSED_WAIT * float(1 << min(refused, 10)), LONGEST_REFUSED_WAIT)
        return min(FIRST_WAIT * float(1 << min(failed, 10)), LONGEST_WAIT)

    async def read_for_good(self, rounds: int | None = None) -> None:
        """Sign in and read what comes, again and again (`rounds` times); raises Broken or Refused."""
        line = _Line(Session(self._settings))
        try:
            await self._opened(line, await line.step(line.session.open))
            while rounds is None or rounds > 0:
                await self._round(line)
                rounds = None if rounds is None else rounds - 1
                if rounds != 0:
                    await asyncio.sleep(self._settings.imap_seconds)
                    await line.step(line.session.stay)
            await line.step(line.session.close)
        finally:
            line.end()

    async def _opened(self, line: "_Line", folder: Folder) -> None:
        """Find out where to go on: a folder that is numbered anew is looked through from two days before we were last there."""
        box = await self._box()
        if box is not None and box.uid_validity == folder.uid_validity:
            return
        if box is None:
            since, unseen = dt.datetime.now(dt.UTC) - FIRST_LOOK_BACK, True
        else:
            since, unseen = (box.checked_at or dt.datetime.now(dt.UTC)) - LOOK_BACK, False
            log.warning("inbox.numbered_anew", mailbox=self._name)
        for uid in await line.step(lambda: line.session.new(0, since.date(), unseen=unseen)):
            await self._take(line, uid, None)
        last = max(folder.uid_next - 1, 0)
        if not folder.uid_next:  # a server that does not say
            last = max(await line.step(lambda: line.session.new(0)), default=0)
        await self._keep(lambda uow: self._begin(uow, folder.uid_validity, last))

    async def _round(self, line: "_Line") -> None:
        box = await self._box()
        for uid in await line.step(lambda: line.session.new(box.last_uid if box else 0)):
            await self._take(line, uid, uid)
        self.counters["read"] += 1
        await self._keep(self._checked)

    async def _take(self, line: "_Line", uid: int, last_uid: int | None) -> None:
        """Keep one message, and with it that it was read; one that nothing can be made of is left, and does not stop others."""
        message = await line.step(lambda: line.session.fetch(uid, receiving.LARGEST))

        async def and_then(uow: UnitOfWork) -> None:
            if last_uid is not None:
                await self._advance(uow, last_uid)

        if message is None:  # deleted since
            await self._keep(and_then)
            return
        await self._store(message, uid, and_then)
        if self._settings.imap_mark_seen:
            await line.step(lambda: line.session.mark_seen(uid))

    async def _store(self, message: Message, uid: int, and_then: Callable[[UnitOfWork], Awaitable[None]]) -> None:
        try:
            email_id = await patiently(
                lambda: receiving.receive(
                    self._database, message.raw, arrived_at=message.arrived_at, cut=message.cut, and_then=and_then
                ),
                _away,
            )
            self.counters["received"] += email_id is not None
        except Exception as error:
            if away(error):
                raise
            log.exception("inbox.skipped", uid=uid, octets=len(message.raw))
            self.counters["skipped"] += 1
            await self._keep(and_then)

    async def _box(self) -> Mailbox | None:
        async with self._database.reading() as uow:
            return await uow.session.get(Mailbox, self._name)

    async def _keep(self, work: Callable[[UnitOfWork], Awaitable[None]]) -> None:
        async def once() -> None:
            async with self._database.unit_of_work() as uow:
                await work(uow)

        await patiently(once, _away)

    async def _row(self, uow: UnitOfWork) -> Mailbox:
        box = await uow.session.get(Mailbox, self._name, with_for_update=True)
        if box is None:
            box = Mailbox(name=self._name, uid_validity=0, last_uid=0, received=0, error="")
            uow.session.add(box)
        return box

    async def _begin(self, uow: UnitOfWork, uid_validity: int, last_uid: int) -> None:
        box = await self._row(uow)
        box.uid_validity, box.last_uid = uid_validity, last_uid

    async def _advance(self, uow: UnitOfWork, last_uid: int) -> None:
        box = await self._row(uow)
        box.last_uid, box.received = max(box.last_uid, last_uid), box.received + 1

    async def _checked(self, uow: UnitOfWork) -> None:
        box = await self._row(uow)
        box.checked_at, box.error, box.error_at = uow.now, "", None

    async def _faulty(self, words: str, wait: float) -> None:
        log.warning("inbox.fault", mailbox=self._name, reason=words, seconds=wait)

        async def note(uow: UnitOfWork) -> None:
            box = await self._row(uow)
            box.error, box.error_at = one_line(words), box.error_at or uow.now

        await self._keep(note)


class _Line:
    """Runs the session's steps in a thread, one after another, each for a limited time. No stop waits for the thread."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._loop = asyncio.get_running_loop()
        self._steps: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="inbox", daemon=True).start()

    async def step(self, work: Callable[[], T]) -> T:
        """Run a step; one that takes too long is cut off, and raises Broken."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._steps.put((work, future))
        try:
            async with asyncio.timeout(STEP_SECONDS):
                return await future
        except TimeoutError as error:
            self.session.abort()
            raise Broken("The mail server did not answer in time.") from error

    def end(self) -> None:
        """Cut the connection, whatever the thread waits for, and let the thread end."""
        self.session.abort()
        self._steps.put(None)

    def _work(self) -> None:
        while (given := self._steps.get()) is not None:
            work, future = given
            result: Any = None
            fault: BaseException | None = None
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - whoever waits for the step gets it
                fault = error
            with suppress(RuntimeError):  # the loop is gone, and with it everybody who waited
                self._loop.call_soon_threadsafe(_finish, future, result, fault)
        self.session.drop()


def _finish(future: "asyncio.Future[Any]", result: Any, fault: BaseException | None) -> None:
    if future.done():  # nobody waits any more
        return
    if fault is not None:
        future.set_exception(fault)
    else:
        future.set_result(result)


def _away(error: Exception, failed: int) -> None:
    if not failed:
        log.error("inbox.database_away", error=str(error)[:500])


async def test(database: Database) -> tuple[int, int]:
    """Sign in to the mailbox and count its messages, and those nobody has seen; raises Broken or Refused."""
    line = _Line(Session(database.settings))
    try:
        folder = await line.step(line.session.open)
        unseen = await line.step(line.session.unseen)
        await line.step(line.session.close)
    finally:
        line.end()
    return folder.messages, unseen
