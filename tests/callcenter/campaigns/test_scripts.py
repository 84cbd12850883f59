"""Scripts: the lead's and the contact's fields in them, whose they are, and what is shown when one fails."""

from typing import Any

import pytest
from sqlalchemy import delete

from callcenter.actor import AccountRole
from callcenter.campaigns import changes, forms, scripts
from callcenter.campaigns.lead_models import Lead
from callcenter.campaigns.models import Campaign
from callcenter.campaigns.scripts import Script
from callcenter.contacts import custom_fields
from callcenter.contacts.custom_fields import CustomFieldInput
from callcenter.contacts.field_models import CustomField
from callcenter.db import Database
from callcenter.errors import Invalid, NotPermitted
from callcenter.events import Notice
from tests.callcenter.calls.floor import ADMIN, Floor, open_floor
from tests.callcenter.campaigns.drafts import changed, drafted, lead


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await open_floor(database)


async def read(floor: Floor, who: str, campaign_id: int, lead_id: int | None) -> Script:
    async with floor.database.unit_of_work(floor.people[who]) as uow:
        campaign = await changes.stored(uow, campaign_id)
        if lead_id is None:
            return await scripts.render(uow, campaign, None)
        return await scripts.shown(uow, campaign, await uow.session.get_one(Lead, lead_id))


async def test_a_script_is_filled_in_with_lead_contact_and_consultant(floor: Floor) -> None:
    script = (
        "Good morning {{ lead.name }}, this is {{ user.name }} of {{ campaign.company }}.\n\n"
        "- {{ lead.date_of_birth }} {{ lead.number }} {{ lead.second_flat }}\n\n{{ contact.first_name }} {{ project.name }}"
        "{% if lead.debt > 5 %} **owes**{% endif %}"
    )
    made = await drafted(floor, script=script, on_behalf_of="Beta")
    contact = await floor.add_contact("Jan")
    fields = {"Date of birth": "1 May 1980", "2nd flat": "<b>none</b>", "Debt": 6}
    one = await lead(floor, made.id, fields=fields | {"Second flat": "- no"}, contact_id=contact)
    shown = await read(floor, "anna", made.id, one)
    assert shown.opening == ("Acme", "Beta", "solar panels")
    assert shown.problem == ""
    assert shown.html == (
        "<p>Good morning Jan Nowak, this is Anna of Acme.</p><ul><li>1 May 1980 +48601000001 - no</li></ul>"
        "<p>Jan Sales <strong>owes</strong></p>"
    )


async def test_a_field_the_lead_has_not_is_empty_and_named_beside_the_form(floor: Floor) -> None:
    made = await drafted(floor, script="{{ lead.cty }}{{ lead.city }}")
    one = await lead(floor, made.id, fields={"City": "Łódź"})
    assert (await read(floor, "anna", made.id, one)).html == "<p>Łódź</p>"
    async with floor.database.reading(floor.people["sue"]) as uow:
        campaign = await changes.stored(uow, made.id)
        assert await scripts.unknown_fields(uow, campaign) == ["cty"]
        known = await scripts.known_fields(uow, campaign)
    assert {"lead.name", "lead.city", "contact.first_name", "organisation.name", "user.name", "campaign.about"} <= set(known)


@pytest.mark.parametrize(
    ("name", "key"),
    [("City", "city"), ("Data urodzenia", "data_urodzenia"), ("2nd flat", "field_2nd_flat"), ("Łódź?", "lodz"), ("€", "field")],
)
def test_how_a_column_is_named_in_a_script(name: str, key: str) -> None:
    assert scripts.key_of(name) == key


async def test_of_an_account_that_is_hidden_nothing_is_said(floor: Floor) -> None:
    made = await drafted(floor, script="Dear {{ lead.name }}{{ lead.city }}{{ contact.first_name }}{{ lead.number }}!")
    one = await lead(floor, made.id, fields={"city": "Kielce"}, contact_id=await floor.add_contact("Jan"))
    await floor.give("anna", AccountRole.PARTNER_READER)
    assert (await read(floor, "anna", made.id, one)).html == "<p>Dear !</p>"
    await floor.give("sue", AccountRole.PARTNER_READER)
    seen = await floor.do("sue", scripts.preview, made.id, forms.Opening(script="{{ lead.name }}"))
    assert "Jan" not in seen.html


@pytest.mark.parametrize(
    "script", ["{% if lead.age > 5 %}old{% endif %} {{ lead.name }}", "{{ contact.custom.shoe }} {{ lead.name }}"]
)
async def test_a_script_that_fails_is_shown_plainly_and_told_once(floor: Floor, script: str) -> None:
    async with floor.database.unit_of_work(ADMIN) as uow:
        await custom_fields.add_field(uow, CustomFieldInput.model_validate({"name": "Shoe", "kind": "text", "options": []}))
    made = await drafted(floor, script="# Hello\n\n" + script)
    async with floor.database.unit_of_work(ADMIN) as uow:
        await uow.session.execute(delete(CustomField))
    ids = [await lead(floor, made.id, number, fields={"age": "ten"}) for number in ("+48601000001", "+48601000002")]
    for one in ids:
        shown = await read(floor, "anna", made.id, one)
        assert shown.problem
        assert shown.html.startswith("<h3>Hello</h3>")
        assert "[lead.name]" in shown.html
        assert "{" not in shown.html
        assert shown.opening.company == "Acme"
    told = [(event.link, to) for event, to in floor.messages if isinstance(event, Notice)]
    assert told == [(f"/campaigns/{made.id}/script", (floor.people["sue"].id,))]
    async with floor.database.reading() as uow:
        stored = await uow.session.get_one(Campaign, made.id)
        assert (stored.script_problem, stored.script_problem_at is not None) == (shown.problem, True)
    assert (await changed(floor, made, script="Hello")).script_problem == ""


async def test_a_preview_is_of_what_is_typed_and_of_somebody_made_up_where_there_is_no_lead(floor: Floor) -> None:
    made = await drafted(floor)
    typed = forms.Opening(company="New", script="{{ lead.city }} {{ contact.first_name }} {{ campaign.company }}")
    shown = await floor.do("sue", scripts.preview, made.id, typed)
    assert (shown.opening.company, shown.html) == ("New", "<p>[city] [first_name] New</p>")
    await lead(floor, made.id, fields={"city": "Opole"})
    assert "Opole" in (await floor.do("sue", scripts.preview, made.id, typed)).html
    failed = await floor.do("sue", scripts.preview, made.id, forms.Opening(script="{{ nobody }}"))
    assert failed.problem
    with pytest.raises(NotPermitted):
        await floor.do("anna", scripts.preview, made.id, typed)


async def test_a_script_longer_than_a_template_may_be_is_refused(floor: Floor) -> None:
    for script in ("{{ lead.name }", "{% for a in lead.numbers %}{{ a }}", "{{ lead.name.upper() }}", "{{ contact.nothing }}"):
        with pytest.raises(Invalid) as error:
            await drafted(floor, script=script)
        assert error.value.field == "script"
    values: Any = {"script": "{% for each in lead.numbers %}{{ each }}{% endfor %}"}
    assert (await drafted(floor, **values)).script
