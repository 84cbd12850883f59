"""Organisations: changed, followed by their contacts, searched, moved to, deleted, merged; on both databases."""

import asyncio
import dataclasses
from typing import Any

import pytest
from sqlalchemy import func, select

from callcenter.actor import SYSTEM, AccountRole, Actor
from callcenter.contacts import following, leaving, moving, organisation_lists, organisations, timeline, timeline_pages
from callcenter.contacts import service as contacts
from callcenter.contacts.models import (
    Contact,
    ContactManager,
    Number,
    Organisation,
    OrganisationManager,
    OrganisationTerm,
    TimelineEntry,
)
from callcenter.contacts.organisation_terms import terms
from callcenter.contacts.service import ContactInput, NumberInput, OrganisationInput
from callcenter.contacts.timeline_pages import Of
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.scheduler import Scheduler
from tests.callcenter.contacts.people import add_person

ODD_NAMES = ["O'Neill & Sons", "Żółć 🚀 Rakieta", "שלום בע״מ", "<script>alert(1)</script>", "x" * 254]


async def add(database: Database, name: str, *numbers: str, actor: Actor = SYSTEM, **fields: Any) -> int:
    typed = [NumberInput(type="main", number=each) for each in numbers]
    async with database.unit_of_work(actor) as uow:
        made = await contacts.create_organisation(uow, OrganisationInput(name=name, numbers=typed, **fields), "PL")
        return made.id


async def add_contacts(database: Database, organisation: str, *names: str, actor: Actor = SYSTEM) -> list[int]:
    async with database.unit_of_work(actor) as uow:
        return [
            (await contacts.create_contact(uow, ContactInput(last_name=name, organisation=organisation), "PL")).id
            for name in names
        ]


async def change(database: Database, organisation_id: int, version: int = 1, actor: Actor = SYSTEM, **fields: Any) -> None:
    async with database.unit_of_work(actor) as uow:
        now = await organisations.get_organisation(uow, organisation_id)
        numbers = [NumberInput.model_validate({"type": each.type, "number": each.raw}) for each in now.numbers]
        data = OrganisationInput(**{"name": now.name, "numbers": numbers} | fields)
        await contacts.update_organisation(uow, organisation_id, data, version, "PL")


async def searched(database: Database, q: str, actor: Actor = SYSTEM, limit: int = 50) -> list[str]:
    async with database.reading(actor) as uow:
        return [each.name for each in (await organisation_lists.page(uow, q=q, limit=limit)).items]


async def people(database: Database, q: str) -> list[str]:
    async with database.reading() as uow:
        return [each.name for each in (await contacts.list_contacts(uow, q=q, limit=200)).items]


async def work(database: Database) -> None:
    scheduler = Scheduler(database)
    while await scheduler.run_due():
        pass


def with_roles(actor: Actor, *roles: AccountRole) -> Actor:
    return dataclasses.replace(actor, accounts=frozenset(roles))


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_any_name_is_kept_as_typed_and_found(database: Database, name: str) -> None:
    organisation_id = await add(database, name)
    async with database.reading() as uow:
        assert (await organisations.get_organisation(uow, organisation_id)).name == name
    assert await searched(database, name[:20]) == [name]


async def test_what_is_no_organisation_is_refused_with_its_field(database: Database) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"name": "🚀"}, "name"),
        ({"name": "A", "email": "nobody"}, "email"),
        ({"name": "A", "website": "javascript:alert(1)"}, "website"),
        ({"name": "A", "website": "http://a b.pl"}, "website"),
    ]
    for fields, field in wrong:
        with pytest.raises(Invalid) as refused:
            await add(database, **fields)
        assert refused.value.field == field
    with pytest.raises(Invalid) as refused:
        await add(database, "A", "22 CALL ME")
    assert refused.value.field == "numbers"
    await add(database, "Łódź", website="lodz.pl")
    with pytest.raises(Conflict):
        await add(database, "  LODZ ")
    with pytest.raises(ValueError, match="at most 254"):
        OrganisationInput(name="x" * 300)


async def test_organisations_are_found_by_words_city_mail_and_parts_of_numbers(database: Database) -> None:
    await add(database, "Fabryka Kabli Łódź", "42 123 45 67", city="Zgierz", email="biuro@kable.pl")
    await add(database, "Kabel Polska", "+48 601 222 333")
    await add(database, "Polska Fabryka", type="partner")
    for q, expected in (
        ("kab", ["Kabel Polska", "Fabryka Kabli Łódź"]),
        ("lodz", ["Fabryka Kabli Łódź"]),
        ("zgi", ["Fabryka Kabli Łódź"]),
        ("biuro", ["Fabryka Kabli Łódź"]),
        ("234-56", ["Fabryka Kabli Łódź"]),
        ("0048 601", ["Kabel Polska"]),
        ("pol fab", ["Polska Fabryka"]),
        ("kab 222", ["Kabel Polska"]),
        ("%", []),
        ("nowhere", []),
    ):
        assert await searched(database, q) == expected, q
    async with database.reading() as uow:
        page = await organisation_lists.page(uow, type_="partner")
        assert [each.name for each in page.items] == ["Polska Fabryka"]
        with pytest.raises(Invalid):
            await organisation_lists.page(uow, after="nonsense")


