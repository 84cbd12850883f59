"""What followed a spoken yes, recorded by people: the terms sent, the customer's statement, or why there is none.

Who may: the consultant whose call it was, and supervisors; of a contact the supervisor may not see nobody is told (NotFound).
Each step is audited, stands with the lead's decisions, and on the timeline of the contact. Notes are on neither the audit trail
nor among the decisions: they are forgotten with the lead (forgetting.py). Asked twice, nothing is done twice.
"""

import datetime as dt
from typing import Any

from sqlalchemy import select

from callcenter.calls import rows as calls
from callcenter.calls.models import Call
from callcenter.campaigns import confirmation_steps, dispositions, leads, limits
from callcenter.campaigns.confirmation_models import OPEN, Confirmation, ConfirmationState
from callcenter.campaigns.confirmation_steps import RefusalInput, StatementInput, TermsInput
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadState
from callcenter.campaigns.models import Campaign, Meaning
from callcenter.contacts.timeline import add_entry
from callcenter.contacts.visibility import hidden
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.users.service import audit

KIND = "confirmation"  # of entries on a timeline


async def terms_sent(uow: UnitOfWork, call_id: str, given: TermsInput) -> Confirmation:
    """Record that the proposed terms were sent; raises NotFound, Conflict, and Invalid for the day."""
    found, lead, campaign = await _held(uow, call_id)
    if confirmation_steps.check_terms(found, given, *_days(uow, found, campaign)):
        found.state, found.terms_on, found.terms_how = ConfirmationState.TERMS_SENT.value, given.day, given.how
        found.terms_note, found.terms_by, found.terms_at = given.note, uow.actor.user_id, uow.now
        told = {"day": given.day.isoformat(), "how": given.how}
        await _note(uow, found, lead, campaign, "terms_sent", given.note, told)
    return found


async def confirmed(uow: UnitOfWork, call_id: str, given: StatementInput) -> Confirmation:
    """Record the customer's own statement on paper or another durable medium, made after the terms were sent.

    Raises NotFound, Conflict (no terms were sent, or there is an end already), and Invalid for the day.
    """
    found, lead, campaign = await _held(uow, call_id)
    if confirmation_steps.check_statement(found, given, *_days(uow, found, campaign)):
        found.state, found.ended_on, found.end_how = ConfirmationState.CONFIRMED.value, given.day, given.how
        found.end_note, found.end_by, found.end_at = given.note, uow.actor.user_id, uow.now
        told = {"day": given.day.isoformat(), "how": given.how}
        await _note(uow, found, lead, campaign, "yes_confirmed", given.note, told)
    return found


async def not_confirmed(uow: UnitOfWork, call_id: str, given: RefusalInput) -> Confirmation:
    """Record that the customer declined, or did not answer the terms; raises NotFound, Conflict."""
    found, lead, campaign = await _held(uow, call_id)
    if confirmation_steps.check_refusal(found, given):
        found.state, found.end_how, found.end_note = ConfirmationState.NOT_CONFIRMED.value, given.why, given.note
        found.ended_on, found.end_by, found.end_at = None, uow.actor.user_id, uow.now
        await _note(uow, found, lead, campaign, "yes_not_confirmed", given.note, {"why": given.why})
    return found


async def reopen(uow: UnitOfWork, call_id: str) -> Confirmation:
    """Take a recorded end back, so that it can be corrected: the yes awaits its confirmation again.

    Unless the call has another disposition by now: then the yes is withdrawn. Raises NotFound, Conflict.
    """
    found, lead, campaign = await _held(uow, call_id)
    if not confirmation_steps.check_reopening(found):
        return found
    before = {"was": found.state, "was_day": found.ended_on and found.ended_on.isoformat(), "was_how": found.end_how}
    found.ended_on, found.end_how, found.end_note, found.end_by, found.end_at = None, "", "", None, None
    found.state = confirmation_steps.reopened(found).value
    await _note(uow, found, lead, campaign, "yes_reopened", "", before)
    if (name := await _other_disposition(uow, call_id, campaign)) is not None:
        await _withdraw(uow, found, lead, campaign, name)
    return found


async def said_yes(
    uow: UnitOfWork, campaign: Campaign, lead: Lead, attempt: LeadAttempt, values: dict[str, str]
) -> tuple[str, dict[str, Any]]:
    """A call was given a disposition that means a spoken yes: it awaits its confirmation, if it has none yet.

    Returns the code and values with which the lead stands: "agreed" while the yes awaits. Asks for no right.
    """
    await leads.held(uow, lead.id)  # of two at once the second finds the first one's row
    found = await uow.session.get(Confirmation, attempt.id)
    if found is None:
        found = Confirmation(
            attempt_id=attempt.id,
            lead_id=lead.id,
            campaign_id=campaign.id,
            state=ConfirmationState.AWAITING.value,
            said_at=attempt.bridged_at or attempt.answered_at or attempt.started_at,
            taken_by=attempt.user_id,
        )
        uow.session.add(found)
        await uow.session.flush()
        await _on_timeline(uow, found, lead, campaign, "agreed", "", {})
    elif found.state == ConfirmationState.WITHDRAWN:
        found.state = confirmation_steps.reopened(found).value
        await _on_timeline(uow, found, lead, campaign, "agreed", "", {})
    code = confirmation_steps.standing(found)
    return code, values | _end(found)


