"""Leads of a person who is forgotten or gone: what says who they are goes, what was counted stays."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, cast, delete, or_, select, update

from callcenter.campaigns import leads
from callcenter.campaigns.confirmation_models import Confirmation
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadDecision, LeadImport, LeadImportRow, LeadNumber, LeadState
from callcenter.campaigns.lead_states import GOING
from callcenter.contacts import text
from callcenter.db import UnitOfWork
from callcenter.facts import ContactDeleted, Fact

_AT_ONCE = 500
_STILL = (LeadState.WAITING.value, LeadState.EXHAUSTED.value, LeadState.UNCERTAIN.value, LeadState.REMOVED.value)


def theirs(contact_id: int, numbers: Sequence[str]) -> ColumnElement[bool]:
    """Leads of a contact, and those with a number of theirs alone (E.164) that are no contact's."""
    own = Lead.contact_id == contact_id
    if not numbers:
        return own
    with_number = select(LeadNumber.lead_id).where(LeadNumber.number.in_(numbers))
    return or_(own, Lead.contact_id.is_(None) & Lead.id.in_(with_number))


async def is_called(uow: UnitOfWork, contact_id: int, numbers: Sequence[str]) -> bool:
    """Tell whether a campaign has one of their leads in hand just now."""
    going = Lead.state.in_([each.value for each in GOING])
    return await uow.session.scalar(select(Lead.id).where(theirs(contact_id, numbers), going).limit(1)) is not None


async def forget(uow: UnitOfWork, contact_id: int, numbers: Sequence[str], marks: Sequence[str]) -> None:
    """Forget a person in every campaign; whoever calls has asked `is_called`. `marks`: their numbers, addresses and names."""
    ids = list(await uow.session.scalars(select(Lead.id).where(theirs(contact_id, numbers)).with_for_update()))
    await empty(uow, ids)
    await _forget_rows(uow, marks)
    await _forget_filters(uow, marks)


async def empty(uow: UnitOfWork, ids: Sequence[int]) -> None:
    """Take all that says who they are from leads; those that might be called yet may not be. Attempts and outcomes stay."""
    for at in range(0, len(ids), _AT_ONCE):
        some = ids[at : at + _AT_ONCE]
        waiting = select(Lead.id).where(Lead.id.in_(some), Lead.state.in_(_STILL))
        for lead_id in list(await uow.session.scalars(waiting)):
            leads.decide(uow, lead_id, "erased")
        given: dict[str, Any] = {"name": "", "folded": "", "fields": {}, "contact_id": None, "refusal_values": {}}
        await uow.session.execute(update(Lead).where(Lead.id.in_(some)).values(given))
        refused = update(Lead).where(Lead.id.in_(some), Lead.state.in_(_STILL))
        await uow.session.execute(refused.values(state=LeadState.REFUSED.value, refusal="erased", changed_at=uow.now))
        await uow.session.execute(delete(LeadNumber).where(LeadNumber.lead_id.in_(some)))
        await uow.session.execute(update(LeadAttempt).where(LeadAttempt.lead_id.in_(some)).values(number=""))
        notes = update(Confirmation).where(Confirmation.lead_id.in_(some))
        await uow.session.execute(notes.values(terms_note="", end_note=""))
        await uow.session.execute(update(LeadDecision).where(LeadDecision.lead_id.in_(some)).values({"values": {}}))


async def _forget_rows(uow: UnitOfWork, marks: Sequence[str]) -> None:
    """Delete rows of files that were not added and hold one of their numbers, or their address."""
    digits = {"".join(each for each in mark if each.isdigit())[-9:] for mark in marks if mark.startswith("+")}
    said = cast(LeadImportRow.cells, String)
    found = [LeadImportRow.digits.contains(each) for each in digits if len(each) >= 7]
    found += [said.contains(each, autoescape=True) for each in marks if "@" in each]
    if found:
        await uow.session.execute(delete(LeadImportRow).where(or_(*found)))


async def _forget_filters(uow: UnitOfWork, marks: Sequence[str]) -> None:
    """Forget what was typed to find them; such filters are few."""
    words = {word for mark in marks for word in text.words(mark) if len(word) > 2}
    typed = select(LeadImport).where(LeadImport.filter.is_not(None), LeadImport.finished_at.is_not(None))
    for each in list(await uow.session.scalars(typed)):
        if words & set(text.words(json.dumps(each.filter, ensure_ascii=False))):
            each.filter = {}


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Hear of a fact (a reaction of Database): leads of a deleted contact are called no more; a supervisor may put them back."""
    if not isinstance(fact, ContactDeleted):
        return
    query = select(Lead).where(Lead.contact_id == fact.contact_id, Lead.state == LeadState.WAITING.value)
    with uow.session.no_autoflush:  # else a deletion not yet written would take the contact from the leads first
        found = list(await uow.session.scalars(query.order_by(Lead.id).with_for_update()))
    for lead in found:
        lead.contact_id = None
        leads.change(uow, lead, LeadState.REMOVED)
        lead.refusal, lead.refusal_values = "contact_deleted", {}
        leads.decide(uow, lead.id, "contact_deleted")
