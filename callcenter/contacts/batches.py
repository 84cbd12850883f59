"""Long work in short batches, so that calls get their turn between any two: files of contacts, and of phone meetings.

Each batch is a unit of work of its own that aims at half of 50 ms.
"""

import asyncio
import datetime as dt
import io
from collections.abc import AsyncGenerator, Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from callcenter import clock
from callcenter.contacts import csv_file
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound

T = TypeVar("T")

BATCH_SECONDS = 0.025
PAUSE_SECONDS = 0.005
ABANDONED = dt.timedelta(minutes=1)  # work that has not moved for so long lost its process
LARGEST_BATCH = 2000
_FIRST_BATCH = 20
_BATCHES_LOGGED = 10  # thirty contacts change some six hundred pages of SQLite's file, most of them of the search index


def aim(size: int, took: float, at_least: int = 1, at_most: int = LARGEST_BATCH) -> int:
    """Return how many rows the next batch has, when the last one had `size` and took so many seconds."""
    return max(at_least, min(at_most, int(size * min(2.0, max(0.25, BATCH_SECONDS / max(took, 0.001))))))


class Pace:
    """How many rows fit into a batch, learnt from how long the last one took.

    Never fewer than `at_least`: where the machine is busy and everything slow, smaller ones would only be more of them. Never
    more than `at_most`: what goes before the batch takes its time, too.
    """

    def __init__(self, database: Database, at_least: int = 1, at_most: int = LARGEST_BATCH) -> None:
        self.size = _FIRST_BATCH
        self._at_most = at_most
        self._database = database
        self._at_least = at_least
        self._batches = 0
        self._began = 0.0

    def begin(self) -> None:
        """A batch begins."""
        self._began = clock.monotonic()

    def end(self) -> None:
        """A batch is committed: aim the next one at BATCH_SECONDS."""
        self.size = aim(self.size, clock.monotonic() - self._began, self._at_least, self._at_most)
        self._batches += 1

    async def breathe(self, progress: Callable[[T], None] | None, moved: T) -> None:
        """Say how far the work is and let others have the writer.

        Now and then SQLite's log is emptied meanwhile: left to grow it would be emptied in a commit, in the loop.
        """
        if progress is not None:
            progress(moved)
        if self._batches % _BATCHES_LOGGED == 0:
            await self._database.empty_log()
        await asyncio.sleep(PAUSE_SECONDS)


class Moving(Protocol):
    """A file on its way in: a row of contacts.models.Import or meetings.models.MeetingImport."""

    state: Any
    touched_at: Any
    finished_at: Any
    error: Any
    error_values: Any


M = TypeVar("M", bound=Moving)


async def moving(
    uow: UnitOfWork, kind: type[M], import_id: int, states: Collection[str], may: Callable[[M], bool] = lambda _: True
) -> M:
    """Return an import for a change, locked until the commit; raises Conflict unless it is in one of the states.

    Raises NotFound when there is none that the actor `may` change.
    """
    found = await uow.session.get(kind, import_id, with_for_update=True)
    if found is None or not may(found):
        raise NotFound("There is no such import.")
    if found.state not in states:
        raise Conflict("This import is {state} now; that cannot be done.", state=found.state)
    found.touched_at = uow.now
    return found


def end_failed(uow: UnitOfWork, found: Moving, why: CallCenterError) -> None:
    """End an import with the sentence of an error."""
    found.state, found.finished_at = "failed", uow.now
    found.error, found.error_values = why.sentence, {name: str(value) for name, value in why.values.items()}


def open_source(source: Path | bytes) -> BinaryIO:
    """Open a file, or octets, to be imported; raises Invalid when it is not there or too large."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size if source.is_file() else -1
    if size < 0:
        raise Invalid("There is no file {name}.", field="file", name=str(source))
    if size > csv_file.MAXIMUM_BYTES:
        raise Invalid("The file is larger than {limit} MB. Split it.", field="file", limit=csv_file.MAXIMUM_BYTES >> 20)
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


async def taken(database: Database, take: Callable[[int], list[T]], pace: Pace) -> AsyncGenerator[list[T]]:
    """Yield what a thread reads, as many as fit into a batch, until nothing is left; close it (contextlib.aclosing).

    On PostgreSQL, whose server works while this process waits, the next batch is read meanwhile.
    """
    following: asyncio.Future[list[T]] | None = None
    try:
        while some := await (following or in_thread(partial(take, pace.size))):
            following = None if database.sqlite else asyncio.ensure_future(in_thread(partial(take, pace.size)))
            yield some
    finally:
        if following is not None:
            following.cancel()
            await asyncio.wait([following])


async def in_thread(work: Callable[[], T]) -> T:
    """Do what reads the file in a thread; stopped meanwhile, wait until the thread has let go of the file."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