async def other_disposition(uow: UnitOfWork, campaign: Campaign, lead: Lead, attempt: LeadAttempt, name: str) -> None:
    """A call was given a disposition that means no spoken yes: one that was awaiting is withdrawn, a confirmed one stays.

    Asks for no right.
    """
    found = await uow.session.get(Confirmation, attempt.id)
    if found is None:
        return
    await leads.held(uow, lead.id)
    await uow.session.refresh(found)
    if ConfirmationState(found.state) in OPEN:
        await _withdraw(uow, found, lead, campaign, name)
    elif found.state == ConfirmationState.CONFIRMED:
        leads.decide(uow, lead.id, "yes_stays", attempt_id=attempt.id, disposition=name)


async def _withdraw(uow: UnitOfWork, found: Confirmation, lead: Lead, campaign: Campaign, name: str) -> None:
    found.state = ConfirmationState.WITHDRAWN.value
    leads.decide(uow, lead.id, "yes_withdrawn", attempt_id=found.attempt_id, disposition=name)
    if _stands_by(lead, found):
        lead.refusal, lead.refusal_values, lead.changed_at = "", {}, uow.now
    await _on_timeline(uow, found, lead, campaign, "yes_withdrawn", "", {"disposition": name})


async def _held(uow: UnitOfWork, call_id: str) -> tuple[Confirmation, Lead, Campaign]:
    """Return the spoken yes of a call with its lead, locked, for who may record what follows; raises NotFound."""
    call = await calls.own(uow, call_id)
    found = await uow.session.get(Confirmation, call_id)
    if found is None:
        raise NotFound("Nobody recorded a spoken yes in this call.")
    lead = await leads.held(uow, found.lead_id)
    await uow.session.refresh(found)
    if call.user_id != uow.actor.user_id and (await hidden(uow, [call.contact_id, lead.contact_id])).contacts:
        raise NotFound("There is no such lead.")
    return found, lead, await uow.session.get_one(Campaign, found.campaign_id)


def _days(uow: UnitOfWork, found: Confirmation, campaign: Campaign) -> tuple[dt.date, dt.date]:
    """Return the call's day and today, by the campaign's clock. Pure."""
    return limits.today(campaign, found.said_at), limits.today(campaign, uow.now)


async def _other_disposition(uow: UnitOfWork, call_id: str, campaign: Campaign) -> str | None:
    """Return the name of the disposition a call has instead of a spoken yes; None: it has none, or means one."""
    call = await uow.session.get_one(Call, call_id)
    if call.disposition_id is None:
        return None
    if (await dispositions.meaning_of(uow, campaign.id, call.disposition_id)).meaning is Meaning.AGREED:
        return None
    return await dispositions.name_of(uow, call.disposition_id)


async def _note(
    uow: UnitOfWork, found: Confirmation, lead: Lead, campaign: Campaign, code: str, note: str, told: dict[str, Any]
) -> None:
    """Write a step down: audit, the lead's decisions and standing, the contact's timeline."""
    await uow.session.flush()
    action = f"confirmation.{code.removeprefix('yes_')}"
    audit(uow, action, "lead", lead.id, campaign_id=campaign.id, call_id=found.attempt_id, **told)
    leads.decide(uow, lead.id, code, attempt_id=found.attempt_id, **told)
    if _stands_by(lead, found):
        kept: dict[str, Any] = {
            name: lead.refusal_values[name] for name in ("disposition", "meaning") if name in lead.refusal_values
        }
        lead.refusal, lead.changed_at = confirmation_steps.standing(found), uow.now
        lead.refusal_values = {**kept, "attempt_id": found.attempt_id, **_end(found)}
    await _on_timeline(uow, found, lead, campaign, code, note, told)


def _end(found: Confirmation) -> dict[str, Any]:
    """Return the values of the sentence about an end, none while there is none. Pure."""
    match found.state:
        case ConfirmationState.CONFIRMED:
            return {"day": found.ended_on.isoformat() if found.ended_on else "", "how": found.end_how}
        case ConfirmationState.NOT_CONFIRMED:
            return {"why": found.end_how}
        case _:
            return {}


def _stands_by(lead: Lead, found: Confirmation) -> bool:
    """Tell whether a lead stands as it does for this yes. Pure."""
    ours = lead.refusal_values.get("attempt_id") in (None, found.attempt_id)  # None: its values were forgotten
    return lead.state == LeadState.DONE and lead.refusal in leads.YES and ours


async def _on_timeline(
    uow: UnitOfWork, found: Confirmation, lead: Lead, campaign: Campaign, event: str, note: str, told: dict[str, Any]
) -> None:
    """Write a line for whom the call was with; it goes where the call goes when the match is corrected."""
    contact_id = await uow.session.scalar(select(Call.contact_id).where(Call.id == found.attempt_id)) or lead.contact_id
    if contact_id is None:
        return
    data = {"event": event, "campaign": campaign.name, "lead_id": lead.id, **told}
    await add_entry(
        uow,
        contact_id=contact_id,
        kind=KIND,
        text=note,
        at=uow.now,
        call_id=found.attempt_id,
        user_id=uow.actor.user_id,
        data=data,
    )
