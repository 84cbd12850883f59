"""What a supervisor does with a lead: call it next, put it off, take it off the list or put it back, its priority."""

import datetime as dt

from sqlalchemy import func, select

from callcenter.actor import Role
from callcenter.campaigns import leads
from callcenter.campaigns.lead_models import Lead, LeadState
from callcenter.campaigns.lead_states import GOING, PUT_BACK
from callcenter.contacts.visibility import hidden
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.users.service import audit

FIRST = leads.PRIORITIES[0]
_LONGEST = dt.timedelta(days=366)


async def call_next(uow: UnitOfWork, lead_id: int) -> Lead:
    """Let a lead be the next of its campaign, whatever delay it waits for; its hours are kept all the same."""
    lead = await _changed(uow, lead_id, "lead.called_next")
    if lead.state != LeadState.WAITING:
        _restart(uow, lead)
    first = select(func.min(Lead.next_at)).where(
        Lead.campaign_id == lead.campaign_id, Lead.state == LeadState.WAITING.value, Lead.priority == FIRST
    )
    earliest = await uow.session.scalar(first)
    lead.priority, lead.refusal, lead.refusal_values = FIRST, "", {}
    lead.next_at = min(earliest or uow.now, uow.now) - dt.timedelta(seconds=1)
    leads.decide(uow, lead.id, "called_next")
    return lead


async def put_off(uow: UnitOfWork, lead_id: int, until: dt.datetime) -> Lead:
    """Let a lead wait until a time."""
    lead = await _changed(uow, lead_id, "lead.put_off", until=until.isoformat())
    if not uow.now < until < uow.now + _LONGEST:
        raise Invalid("Choose a time to come, within a year.", field="until")
    leads.put_off(uow, lead, until, "by_hand")
    return lead


async def remove(uow: UnitOfWork, lead_id: int) -> Lead:
    """Take a lead off the list; it stays to be read, and may be put back."""
    lead = await _changed(uow, lead_id, "lead.removed")
    leads.change(uow, lead, LeadState.REMOVED)
    lead.refusal, lead.refusal_values = "removed", {}
    leads.decide(uow, lead.id, "removed")
    return lead


async def put_back(uow: UnitOfWork, lead_id: int) -> Lead:
    """Let a lead be called again that was done, given up, refused or removed, its attempts counted anew.

    Whether it may be called is asked again before it is dialled: no supervisor can let a refused one be called.
    """
    lead = await _changed(uow, lead_id, "lead.put_back")
    if LeadState(lead.state) not in PUT_BACK:
        raise Conflict("This lead is {state} now; that cannot be done.", state=lead.state)
    _restart(uow, lead)
    leads.decide(uow, lead.id, "put_back")
    return lead


async def set_priority(uow: UnitOfWork, lead_id: int, priority: int) -> Lead:
    """Let a lead be called before or after others."""
    lead = await _changed(uow, lead_id, "lead.priority", priority=priority)
    if priority not in leads.PRIORITIES:
        raise Invalid("A priority is a number from 1, the first, to 5.", field="priority")
    lead.priority, lead.changed_at = priority, uow.now
    leads.decide(uow, lead.id, "priority", priority=priority)
    return lead


def _restart(uow: UnitOfWork, lead: Lead) -> None:
    leads.change(uow, lead, LeadState.WAITING)
    lead.attempts = lead.position = 0
    lead.next_at, lead.attempt_id, lead.refusal, lead.refusal_values = uow.now, None, "", {}


async def _changed(uow: UnitOfWork, lead_id: int, action: str, **detail: object) -> Lead:
    """Return a lead for a change by a supervisor; raises Conflict while somebody has it in hand, NotFound for whom they
    may not see.
    """
    uow.actor.require(Role.SUPERVISOR)
    lead = await leads.held(uow, lead_id)
    if lead.contact_id is not None and (await hidden(uow, [lead.contact_id])).contacts:
        raise NotFound("There is no such lead.")
    if LeadState(lead.state) in GOING:
        raise Conflict("This lead is being called. Try again when the call is over.")
    audit(uow, action, "lead", lead_id, **detail)
    return lead
