"""What is asked for on the way and kept on the contact: numbers, an e-mail address, tags."""

from typing import Any

import pytest
from sqlalchemy import select

from callcenter.actor import AccountRole, Actor, Role
from callcenter.contacts import dictionaries, keeping
from callcenter.contacts import service as contacts
from callcenter.contacts.field_models import DictionaryEntry
from callcenter.contacts.forms import ContactInput, NumberInput
from callcenter.contacts.models import TimelineEntry
from callcenter.db import Database
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, NotPermitted
from callcenter.users.models import AuditEntry
from tests.callcenter.contacts.people import add_person

READING = frozenset({AccountRole.CUSTOMER_READER})
BLIND = frozenset({AccountRole.PARTNER_ADMIN})


async def contact(database: Database, name: str = "Kowalski", *numbers: str, **fields: Any) -> int:
    data = ContactInput(last_name=name, numbers=[NumberInput(number=each) for each in numbers], **fields)
    async with database.unit_of_work() as uow:
        return (await contacts.create_contact(uow, data, "PL")).id


async def changes(database: Database, contact_id: int) -> list[dict[str, Any]]:
    async with database.reading() as uow:
        query = select(TimelineEntry).where(TimelineEntry.contact_id == contact_id, TimelineEntry.kind == "change")
        return [each.data["fields"] for each in await uow.session.scalars(query.order_by(TimelineEntry.id))]


async def test_a_number_is_kept_for_good_found_again_and_told(database: Database) -> None:
    jan, anna = await contact(database), await add_person(database)
    async with database.unit_of_work(anna) as uow:
        kept = await keeping.keep_number(uow, jan, "work", "601 234 567", "call")
        assert (kept.number.e164, kept.number.type, kept.others) == ("+48601234567", "work", [])
    async with database.reading(anna) as uow:
        found = await contacts.get_contact(uow, jan)
        assert [(each.type, each.e164) for each in found.numbers] == [("work", "+48601234567")]
        assert found.version == 2
        assert [each.id for each in (await contacts.list_contacts(uow, q="1234567")).items] == [jan]
        audited = await uow.session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "contact.updated"))
        assert list(audited) == [{"fields": ["numbers"]}]
    assert await changes(database, jan) == [{"numbers": [[], ["+48 601 234 567"]]}]


async def test_a_number_that_is_there_is_not_kept_twice(database: Database) -> None:
    jan = await contact(database, "Kowalski", "601234567")
    async with database.unit_of_work() as uow:
        kept = await keeping.keep_number(uow, jan, "mobile", "+48 601-234-567", "text")
        assert (kept.number.type, (await contacts.get_contact(uow, jan)).version) == ("other", 1)
    assert await changes(database, jan) == []


async def test_who_else_has_the_number_is_said_as_far_as_one_may_see_them(database: Database) -> None:
    jan = await contact(database)
    await contact(database, "Nowak", "601234567")
    await contact(database, "Partner", "601234567", type="partner")
    customers = Actor(None, "customers", Role.CONSULTANT, accounts=frozenset({AccountRole.CUSTOMER_ADMIN}))
    async with database.unit_of_work(customers) as uow:
        kept = await keeping.keep_number(uow, jan, "mobile", "601234567", "call")
        assert kept.others == ["Nowak"]


@pytest.mark.parametrize(
    ("typed", "kind", "purpose", "field"),
    [
        ("", "mobile", "call", "number"),
        ("call me", "mobile", "call", "number"),
        ("601 234 567, 602 345 678", "mobile", "call", "number"),
        ("601234567 / 602345678", "mobile", "call", "number"),
        ("601234567;602345678", "mobile", "call", "number"),
        ("60123456", "mobile", "call", "number"),
        ("60l234567", "mobile", "text", "number"),
        ("22 123 45 67", "landline", "text", "number"),
        ("22 123 45 67", "home_fax", "call", "type"),
        ("601 234 567", "office_fax", "text", "type"),
        ("1" * 40, "mobile", "call", "number"),
    ],
)
async def test_what_is_not_one_number_for_the_purpose_is_refused(
    database: Database, typed: str, kind: Any, purpose: Any, field: str
) -> None:
    jan = await contact(database)
    async with database.unit_of_work() as uow:
        with pytest.raises(Invalid) as refused:
            await keeping.keep_number(uow, jan, kind, typed, purpose)
        assert refused.value.field == field
        assert str(refused.value)


