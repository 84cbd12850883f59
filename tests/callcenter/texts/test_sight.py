"""Text messages of a customer some of the project may not see: the number, no word."""

import pytest

from callcenter.actor import AccountRole
from callcenter.errors import NotPermitted
from callcenter.phone import TextReceived
from callcenter.texts import service as texts
from callcenter.texts.events import TextArrived
from tests.callcenter.calls.floor import CALLER, DIALLED, Floor

PARTNERS = AccountRole.PARTNER_READER


async def came(floor: Floor, sender: int) -> str:
    await floor.event(TextReceived(sender, "SM1", CALLER, DIALLED, "The red one, please"))
    async with floor.database.reading() as uow:
        return (await texts.list_texts(uow)).items[0].id


async def test_those_who_see_the_customer_are_told_and_the_others_are_not(floor: Floor, sender: int) -> None:
    aneta = await floor.add_contact("Aneta")
    await floor.give("anna", PARTNERS)
    text_id = await came(floor, sender)
    assert floor.said(TextArrived, "anna") == []
    assert [(each.contact_id, each.text) for each in floor.said(TextArrived, "bob")] == [(aneta, "The red one, please")]
    async with floor.database.reading(floor.people["anna"]) as uow:
        found = await texts.get_text(uow, text_id)
        assert (found.hidden, found.text, found.contact, found.number) == (True, "", "", CALLER)
        assert await texts.unread_count(uow) == 0
        assert (await texts.list_texts(uow, contact_id=aneta)).items == []
    with pytest.raises(NotPermitted, match="may not see"):
        await floor.do("anna", texts.mark_seen, text_id)
    with pytest.raises(NotPermitted, match="may not see"):
        await floor.do("anna", texts.attach, text_id, None)


async def test_where_nobody_sees_the_customer_all_are_told_of_the_number(floor: Floor, sender: int) -> None:
    await floor.add_contact("Aneta")
    for who in ("anna", "bob", "celia"):
        await floor.give(who, PARTNERS)
    await came(floor, sender)
    (told,) = floor.said(TextArrived, "anna")
    assert (told.hidden, told.contact, told.text, told.number) == (True, "", "", CALLER)


async def test_what_one_wrote_oneself_stays_readable_and_goes_to_the_customer(floor: Floor, sender: int) -> None:
    aneta = await floor.add_contact("Aneta")
    await floor.give("anna", PARTNERS)
    sent = await floor.do("anna", texts.send_text, CALLER, "Good morning", project_id=floor.project_id)
    assert (sent.hidden, sent.text, sent.contact) == (True, "Good morning", "")
    assert [each.text for each in await floor.timeline(aneta)] == ["Good morning"]
    assert sender


async def test_of_a_number_several_hidden_customers_have_nobody_is_told_the_text(floor: Floor, sender: int) -> None:
    for name in ("Aneta", "Beata"):
        await floor.add_contact(name)
    await floor.give("anna", PARTNERS)
    text_id = await came(floor, sender)
    assert floor.said(TextArrived, "anna") == []
    async with floor.database.reading(floor.people["anna"]) as uow:
        found = await texts.get_text(uow, text_id)
    assert (found.text, found.candidates, found.hidden) == ("", [], True)
