"""Merging two contacts: nothing of theirs is lost, the old address leads to the survivor, on both databases."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import insert, select

from callcenter.actor import AccountRole, Actor, Role
from callcenter.calls.models import Call, CallBack
from callcenter.contacts import dictionaries, duplicate_scan, identify, merging
from callcenter.contacts import service as contacts
from callcenter.contacts.field_models import CustomField, CustomValue
from callcenter.contacts.import_models import ContactMerge
from callcenter.contacts.merging import MergeInput
from callcenter.contacts.models import Contact, ContactManager, ContactTerm, TimelineEntry
from callcenter.contacts.service import ContactInput, NumberInput
from callcenter.contacts.timeline import newest
from callcenter.db import Committed, Database
from callcenter.errors import Conflict, Invalid, Merged, NotFound, NotPermitted
from callcenter.models import Base
from callcenter.users.models import AuditEntry
from tests.callcenter.contacts.people import add_person

AT = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
async def anna(database: Database) -> Actor:
    return await add_person(database)


async def add(database: Database, **said: Any) -> int:
    numbers = [NumberInput(number=each) for each in said.pop("numbers", [])]
    async with database.unit_of_work() as uow:
        return (await contacts.create_contact(uow, ContactInput(**said, numbers=numbers), "PL")).id


async def two(database: Database, anna: Actor) -> tuple[int, int]:
    """Add two with everything that may hang on a contact; returns who stays and who goes."""
    async with database.unit_of_work() as uow:
        for name in ("VIP", "New"):
            await dictionaries.add_entry(uow, "tag", name)
    kept = await add(
        database, first_name="Jan", last_name="Kowalski", numbers=["501000001", "501000009"], tags=["VIP"], city="Łódź"
    )
    lost = await add(
        database, first_name="Janek", last_name="Kowalsky", email="jan@acme.pl", organisation="Acme",
        numbers=["501000001", "502000002"], tags=["VIP", "New"], note="=secret",
    )  # fmt: skip
    async with database.unit_of_work() as uow:
        at = {"started_at": AT, "direction": "inbound"}
        candidates = [
            {"contact_id": each, "organisation_id": None, "name": "x", "organisation": None, "rule": "e164"}
            for each in (kept, lost)
        ]
        uow.session.add_all([
            ContactManager(user_id=anna.id, contact_id=lost),
            TimelineEntry(contact_id=lost, kind="note", text="Asked.", at=AT),
            Call(id="over", state="ended", contact_id=lost, **at),
            Call(id="going", state="talking", contact_id=lost, user_id=anna.id, match=candidates, **at),
            CustomField(id=1, key="colour", name="Colour", kind="text"),
        ])  # fmt: skip
        await uow.session.flush()
        uow.session.add(CallBack(call_id="over", contact_id=lost, number="x", missed_at=AT))
        await uow.session.execute(insert(CustomValue).values(contact_id=lost, field_id=1, text="red", folded="red"))
    return kept, lost


async def test_all_that_was_the_losers_is_the_survivors(database: Database, anna: Actor) -> None:
    kept, lost = await two(database, anna)
    told: list[Committed] = []
    database.after_commit.append(told.append)
    async with database.unit_of_work(anna) as uow:
        await merging.merge(uow, kept, lost, MergeInput(version=1, other_version=1, take=["email", "organisation"]))
    async with database.reading(anna) as uow:
        made = await contacts.get_contact(uow, kept)
        assert (made.name, made.email, made.city, made.version) == ("Jan Kowalski", "jan@acme.pl", "Łódź", 2)
        assert made.organisation is not None
        assert made.organisation.name == "Acme"
        assert sorted(each.e164 or "" for each in made.numbers) == ["+48501000001", "+48501000009", "+48502000002"]
        assert sorted(each.name for each in made.tags) == ["New", "VIP"]
        assert [each.text for each in made.custom] == ["red"]
        assert [each.text for each in await newest(uow, contact_id=kept)] == ["Asked."]
        assert set(await uow.session.scalars(select(Call.contact_id))) == {kept}
        assert list(await uow.session.scalars(select(CallBack.contact_id))) == [kept]
        assert list(await uow.session.scalars(select(ContactManager.contact_id))) == [kept]
        found = await identify.identify(uow, "502000002", "PL")
        assert (found.kind, [each.contact_id for each in found.candidates]) == ("matched", [kept])
        assert [each.id for each in (await contacts.list_contacts(uow, q="502000002")).items] == [kept]
        assert not list(await uow.session.scalars(select(ContactTerm).where(ContactTerm.contact_id == lost)))
        audited = await uow.session.scalar(select(AuditEntry).where(AuditEntry.action == "contact.merged"))
        assert audited is not None
        loser = audited.detail["loser"]
        assert (loser["first_name"], loser["note"], loser["tags"], loser["custom"]) == (
            "Janek",
            "=secret",
            ["VIP", "New"],
            {"colour": ["red"]},
        )
        going = await uow.session.get_one(Call, "going")
        assert [each["contact_id"] for each in going.match] == [kept]
        with pytest.raises(Merged) as gone:
            await contacts.get_contact(uow, lost)
        assert gone.value.survivor_id == kept
    types = [each.event.TYPE for committed in told for each in committed.outgoing]
    assert "call.changed" in types
    assert "contact.opened" in types


_NO_PERSONS = {"contact_terms", "contact_changes", "contact_bulk_rows"}  # made anew; a log; what a bulk action had to say


def test_no_table_that_refers_to_contacts_is_forgotten() -> None:
    found = merging.references()
    assert {"timeline", "calls", "numbers", "phone_meetings", "text_messages"} <= {table.name for table, _ in found}
    forgotten = [
        f"{table.name}.{column.name}"
        for table, column in found
        if merging.needs_a_rule(table, column) and table.name not in merging.RULES
    ]
    assert not forgotten, "say in merging.RULES what becomes of these"
    named = {table.name for table in Base.metadata.tables.values() if "contact_id" in table.columns}
    without_key = named - {table.name for table, _ in found} - _NO_PERSONS
    assert not without_key, "columns named contact_id that refer to nothing: merging cannot see them"


async def test_one_and_the_same_is_not_merged_nor_in_a_circle_and_chains_lead_to_the_last(
    database: Database, anna: Actor
) -> None:
    one, two_, three = [await add(database, last_name=name) for name in ("A", "B", "C")]

    async def merge(kept: int, lost: int, version: int = 1) -> None:
        async with database.unit_of_work(anna) as uow:
            await merging.merge(uow, kept, lost, MergeInput(version=version, other_version=1))

    with pytest.raises(Invalid):
        await merge(one, one)
    await merge(two_, one)
    with pytest.raises(Invalid):
        await merge(one, two_)
    async with database.unit_of_work(anna) as uow:
        await merging.merge(uow, three, two_, MergeInput(version=1, other_version=2))
    async with database.reading(anna) as uow:
        for gone in (one, two_):
            with pytest.raises(Merged) as told:
                await contacts.get_contact(uow, gone)
            assert told.value.survivor_id == three
    new = await add(database, last_name="D")
    assert new > three, "an id that was merged away is never somebody else's"
    with pytest.raises(NotFound):
        await merge(three, 999, 2)


async def test_the_highest_id_is_not_given_again_when_it_was_merged_away(database: Database, anna: Actor) -> None:
    one, two_ = await add(database, last_name="A"), await add(database, last_name="B")
    async with database.unit_of_work(anna) as uow:
        await merging.merge(uow, one, two_, MergeInput(version=1, other_version=1, take=["last_name"]))
    assert await add(database, last_name="C") > two_


async def test_who_changed_one_of_them_meanwhile_is_not_overwritten(database: Database, anna: Actor) -> None:
    one, two_ = await add(database, last_name="A"), await add(database, last_name="B")
    for versions in ((2, 1), (1, 2)):
        with pytest.raises(Conflict):
            async with database.unit_of_work(anna) as uow:
                await merging.merge(uow, one, two_, MergeInput(version=versions[0], other_version=versions[1]))


async def test_both_must_be_ones_the_actor_may_change(database: Database, anna: Actor) -> None:
    one, two_ = await add(database, last_name="A"), await add(database, last_name="B", type="partner")
    for roles, refused in (
        ({AccountRole.CUSTOMER_ADMIN}, NotFound),
        ({AccountRole.CUSTOMER_ADMIN, AccountRole.PARTNER_READER}, NotPermitted),
    ):
        clerk = Actor(anna.id, "Anna", Role.CONSULTANT, accounts=frozenset(roles))
        with pytest.raises(refused):
            async with database.unit_of_work(clerk) as uow:
                await merging.merge(uow, one, two_, MergeInput(version=1, other_version=1))
    async with database.unit_of_work(anna) as uow:
        await merging.merge(uow, one, two_, MergeInput(version=1, other_version=1))
    blind = Actor(anna.id, "Anna", Role.CONSULTANT, accounts=frozenset({AccountRole.PARTNER_ADMIN}))
    async with database.reading(blind) as uow:
        with pytest.raises(NotFound):
            await contacts.get_contact(uow, two_)
        assert (await uow.session.scalars(select(ContactMerge))).all()


async def test_pairs_are_found_in_the_background_and_dismissed_ones_stay_so(database: Database, anna: Actor) -> None:
    boss = await add_person(database, "boss", Role.SUPERVISOR)
    a = await add(database, first_name="Jan", last_name="Kowalski", numbers=["501000001"], organisation="Acme")
    b = await add(database, first_name="Ewa", last_name="Nowak", numbers=["501000001"], email="EWA@x.pl")
    c = await add(database, first_name="Kowalski", last_name="Jan", organisation="ACME", type="customer")
    d = await add(database, first_name="Ewa", last_name="Lis", email="ewa@x.pl", city="Łódź")
    e = await add(database, first_name="Ewa", last_name="Liss", city="lodz")
    await add(database, first_name="Ewa", last_name="Lis", city="Gdynia")

    async def pairs(actor: Actor = anna) -> set[tuple[str, int, int]]:
        async with database.reading(actor) as uow:
            return {(reason, one.id, other.id) for reason, one, other in await duplicate_scan.list_pairs(uow)}

    scan = await duplicate_scan.resume(database)
    assert scan is not None
    assert (scan.state, scan.looked_at, scan.found) == ("done", 6, 4)
    found = {("number", a, b), ("name", a, c), ("email", b, d), ("name", d, e)}
    assert await pairs() == found
    assert await duplicate_scan.resume(database) is None, "once a day"
    clerk = Actor(anna.id, "Anna", Role.CONSULTANT, accounts=frozenset({AccountRole.PARTNER_ADMIN}))
    assert await pairs(clerk) == set()
    async with database.unit_of_work(anna) as uow:
        await duplicate_scan.dismiss(uow, b, a)
        with pytest.raises(NotFound):
            await duplicate_scan.dismiss(uow, a, e)
        changed = ContactInput(first_name="Ewa", last_name="Inna", city="lodz")
        await contacts.update_contact(uow, e, changed, 1, "PL")
    async with database.unit_of_work(boss) as uow:
        await duplicate_scan.ask(uow)
    await duplicate_scan.resume(database)
    assert await pairs() == found - {("number", a, b), ("name", d, e)}
    async with database.reading() as uow:
        assert await duplicate_scan.count_pairs(uow) == 2
        assert len(list(await uow.session.scalars(select(Contact.id)))) == 6
