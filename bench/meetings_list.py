"""The list of phone meetings with three filters, on a million planned ones: server time of list_meetings.

Both databases are filled in bulk with the same meetings: 20 projects, 200 consultants, most meetings to come, the rest over.
Typed text beside two filters is told apart: rare, common, nowhere, and only on meetings the filters leave out.
Each combination of filters is asked for its first page and one further down, in turns; SQLite makes no statistics, PostgreSQL's
are made once as its autovacuum does.
"""

import asyncio
import datetime as dt
import importlib
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from bench.figures import Run, percentile, spread
from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.meetings import search, service
from callcenter.meetings.forms import MeetingFilter
from callcenter.meetings.models import Meeting
from callcenter.models import Base
from tests import postgres

MEETINGS = 1_000_000
PROJECTS, CONSULTANTS, CONTACTS = 20, 200, 50_000
ROUNDS = 15
_OPEN = ["planned", "due", "dialling", "in_talk", "retry_wait", "uncertain"]
_OVER = ["held", "missed", "cancelled", "not_held", "rescheduled"]
_NAMES = (
    "id name mode state number from_at to_at information project_id user_id contact_id contact_name folded created_by created_at"
    " updated_at version next_at waiting waiting_values attempts outcome_note reason sequence invited"
)
# What the benchmark does not care about, as the product fills it in.
_REST = {
    column.name: column.default.arg
    for column in Meeting.__table__.columns
    if column.name not in _NAMES.split() and not column.nullable and isinstance(column.default, ScalarElementColumnDefault)
}
# How the product writes the terms of those there are.
_TERMS: dict[str, str] = importlib.import_module("migrations.versions.0003_meeting_terms").TERMS


async def run(meetings: int = MEETINGS) -> Run:
    """Measure once, on both databases."""
    found: Run = {"meetings": float(meetings)}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "bench.db"
        found |= await _measure("sqlite", f"sqlite+aiosqlite:///{path}", meetings)
    if postgres.find_binaries() is not None:
        with postgres.cluster() as sockets:
            url = postgres.database_url(sockets, "postgres")
            found |= await _measure("postgresql", url, meetings)
    return found


async def fill(url: str, meetings: int, ahead: dt.timedelta = dt.timedelta()) -> None:
    """Write so many meetings and what they refer to into an empty database; indexes come last, which is quicker.

    `ahead`: how far from now the first window that has not opened is.
    """
    engine = create_async_engine(url)
    indexes = sorted(Meeting.__table__.indexes, key=lambda each: str(each.name))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        for index in indexes:
            await connection.run_sync(index.drop)
    await asyncio.to_thread(_fill_postgres if engine.dialect.name == "postgresql" else _fill_sqlite, url, meetings, ahead)
    async with engine.begin() as connection:
        await connection.execute(text(_TERMS[engine.dialect.name]), {"begin": 0, "end": meetings + 1})
        for index in indexes:
            await connection.run_sync(index.create)
    if engine.dialect.name == "postgresql":
        async with engine.connect() as connection:
            await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text("VACUUM ANALYZE"))
    await engine.dispose()


async def _measure(kind: str, url: str, meetings: int) -> Run:
    began = time.perf_counter()
    await fill(url, meetings)
    found: Run = {f"{kind}: seconds to fill": time.perf_counter() - began}
    database = Database(url, settings=Settings(_env_file=None))
    for who, actor in (
        ("supervisor", Actor(CONSULTANTS + 1, "Sue", Role.SUPERVISOR, accounts=EVERY_ACCOUNT)),
        ("consultant", Actor(7, "Anna", Role.CONSULTANT, accounts=EVERY_ACCOUNT)),
    ):
        times = await _ask(database, actor)
        for what, typed in (("three filters", False), ("typed text and filters", True)):
            every = [each for name, values in times.items() if name.startswith("typed") is typed for each in values]
            found |= spread(f"{kind}, {who}: {what}", [wall for wall, _ in every])
            found[f"{kind}, {who}: {what}, own work p95 [ms]"] = percentile([own for _, own in every], 0.95)
        for name, values in times.items():
            found[f"{kind}, {who}: {name}, median [ms]"] = percentile([wall for wall, _ in values], 0.5)
    await database.close()
    return found


