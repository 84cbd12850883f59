"""The database: engines, the declarative base, and `unit_of_work`, the only place that commits.

A unit of work carries the actor. Commands to the switch and messages to browsers are collected in it and leave only
after the commit; a rollback drops them. On SQLite one writer lock per process comes before BEGIN IMMEDIATE (with
busy_timeout alone eight writers waited ten times longer), and readers use a second engine that cannot write.
"""

import asyncio
import datetime as dt
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableSequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import JSON, DateTime, Dialect, MetaData, Table, Text, event, insert
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from callcenter import clock, postgresql_binary, sqlite_inline
from callcenter.actor import SYSTEM, Actor
from callcenter.config import Settings
from callcenter.events import LiveEvent, Transient
from callcenter.facts import Fact
from callcenter.phone import Command

BUSY_MILLISECONDS = 5000
CACHE_KILOBYTES = 1000  # of each SQLite connection: the system keeps the file's pages too (docs/decisions/0006-figures.md)


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware datetime in UTC, on both databases; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Refuse naive values and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime reached the database")
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Give back an aware value in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Base(DeclarativeBase):
    """The base of all tables; names of constraints are fixed so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {dt.datetime: UtcDateTime(), str: Text(), dict[str, Any]: JSON(), list[Any]: JSON()}


class _Session(Session):
    """Holds what it has loaded to its end, so that asking for a row again asks no database: a unit of work is short."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.held: list[object] = []


@event.listens_for(_Session, "loaded_as_persistent")
@event.listens_for(_Session, "pending_to_persistent")
def _hold(session: Any, loaded: object) -> None:
    session.held.append(loaded)


@dataclass(slots=True)
class Outgoing:
    """A message and the ids of the users it is for; `None` means everybody who is connected (transient only)."""

    event: LiveEvent
    recipients: tuple[int, ...] | None
    seq: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Committed:
    """What leaves after a commit: commands for the switch in order, messages for browsers, times at which work is due.

    `at` is the transaction's time, the same one the stored messages carry. `facts` are those that were reacted to.
    """

    commands: list[Command] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    due: list[dt.datetime] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    at: dt.datetime = field(default_factory=clock.now)


class UnitOfWork:
    """One transaction on behalf of one actor. Services take it first; none of them commits."""

    def __init__(self, session: AsyncSession, actor: Actor, database: "Database") -> None:
        self.session = session
        self.actor = actor
        self.database = database
        self.now = clock.now()
        self.committed = Committed(at=self.now)
        self.facts: deque[Fact] = deque()
        self.lines: list[tuple[type[Base], dict[str, Any]]] = []

    def note(self, fact: Fact) -> None:
        """Let those above hear, before the commit, of what happened here (`Database.reactions`)."""
        for earlier in [each for each in self.facts if fact.replaces(each)]:
            self.facts.remove(earlier)
        self.facts.append(fact)

    def send(self, command: Command) -> None:
        """Send a command to the switch once the transaction is committed."""
        self.committed.commands.append(command)

    def emit(self, message: LiveEvent, recipients: Iterable[int] | None) -> None:
        """Tell browsers once the transaction is committed; durable messages need named recipients."""
        chosen = None if recipients is None else tuple(dict.fromkeys(recipients))
        if chosen is None and not isinstance(message, Transient):
            raise ValueError("a durable message needs recipients")
        if chosen == ():
            return
        outgoing = self.committed.outgoing
        place = len(outgoing)
        while message.URGENT and place and outgoing[place - 1].event.YIELDING:
            place -= 1  # the page paints what comes first a frame earlier
        outgoing.insert(place, Outgoing(message, chosen))

    def due(self, at: dt.datetime) -> None:
        """Wake the scheduler at `at`, once committed."""
        self.committed.due.append(at)

    def write_line(self, table: type[Base], **values: Any) -> None:
        """Write a row just before the commit, all of a table at once: for logs, which nobody reads in the same transaction."""
        self.lines.append((table, values))

    async def flush_lines(self) -> None:
        """Write the lines that are kept."""
        lines, self.lines = self.lines, []
        for table in dict.fromkeys(table for table, _ in lines):
            rows = insert(cast("Table", table.__table__))
            await self.session.execute(rows, [values for each, values in lines if each is table])

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[None]:
        """Run a part that may fail by itself: an error undoes it alone, with the commands, messages and facts it left."""
        leaving: tuple[MutableSequence[Any], ...] = (
            self.committed.commands,
            self.committed.outgoing,
            self.committed.due,
            self.committed.facts,
            self.facts,
            self.lines,
        )
        before = [list(each) for each in leaving]
        try:
            async with self.session.begin_nested():
                yield
        except BaseException:
            for each, kept in zip(leaving, before, strict=True):
                each.clear()
                each.extend(kept)
            raise


