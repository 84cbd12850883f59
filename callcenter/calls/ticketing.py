"""Tickets that come of a call: made from its page or its line on the timeline, and shown with it (S18, S19)."""

from sqlalchemy import select

from callcenter.calls import rows
from callcenter.calls.models import Call
from callcenter.contacts import service as contacts
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.tickets import service as tickets
from callcenter.tickets.forms import TicketInput, TicketOut


async def create(uow: UnitOfWork, data: TicketInput) -> TicketOut:
    """Make a ticket; one that names a call (`call_id`) and nobody's is the call's contact's, as far as the actor may see them.

    Raises Invalid (field call_id) for a call the actor may not see, and what tickets.create raises.
    """
    if data.call_id is None:
        return await tickets.create(uow, data)
    call = await uow.session.scalar(select(Call).where(Call.id == data.call_id, rows.visible(uow)))
    if call is None:
        raise Invalid("There is no such call.", field="call_id")
    theirs = call.contact_id if data.contact_id is None and data.organisation_id is None else None
    if theirs is not None and await contacts.is_visible(uow, theirs):
        data = data.model_copy(update={"contact_id": theirs})
    return await tickets.create(uow, data, call_id=call.id)
