"""Opening a contact with 1,000 timeline entries among a million contacts: server time of the page and of its parts.

Both databases hold a million contacts with one entry each; 50 of them have 1,000 more, of all kinds, by 50 people, and 5,000
belong to one organisation and have 20 more each. The whole page is asked for as a browser does, then older entries and some
kinds; beside them the bare SQL of a page in the same run.
`cpu`: processor time of this process, which other work on the machine does not lengthen.
"""

import asyncio
import datetime as dt
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from bench import kept
from bench.figures import Run, spread
from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT
from callcenter.config import Settings
from callcenter.contacts import index_log
from callcenter.db import Database
from callcenter.models import Base
from callcenter.phone_fake import FakePhone
from callcenter.users.models import Session, User
from callcenter.users.sessions import hash_secret
from callcenter.wiring import wire
from webui.app import create_app
from webui.live import LiveHub

CONTACTS = 1_000_000
LONG, ENTRIES, PEOPLE = 50, 1_000, 50
MEMBERS, EACH = 5_000, 20  # of the organisation: the last contacts
KINDS = "note call text meeting change log email ticket"
_FROM_ONE_TO = "WITH RECURSIVE counted(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < :most)"
_CONTACT = "i, 'Jan', 'Nowak', 'nowak jan', ' nowak jan', 'customer', '', '', '', '', '', '', '', '', {at}, {at}, 1"
_CONTACTS = f"""INSERT INTO contacts (id, first_name, last_name, sort_name, folded, type, email, address1, address2, postcode,
    city, province, country, note, created_at, updated_at, version) {_FROM_ONE_TO} SELECT {_CONTACT} FROM counted"""  # noqa: S608 - ours
_ONE_EACH = f"""INSERT INTO timeline (contact_id, at, kind, text, data, version) {_FROM_ONE_TO}
    SELECT i, {{at}}, 'note', 'Asked for an offer.', '{{{{}}}}', 1 FROM counted"""  # noqa: S608 - ours
_ORGANISATION = """INSERT INTO organisations (id, name, folded, searchable, type, email, website, address1, address2, postcode,
    city, province, country, note, version, created_at)
    VALUES (1, 'Żuraw', 'zuraw', 'zuraw', 'customer', '', '', '', '', '', '', '', '', '', 1, {at})"""
_MEMBERS = "UPDATE contacts SET organisation_id = 1 WHERE id > (SELECT max(id) FROM contacts) - :most"
_THEIRS = f"""INSERT INTO timeline (contact_id, at, kind, text, data, version) {_FROM_ONE_TO}
    SELECT c.id, {{moment}}, CASE i % 3 WHEN 0 THEN 'note' WHEN 1 THEN 'call' ELSE 'email' END, 'Asked again.', '{{{{}}}}', 1
    FROM contacts c, counted WHERE c.organisation_id = 1"""  # noqa: S608 - ours
_BARE = "SELECT * FROM timeline WHERE contact_id = :contact ORDER BY at DESC, id DESC LIMIT 31"


async def run(contacts: int = CONTACTS) -> Run:
    """Measure once, on both databases."""
    name, found = f"timeline-{contacts}", Run(contacts=float(contacts))
    with tempfile.TemporaryDirectory() as folder:
        file = await asyncio.to_thread(kept.sqlite, name, lambda url: _fill(url, contacts))
        found |= await _measure("sqlite", f"sqlite+aiosqlite:///{file}", Path(folder))
        with kept.postgresql(name, lambda url: _fill(url, contacts)) as url:
            found |= await _measure("postgresql", url, Path(folder))
    return found


def _fill(url: str, contacts: int) -> None:
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    sqlite = engine.dialect.name == "sqlite"
    at = "'2026-01-01 00:00:00.000000'" if sqlite else "timestamptz '2026-01-01 00:00:00+00'"
    moment = "datetime({}, (i * 5000 + c.id) || ' seconds')" if sqlite else "{} + (i * 5000 + c.id) * interval '1 second'"
    with engine.begin() as connection:
        for statement in index_log.no_triggers(engine.dialect.name):
            connection.exec_driver_sql(statement)
        for statement in (_CONTACTS, _ONE_EACH):
            connection.execute(text(statement.format(at=at)), {"most": contacts})
        connection.execute(text(_ORGANISATION.format(at=at)))
        connection.execute(text(_MEMBERS), {"most": min(MEMBERS, contacts - LONG)})
        connection.execute(text(_THEIRS.format(moment=moment.format(at))), {"most": EACH})
        for statement in index_log.triggers(engine.dialect.name):
            connection.exec_driver_sql(statement)
    engine.dispose()


