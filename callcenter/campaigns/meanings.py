"""What a disposition does to its lead: done, tried again when the customer asked for it, never again, or a phone meeting."""

import datetime as dt

import structlog
from sqlalchemy import select

from callcenter.calls.models import Call
from callcenter.campaigns import confirmations, dispositions, leads
from callcenter.campaigns.going import OVER
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadState
from callcenter.campaigns.lead_states import GOING, may_follow
from callcenter.campaigns.models import Campaign, Meaning
from callcenter.contacts import suppressions
from callcenter.contacts.consent_models import Consent
from callcenter.contacts.timeline import add_entry
from callcenter.db import UnitOfWork
from callcenter.users.service import audit

log = structlog.get_logger(__name__)


async def disposed(uow: UnitOfWork, call_id: str, disposition_id: int) -> None:
    """Do what a disposition means (the fact Disposed): at once when the call is over, else as it ends.

    Corrected later, the new one counts, unless the lead went on meanwhile: was dialled again, or taken off the list. What
    follows a spoken yes goes with its call all the same.
    """
    attempt = await uow.session.get(LeadAttempt, call_id)
    if attempt is None or attempt.state != OVER:
        return
    lead = await uow.session.get_one(Lead, attempt.lead_id)
    campaign = await uow.session.get_one(Campaign, attempt.campaign_id)
    last = select(LeadAttempt.id).where(LeadAttempt.lead_id == lead.id).order_by(LeadAttempt.started_at.desc()).limit(1)
    if LeadState(lead.state) in GOING or await uow.session.scalar(last) != attempt.id:
        await _only_yes(uow, campaign, lead, attempt, disposition_id)
        return
    await apply(uow, campaign, lead, attempt, disposition_id)


async def _only_yes(uow: UnitOfWork, campaign: Campaign, lead: Lead, attempt: LeadAttempt, disposition_id: int) -> None:
    """Let what follows a spoken yes go with its call, and leave the lead, which went on, as it is."""
    meaning, _ = await dispositions.meaning_of(uow, campaign.id, disposition_id)
    name = await dispositions.name_of(uow, disposition_id)
    if meaning is not Meaning.AGREED:
        await confirmations.other_disposition(uow, campaign, lead, attempt, name)
        return
    values = {"disposition": name, "meaning": meaning.value, "attempt_id": attempt.id}
    code, values = await confirmations.said_yes(uow, campaign, lead, attempt, values)
    leads.decide(uow, lead.id, code, **values)


async def apply(uow: UnitOfWork, campaign: Campaign, lead: Lead, attempt: LeadAttempt, disposition_id: int) -> None:
    """Do what a disposition, retired or not, means in a campaign for a lead whose last attempt is over."""
    meaning, minutes = await dispositions.meaning_of(uow, campaign.id, disposition_id)
    name = await dispositions.name_of(uow, disposition_id)
    values = {"disposition": name, "meaning": meaning.value, "attempt_id": attempt.id}
    match meaning:
        case Meaning.RETRY:
            await _retry(uow, lead, minutes, values)
        case Meaning.DO_NOT_CALL:
            await _never(uow, campaign, lead, attempt, values)
        case Meaning.AGREED:
            code, values = await confirmations.said_yes(uow, campaign, lead, attempt, values)
            _done(uow, lead, values, code)
        case _:
            _done(uow, lead, values)
    if meaning is not Meaning.AGREED:
        await confirmations.other_disposition(uow, campaign, lead, attempt, name)


def _done(uow: UnitOfWork, lead: Lead, values: dict[str, str], code: str = "disposition") -> None:
    if not may_follow(LeadState(lead.state), LeadState.DONE):
        log.warning("lead.disposition_late", lead_id=lead.id, state=lead.state)
        return
    leads.finish(uow, lead, code, values)


async def _retry(uow: UnitOfWork, lead: Lead, minutes: int, values: dict[str, str]) -> None:
    """Call again after so many minutes, attempts left or not: the customer asked for it."""
    if not may_follow(LeadState(lead.state), LeadState.WAITING):
        log.warning("lead.disposition_late", lead_id=lead.id, state=lead.state)
        return
    leads.put_off(uow, lead, uow.now + dt.timedelta(minutes=minutes), "disposition", dict(values))


async def _never(uow: UnitOfWork, campaign: Campaign, lead: Lead, attempt: LeadAttempt, values: dict[str, str]) -> None:
    await refuse(uow, campaign, lead, attempt)
    if may_follow(LeadState(lead.state), LeadState.REFUSED):
        leads.refuse(uow, lead, "do_not_call", {**values, "by_request": True})


async def refuse(uow: UnitOfWork, campaign: Campaign, lead: Lead, attempt: LeadAttempt) -> None:
    """Put the customer's numbers on the do-not-call list, and their objection beside the contact: they said so in this call."""
    numbers = [each.number for each in (await leads.numbers(uow, [lead]))[lead.id]] or [attempt.number]
    for number in numbers:
        await suppressions.refuse(uow, number, campaign.project_id)
    call = await uow.session.get(Call, attempt.id)
    contact_id = call.contact_id if call is not None and call.contact_id is not None else lead.contact_id
    if contact_id is not None:
        source = f"Campaign {campaign.name}"
        objection = Consent(
            contact_id=contact_id,
            channel="call",
            given=False,
            at=uow.now,
            recorded_at=uow.now,
            source=source,
            user_id=uow.actor.user_id,
        )
        uow.session.add(objection)
        said = {"channel": "call", "purpose": "", "means": "", "given": False}
        await add_entry(uow, contact_id=contact_id, kind="consent", text=source, at=uow.now, user_id=uow.actor.user_id, data=said)
    audit(uow, "do_not_call.added", "lead", lead.id, campaign_id=campaign.id, attempt_id=attempt.id)
