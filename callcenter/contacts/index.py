"""Keeping the index of contacts: what the log says is put into it, in the background and in short batches.

Only one process does so at a time. Until then readers look at the contacts in the log one by one (finding.py), so that a
change is found at once by whoever looks for it.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from callcenter.contacts import bitmaps, index_facts, index_keys
from callcenter.contacts.batches import Pace
from callcenter.db import Database, UnitOfWork, away

log = structlog.get_logger(__name__)

WATCH_SECONDS = 1.0
_LOCK = 0x636F6E74616374  # of PostgreSQL's advisory locks
_BUILT_AT_ONCE = 8  # blocks
_UPSERT = "INSERT INTO contact_postings (key, block, bits)"
_OR_REPLACE = " ON CONFLICT (key, block) DO UPDATE SET bits = excluded.bits"
Pairs = dict[tuple[str, int], tuple[int, int]]  # (key, block): bits to take away, bits to put in


async def run(database: Database) -> None:
    """Keep the index up to date until cancelled; what fails is tried again."""
    while True:
        try:
            await catch_up(database)
        except SQLAlchemyError as error:
            if not away(error):
                log.exception("index.failed")
        await asyncio.sleep(WATCH_SECONDS)


async def catch_up(database: Database) -> int:
    """Put everything the log holds into the index; returns how many lines that were."""
    done, pace = 0, Pace(database, at_least=20)
    while await _anything(database):
        pace.begin()
        async with database.unit_of_work() as uow:
            lines = await fold(uow, pace.size)
        pace.end()
        if not lines:
            return done
        done += lines
        await pace.breathe(None, done)
    return done


async def _anything(database: Database) -> bool:
    async with database.reading() as uow:
        return (await uow.session.execute(text("SELECT 1 FROM contact_changes LIMIT 1"))).first() is not None


async def fold(uow: UnitOfWork, size: int) -> int:
    """Put up to `size` lines of the log into the index; returns how many, 0 when another process is at it."""
    return await (await uow.session.connection()).run_sync(_fold, size)


def _fold(connection: Connection, size: int) -> int:
    if connection.dialect.name != "sqlite":
        mine = connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}).scalar()
        if not mine:
            return 0
    lines = connection.execute(
        text("SELECT id, contact_id, was FROM contact_changes ORDER BY id LIMIT :size"), {"size": size}
    ).all()
    if not lines:
        return 0
    changed = {line.contact_id for line in lines}
    facts = index_facts.load(connection, index_facts.among(connection, changed))  # read after the log: see 0018
    store(connection, _pairs(((each.contact_id, each.was) for each in lines), facts))
    where, given = index_facts.among(connection, [line.id for line in lines])
    connection.execute(text(f"DELETE FROM contact_changes WHERE id {where}"), given)  # noqa: S608 - our own names
    return len(lines)


def _pairs(lines: Iterable[tuple[int, str | None]], facts: dict[int, index_keys.Facts]) -> Pairs:
    found: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    changed: set[int] = set()
    for contact_id, was in lines:
        changed.add(contact_id)
        block, bit = contact_id >> 12, 1 << (contact_id & 4095)
        if was is not None:
            for key in index_keys.gone(was):
                found[key, block][0] |= bit
    for contact_id in changed & facts.keys():
        block, bit = contact_id >> 12, 1 << (contact_id & 4095)
        for key in index_keys.of(facts[contact_id]):
            found[key, block][1] |= bit
    return {pair: (less, more) for pair, (less, more) in found.items()}


def store(connection: Connection, pairs: Pairs) -> None:
    """Change the stored blocks: what is put in wins over what is taken away."""
    there = _read(connection, pairs)
    written, emptied = [], []
    for (key, block), (less, more) in sorted(pairs.items()):
        before = there.get((key, block), 0)
        after = before & ~less | more
        if after and after != before:
            written.append((key, block, bitmaps.encode(after)))
        elif before and not after:
            emptied.append({"key": key, "block": block})
    _write(connection, written)
    if emptied:
        connection.execute(text("DELETE FROM contact_postings WHERE key = :key AND block = :block"), emptied)


def _read(connection: Connection, pairs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    by_block: dict[int, list[str]] = defaultdict(list)
    for key, block in pairs:
        by_block[block].append(key)
    found = {}
    sqlite = connection.dialect.name == "sqlite"
    where = "IN (SELECT value FROM json_each(:keys))" if sqlite else "= ANY(:keys)"
    query = text(f"SELECT key, bits FROM contact_postings WHERE block = :block AND key {where}")  # noqa: S608 - our own names
    for block, keys in by_block.items():
        given = {"block": block, "keys": json.dumps(keys) if sqlite else keys}
        found.update({(row.key, block): bitmaps.decode(row.bits) for row in connection.execute(query, given)})
    return found


def _write(connection: Connection, rows: list[tuple[str, int, bytes]]) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_UPSERT + " VALUES (?, ?, ?)" + _OR_REPLACE, rows)
        return
    keys, blocks, bits = zip(*rows, strict=True)
    arrays = " SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:blocks AS integer[]), CAST(:bits AS bytea[]))"
    given = {"keys": list(keys), "blocks": list(blocks), "bits": list(bits)}
    connection.execute(text(_UPSERT + arrays + _OR_REPLACE), given)


def build(connection: Connection) -> None:
    """Make the index anew from what there is, and empty the log; nobody else may change contacts meanwhile."""
    connection.execute(text("DELETE FROM contact_postings"))
    last = connection.execute(text("SELECT max(id) FROM contacts")).scalar() or 0
    size = bitmaps.BLOCK * _BUILT_AT_ONCE
    for first in range(0, last + 1, size):
        facts = index_facts.load(connection, index_facts.between(first, first + size - 1))
        ids: dict[tuple[str, int], list[int]] = defaultdict(list)
        for contact_id, each in facts.items():
            for key in index_keys.of(each):
                ids[key, contact_id >> 12].append(contact_id)
        _write(connection, [(*pair, bitmaps.encode(bitmaps.of_ids(held)[pair[1]])) for pair, held in sorted(ids.items())])
    connection.execute(text("DELETE FROM contact_changes"))
