"""Contacts and organisations as people work with them, on both databases."""

import asyncio
import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select

from callcenter.actor import Actor, Role
from callcenter.contacts import index, pages
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact, ContactTerm, Organisation
from callcenter.contacts.service import ContactInput, NumberInput, OrganisationInput
from callcenter.contacts.timeline import newest
from callcenter.db import Database
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.users.models import AuditEntry
from tests.callcenter.contacts.people import add_person


def person(first: str = "", last: str = "", *numbers: str, **fields: Any) -> ContactInput:
    return ContactInput(
        first_name=first, last_name=last, numbers=[NumberInput(type="mobile", number=each) for each in numbers], **fields
    )


async def create(database: Database, *people: ContactInput, actor: Actor | None = None) -> list[int]:
    actor = actor or Actor(None, "system", Role.SYSTEM)
    async with database.unit_of_work(actor) as uow:
        return [(await contacts.create_contact(uow, each, "PL")).id for each in people]


async def found(database: Database, q: str, limit: int = 50) -> list[str]:
    async with database.reading() as uow:
        page = await contacts.list_contacts(uow, q=q, limit=limit)
        return [each.name for each in page.items]


async def test_a_contact_comes_back_as_it_was_typed_with_its_organisation_and_numbers(database: Database) -> None:
    actor = await add_person(database)
    data = person("Jan", "Kowalski", "501 234 567", "201", organisation="Acme  Sp. z o.o.", email="jan@acme.pl", note="a\r\nb")
    [contact_id] = await create(database, data, actor=actor)
    async with database.reading(actor) as uow:
        contact = await contacts.get_contact(uow, contact_id)
        assert contact.name == "Jan Kowalski"
        assert contact.organisation is not None
        assert contact.organisation.name == "Acme Sp. z o.o."
        assert [(each.raw, each.e164, each.shown, each.valid) for each in contact.numbers] == [
            ("501 234 567", "+48501234567", "+48 501 234 567", True),
            ("201", None, "201", False),
        ]
        assert contact.note == "a\nb"
        assert contact.version == 1
        actions = await uow.session.scalars(select(AuditEntry).where(AuditEntry.subject == "contact"))
        assert [(each.action, each.subject_id, each.actor_id) for each in actions] == [
            ("contact.created", str(contact_id), actor.user_id)
        ]


