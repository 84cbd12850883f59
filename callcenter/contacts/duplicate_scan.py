"""Finding pairs who may be one person among all contacts, in the background.

Contacts are read in order of their ids; what may be the same of them (number, e-mail, organisation, city) goes into a private
file, sorted there, and compared group by group: no query of the database is heavier than a page of rows, and memory does not
grow with their number. Pairs that were dismissed stay so; those nobody sees any more are forgotten.
"""

import datetime as dt
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby

import structlog
from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from callcenter.actor import Actor, Role
from callcenter.contacts import text
from callcenter.contacts.alike import alike
from callcenter.contacts.batches import ABANDONED, Pace, in_thread
from callcenter.contacts.import_models import DuplicatePair, DuplicateScan
from callcenter.contacts.models import Contact, Number
from callcenter.contacts.queries import LOADED
from callcenter.contacts.visibility import may_see, sees_all, sees_some
from callcenter.db import Database, UnitOfWork
from callcenter.errors import NotFound, NotPermitted
from callcenter.users.service import audit

log = structlog.get_logger(__name__)

READ = 2000  # contacts at once
NEIGHBOURS = 20  # names compared with each, in order of name: similar ones stand close
MOST_OF_ONE = 20  # pairs of one number or address: a switchboard's is many people's
EVERY = dt.timedelta(days=1)
_WRITTEN = 200

Pair = tuple[int, int, str]


class Groups:
    """What contacts may have in common, in a private temporary database that goes with `close`. For one thread at a time."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        for each in ("cache_size = -8192", "journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {each}")
        self._database.execute("CREATE TABLE things (reason TEXT, thing TEXT, name TEXT, contact_id INTEGER)")

    def add(self, things: Iterable[tuple[str, str, str, int]]) -> None:
        """Take in (reason, thing, name, contact id)."""
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO things VALUES (?, ?, ?, ?)", things)
        self._database.execute("COMMIT")

    def pairs(self) -> Iterator[Pair]:
        """Yield the pairs, those of numbers and addresses first."""
        query = "SELECT reason, thing, name, contact_id FROM things WHERE reason {} ORDER BY reason, thing, name, contact_id"
        rows = self._database.execute(query.format("IN ('number', 'email')"))
        for (reason, _), group in groupby(rows, lambda row: (row[0], row[1])):
            yield from _same(reason, [row[3] for row, _ in zip(group, range(MOST_OF_ONE + 1), strict=False)])
        rows = self._database.execute(query.format("IN ('place')"))
        for _, group in groupby(rows, lambda row: row[1]):
            yield from _similar((row[2], row[3]) for row in group)

    def close(self) -> None:
        """Forget everything."""
        self._database.close()


def _same(reason: str, ids: list[int]) -> Iterator[Pair]:
    """Yield each of a group with the first of it."""
    first, *others = sorted(set(ids))
    for other in others:
        yield first, other, reason


def _similar(people: Iterable[tuple[str, int]]) -> Iterator[Pair]:
    """Yield those of one place whose names are alike, each compared with the NEIGHBOURS before it."""
    before: deque[tuple[str, int]] = deque(maxlen=NEIGHBOURS)
    for name, contact_id in people:
        for other_name, other_id in before:
            if other_id != contact_id and alike(name, other_name):
                yield min(contact_id, other_id), max(contact_id, other_id), "name"
        before.append((name, contact_id))


async def ask(uow: UnitOfWork) -> DuplicateScan:
    """Ask for a walk through all contacts (supervisors); one that goes on already is returned."""
    uow.actor.require(Role.SUPERVISOR)
    going = await uow.session.scalar(select(DuplicateScan).where(DuplicateScan.state != "done").limit(1))
    if going is None:
        going = DuplicateScan(state="waiting", created_at=uow.now, touched_at=uow.now)
        uow.session.add(going)
        await uow.session.flush()
        audit(uow, "duplicates.scan", "duplicate_scan", going.id)
    return going


async def latest(uow: UnitOfWork) -> DuplicateScan | None:
    """Return the latest walk, None before the first."""
    return await uow.session.scalar(select(DuplicateScan).order_by(DuplicateScan.id.desc()).limit(1))


async def resume(database: Database) -> DuplicateScan | None:
    """Do the walk that is due: one asked for, one whose process is gone, or the day's; call it every minute."""
    async with database.unit_of_work() as uow:
        last = await latest(uow)
        if last is None or (last.state == "done" and last.created_at < uow.now - EVERY):
            last = await ask(uow)
        if last.state == "done" or (last.state == "running" and last.touched_at > uow.now - ABANDONED):
            return None
        last.state, last.touched_at, last.looked_at, last.found = "running", uow.now, 0, 0
        scan_id = last.id
    return await run(database, scan_id)


async def run(database: Database, scan_id: int) -> DuplicateScan:
    """Walk through all contacts and keep the pairs."""
    groups = Groups()
    try:
        await _gather(database, scan_id, groups)
        await _keep(database, scan_id, groups)
    finally:
        groups.close()
    async with database.unit_of_work() as uow:
        old = delete(DuplicatePair).where(DuplicatePair.scan != scan_id, DuplicatePair.dismissed_at.is_(None))
        await uow.session.execute(old)
        scan = await uow.session.get_one(DuplicateScan, scan_id)
        scan.state, scan.finished_at, scan.touched_at = "done", uow.now, uow.now
    log.info("duplicates.found", scan_id=scan_id, contacts=scan.looked_at, pairs=scan.found)
    return scan


