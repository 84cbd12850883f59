"""Tickets that come of calls: whose they are, who may make them, and what is left when the call goes."""

import pytest
from sqlalchemy import delete

from callcenter.actor import AccountRole
from callcenter.calls import ticketing
from callcenter.calls.models import Call
from callcenter.errors import Invalid
from callcenter.phone import EndReason, LegEnded
from callcenter.privacy import export
from callcenter.tickets import service as tickets
from callcenter.tickets import settings, usual
from callcenter.tickets.forms import TicketAccountChange, TicketInput
from tests.callcenter.calls.floor import Floor


async def kind(floor: Floor) -> int:
    async with floor.database.unit_of_work() as uow:
        await usual.put(uow, "en")
        return (await settings.get_settings(uow)).kinds[0].id


async def test_a_ticket_of_a_call_is_its_contacts_while_it_runs_and_after(floor: Floor) -> None:
    jan, ewa, kind_id = await floor.add_contact("Jan"), await floor.add_contact("Ewa", "+48601999999"), await kind(floor)
    await floor.ready("anna")
    leg_id, call_id = await floor.talk("anna")
    running = await floor.do("anna", ticketing.create, TicketInput(title="Kettle", kind_id=kind_id, call_id=call_id))
    assert (running.call_id, running.contact_id) == (call_id, jan)
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    of_ewa = TicketInput(title="Lid", kind_id=kind_id, call_id=call_id, contact_id=ewa)
    other = await floor.do("anna", ticketing.create, of_ewa)
    assert (other.call_id, other.contact_id) == (call_id, ewa)
    told = {
        entry.contact_id: entry.data["call_id"]
        for entry in await floor.timeline(jan) + await floor.timeline(ewa)
        if entry.kind == "ticket"
    }
    assert told == {jan: call_id, ewa: call_id}
    known = await floor.do("sue", export.export, jan)
    assert [row["title"] for row in known["data"]["tickets"]] == ["Kettle"], "another's ticket is not theirs"
    await floor.do("anna", tickets.set_account, running.id, TicketAccountChange())
    async with floor.database.unit_of_work() as uow:
        await uow.session.execute(delete(Call))
    assert (await floor.do("anna", tickets.get, running.id)).call_id is None


async def test_nobody_names_a_call_of_others_or_learns_whose_it_was(floor: Floor) -> None:
    await floor.add_contact("Jan")
    kind_id = await kind(floor)
    await floor.ready("anna")
    _, call_id = await floor.talk("anna")
    data = TicketInput(title="Kettle", kind_id=kind_id, call_id=call_id)
    for who, wanted in (("bob", data), ("anna", data.model_copy(update={"call_id": "none"}))):
        with pytest.raises(Invalid) as refused:
            await floor.do(who, ticketing.create, wanted)
        assert refused.value.field == "call_id"
    await floor.give("anna", AccountRole.PARTNER_READER)
    made = await floor.do("anna", ticketing.create, data)
    assert (made.call_id, made.contact_id, made.contact) == (call_id, None, ""), "one of nobody"
    plain = await floor.do("anna", ticketing.create, data.model_copy(update={"call_id": None}))
    assert plain.call_id is None