@pytest.mark.parametrize("q", ["", "fir", "fir polska"])
async def test_pages_give_everybody_once_in_order(database: Database, q: str) -> None:
    for at in range(23):
        await add(database, f"Firma {at % 5} Polska {at}")
    got: list[str] = []
    after = None
    async with database.reading() as uow:
        while True:
            page = await organisation_lists.page(uow, q=q, after=after, limit=5)
            got += [each.name for each in page.items]
            after = page.next
            if after is None:
                break
    assert len(got) == len(set(got)) == 23
    if not q:
        assert got == sorted(got)


async def test_terms_are_always_those_of_what_the_organisations_say(database: Database) -> None:
    one = await add(database, "Alfa Beta", "601 222 333")
    await add_contacts(database, "Gamma Delta", "A")
    await change(database, one, name="Omega", city="Kraków", numbers=[NumberInput(number="22 111 22 33")])
    async with database.reading() as uow:
        kept = {(each.term, each.organisation_id) for each in await uow.session.scalars(select(OrganisationTerm))}
        everybody = await uow.session.scalars(select(Organisation))
        assert kept == {(term, each.id) for each in everybody for term in terms(each.name, each.searchable)}
    assert await searched(database, "omega krak 111") == ["Omega"]
    assert await searched(database, "601") == []
    await leave(database, one, 2)
    async with database.reading() as uow:
        left = select(func.count()).select_from(OrganisationTerm).where(OrganisationTerm.organisation_id == one)
        assert await uow.session.scalar(left) == 0


async def test_of_two_who_save_the_second_is_told(database: Database) -> None:
    one = await add(database, "Alfa")
    await change(database, one, note="first")
    with pytest.raises(Conflict):
        await change(database, one, note="second")
    async with database.reading() as uow:
        assert (await organisations.get_organisation(uow, one)).note == "first"
        [line] = await lines_of(uow, one)
        assert line.entry.data == {"fields": {"note": ["", "first"]}}


async def test_many_contacts_follow_name_and_type_even_when_a_crash_comes_between(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "AT_ONCE", 3)
    monkeypatch.setattr(following, "BATCH", 2)
    await add_contacts(database, "Alfa", *(f"P{at}" for at in range(9)))
    async with database.reading() as uow:
        [one] = [each.id for each in await organisations.list_organisations(uow, "alfa")]
    await change(database, one, name="Zeta", type="partner")
    assert len(await people(database, "zeta")) == 3
    await Scheduler(database).run_due()  # one batch; then the process is gone, and another goes on
    await work(database)
    assert len(await people(database, "zeta")) == 9
    assert await people(database, "alfa") == []
    async with database.reading() as uow:
        assert set(await uow.session.scalars(select(Contact.type))) == {"partner"}


async def test_the_type_changes_only_with_the_right_to_both(database: Database) -> None:
    anna = await add_person(database)
    one = await add(database, "Alfa")
    await add_contacts(database, "Alfa", "A")
    customers = with_roles(anna, AccountRole.CUSTOMER_ADMIN, AccountRole.PARTNER_READER)
    with pytest.raises(NotPermitted):
        await change(database, one, actor=customers, type="partner")
    with pytest.raises(NotPermitted):
        await change(database, one, actor=with_roles(anna, AccountRole.CUSTOMER_READER), note="x")
    with pytest.raises(NotFound):
        await change(database, one, actor=with_roles(anna, AccountRole.PARTNER_ADMIN), note="x")
    with pytest.raises(NotPermitted):
        await add(database, "Beta", actor=customers, type="partner")
    await change(database, one, actor=anna, type="partner")
    async with database.reading() as uow:
        assert await uow.session.scalar(select(Contact.type)) == "partner"


async def test_who_manages_manages_what_they_made(database: Database) -> None:
    anna = with_roles(await add_person(database), AccountRole.CUSTOMER_MANAGER)
    one = await add(database, "Alfa", actor=anna)
    [contact_id] = await add_contacts(database, "Beta", "Jan", actor=anna)
    async with database.unit_of_work(anna) as uow:
        assert await searched(database, "", anna) == ["Alfa", "Beta"]
        await moving.move_contacts(uow, [contact_id], one)
        await moving.move_contacts(uow, [contact_id], None)
        assert (await contacts.get_contact(uow, contact_id)).name == "Jan"
        assert await uow.session.get(ContactManager, (anna.user_id, contact_id)) is not None