async def test_an_organisation_is_found_again_however_its_name_is_written(database: Database) -> None:
    await create(database, person("A", "A", organisation="Łódzka Fabryka"), person("B", "B", organisation=" LODZKA  fabryka "))
    async with database.reading() as uow:
        assert await uow.session.scalar(select(func.count()).select_from(Organisation)) == 1
        [organisation] = await contacts.list_organisations(uow, "lod")
        assert [each.name for each in await contacts.members(uow, organisation.id)] == ["A A", "B B"]
        assert [each.name for each in await contacts.list_organisations(uow, "fabr")] == ["Łódzka Fabryka"]
        assert await contacts.list_organisations(uow, "%") == []


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (person(), "last_name"),
        (person(" - ", "%"), "last_name"),
        (person("Jan", "", "9" * 30), "numbers"),
        (person("Jan", "", "call me"), "numbers"),
        (person("Jan", "", "anonymous"), "numbers"),
        (person("Jan", "", email="jan at acme"), "email"),
    ],
)
async def test_what_cannot_be_a_contact_is_refused_with_the_field_at_fault(
    database: Database, data: ContactInput, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await create(database, data)
    assert caught.value.field == field


def test_fields_have_a_length() -> None:
    with pytest.raises(ValidationError):
        person("x" * 101)


async def test_a_number_typed_twice_is_kept_once(database: Database) -> None:
    [contact_id] = await create(database, person("Jan", "", "501234567", "+48 501 234 567", "", "0048501234567"))
    async with database.reading() as uow:
        assert [each.raw for each in (await contacts.get_contact(uow, contact_id)).numbers] == ["501234567"]


async def test_of_two_who_save_the_same_version_the_second_is_told_and_nothing_is_overwritten(database: Database) -> None:
    [contact_id] = await create(database, person("Jan", "Kowalski", "501234567"))

    async def save(name: str) -> str:
        try:
            async with database.unit_of_work() as uow:
                await contacts.update_contact(uow, contact_id, person(name, "Kowalski", "501234567"), 1, "PL")
        except Conflict:
            return "conflict"
        return name

    results = await asyncio.gather(save("Adam"), save("Ewa"))
    assert sorted(results)[-1] == "conflict"
    async with database.reading() as uow:
        contact = await contacts.get_contact(uow, contact_id)
    assert contact.first_name in results
    assert contact.version == 2


async def test_a_changed_contact_is_found_as_it_is_now_and_not_as_it_was(database: Database) -> None:
    [contact_id] = await create(database, person("Jan", "Kowalski", "501234567", organisation="Acme"))
    async with database.unit_of_work() as uow:
        contact = await contacts.update_contact(
            uow, contact_id, person("Jan", "Nowak", "602000111", organisation="Beta"), 1, "PL"
        )
        kept = [each.id for each in contact.numbers]
    for q in ("kowalski", "acme", "501"):
        assert await found(database, q) == []
    for q in ("nowak", "beta", "602000111", "000 111"):
        assert await found(database, q) == ["Jan Nowak"]
    async with database.unit_of_work() as uow:
        data = person("Jan", "Nowak", "602000111", "22 123 45 67", organisation="Beta")
        contact = await contacts.update_contact(uow, contact_id, data, 2, "PL")
        assert contact.numbers[0].id == kept[0], "a number that stays keeps its row"
    async with database.reading() as uow:
        trail = await uow.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "contact.updated").order_by(AuditEntry.id)
        )
        assert [each.detail["fields"] for each in trail] == [["last_name", "numbers", "organisation"], ["numbers"]]
        terms = set(await uow.session.scalars(select(ContactTerm.term).where(ContactTerm.contact_id == contact_id)))
        assert {"nowak jan", "jan nowak", "beta", "48602000111", "111", "48221234567"} <= terms
        assert not {"acme", "kowalski jan", "501234567"} & terms


async def test_contacts_are_found_by_word_beginnings_and_number_parts_however_typed(database: Database) -> None:
    await create(
        database,
        person("Jan", "Kowalski", "501 234 567", organisation="Acme Polska", email="janek@acme.pl"),
        person("Łucja", "Kowal-Żak", "+44 20 7946 0958"),
        person("Kowalski", "Adam", "22 600 10 02"),
        person("", "", "801", organisation="50 Plus 100%"),
    )
    expected = {
        "kowal": ["Łucja Kowal-Żak", "Kowalski Adam", "Jan Kowalski"],
        "KOWALSKI": ["Kowalski Adam", "Jan Kowalski"],
        "jan kow": ["Jan Kowalski"],
        "kow jan": ["Jan Kowalski"],
        "lucja": ["Łucja Kowal-Żak"],
        "łucja": ["Łucja Kowal-Żak"],
        "zak": ["Łucja Kowal-Żak"],
        "owalski": [],
        "polska": ["Jan Kowalski"],
        "janek@acme.pl": ["Jan Kowalski"],
        "501234567": ["Jan Kowalski"],
        "+48 501 234 567": ["Jan Kowalski"],
        "0048501234567": ["Jan Kowalski"],
        "0501234567": ["Jan Kowalski"],
        "48501": ["Jan Kowalski"],
        "1234": ["Jan Kowalski"],
        "34-56": ["Jan Kowalski"],
        "0 20 7946": ["Łucja Kowal-Żak"],
        "kowalski 501": ["Jan Kowalski"],
        "kowalski 999": [],
        "600100": ["Kowalski Adam"],
        "00100": ["Kowalski Adam"],
        "801": [""],
        "plus 50": [""],
        "%": [],
        "_": [],
        "'": [],
        "jan xyz": [],
        "x" * 500: [],
    }
    assert {q: await found(database, q) for q in expected} == expected


