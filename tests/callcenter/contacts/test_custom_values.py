"""Fields of one's own: what they take, what they refuse, and what stays when they are retired."""

import math
from typing import Any

import pytest
from sqlalchemy import func, select

from callcenter.actor import Actor, Role
from callcenter.contacts import custom_fields, custom_values
from callcenter.contacts import service as contacts
from callcenter.contacts.custom_fields import CustomFieldInput
from callcenter.contacts.custom_values import Declared
from callcenter.contacts.field_models import CustomField, CustomOption, CustomValue
from callcenter.contacts.forms import CustomAnswer
from callcenter.contacts.service import ContactInput
from callcenter.contacts.timeline import newest
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotPermitted
from tests.callcenter.contacts.people import add_person

FIELDS: list[dict[str, Any]] = [
    {"name": "Numer umowy", "kind": "text"},
    {"name": "Obrót", "kind": "number"},
    {"name": "Since", "kind": "date", "key": "since"},
    {"name": "Plan", "kind": "choice", "options": ["Basic", "Full"]},
    {"name": "Interests", "kind": "choices", "options": ["Golf", "Żagle", "Chess"]},
    {"name": "Newsletter", "kind": "yes_no"},
]
FULL: dict[str, CustomAnswer] = {
    "numer_umowy": "A/7 Łódź",
    "obrot": 12.5,
    "since": "2024-02-29",
    "plan": "Full",
    "interests": ["Golf", "Żagle"],
    "newsletter": False,
}


async def declare(database: Database, *given: dict[str, Any]) -> Actor:
    administrator = await add_person(database, "ada", Role.ADMINISTRATOR)
    async with database.unit_of_work(administrator) as uow:
        for each in given or FIELDS:
            await custom_fields.add_field(uow, CustomFieldInput(**each))
    return administrator


async def add(database: Database, actor: Actor, custom: dict[str, CustomAnswer] | None = None) -> int:
    async with database.unit_of_work(actor) as uow:
        return (await contacts.create_contact(uow, ContactInput(last_name="Nowak", custom=custom), "PL")).id


async def change(database: Database, actor: Actor, contact_id: int, custom: dict[str, CustomAnswer]) -> int:
    async with database.unit_of_work(actor) as uow:
        version = (await contacts.get_contact(uow, contact_id)).version
        changed = await contacts.update_contact(uow, contact_id, ContactInput(last_name="Nowak", custom=custom), version, "PL")
        return changed.version


async def stored(database: Database, actor: Actor, contact_id: int) -> dict[str, CustomAnswer]:
    async with database.reading(actor) as uow:
        contact = await contacts.get_contact(uow, contact_id)
        return custom_values.answers(contact, await custom_values.declared(uow))


async def test_answers_of_every_kind_come_back_and_each_key_left_out_stays(database: Database) -> None:
    actor = await declare(database)
    contact_id = await add(database, actor, FULL)
    assert await stored(database, actor, contact_id) == FULL
    assert await change(database, actor, contact_id, {"obrot": None, "interests": ["chess", "CHESS"], "newsletter": True}) == 2
    expected = {name: answer for name, answer in FULL.items() if name != "obrot"}
    expected |= {"interests": ["Chess"], "newsletter": True}
    assert await stored(database, actor, contact_id) == expected
    assert await change(database, actor, contact_id, {}) == 2, "nothing changed, so the version is the same"


async def test_the_timeline_tells_who_changed_which_fields_from_what(database: Database) -> None:
    actor = await declare(database)
    contact_id = await add(database, actor, FULL)
    async with database.unit_of_work(actor) as uow:
        data = ContactInput(last_name="Nowak", note="n" * 500, custom={"plan": "Basic", "interests": []})
        await contacts.update_contact(uow, contact_id, data, 1, "PL")
    async with database.reading(actor) as uow:
        [entry] = await newest(uow, contact_id=contact_id)
    assert (entry.kind, entry.user_id) == ("change", actor.user_id)
    fields = entry.data["fields"]
    assert fields["custom.plan"] == ["Full", "Basic"]
    assert fields["custom.interests"] == [["Golf", "Żagle"], ""]
    assert len(fields["note"][1]) == 200
    assert set(fields) == {"note", "custom.plan", "custom.interests"}
    assert entry.data["names"] == {"custom.plan": "Plan", "custom.interests": "Interests"}


@pytest.mark.parametrize(
    ("custom", "field"),
    [
        ({"nothing": "x"}, "custom.nothing"),
        ({"obrot": "twelve"}, "custom.obrot"),
        ({"obrot": True}, "custom.obrot"),
        ({"obrot": math.inf}, "custom.obrot"),
        ({"obrot": math.nan}, "custom.obrot"),
        ({"obrot": 1e300}, "custom.obrot"),
        ({"since": "2023-02-29"}, "custom.since"),
        ({"since": "20240229"}, "custom.since"),
        ({"since": 5.0}, "custom.since"),
        ({"plan": "Golf"}, "custom.plan"),
        ({"plan": ["Full", "Basic"]}, "custom.plan"),
        ({"interests": ["Golf", "Opera"]}, "custom.interests"),
        ({"interests": True}, "custom.interests"),
        ({"newsletter": "yes"}, "custom.newsletter"),
        ({"numer_umowy": 5.0}, "custom.numer_umowy"),
    ],
)
async def test_an_answer_of_the_wrong_kind_is_refused_by_its_field(
    database: Database, custom: dict[str, CustomAnswer], field: str
) -> None:
    actor = await declare(database)
    with pytest.raises(Invalid) as refused:
        await add(database, actor, custom)
    assert refused.value.field == field
    async with database.reading() as uow:
        assert await uow.session.scalar(select(func.count()).select_from(CustomValue)) == 0