async def _ask(database: Database, actor: Actor) -> dict[str, list[tuple[float, float]]]:
    """Return the milliseconds (by the clock, of this process's own work) of every combination of filters.

    The first time of each is left out: statements are built then.
    """
    times: dict[str, list[tuple[float, float]]] = {}
    for round_ in range(ROUNDS + 1):
        for name, given in combinations(clock.now(), random.Random(round_)).items():  # noqa: S311 - the same each time
            after = None
            for _ in range(2):
                began, worked = time.perf_counter(), time.process_time()
                async with database.reading(actor) as uow:
                    page = await service.list_meetings(uow, MeetingFilter.model_validate({**given, "after": after}))
                if round_:
                    took = (time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000
                    times.setdefault(name, []).append(took)
                after = page.next
                if after is None:
                    break
    return times


def combinations(now: dt.datetime, chance: random.Random) -> dict[str, dict[str, Any]]:
    """Return sets of three filters (and the list as it opens), as people combine them; the values differ each time."""
    project, user = chance.randrange(PROJECTS) + 1, chance.randrange(CONSULTANTS) + 1
    day = now + dt.timedelta(days=chance.randrange(200))
    week = {"from_at": day, "to_at": day + dt.timedelta(days=7)}
    return {
        "opened": {"state": _OPEN},
        "project, user, state": {"project_id": project, "user_id": user, "state": ["planned"]},
        "project, open, mode": {"project_id": project, "state": _OPEN, "mode": "automatic"},
        "project, rare state, mode": {"project_id": project, "state": ["uncertain"], "mode": "manual"},
        "state, mode, week": {"state": ["planned"], "mode": "automatic", **week},
        "project, user, week": {"project_id": project, "user_id": user, **week},
        "project, mode, week": {"project_id": project, "mode": "manual", **week},
        "user, over, mode": {"user_id": user, "state": _OVER, "mode": "manual"},
        "unassigned, project, open": {"unassigned": True, "project_id": project, "state": _OPEN},
        "unassigned, open, mode": {"unassigned": True, "state": _OPEN, "mode": "automatic"},
        "mine, open, mode": {"mine": True, "state": _OPEN, "mode": "manual"},
        "contact, open, mode": {"contact_id": chance.randrange(CONTACTS) + 1, "state": _OPEN, "mode": "manual"},
        "typed name, project, open": {"q": "Nowak", "project_id": project, "state": _OPEN},
        "typed rare name, open, mode": {"q": f"Offer {chance.randrange(10**6)}", "state": _OPEN, "mode": "manual"},
        "typed two words, open, project": {"q": "offer kowal", "state": _OPEN, "project_id": project},
        "typed number's end, open, mode": {"q": f"{chance.randrange(10**4):04d}", "state": _OPEN, "mode": "automatic"},
        "typed name all over, open, mode": {"q": "zako", "state": _OPEN, "mode": "automatic"},
        "typed number, open, project": {"q": f"50{chance.randrange(10**7):07d}", "state": _OPEN, "project_id": project},
    }


def _rows(count: int, ahead: dt.timedelta) -> Iterator[tuple[Any, ...]]:
    """Yield meetings in the order of _NAMES; times are aware."""
    chance, now = random.Random(1), clock.now()  # noqa: S311 - the same meetings every time
    for n in range(1, count + 1):
        over = chance.random() < 0.1
        minute = chance.randrange(365 * 24 * 60)
        begin = now + (dt.timedelta(minutes=-minute) if over else ahead + dt.timedelta(minutes=minute + 1))
        state = chance.choice(_OVER) if over else "uncertain" if n % 50_000 == 0 else "planned"
        user = None if chance.random() < 0.1 else chance.randrange(CONSULTANTS) + 1
        contact = chance.randrange(CONTACTS) + 1
        named = ("Jan Nowak", "Anna Kowalska", "Zofia Mazur", "Piotr Wójcik")[contact % 4]
        name = f"Zakończone {n}" if over and n % 2 else f"Offer {n}"
        number = f"+4850{chance.randrange(10**7):07d}"
        yield (
            n,
            name,
            "automatic" if chance.random() < 0.5 else "manual",
            state,
            number,
            begin,
            begin + dt.timedelta(minutes=30),
            "",
            chance.randrange(PROJECTS) + 1,
            user,
            contact,
            named,
            search.folded(name, named, number),
            chance.randrange(CONSULTANTS + 1) + 1,
            now,
            now,
            1,
            None if over else begin,
            "",
            "{}",
            0,
            "",
            "",
            0,
            "",
            *_REST.values(),
        )


def _others() -> Iterator[tuple[str, str, list[tuple[Any, ...]]]]:
    """Yield table, columns and rows of what meetings refer to."""
    at = clock.now()
    people = [(n, f"user{n}", f"User {n}", "consultant", "", "en", "Europe/Warsaw", "{}", at) for n in range(1, CONSULTANTS + 1)]
    people.append((CONSULTANTS + 1, "sue", "Sue", "supervisor", "", "en", "Europe/Warsaw", "{}", at))
    yield "users", "id login name role password_hash language time_zone preferences created_at", people
    projects = [
        (n, f"Project {n}", True, "PL", "", True, False, 20, 30, 600, 45, False, "[]", at) for n in range(1, PROJECTS + 1)
    ]
    columns = "id name enabled region caller_id identify answer_early offer_seconds wrap_up_seconds max_wait_seconds"
    yield "projects", columns + " ring_seconds allow_premium foreign_countries created_at", projects
    members = [(n % PROJECTS + 1, n) for n in range(1, CONSULTANTS + 1)] + [((n + 7) % PROJECTS + 1, n) for n in range(1, 201)]
    yield "project_members", "project_id user_id", members
    contacts = [(n, "Jan", "Nowak", "nowak jan", "", "", "", at, at, 1) for n in range(1, CONTACTS + 1)]
    yield "contacts", "id first_name last_name sort_name email note folded created_at updated_at version", contacts


def _fill_sqlite(url: str, count: int, ahead: dt.timedelta) -> None:
    def plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(each.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(each, dt.datetime) else each for each in row)

    connection = sqlite3.connect(url.partition(":///")[2])
    connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000")
    for table, columns, rows in [*_others(), ("phone_meetings", " ".join([_NAMES, *_REST]), _rows(count, ahead))]:
        marks = ", ".join("?" * len(columns.split()))
        names = ", ".join(columns.split())
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", map(plain, rows))  # noqa: S608 - our own names
    connection.commit()
    connection.close()


def _fill_postgres(url: str, count: int, ahead: dt.timedelta) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
        for table, columns, rows in [*_others(), ("phone_meetings", " ".join([_NAMES, *_REST]), _rows(count, ahead))]:
            names = ", ".join(columns.split())
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