async def lines_of(uow: UnitOfWork, organisation_id: int, *kinds: str) -> list[timeline_pages.Line]:
    return (await timeline_pages.page(uow, Of(organisation_id=organisation_id), kinds=kinds)).items


async def leave(database: Database, organisation_id: int, version: int = 1, *, too: bool = False, actor: Actor = SYSTEM) -> None:
    async with database.unit_of_work(actor) as uow:
        await leaving.delete_organisation(uow, organisation_id, version, entries_too=too)


async def test_contacts_move_with_their_history_and_it_says_who_moved_them(database: Database) -> None:
    anna = await add_person(database)
    one, two = await add(database, "Alfa"), await add(database, "Beta", type="partner")
    ids = await add_contacts(database, "Alfa", "Jan", "Ewa")
    async with database.unit_of_work(anna) as uow:
        await contacts.add_note(uow, ids[0], "Likes tea")
        moved = await moving.move_contacts(uow, [*ids, 999], two)
        assert (moved.moved, moved.refused) == (ids, [999])
        assert (await moving.move_contacts(uow, ids, two)).there == ids
    async with database.reading() as uow:
        assert await lines_of(uow, one) == []
        lines = await lines_of(uow, two)
        assert sorted((each.entry.kind, each.contact) for each in lines) == [
            ("change", "Ewa"), ("change", "Jan"), ("note", "Jan"),
        ]  # fmt: skip
        entry = next(each.entry for each in lines if each.entry.kind == "change")
        assert entry.user_id == anna.user_id
        assert entry.data == {"fields": {"organisation": ["Alfa", "Beta"]}}
        assert {each.type for each in await organisations.members(uow, two)} == {"partner"}
    assert sorted(await people(database, "beta")) == ["Ewa", "Jan"]
    assert await people(database, "alfa") == []


async def test_nobody_moves_to_an_organisation_they_may_not_see(database: Database) -> None:
    anna = with_roles(await add_person(database), AccountRole.CUSTOMER_ADMIN)
    partner = await add(database, "Alfa", type="partner")
    [contact_id] = await add_contacts(database, "Beta", "Jan")
    for wrong in (partner, 999):
        with pytest.raises(NotPermitted):
            async with database.unit_of_work(anna) as uow:
                await moving.move_contacts(uow, [contact_id], wrong)
    with pytest.raises(NotPermitted):
        async with database.unit_of_work(anna) as uow:
            await contacts.update_contact(uow, contact_id, ContactInput(last_name="Jan", organisation="alfa"), 1, "PL")
    [theirs] = await add_contacts(database, "Alfa", "Ewa")
    async with database.unit_of_work(anna) as uow:
        assert (await moving.move_contacts(uow, [theirs], None)).refused == [theirs]
        with pytest.raises(Invalid):
            await moving.move_contacts(uow, [], None)


async def test_the_form_moves_a_contact_and_its_timeline_says_so(database: Database) -> None:
    [contact_id] = await add_contacts(database, "Alfa", "Jan")
    async with database.unit_of_work() as uow:
        await contacts.update_contact(uow, contact_id, ContactInput(last_name="Jan", organisation="Beta"), 1, "PL")
        [entry] = await timeline.newest(uow, contact_id=contact_id)
        assert (entry.kind, entry.data["fields"]["organisation"]) == ("change", ["Alfa", "Beta"])


async def test_contacts_of_a_deleted_organisation_stay_with_their_type_and_a_name(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "AT_ONCE", 2)
    monkeypatch.setattr(leaving, "BATCH", 2)
    one = await add(database, "Alfa", "22 123 45 67", type="partner")
    ids = await add_contacts(database, "Alfa", "Jan", "Ewa", "Ida", "Ala", "")
    async with database.unit_of_work() as uow:
        await organisations.add_note(uow, one, "Pays late")
        now = uow.now
        await contacts.add_entry(uow, contact_id=ids[0], organisation_id=one, kind="call", text="x", at=now, call_id="c1")
    with pytest.raises(Conflict, match="1 entries"):
        await leave(database, one)
    await leave(database, one, too=True)
    with pytest.raises(Conflict):
        await add_contacts(database, "Alfa", "Late")  # on its way out: nobody joins
    with pytest.raises(Conflict):
        await change(database, one, note="x")
    await work(database)
    async with database.reading() as uow:
        assert list(await uow.session.scalars(select(Organisation))) == []
        everybody = list(await uow.session.scalars(select(Contact).order_by(Contact.id)))
        assert [(each.organisation_id, each.type) for each in everybody] == [(None, "partner")] * 5
        assert everybody[-1].name == "Alfa"
        assert await uow.session.scalar(select(func.count()).select_from(Number)) == 0
        calls = await uow.session.scalars(select(TimelineEntry).where(TimelineEntry.kind == "call"))
        assert [each.contact_id for each in calls] == [ids[0]]
    assert await people(database, "alfa") == ["Alfa"]


