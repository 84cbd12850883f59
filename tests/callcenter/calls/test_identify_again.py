"""Who calls is looked for once more when the call is answered: the contact may have been created while it rang."""

from callcenter.calls import service as calls
from callcenter.calls.models import Leg
from callcenter.events import ContactOpened
from callcenter.phone import EndReason, LegAnswered, LegEnded
from tests.callcenter.calls.floor import CALLER, Floor


async def test_a_contact_created_while_it_rings_is_whom_the_call_is_with_once_it_is_answered(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id = await floor.ring()
    call_id = (await floor.call_of(leg_id)).id
    assert (await floor.call(call_id)).identification == "unknown"
    contact_id = await floor.add_contact("Jan")
    answered = await floor.do("anna", calls.answer, call_id)
    assert (answered.contact_id, answered.identification, answered.contact) == (contact_id, "matched", "Jan")
    assert [(event.contact_id, event.call_id) for event in floor.said(ContactOpened, "anna")] == [(contact_id, call_id)]
    await floor.event(LegAnswered(leg_id))
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    assert [entry.call_id for entry in await floor.timeline(contact_id)] == [call_id]


async def test_two_contacts_created_while_it_rings_are_asked_about(floor: Floor) -> None:
    await floor.ready("anna")
    call_id = (await floor.call_of(await floor.ring())).id
    both = [await floor.add_contact("Jan"), await floor.add_contact("Ewa")]
    answered = await floor.do("anna", calls.answer, call_id)
    assert (answered.contact_id, answered.identification) == (None, "several")
    assert [each["contact_id"] for each in (await floor.call(call_id)).match] == both
    assert floor.said(ContactOpened) == []


async def test_a_choice_made_while_it_rings_stands(floor: Floor) -> None:
    ewa = await floor.add_contact("Ewa", "+48602000002")
    await floor.ready("anna")
    call_id = (await floor.call_of(await floor.ring())).id
    await floor.do("sue", calls.change_match, call_id, ewa)
    await floor.add_contact("Jan")
    assert (await floor.do("anna", calls.answer, call_id)).contact_id == ewa


async def test_a_match_that_was_taken_away_while_it_rings_does_not_come_back(floor: Floor) -> None:
    await floor.add_contact("Jan")
    await floor.ready("anna")
    call_id = (await floor.call_of(await floor.ring())).id
    await floor.do("sue", calls.change_match, call_id, None)
    assert (await floor.do("anna", calls.answer, call_id)).contact_id is None


async def test_a_match_stands_when_another_contact_gets_the_number_meanwhile(floor: Floor) -> None:
    jan = await floor.add_contact("Jan")
    await floor.ready("anna")
    call_id = (await floor.call_of(await floor.ring())).id
    await floor.add_contact("Ewa")
    answered = await floor.do("anna", calls.answer, call_id)
    assert (answered.contact_id, answered.identification) == (jan, "matched")


async def test_a_contact_created_while_it_rings_at_the_customers_is_theirs_too(floor: Floor) -> None:
    await floor.live("anna")
    await floor.do("anna", calls.set_agent_state, "break")
    call = await floor.do("anna", calls.dial, CALLER)
    assert (await floor.call(call.id)).identification == "unknown"
    contact_id = await floor.add_contact("Jan")
    (leg,) = [each for each in await floor.all(Leg) if each.call_id == call.id]
    await floor.event(LegAnswered(leg.id))
    assert (await floor.call(call.id)).contact_id == contact_id
    assert [event.contact_id for event in floor.said(ContactOpened, "anna")] == [contact_id]