async def test_an_extension_stays_as_typed_and_internal_and_fax_numbers_are_kept(database: Database) -> None:
    jan = await contact(database)
    async with database.unit_of_work() as uow:
        assert (await keeping.keep_number(uow, jan, "work", "22 123 45 67 wew. 12", "call")).number.e164 == "+48221234567"
        assert (await keeping.keep_number(uow, jan, "work", "201", "call")).number.e164 is None
        assert (await keeping.keep_number(uow, jan, "office_fax", "22 123 45 68", "fax")).number.type == "office_fax"
        assert [each.raw for each in (await contacts.get_contact(uow, jan)).numbers] == [
            "22 123 45 67 wew. 12",
            "201",
            "22 123 45 68",
        ]


async def test_a_contact_has_no_more_numbers_than_a_form_holds(database: Database) -> None:
    jan = await contact(database, "Kowalski", *(f"6012345{n:02}" for n in range(20)))
    async with database.unit_of_work() as uow:
        with pytest.raises(Conflict):
            await keeping.keep_number(uow, jan, "mobile", "602345678", "call")


async def test_an_address_is_kept_where_there_is_none(database: Database) -> None:
    jan = await contact(database)
    async with database.unit_of_work() as uow:
        for typed in ("", "jan at acme", "jan@", "jan@acme", "jan@acme.pl, ewa@acme.pl"):
            with pytest.raises(Invalid):
                await keeping.keep_email(uow, jan, typed)
        await keeping.keep_email(uow, jan, " jan@acme.pl ")
        await keeping.keep_email(uow, jan, "jan@acme.pl")
        with pytest.raises(Conflict):
            await keeping.keep_email(uow, jan, "other@acme.pl")
        assert (await contacts.get_contact(uow, jan)).email == "jan@acme.pl"
    assert await changes(database, jan) == [{"email": ["", "jan@acme.pl"]}]
    async with database.reading() as uow:
        assert [each.id for each in (await contacts.list_contacts(uow, q="jan@acme")).items] == [jan]


async def test_who_may_see_but_not_change_keeps_nothing(database: Database) -> None:
    jan = await contact(database)
    for accounts, error in ((READING, NotPermitted), (BLIND, NotFound)):
        async with database.unit_of_work(Actor(None, "x", Role.CONSULTANT, accounts=accounts)) as uow:
            for refused in (
                keeping.keep_number(uow, jan, "mobile", "601234567", "call"),
                keeping.keep_email(uow, jan, "jan@acme.pl"),
                keeping.set_tags(uow, jan, ["vip"]),
            ):
                with pytest.raises(error):
                    await refused


async def tags(database: Database, *names: str) -> None:
    async with database.unit_of_work() as uow:
        for each in names:
            await dictionaries.add_entry(uow, "tag", each)


async def tagged(database: Database, contact_id: int, *names: str, was: list[str] | None = None) -> list[str]:
    async with database.unit_of_work() as uow:
        found = await keeping.set_tags(uow, contact_id, names, was)
        return [each.name for each in found.tags]


async def test_tags_are_put_on_and_taken_off_and_told(database: Database) -> None:
    jan = await contact(database)
    await tags(database, "VIP", "Łódź", "dłużnik")
    assert await tagged(database, jan, "lodz", "vip", "VIP") == ["VIP", "Łódź"]
    assert await tagged(database, jan, "vip", "lodz") == ["VIP", "Łódź"]  # nothing changed
    assert await tagged(database, jan) == []
    assert await changes(database, jan) == [{"tags": [[], ["VIP", "Łódź"]]}, {"tags": [["VIP", "Łódź"], []]}]


async def test_what_another_person_tagged_meanwhile_stays(database: Database) -> None:
    jan = await contact(database)
    await tags(database, "a", "b", "c", "d")
    await tagged(database, jan, "a", "b")
    await tagged(database, jan, "b", "c")  # another person: a off, c on
    assert await tagged(database, jan, "a", "d", was=["a", "b"]) == ["c", "d"]  # this one: b off, d on


async def test_retired_unknown_and_too_many_tags_are_refused(database: Database) -> None:
    jan = await contact(database)
    await tags(database, *(f"tag {n}" for n in range(52)), "old")
    await tagged(database, jan, "old")
    async with database.unit_of_work() as uow:
        old = await uow.session.scalar(select(DictionaryEntry).where(DictionaryEntry.name == "old"))
        assert old is not None
        old.retired_at = uow.now
    assert await tagged(database, jan, "old", "tag 1") == ["tag 1", "old"]
    assert await tagged(database, jan, "tag 1") == ["tag 1"]
    for names in (["old"], ["nobody knows it"], [f"tag {n}" for n in range(51)]):
        with pytest.raises(CallCenterError) as refused:
            await tagged(database, jan, *names)
        assert isinstance(refused.value, Invalid)
    assert len(await tagged(database, jan, *(f"tag {n}" for n in range(50)))) == 50