@pytest.mark.parametrize("q", ["", "k", "kow", "501", "jan k"])
@pytest.mark.parametrize("step", [5, 500])
async def test_pages_follow_each_other_without_gaps_or_repeats(
    database: Database, q: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "FEW", step)
    monkeypatch.setattr(pages, "_STEPS", (step, 2 * step))
    people = [person("Jan", f"Kowalski{n % 7}", f"501 000 {n:03}", organisation="Kow", email=f"k{n}@kow.pl") for n in range(60)]
    await create(database, *people)
    await index.catch_up(database)
    seen: list[int] = []
    after: str | None = None
    while True:
        async with database.reading() as uow:
            page = await contacts.list_contacts(uow, q=q, after=after, limit=7)
        assert len(page.items) == 7 or page.next is None
        seen += [each.id for each in page.items]
        after = page.next
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 60


@pytest.mark.parametrize("after", ["x", "%%%", "bnVsbA", "WyJhIiwgImIiXQ", "ąę", "WzEsMl0"])
async def test_a_place_in_the_list_that_is_none_is_refused(database: Database, after: str) -> None:
    with pytest.raises(Invalid):
        async with database.reading() as uow:
            await contacts.list_contacts(uow, after=after)


async def test_the_last_entries_come_newest_first_and_a_call_can_move_to_another_contact(database: Database) -> None:
    actor = await add_person(database)
    one, other = await create(database, person("Jan"), person("Ewa"))
    async with database.unit_of_work(actor) as uow:
        for n in range(5):
            at = uow.now + dt.timedelta(seconds=n // 2)
            await contacts.add_entry(uow, contact_id=one, kind="call", text=str(n), at=at, call_id=f"c{n}", data={"n": n})
        note = await contacts.add_note(uow, one, "  Called\r\nback ")
        assert (note.text, note.user_id, note.kind) == ("Called\nback", actor.user_id, "note")
    async with database.unit_of_work(actor) as uow:
        assert [each.text for each in await newest(uow, contact_id=one, limit=5)] == ["4", "3", "2", "Called\nback", "1"]
        await contacts.move_call_entries(uow, "c3", other)
        assert [each.text for each in await newest(uow, contact_id=other)] == ["3"]
        assert len(await newest(uow, contact_id=one)) == 5
        with pytest.raises(Invalid):
            await contacts.add_note(uow, one, " \n ")
        with pytest.raises(NotFound):
            await contacts.add_note(uow, 999, "x")


async def test_an_organisation_is_renamed_and_its_people_are_found_under_the_new_name(database: Database) -> None:
    [contact_id] = await create(database, person("Jan", organisation="Acme"))
    async with database.unit_of_work() as uow:
        contact = await contacts.get_contact(uow, contact_id)
        assert contact.organisation_id is not None
        data = OrganisationInput(name="Beta", numbers=[NumberInput(type="main", number="22 123 45 67")])
        organisation = await contacts.update_organisation(uow, contact.organisation_id, data, 1, "PL")
        assert [each.e164 for each in organisation.numbers] == ["+48221234567"]
        with pytest.raises(Conflict):
            await contacts.create_organisation(uow, OrganisationInput(name="BETA"), "PL")
        with pytest.raises(Invalid):
            await contacts.create_organisation(uow, OrganisationInput(name=" % "), "PL")
    assert await found(database, "beta") == ["Jan"]
    assert await found(database, "acme") == []


async def test_there_is_no_contact_that_is_not_there(database: Database) -> None:
    async with database.unit_of_work() as uow:
        for wrong in (contacts.get_contact(uow, 1), contacts.get_organisation(uow, 1), contacts.add_note(uow, 1, "x")):
            with pytest.raises(CallCenterError):
                await wrong
        assert list(await uow.session.scalars(select(Contact))) == []
