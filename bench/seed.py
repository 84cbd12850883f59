"""A SQLite database with a million contacts, made once and copied for each run.

Rows are written in bulk, as the product's own functions would write them one by one; that is faster than importing a
file, and what is measured afterwards reads the same rows.
"""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bench.figures import RESULTS
from callcenter.contacts import numbers, search

FIRST = ("Anna", "Jan", "Łukasz", "Zofia", "Piotr", "Ewa", "Marek", "Małgorzata", "Paweł", "Żaneta", "Tomasz", "Agnieszka")
LAST = ("Kowalski", "Nowak", "Wójcik", "Zieliński", "Szymański", "Dąbrowski", "Mazur", "Łęcki", "Źdźbło", "Jankowski")
BATCH = 50_000
_AT = "2026-01-01 00:00:00.000000"


def number_of(n: int) -> str:
    """Return the n-th contact's number: a valid Polish mobile number."""
    return f"+4850{n:07d}"


def seeded(source: Path, count: int) -> Path:
    """Return a copy of `source` (an empty, migrated database) with `count` contacts, from the store if it is there."""
    RESULTS.mkdir(exist_ok=True)
    kept = RESULTS / f"contacts-{count}.db"
    if not kept.exists():
        partial = kept.with_suffix(".part")
        shutil.copy(source, partial)
        _fill(partial, count)
        partial.rename(kept)
    return kept


def _fill(path: Path, count: int) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000")
    chance = random.Random(7)  # noqa: S311 - the same people every time
    terms: list[tuple[str, int]] = []
    for first in range(1, count + 1, BATCH):
        people = list(_people(first, min(BATCH, count + 1 - first), chance, terms))
        connection.executemany(
            "INSERT INTO contacts (id, first_name, last_name, sort_name, position, email, note, folded, created_at, updated_at, version)"
            " VALUES (?, ?, ?, ?, '', '', '', ?, ?, ?, 1)",
            [person[:5] + (_AT, _AT) for person in people],
        )
        connection.executemany(
            "INSERT INTO numbers (contact_id, type, raw, digits, e164, last_nine) VALUES (?, 'mobile', ?, ?, ?, ?)",
            [(person[0], number, number[1:], number, number[-9:]) for *person, number in people],
        )
    terms.sort()
    connection.executemany("INSERT INTO contact_terms (term, contact_id) VALUES (?, ?)", terms)
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()


def _people(first: int, count: int, chance: random.Random, terms: list[tuple[str, int]]) -> Iterator[tuple[int, str, str, str, str, str]]:
    for n in range(first, first + count):
        name, family = chance.choice(FIRST), f"{chance.choice(LAST)}{chance.randrange(1000)}"
        number = number_of(n)
        parsed = numbers.parse(number, "PL") if n == first else None
        if parsed is not None and parsed.e164 != number:
            raise ValueError(f"{number} is not valid, and the bench would measure strangers")
        sort = search.sort_name(name, family)
        searchable = search.folded(sort, "", "", [number[1:]])
        terms.extend((term, n) for term in search.terms(sort, searchable))
        yield n, name, family, sort, searchable, number


