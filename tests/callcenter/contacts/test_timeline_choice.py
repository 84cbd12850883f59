"""Pages of an organisation's timeline against all its entries in order, whatever falls on one moment, on both databases."""

import datetime as dt
import random

import pytest

from callcenter.contacts import service as contacts
from callcenter.contacts import timeline_pages
from callcenter.contacts.forms import ContactInput
from callcenter.contacts.timeline import add_entry
from callcenter.contacts.timeline_pages import Of
from callcenter.db import Database

AT = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
MEMBERS, ENTRIES, MOMENTS = 9, 90, 12


async def filled(database: Database, seed: int) -> tuple[int, list[tuple[dt.datetime, int, str]]]:
    """Write entries of an organisation and its contacts, many at the same time; returns it, and the entries newest first."""
    chance = random.Random(seed)
    found = []
    async with database.unit_of_work() as uow:
        people = [
            await contacts.create_contact(uow, ContactInput(last_name=f"Nowak {n}", organisation="Żuraw"), "PL")
            for n in range(MEMBERS)
        ]
        stranger = await contacts.create_contact(uow, ContactInput(last_name="Obcy"), "PL")
        of = people[0].organisation_id
        assert of is not None
        for _ in range(ENTRIES):
            at, kind = AT + dt.timedelta(minutes=chance.randrange(MOMENTS)), chance.choice(["note", "call", "email", "mail"])
            whose = chance.choice([*people, None])
            ids = (whose.id, None) if whose else (None, of)
            entry = await add_entry(uow, contact_id=ids[0], organisation_id=ids[1], kind=kind, text="", at=at)
            found.append((at, entry.id, kind))
            await add_entry(uow, contact_id=stranger.id, kind=kind, text="", at=at)
    return of, sorted(found, reverse=True)


@pytest.mark.parametrize("seed", range(3))
async def test_pages_of_an_organisation_are_all_its_entries_in_order(database: Database, seed: int) -> None:
    organisation, entries = await filled(database, seed)
    of = Of(organisation_id=organisation)
    for kinds, stored in (
        ((), ("note", "call", "email", "mail")),
        (("call",), ("call",)),
        (("note", "email"), ("note", "email", "mail")),
    ):
        wanted = [entry_id for _, entry_id, kind in entries if kind in stored]
        seen: list[int] = []
        async with database.reading() as uow:
            page = await timeline_pages.page(uow, of, kinds=kinds, limit=4)
            seen += [line.entry.id for line in page.items]
            while page.older:
                page = await timeline_pages.page(uow, of, kinds=kinds, before=page.items[-1].place, limit=4)
                seen += [line.entry.id for line in page.items]
        assert seen == wanted
    async with database.reading() as uow:
        counts = await timeline_pages.counts(uow, of)
    assert counts["email"] == sum(kind in ("email", "mail") for _, _, kind in entries)
