"""Letting search find what an import made: all its terms sorted on disk first, then written in their order.

A contact has fifteen terms. Written contact by contact each is a page of its own to find, change and log; in the index's
own order they lie side by side. Until then a new contact is identified by its number and opened by its address, but not
found by the search. Done twice it does no harm, so after a crash it begins anew.
"""

import sqlite3
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from sqlalchemy import select

from callcenter.contacts import inserting, search
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork

CONTACTS = 2000  # read at once
_CACHE_KIBIBYTES = 8192


class SortedTerms:
    """Terms on their way, in a private temporary database that goes with `close`. Used by one thread at a time."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        for each in (f"cache_size = -{_CACHE_KIBIBYTES}", "journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {each}")
        self._database.execute("CREATE TABLE coming (term TEXT NOT NULL, contact_id INTEGER NOT NULL)")
        self._rows: sqlite3.Cursor | None = None

    def add(self, contacts: Iterable[tuple[int, str, str]]) -> None:
        """Take in the terms of contacts: (id, sort_name, folded)."""
        self._database.execute("BEGIN")
        rows = ((term, contact_id) for contact_id, name, folded in contacts for term in search.terms(name, folded))
        self._database.executemany("INSERT INTO coming VALUES (?, ?)", rows)
        self._database.execute("COMMIT")

    def take(self, count: int) -> list[tuple[str, int]]:
        """Return the next terms in order; none: that is all."""
        if self._rows is None:
            self._rows = self._database.execute("SELECT term, contact_id FROM coming ORDER BY term, contact_id")
        return self._rows.fetchmany(count)

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        self.close()


async def contacts_after(uow: UnitOfWork, import_id: int, after: int) -> list[tuple[int, str, str]]:
    """Return the next contacts an import made, by id."""
    query = select(Contact.id, Contact.sort_name, Contact.folded)
    query = query.where(Contact.import_id == import_id, Contact.id > after).order_by(Contact.id).limit(CONTACTS)
    return [(row.id, row.sort_name, row.folded) for row in await uow.session.execute(query)]


async def store(uow: UnitOfWork, terms: list[tuple[str, int]]) -> None:
    """Write terms in their order; one that is there already stays."""
    await inserting.insert_terms(uow, terms)
