"""Choosing the next 20 of a million leads (take and commit), beside the bare SQL; adding 20,000 leads from a file.

Of the million 300,000 of the first priority are put off until tomorrow, 500,000 of the usual one are due, the rest is done. The
bare SQL claims from the usual priority alone. `load`: what else the machine did (1 minute), beside the figures.
"""

import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.figures import Run, spread
from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.campaigns import lead_imports, lead_sources, leads
from callcenter.campaigns.lead_columns import LeadMapping
from callcenter.campaigns.lead_models import LeadImport
from callcenter.campaigns.models import Campaign
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.files import service as files
from callcenter.models import Base
from callcenter.projects.models import Project
from callcenter.users.models import User
from callcenter.wiring import wire
from tests import postgres

LEADS, ADDED = 1_000_000, 20_000
AT_ONCE, TIMES = 20, 400
_COUNTED = {
    "sqlite": "WITH RECURSIVE counted(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < {most}) {chosen}"
    " FROM counted",
    "postgresql": "{chosen} FROM generate_series(1, {most}) i",
}
_LEADS = """INSERT INTO leads (id, campaign_id, name, folded, fields, priority, state, next_at, attempts, position, needs_agent,
    outcome, refusal, refusal_values, created_at, changed_at) """
_LEAD = """SELECT i, 1, 'Jan Nowak', 'jan nowak', '{{"contract": "A/1"}}', CASE WHEN i % 10 < 3 THEN 1 ELSE 3 END,
    CASE WHEN i % 10 < 8 THEN 'waiting' ELSE 'done' END, CASE WHEN i % 10 < 3 THEN {late} ELSE {at} END, 0, 0, {no}, '', '',
    '{{}}', {at}, {at}"""
_NUMBERS = "INSERT INTO lead_numbers (lead_id, position, campaign_id, number, zones, refusal) "
_NUMBER = "SELECT i, 0, 1, '+48' || (600000000 + i), '[]', ''"
_BARE = """UPDATE leads SET state = 'dialling', changed_at = {at} WHERE id IN (SELECT id FROM leads WHERE campaign_id = 1
    AND state = 'waiting' AND priority = 3 AND next_at <= {at} ORDER BY next_at, id LIMIT 20 {lock}) RETURNING *"""
_PLANNED_ONCE = "&options=-c%20plan_cache_mode=force_generic_plan"


async def run(count: int = LEADS) -> Run:
    """Measure once, on both databases."""
    found: Run = {"leads": float(count)}
    with tempfile.TemporaryDirectory() as name:
        found |= await _measure("sqlite", f"sqlite+aiosqlite:///{Path(name) / 'bench.db'}", count, Path(name))
        with postgres.cluster() as sockets:
            url = postgres.database_url(sockets, "postgres")
            found |= await _measure("postgresql", url, count, Path(name))
            found |= await _further(url, Path(name))
    return found | {"load": os.getloadavg()[0]}


async def _measure(name: str, url: str, count: int, folder: Path) -> Run:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    database = _opened(url, folder)
    sue = await _office(database)
    began = time.perf_counter()
    await _fill(engine, name, count)
    filled = time.perf_counter() - began
    zone, lock = ("", "") if name == "sqlite" else ("+00", "FOR UPDATE SKIP LOCKED")
    bare = text(_BARE.format(at=f"{_kind(name)}'2030-01-01 00:00:00.000000{zone}'", lock=lock))
    try:
        taken = await _timed(lambda: _take(database))
        plainly = await _timed(lambda: _bare(database, bare))
        rows = await _add(database, sue)
    finally:
        await database.close()
        await engine.dispose()
    found = {**spread("take", taken), **spread("bare", plainly), **rows, "filled in [s]": filled}
    return {f"{name} {key}": value for key, value in found.items()}


def _opened(url: str, folder: Path) -> Database:
    return wire(Database(url, settings=Settings(data_dir=folder, _env_file=None)))


def _kind(name: str) -> str:
    return "" if name == "sqlite" else "timestamptz "