@pytest.mark.parametrize("at_once", [1, 100])
async def test_two_organisations_become_one_that_has_all_of_both(
    database: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(following, "AT_ONCE", at_once)
    monkeypatch.setattr(leaving, "BATCH", 1)
    anna = await add_person(database)
    kept, gone = await add(database, "Alfa", "22 123 45 67"), await add(database, "Alpha SA", "22 123 45 67", "601 222 333")
    ids = await add_contacts(database, "Alpha SA", "Jan", "Ewa", "Ida")
    async with database.unit_of_work(anna) as uow:
        await organisations.add_note(uow, gone, "Old note")
        uow.session.add(OrganisationManager(user_id=anna.id, organisation_id=gone))
        data = OrganisationInput(name="Alpha SA", numbers=[NumberInput(type="main", number="22 123 45 67")])
        await leaving.merge(uow, kept, gone, data, (1, 1), "PL")
    with pytest.raises((Conflict, NotFound)):
        async with database.unit_of_work(anna) as uow:  # the other way round, while it goes or when it is gone
            await leaving.merge(uow, gone, kept, data, (1, 2), "PL")
    await work(database)
    async with database.reading(anna) as uow:
        assert [each.name for each in await organisations.list_organisations(uow)] == ["Alpha SA"]
        found = await organisations.get_organisation(uow, kept)
        assert sorted(each.digits[-9:] for each in found.numbers) == ["221234567", "601222333"]
        assert {each.id for each in await organisations.members(uow, kept)} == set(ids)
        assert await uow.session.get(OrganisationManager, (anna.user_id, kept)) is not None
        texts = [each.entry.text for each in await lines_of(uow, kept, "note")]
        assert texts == ["Old note"]
    assert await searched(database, "601 222") == ["Alpha SA"]
    with pytest.raises(Invalid):
        async with database.unit_of_work(anna) as uow:
            await leaving.merge(uow, kept, kept, data, (2, 2), "PL")


async def test_the_timeline_has_the_own_and_that_of_all_contacts_by_kind_and_page(database: Database) -> None:
    one = await add(database, "Alfa")
    ids = await add_contacts(database, "Alfa", "Jan", "Ewa")
    await add_contacts(database, "Beta", "Ola")
    async with database.unit_of_work() as uow:
        for at in range(12):
            contact_id = [*ids, None][at % 3]
            kind = "note" if at % 2 else "text"
            firm = one if contact_id is None or at == 0 else None  # a call has both
            await contacts.add_entry(uow, contact_id=contact_id, organisation_id=firm, kind=kind, text=str(at), at=uow.now)
        got, of = list[str](), Of(organisation_id=one)
        before = None
        while lines := (await timeline_pages.page(uow, of, before=before, limit=5)).items:
            got += [each.entry.text for each in lines]
            before = lines[-1].place
        assert got == [str(at) for at in range(11, -1, -1)]
        notes = await lines_of(uow, one, "note")
        assert [each.entry.text for each in notes] == ["11", "9", "7", "5", "3", "1"]
        assert {each.contact for each in notes} == {"", "Jan", "Ewa"}
        with pytest.raises(Invalid):
            await organisations.add_note(uow, one, "  ")


async def test_who_comes_while_the_type_changes_has_the_new_one(database: Database) -> None:
    one = await add(database, "Alfa")
    await add_contacts(database, "Alfa", "A", "B")
    [mover] = await add_contacts(database, "Beta", "C")

    async def move() -> None:
        async with database.unit_of_work() as uow:
            await moving.move_contacts(uow, [mover], one)

    changing = [change(database, one, name="Gamma", type="partner"), move()]
    joining = [add_contacts(database, "Alfa", f"D{at}") for at in range(3)]
    await asyncio.gather(*changing, *joining)
    await work(database)
    async with database.reading() as uow:
        everybody = await uow.session.scalars(select(Contact).where(Contact.organisation_id == one))
        kept = [(each.type, " gamma " in each.folded) for each in everybody]
        assert len(kept) >= 3
        assert set(kept) == {("partner", True)}
