"""SQLite in the event loop's own thread, in the shape of aiosqlite, for the one connection that writes.

A statement of ours takes tens of microseconds; handing each to a thread and back costs several times that, and far more
beside a busy core (docs/decisions/0007). Only short statements may run here: long reading goes through Database.reading,
which keeps its threads. Waiting for another process's lock is done with sleeps, so the loop goes on meanwhile.
SQLAlchemy takes this through the `async_creator_fn` of its aiosqlite dialect.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar

T = TypeVar("T")

BACKSTOP_PAGES = 16_000  # SQLite checkpoints by itself, in the loop's thread, only when ours did not keep up
_RETRY_SECONDS = 0.005
COMMITS_PER_CHECKPOINT = 200


class InlineCursor:
    """A cursor whose coroutines never wait, but for a lock that another process holds."""

    def __init__(self, cursor: sqlite3.Cursor, patiently: Callable[..., Any]) -> None:
        self._cursor = cursor
        self._patiently = patiently

    async def __aenter__(self) -> Self:
        """Give the cursor itself."""
        return self

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement."""
        await self._patiently(lambda: self._cursor.execute(operation, parameters))

    async def executemany(self, operation: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters."""
        rows = list(parameters)
        await self._patiently(lambda: self._cursor.executemany(operation, rows))

    async def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._cursor.fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows."""
        return self._cursor.fetchmany(size or self._cursor.arraysize)

    async def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Free the cursor."""
        self._cursor.close()

    @property
    def description(self) -> Any:
        """The columns of the result, as PEP 249 says."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The id of the row inserted last."""
        return self._cursor.lastrowid


class InlineConnection:
    """A connection in autocommit mode: BEGIN, COMMIT and ROLLBACK are statements of ours."""

    isolation_level = None

    def __init__(self, connection: sqlite3.Connection, patience_seconds: float) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._patience = patience_seconds

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("connection closed")
        return self._connection

    def cursor(self) -> InlineCursor:
        """Return a new cursor."""
        return InlineCursor(self._open.cursor(), self._patiently)

    async def commit(self) -> None:
        """Commit what is open."""
        await self._patiently(self._open.commit)

    async def rollback(self) -> None:
        """Undo what is open."""
        self._open.rollback()

    async def close(self) -> None:
        """Close the connection; safe to repeat."""
        self.stop()

    def stop(self) -> None:
        """Close at once."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        """Give SQL a function of ours (SQLAlchemy registers REGEXP)."""
        self._open.create_function(*arguments, **options)

    async def _patiently(self, work: Callable[[], T]) -> T:
        """Do it, trying again while another process holds the lock, up to the connection's patience."""
        deadline = asyncio.get_running_loop().time() + self._patience
        while True:
            try:
                return work()
            except sqlite3.OperationalError as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                locked = code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not locked or asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(_RETRY_SECONDS)


def creator(patience_seconds: float) -> Callable[..., Any]:
    """Return what `create_async_engine(connect_args={"async_creator_fn": ...})` wants."""

    async def connect(database: str, **_options: Any) -> InlineConnection:
        connection = sqlite3.connect(database, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=512)
        return InlineConnection(connection, patience_seconds)

    return connect


class Checkpoints:
    """Moves the write-ahead log into the database file from a thread: it waits for the disk, which the loop must not."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._commits = 0
        self._running: asyncio.Task[None] | None = None

    def committed(self) -> None:
        """Count a commit; every couple of hundred a checkpoint starts, unless one still runs."""
        self._commits += 1
        if self._commits >= COMMITS_PER_CHECKPOINT:
            self._start()

    def _start(self) -> asyncio.Task[None]:
        """Start a checkpoint, unless one runs; returns it."""
        if self._running is None or self._running.done():
            self._commits = 0
            self._running = asyncio.create_task(asyncio.to_thread(self._checkpoint))
        return self._running

    async def run(self) -> None:
        """Make a checkpoint now and wait for it, or for the one that runs."""
        await asyncio.wait([self._start()])

    async def close(self) -> None:
        """Wait for one that runs."""
        if self._running is not None:
            await asyncio.wait([self._running])

    def _checkpoint(self) -> None:
        """Move what no reader needs any more; a database that is locked or gone is left for the next time."""
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(self._path, timeout=0)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