async def _fill(engine: AsyncEngine, name: str, count: int) -> None:
    """Write leads and numbers in one statement each."""
    zone = "" if name == "sqlite" else "+00"
    at, late = (f"{_kind(name)}'{year}-01-01 00:00:00.000000{zone}'" for year in (2026, 2099))
    lead = _LEAD.format(at=at, late=late, no="0" if name == "sqlite" else "false")
    async with engine.begin() as connection:
        if name == "postgresql":
            await connection.execute(text("SET LOCAL session_replication_role = replica"))  # no look at other tables for each row
        for into, chosen in ((_LEADS, lead), (_NUMBERS, _NUMBER)):
            await connection.execute(text(into + _COUNTED[name].format(most=count, chosen=chosen)))
    if name == "postgresql":
        async with engine.connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await plain.execute(text("SELECT setval(pg_get_serial_sequence('leads', 'id'), :last)"), {"last": count})
            await plain.execute(text("VACUUM ANALYZE"))


async def _further(url: str, folder: Path) -> Run:
    """Measure what is PostgreSQL's own: plans made once for all values; leads claimed while an old snapshot sees them waiting."""
    once, usual = _opened(url + _PLANNED_ONCE, folder), _opened(url, folder)
    engine = create_async_engine(url, isolation_level="REPEATABLE READ")
    try:
        planned = await _timed(lambda: _take(once))
        async with engine.connect() as connection:
            await connection.execute(text("SELECT count(*) FROM campaigns"))  # now it has its snapshot
            for _ in range(2):
                await _timed(lambda: _take(usual))
            beside = await _timed(lambda: _take(usual))
    finally:
        await engine.dispose()
        await once.close()
        await usual.close()
    return spread("postgresql take, planned once", planned) | spread(
        f"postgresql take, after {2 * TIMES * AT_ONCE} beside an old snapshot", beside
    )


async def _office(database: Database) -> Actor:
    async with database.unit_of_work() as uow:
        person = {"role": "supervisor", "accounts": sorted(EVERY_ACCOUNT), "password_hash": "", "created_at": uow.now}
        uow.session.add(User(id=1, login="sue", name="Sue", **person))
        uow.session.add(Project(id=1, name="Sales", created_at=uow.now))
        await uow.session.flush()
        for n, name in ((1, "Large"), (2, "New")):
            uow.session.add(Campaign(id=n, name=name, project_id=1, state="running", created_at=uow.now, updated_at=uow.now))
    return Actor(1, "Sue", Role.SUPERVISOR, accounts=EVERY_ACCOUNT)


async def _take(database: Database) -> None:
    async with database.unit_of_work() as uow:
        if len(await leads.take(uow, 1, AT_ONCE)) != AT_ONCE:
            raise RuntimeError("too few leads")


async def _bare(database: Database, statement: object) -> None:
    async with database.unit_of_work() as uow:
        if len((await uow.session.execute(statement)).all()) != AT_ONCE:  # type: ignore[call-overload]
            raise RuntimeError("too few leads")


async def _timed(act: Callable[[], Awaitable[None]]) -> list[float]:
    """Return milliseconds of each."""
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await act()
        found.append((time.perf_counter() - began) * 1000)
    return found


async def _add(database: Database, sue: Actor) -> Run:
    lines = "\n".join(["Name,Phone,Contract", *(f"Jan Nowak {n},50{n:07},A/{n}" for n in range(ADDED))])
    file = await files.store(database, sue, "list.csv", lines.encode())
    digest = await lead_sources.digest(database, file.id)
    async with database.unit_of_work(sue) as uow:
        made = await lead_imports.create(uow, 2, file.id, digest)
    await lead_imports.begin(database, sue, 2, made.id, LeadMapping())
    batches: list[float] = []
    began = last = time.perf_counter()

    def moved(_moved: LeadImport) -> None:
        nonlocal last
        now = time.perf_counter()
        batches.append((now - last) * 1000)
        last = now

    await lead_imports.run(database, sue, made.id, moved)
    took = time.perf_counter() - began
    async with database.reading() as uow:
        done = await uow.session.get_one(LeadImport, made.id)
    if done.report["added"] != ADDED:
        raise RuntimeError(f"added {done.report}")
    return {"added rows/s": ADDED / took, "batches": float(len(batches))}