async def _measure(name: str, url: str, folder: Path) -> Run:
    database = wire(Database(url, settings=Settings(data_dir=folder, _env_file=None)))
    cookie = await _people_and_entries(database)
    if name == "postgresql":
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text("VACUUM ANALYZE"))
        await engine.dispose()
    try:
        return {f"{name} {key}": value for key, value in (await _ask(database, cookie)).items()}
    finally:
        await database.close()


async def _people_and_entries(database: Database) -> str:
    """Write the people and the long timelines, unless they are there already; returns a session's cookie."""
    cookie, kinds = clock.new_id(), KINDS.split()
    async with database.unit_of_work() as uow:
        await uow.session.execute(text("DELETE FROM timeline WHERE user_id IS NOT NULL"))  # those of an earlier run
        await uow.session.execute(text("DELETE FROM users"))
        for n in range(PEOPLE):
            person = {"role": "consultant", "accounts": sorted(EVERY_ACCOUNT), "password_hash": "", "created_at": uow.now}
            uow.session.add(User(id=n + 1, login=f"p{n}", name=f"Person {n}", **person))
        await uow.session.flush()
        later = uow.now + dt.timedelta(hours=9)
        times = {"created_at": uow.now, "seen_at": uow.now, "expires_at": later}
        uow.session.add(Session(user_id=1, token_hash=hash_secret(cookie), **times))
        insert = text(
            "INSERT INTO timeline (contact_id, user_id, at, kind, text, data, version) VALUES (:c, :u, :at, :k, :t, :d, 1)"
        )
        data = (
            '{"direction": "outbound", "outcome": "answered", "seconds": 65, "note": "Wants an offer.", "number": "+48601234567"}'
        )
        for contact in range(1, LONG + 1):
            rows = [
                {"c": contact, "u": n % PEOPLE + 1, "k": kinds[n % len(kinds)], "t": f"What was said, number {n}.", "d": data}
                for n in range(ENTRIES)
            ]
            for n, row in enumerate(rows):
                moment = uow.now - dt.timedelta(minutes=n)
                row["at"] = moment if not database.sqlite else moment.replace(tzinfo=None).isoformat(" ")
            await uow.session.execute(insert, rows)
    return cookie


async def _ask(database: Database, cookie: str) -> Run:
    app = create_app(database.settings, database, FakePhone(), LiveHub(database))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1234))
    headers = {"cookie": f"callcenter_session={cookie}", "HX-Request": "true"}
    found: Run = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as client:

        async def page(path: str) -> None:
            answer = await client.get(path)
            answer.raise_for_status()

        async def bare(contact: int) -> None:
            async with database.reading() as uow:
                (await uow.session.execute(text(_BARE), {"contact": contact})).all()

        before = f"{int((clock.now() - dt.timedelta(minutes=500)).timestamp() * 1_000_000)}.1"
        asked: dict[str, Callable[[int], Awaitable[None]]] = {
            "page": lambda contact: page(f"/contacts/{contact}"),
            "older": lambda contact: page(f"/contacts/{contact}/timeline?before={before}"),
            "one kind": lambda contact: page(f"/contacts/{contact}/timeline?kind=call"),
            "three kinds": lambda contact: page(f"/contacts/{contact}/timeline?kind=call,note,log"),
            "bare SQL": bare,
            "organisation": lambda _: page("/organisations/1/timeline"),
            "organisation, one kind": lambda _: page("/organisations/1/timeline/lines?kind=call"),
            "organisation, a kind nobody has": lambda _: page("/organisations/1/timeline/lines?kind=fax"),
            "organisation over the API": lambda _: page("/api/v1/organisations/1/timeline"),
        }
        for what, ask in asked.items():
            await ask(1)  # templates and statements are made once
            walls, cpus = [], []
            for contact in range(1, LONG + 1):
                wall, cpu = time.perf_counter(), time.process_time()
                await ask(contact)
                walls.append((time.perf_counter() - wall) * 1000)
                cpus.append((time.process_time() - cpu) * 1000)
            found |= spread(what, walls) | spread(f"{what} cpu", cpus)
    return found
