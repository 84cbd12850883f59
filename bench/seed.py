"""A SQLite database with a million contacts, made once and copied for each run.

Rows are written in bulk, as the product's own functions would write them one by one; that is faster than importing a
file, and what is measured afterwards reads the same rows. The first one is compared with what the product writes.
"""

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine, select
from sqlalchemy.orm import selectinload

from bench.figures import RESULTS
from callcenter.config import Settings
from callcenter.contacts import index, search, service, text
from callcenter.contacts.forms import ContactInput, NumberInput
from callcenter.contacts.models import Contact, ContactTerm
from callcenter.db import Database

FIRST = ("Anna", "Jan", "Łukasz", "Zofia", "Piotr", "Ewa", "Marek", "Małgorzata", "Paweł", "Żaneta", "Tomasz", "Agnieszka")
LAST = ("Kowalski", "Nowak", "Wójcik", "Zieliński", "Szymański", "Dąbrowski", "Mazur", "Łęcki", "Źdźbło", "Jankowski")
ORGANISATIONS = 20_000
BATCH = 20_000
_AT = "2026-01-01 00:00:00.000000"


class Person(NamedTuple):
    """A contact of one of the organisations, with one number, and what search keeps."""

    n: int
    first_name: str
    last_name: str
    sort_name: str
    folded: str
    organisation: int
    number: str
    terms: frozenset[str]


def number_of(n: int) -> str:
    """Return the n-th contact's number: a valid Polish mobile number."""
    return f"+4850{n:07d}"


async def seeded(source: Path, count: int) -> Path:
    """Return a copy of `source` (an empty, migrated database) with `count` contacts, from the store if it is there."""
    RESULTS.mkdir(exist_ok=True)
    kept = RESULTS / f"contacts-{count}-{_schema(source)}.db"
    if not kept.exists():
        await _compare(source)
        partial = kept.with_suffix(".part")
        shutil.copy(source, partial)
        _fill(partial, count)
        partial.rename(kept)
    return kept


def _schema(path: Path) -> str:
    """Name what is kept by its tables and by its migration: the same tables may have been made on another way."""
    connection = sqlite3.connect(path)
    tables = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    version = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.close()
    return hashlib.sha256(repr((tables, version)).encode()).hexdigest()[:8]


def _fill(path: Path, count: int) -> None:
    """Write everything; no ANALYZE, for the product makes none either."""
    connection = sqlite3.connect(path)
    connection.executescript(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000; PRAGMA temp_store=FILE;"
        "CREATE TEMP TABLE unsorted (term TEXT, contact_id INTEGER)"
    )
    organisations = [(n, _organisation(n), text.fold(_organisation(n)), _AT) for n in range(1, ORGANISATIONS + 1)]
    connection.executemany("INSERT INTO organisations (id, name, folded, created_at) VALUES (?, ?, ?, ?)", organisations)
    for first in range(1, count + 1, BATCH):
        people = [_person(n) for n in range(first, min(first + BATCH, count + 1))]
        connection.executemany(
            "INSERT INTO contacts (id, first_name, last_name, sort_name, folded, organisation_id,"
            " type, email, address1, address2, postcode, city, province, country, note, created_at, updated_at, version)"
            " VALUES (?, ?, ?, ?, ?, ?, 'customer', '', '', '', '', '', '', '', '', ?, ?, 1)",
            [(*each[:6], _AT, _AT) for each in people],
        )
        connection.executemany(
            "INSERT INTO numbers (contact_id, type, raw, digits, e164, last_nine) VALUES (?, 'mobile', ?, ?, ?, ?)",
            [(each.n, each.number, each.number[1:], each.number, each.number[-9:]) for each in people],
        )
        connection.executemany(
            "INSERT INTO timeline (contact_id, at, kind, text, data) VALUES (?, ?, 'note', ?, '{}')",
            [(each.n, _AT, "Asked for an offer by e-mail.") for each in people],
        )
        connection.executemany("INSERT INTO unsorted VALUES (?, ?)", _terms(people))
    connection.execute("INSERT INTO contact_terms (term, contact_id) SELECT term, contact_id FROM unsorted ORDER BY 1, 2")
    connection.commit()
    connection.close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as building:
        index.build(building)
    engine.dispose()


def _organisation(n: int) -> str:
    return f"Zakład Żółty {n}"


def _terms(people: list[Person]) -> Iterator[tuple[str, int]]:
    return ((term, each.n) for each in people for term in each.terms)


def _person(n: int) -> Person:
    chance = random.Random(n)  # noqa: S311 - the same people every time
    name, family, number = chance.choice(FIRST), f"{chance.choice(LAST)}{chance.randrange(1000)}", number_of(n)
    sort = search.sort_name(name, family)
    organisation = chance.randrange(ORGANISATIONS) + 1
    folded = search.folded(sort, _organisation(organisation), "", [number[1:]])
    return Person(n, name, family, sort, folded, organisation, number, frozenset(search.terms(sort, folded)))


async def _compare(source: Path) -> None:
    """Let the product write a contact itself; raises ValueError when ours would differ, and the bench measure strangers."""
    scratch = source.with_suffix(".compared")
    shutil.copy(source, scratch)
    ours, theirs = _person(777), await _by_the_product(scratch, _person(777))
    scratch.unlink()
    if theirs != (ours.sort_name, ours.folded, ours.number[1:], ours.number, ours.number[-9:], ours.terms):
        raise ValueError(f"the product writes a contact otherwise than bench/seed.py: {theirs} {ours}")


async def _by_the_product(path: Path, person: Person) -> tuple[str, str, str, str | None, str | None, frozenset[str]]:
    database = Database(f"sqlite+aiosqlite:///{path}", settings=Settings(data_dir=path.parent, _env_file=None))
    numbers = [NumberInput(type="mobile", number=person.number)]
    name = {"first_name": person.first_name, "last_name": person.last_name, "organisation": _organisation(person.organisation)}
    data = ContactInput(**name, numbers=numbers)
    async with database.unit_of_work() as uow:
        made = await service.create_contact(uow, data, "PL")
    async with database.reading() as uow:
        contact = await uow.session.get_one(Contact, made.id, options=[selectinload(Contact.numbers)])
        terms = await uow.session.scalars(select(ContactTerm.term).where(ContactTerm.contact_id == made.id))
        (number,) = contact.numbers
        found = (contact.sort_name, contact.folded, number.digits, number.e164, number.last_nine, frozenset(terms))
    await database.close()
    return found