async def _gather(database: Database, scan_id: int, groups: Groups) -> None:
    after = looked = 0
    columns = Contact.id, Contact.sort_name, Contact.email, Contact.organisation_id, Contact.city
    while True:
        async with database.reading() as uow:
            query = select(*columns).where(Contact.id > after).order_by(Contact.id).limit(READ)
            rows = (await uow.session.execute(query)).all()
            if not rows:
                return
            owned = Number.contact_id.between(rows[0].id, rows[-1].id), Number.e164.is_not(None)
            numbers = (await uow.session.execute(select(Number.e164, Number.contact_id).where(*owned))).all()
        things = [("number", e164, "", contact_id) for e164, contact_id in numbers]
        things += [("email", row.email.lower(), "", row.id) for row in rows if row.email]
        things += [("place", f"o{row.organisation_id}", row.sort_name, row.id) for row in rows if row.organisation_id]
        things += [("place", f"c{text.fold(row.city)}", row.sort_name, row.id) for row in rows if row.city]
        await in_thread(lambda things=things: groups.add(things))  # type: ignore[misc]
        after, looked = rows[-1].id, looked + len(rows)
        async with database.unit_of_work() as uow:
            await _touch(uow, scan_id, looked_at=looked)


async def _keep(database: Database, scan_id: int, groups: Groups) -> None:
    pairs = groups.pairs()
    pace, found = Pace(database, 20, _WRITTEN), 0
    while True:
        size = pace.size
        some = await in_thread(lambda size=size: [pair for pair, _ in zip(pairs, range(size), strict=False)])  # type: ignore[misc]
        if not some:
            return
        pace.begin()
        async with database.unit_of_work() as uow:
            found += await _store(uow, scan_id, some)
            await _touch(uow, scan_id, found=found)
        pace.end()
        await pace.breathe(None, None)


async def _touch(uow: UnitOfWork, scan_id: int, **counts: int) -> None:
    await uow.session.execute(update(DuplicateScan).where(DuplicateScan.id == scan_id).values(touched_at=uow.now, **counts))


async def _store(uow: UnitOfWork, scan_id: int, pairs: list[Pair]) -> int:
    """Keep pairs whose contacts are still there; returns how many were not known in this walk."""
    wanted = {each for first, second, _ in pairs for each in (first, second)}
    there = set(await uow.session.scalars(select(Contact.id).where(Contact.id.in_(wanted))))
    rows = {(first, second): reason for first, second, reason in reversed(pairs) if first in there and second in there}
    if not rows:
        return 0
    dialect = sqlite if uow.database.sqlite else postgresql
    statement = dialect.insert(DuplicatePair).values(
        [{"first_id": first, "second_id": second, "reason": reason, "scan": scan_id} for (first, second), reason in rows.items()]
    )
    update_it = statement.on_conflict_do_update(
        index_elements=["first_id", "second_id"], set_={"scan": scan_id}, where=DuplicatePair.scan != scan_id
    )
    return len((await uow.session.execute(update_it.returning(DuplicatePair.first_id))).all())


async def list_pairs(uow: UnitOfWork, *, after: tuple[int, int] = (0, 0), limit: int = 30) -> list[tuple[str, Contact, Contact]]:
    """Return (reason, one, the other) of pairs the actor may see both of, that nobody dismissed, by the first one's id."""
    if not sees_some(uow.actor):
        raise NotPermitted("Your account roles do not allow this.")
    beyond = or_(DuplicatePair.first_id > after[0], and_(DuplicatePair.first_id == after[0], DuplicatePair.second_id > after[1]))
    query = select(DuplicatePair).where(DuplicatePair.dismissed_at.is_(None), beyond, *_seen(uow.actor))
    query = query.order_by(DuplicatePair.first_id, DuplicatePair.second_id).limit(limit)
    pairs = list(await uow.session.scalars(query))
    ids = {each for pair in pairs for each in (pair.first_id, pair.second_id)}
    loaded = select(Contact).where(Contact.id.in_(ids)).options(*LOADED)
    people = {each.id: each for each in await uow.session.scalars(loaded)}
    return [(pair.reason, people[pair.first_id], people[pair.second_id]) for pair in pairs]


def _seen(actor: Actor) -> list[ColumnElement[bool]]:
    """Return the conditions that both contacts of a pair are ones the actor may see."""
    if sees_all(actor):
        return []
    seen = select(Contact.id).where(may_see(actor))
    return [DuplicatePair.first_id.in_(seen), DuplicatePair.second_id.in_(seen)]


async def dismiss(uow: UnitOfWork, first_id: int, second_id: int) -> None:
    """Say that two contacts are two people; they are not listed again. Raises NotFound for a pair one may not see."""
    query = select(DuplicatePair).where(DuplicatePair.first_id == min(first_id, second_id), *_seen(uow.actor))
    pair = await uow.session.scalar(query.where(DuplicatePair.second_id == max(first_id, second_id)))
    if pair is None:
        raise NotFound("There is no such pair.")
    pair.dismissed_at, pair.dismissed_by = uow.now, uow.actor.user_id
    audit(uow, "duplicates.dismissed", "contact", first_id, other_id=second_id)


async def count_pairs(uow: UnitOfWork, up_to: int = 1000) -> int:
    """Return how many pairs there are to look at, counted no further than `up_to`."""
    some = select(DuplicatePair.first_id).where(DuplicatePair.dismissed_at.is_(None), *_seen(uow.actor)).limit(up_to)
    return await uow.session.scalar(select(func.count()).select_from(some.subquery())) or 0