async def test_a_required_field_must_be_answered_when_a_contact_is_added_and_when_it_is_changed(database: Database) -> None:
    actor = await declare(database)
    early = await add(database, actor)
    async with database.unit_of_work(actor) as uow:
        for each in await custom_fields.list_fields(uow):
            if each.key in ("since", "newsletter"):
                await custom_fields.update_field(uow, each.field.id, required=True)
    with pytest.raises(Invalid) as refused:
        await add(database, actor, {"newsletter": False})
    assert refused.value.field == "custom.since"
    with pytest.raises(Invalid) as refused:
        await change(database, actor, early, {"since": "2024-01-01"})
    assert refused.value.field == "custom.newsletter"
    assert await change(database, actor, early, {"since": "2024-01-01", "newsletter": False}) == 2, "no is an answer"


async def test_a_retired_option_stays_where_it_is_and_may_not_be_newly_chosen(database: Database) -> None:
    actor = await declare(database)
    has, other = await add(database, actor, FULL), await add(database, actor)
    async with database.unit_of_work(actor) as uow:
        plan = next(each for each in await custom_fields.list_fields(uow) if each.key == "plan")
        full = plan.offered[1]
        await custom_fields.retire_option(uow, plan.field.id, full.id)
    assert await change(database, actor, has, {"plan": "full", "obrot": 1.0}) == 2
    assert (await stored(database, actor, has))["plan"] == "Full"
    with pytest.raises(Invalid) as refused:
        await change(database, actor, other, {"plan": "Full"})
    assert refused.value.field == "custom.plan"
    await change(database, actor, has, {"plan": "Basic"})
    with pytest.raises(Invalid):
        await change(database, actor, has, {"plan": "Full"})
    async with database.unit_of_work(actor) as uow:
        await custom_fields.restore_option(uow, plan.field.id, full.id)
    await change(database, actor, other, {"plan": "Full"})


async def test_a_retired_field_is_not_shown_not_taken_and_comes_back_with_what_it_had(database: Database) -> None:
    actor = await declare(database)
    contact_id = await add(database, actor, FULL)
    async with database.unit_of_work(actor) as uow:
        since = next(each for each in await custom_fields.list_fields(uow) if each.key == "since")
        assert await custom_fields.used(uow, "field", since.field.id) == 1
        await custom_fields.retire_field(uow, since.field.id)
    assert "since" not in await stored(database, actor, contact_id)
    with pytest.raises(Invalid) as refused:
        await change(database, actor, contact_id, {"since": "2024-01-01"})
    assert refused.value.field == "custom.since"
    async with database.unit_of_work(actor) as uow:
        await custom_fields.restore_field(uow, since.field.id)
    assert await stored(database, actor, contact_id) == FULL


async def test_only_administrators_declare_and_names_and_keys_are_unique(database: Database) -> None:
    actor = await declare(database)
    consultant = await add_person(database, "carl")
    async with database.unit_of_work(consultant) as uow:
        with pytest.raises(NotPermitted):
            await custom_fields.add_field(uow, CustomFieldInput(name="X", kind="text"))
    refused: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"name": "PLAN", "kind": "text"}, Conflict),
        ({"name": "Other", "kind": "text", "key": "plan"}, Conflict),
        ({"name": " ", "kind": "text"}, Invalid),
        ({"name": "Other", "kind": "choice"}, Invalid),
        ({"name": "Other", "kind": "text", "options": ["A"]}, Invalid),
        ({"name": "Other", "kind": "choice", "options": ["A", "a"]}, Conflict),
    ]
    for wrong, refusal in refused:
        async with database.unit_of_work(actor) as uow:
            with pytest.raises(refusal):
                await custom_fields.add_field(uow, CustomFieldInput(**wrong))
            await uow.session.rollback()


async def test_fields_and_options_keep_the_order_people_give_them(database: Database) -> None:
    actor = await declare(database)
    async with database.unit_of_work(actor) as uow:
        found = await custom_fields.list_fields(uow)
        await custom_fields.update_field(uow, found[4].field.id, place=1)
        golf = found[4].options[0]
        await custom_fields.update_option(uow, found[4].field.id, golf.id, place=3)
    async with database.reading(actor) as uow:
        found = await custom_fields.list_fields(uow)
        assert [each.key for each in found][:3] == ["interests", "numer_umowy", "obrot"]
        assert [each.name for each in found[0].options] == ["Żagle", "Chess", "Golf"]


@pytest.mark.parametrize(
    ("kind", "said", "answer"),
    [
        ("number", "1 234,50", 1234.5),
        ("number", "1,234.50", 1234.5),
        ("number", "1.234,50", 1234.5),
        ("number", "-7", -7.0),
        ("number", "1e5", "1e5"),
        ("number", "5 zł", "5 zł"),
        ("date", "31.3.2026", "2026-03-31"),
        ("date", "soon", "soon"),
        ("yes_no", "Tak", True),
        ("yes_no", "nie", False),
        ("yes_no", "maybe", "maybe"),
        ("choices", "a; b |", ["a", "b"]),
        ("choice", " a ", "a"),
        ("text", "  ", None),
    ],
)
def test_what_people_type_is_read_as_the_kind_says_or_left_to_be_refused(kind: str, said: str, answer: CustomAnswer) -> None:
    of = Declared(CustomField(id=1, key="k", name="K", kind=kind), (CustomOption(id=1, name="a", folded="a"),))
    assert custom_values.typed(of, said) == answer