BeforeCommit = Callable[[UnitOfWork], Awaitable[None]]
Reaction = Callable[[UnitOfWork, Fact], Awaitable[None]]
Feeder = Callable[[UnitOfWork, int], Awaitable[bool]]
AfterCommit = Callable[[Committed], None]


class Database:
    """The engines, the listeners around a commit, and what the composition (wiring.py) joins from above.

    `before_commit` callbacks are awaited inside the transaction (events.store writes messages there); `after_commit`
    callbacks are plain functions called in order once it stands (the link, the live hub, the scheduler). `reactions` hear
    of facts noted in a transaction. `before_queue` are asked in order for work for an agent (user id) who is free, before
    callers who wait; the first that says True had some. `settings` are what services read (region, grace times, where the
    key lies).
    """

    def __init__(self, url: str, *, pool_size: int = 10, settings: Settings | None = None) -> None:
        self.url = url
        self.settings = settings or Settings()
        self.sqlite = url.startswith("sqlite")
        self.before_commit: list[BeforeCommit] = []
        self.after_commit: list[AfterCommit] = []
        self.reactions: list[Reaction] = []
        self.before_queue: list[Feeder] = []
        self._writer = asyncio.Lock()
        self._checkpoints = sqlite_inline.Checkpoints(url.partition(":///")[2]) if self.sqlite else None
        if self.sqlite:
            inline = {"async_creator_fn": sqlite_inline.creator(BUSY_MILLISECONDS / 1000)}
            self.engine = create_async_engine(url, pool_size=1, max_overflow=0, connect_args=inline)
            self.reader = create_async_engine(url, pool_size=pool_size, max_overflow=0, pool_use_lifo=True)  # few, warm ones
            _sqlite_rules(self.engine, begin="BEGIN IMMEDIATE")
            _sqlite_rules(self.reader, begin="BEGIN", read_only=True)
        else:
            self.engine = create_async_engine(url, pool_size=pool_size, max_overflow=10, pool_pre_ping=True)
            self.reader = self.engine
            postgresql_binary.allow(self.engine)

    @asynccontextmanager
    async def unit_of_work(self, actor: Actor = SYSTEM) -> AsyncIterator[UnitOfWork]:
        """Run a transaction that may write; commits on leaving, rolls back on any error."""
        lock = self._writer if self.sqlite else nullcontext()
        async with lock, AsyncSession(self.engine, expire_on_commit=False, sync_session_class=_Session) as session:
            uow = UnitOfWork(session, actor, self)
            yield uow
            await self.react(uow)
            await session.flush()
            await uow.flush_lines()
            for listener in self.before_commit:
                await listener(uow)
            await session.commit()
        for after in self.after_commit:
            after(uow.committed)
        if self._checkpoints is not None:
            self._checkpoints.committed()

    async def react(self, uow: UnitOfWork) -> None:
        """Let the reactions hear of each fact now, also of those they bring about; before the commit it happens by itself."""
        while uow.facts:
            fact = uow.facts.popleft()
            uow.committed.facts.append(fact)
            for reaction in self.reactions:
                await reaction(uow, fact)

    @asynccontextmanager
    async def reading(self, actor: Actor = SYSTEM) -> AsyncIterator[UnitOfWork]:
        """Run queries only; takes no lock and writes nothing."""
        async with AsyncSession(self.reader, expire_on_commit=False) as session:
            yield UnitOfWork(session, actor, self)

    async def empty_log(self) -> None:
        """Let SQLite's write-ahead log be emptied in a thread, and wait for it; who writes much at once does so now and then."""
        if self._checkpoints is not None:
            await self._checkpoints.run()

    async def close(self) -> None:
        """Close all connections."""
        if self._checkpoints is not None:
            await self._checkpoints.close()
        await self.engine.dispose()
        if self.reader is not self.engine:
            await self.reader.dispose()


def away(error: BaseException) -> bool:
    """Tell whether an error means that the database is locked, restarting or gone, so that trying again makes sense."""
    if isinstance(error, OperationalError):
        text = str(error.orig)  # SQLite says so of faults in our statements, too
        return not text.startswith("no such") and "syntax error" not in text and "has no column" not in text
    if isinstance(error, InterfaceError | PoolTimeout | ConnectionError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _sqlite_rules(engine: AsyncEngine, *, begin: str, read_only: bool = False) -> None:
    """Give every SQLite connection WAL, foreign keys and our own BEGIN."""

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: DBAPIConnection, _record: object) -> None:
        if read_only:
            connection.isolation_level = None  # sqlite3 then leaves BEGIN to us
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA cache_size=-{CACHE_KILOBYTES}")
        if read_only:
            cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
            cursor.execute("PRAGMA query_only=ON")
        else:
            cursor.execute(f"PRAGMA wal_autocheckpoint={sqlite_inline.BACKSTOP_PAGES}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)
