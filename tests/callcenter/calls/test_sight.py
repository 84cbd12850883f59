"""Who takes a customer's call without a right to see the customer: the number, no name, and the call stays the customer's."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, select

from callcenter.actor import AccountRole
from callcenter.calls import service as calls
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact, Organisation
from callcenter.errors import CallCenterError, NotFound, NotPermitted
from callcenter.events import CallOffered, ContactOpened
from tests.callcenter.calls.floor import CALLER, Floor

PARTNERS, CUSTOMERS = AccountRole.PARTNER_READER, AccountRole.CUSTOMER_READER


@pytest.fixture
async def aneta(floor: Floor) -> int:
    """Write a customer with something on the timeline."""
    contact_id = await floor.add_contact("Aneta")
    await floor.do("sue", contacts.add_note, contact_id, "Wants the red one")
    return contact_id


@contextmanager
def asked(floor: Floor) -> Iterator[list[str]]:
    """Collect the statements the database is asked."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        found.append(statement)

    engine = floor.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_the_pop_up_has_the_number_and_no_word_of_the_customer(floor: Floor, aneta: int) -> None:
    await floor.give("anna", PARTNERS)
    await floor.ready("anna")
    leg = await floor.ring(name="ANETA")
    (told,) = floor.said(CallOffered, "anna")
    assert (told.number, told.identification, told.candidates, told.timeline) == (CALLER, "hidden", [], [])
    assert "aneta" not in told.model_dump_json().casefold()
    call = await floor.call_of(leg)
    assert (call.contact_id, call.identification) == (aneta, "matched")
    async with floor.database.reading(floor.people["anna"]) as uow:
        assert (await calls.current(uow)).offers == [told]


async def test_the_call_is_taken_and_noted_but_not_moved(floor: Floor, aneta: int) -> None:
    await floor.give("anna", PARTNERS)
    await floor.ready("anna")
    leg, call_id = await floor.talk("anna")
    assert floor.said(ContactOpened) == []
    async with floor.database.reading(floor.people["anna"]) as uow:
        shown = (await calls.current(uow)).call
    assert shown is not None
    assert (shown.hidden, shown.contact_id, shown.contact, shown.candidates) == (True, None, "", [])
    await floor.leaves(leg)
    saved = await floor.do("anna", calls.set_disposition, call_id, None, "Calls again on Monday")
    assert (saved.note, saved.contact) == ("Calls again on Monday", "")
    assert any("Calls again" in entry.text for entry in await floor.timeline(aneta))
    with pytest.raises(NotPermitted, match="may not see"):
        await floor.do("anna", calls.change_match, call_id, None)
    assert (await floor.call(call_id)).contact_id == aneta


async def test_others_see_that_the_call_was_but_neither_note_nor_name(floor: Floor, aneta: int) -> None:
    await floor.ready("anna")
    leg, call_id = await floor.talk("anna")
    await floor.leaves(leg)
    await floor.do("anna", calls.set_disposition, call_id, None, "A secret")
    await floor.give("sue", PARTNERS)
    async with floor.database.reading(floor.people["sue"]) as uow:
        found = await calls.get_call(uow, call_id)
        assert (found.hidden, found.note, found.contact, found.number, found.user) == (True, "", "", CALLER, "Anna")
        assert [each.id for each in (await calls.list_calls(uow)).items] == [call_id]
        assert (await calls.list_calls(uow, contact_id=aneta)).items == []
    with pytest.raises(NotPermitted):
        await floor.do("sue", calls.set_disposition, call_id, None, "Other")
    async with floor.database.reading(floor.people["anna"]) as uow:
        assert (await calls.get_call(uow, call_id)).note == "A secret"


async def test_of_several_only_those_who_may_be_seen_are_to_choose_from(floor: Floor, aneta: int) -> None:
    paul = await floor.add_contact("Paul")
    async with floor.database.unit_of_work() as uow:
        (await uow.session.get_one(Contact, paul)).type = "partner"
    await floor.give("anna", PARTNERS)
    await floor.ready("anna")
    await floor.ring()
    (told,) = floor.said(CallOffered, "anna")
    assert (told.identification, [each.name for each in told.candidates]) == ("several", ["Paul"])
    assert aneta != paul


async def test_a_number_dialled_by_hand_is_the_customers_all_the_same(floor: Floor, aneta: int) -> None:
    await floor.give("anna", PARTNERS)
    await floor.ready("anna")
    with pytest.raises(NotFound):
        await floor.do("anna", calls.dial, CALLER, contact_id=aneta, project_id=floor.project_id)
    made = await floor.do("anna", calls.dial, CALLER, project_id=floor.project_id)
    assert (made.hidden, made.contact, made.identification) == (True, "", "hidden")
    assert (await floor.call(made.id)).contact_id == aneta
    assert floor.said(ContactOpened) == []


async def test_a_call_is_moved_to_no_organisation_that_is_hidden(floor: Floor) -> None:
    async with floor.database.unit_of_work() as uow:
        firm = Organisation(name="Firma", folded="firma", created_at=uow.now)
        uow.session.add(firm)
        await uow.session.flush()
        firm_id = firm.id
    await floor.give("anna", PARTNERS)
    await floor.ready("anna")
    _, call_id = await floor.talk("anna")
    with pytest.raises(NotFound):
        await floor.do("anna", calls.change_match, call_id, None, firm_id)


async def test_a_call_back_has_the_number_and_is_given_to_nobody_who_may_not_see_the_customer(floor: Floor, aneta: int) -> None:
    await floor.ready("anna")
    await floor.leaves(await floor.ring())
    (missed,) = await floor.call_backs()
    assert (missed.contact_id, missed.owner_id) == (aneta, floor.people["anna"].id)
    await floor.give("bob", PARTNERS)
    async with floor.database.reading(floor.people["bob"]) as uow:
        (seen,) = await calls.call_backs(uow, mine=False)
        assert (seen.hidden, seen.contact_id, seen.contact, seen.number) == (True, None, "", CALLER)
    for who, user_id in (("bob", None), ("sue", floor.people["bob"].id)):
        with pytest.raises(CallCenterError, match="may not see"):
            await floor.do(who, calls.take_call_back, missed.id, user_id)


async def test_the_pop_up_asks_nothing_more_for_who_sees_all_and_one_thing_for_others(floor: Floor, aneta: int) -> None:
    counts: list[int] = []
    for roles in ((AccountRole.CUSTOMER_ADMIN, AccountRole.PARTNER_ADMIN), (CUSTOMERS, PARTNERS), (CUSTOMERS,), (PARTNERS,)):
        await floor.give("anna", *roles)
        await floor.ready("anna")
        with asked(floor) as statements:
            leg = await floor.ring()
        counts.append(len(statements))
        await floor.leaves(leg)
    every, readers, customers, partners = counts
    assert (readers, customers) == (every, every + 1)
    assert partners == every  # one more, and no timeline is read
    async with floor.database.reading() as uow:
        assert await uow.session.scalar(select(Contact.id)) == aneta
