"""What became of an attempt and what that means for its lead: tried again, done, all attempts made, nobody knows.

Each attempt is over exactly once, whatever comes twice or late, and is counted in the period it was begun in.
"""

import datetime as dt

import structlog

from callcenter.agents.models import Agent, AgentState
from callcenter.calls import offers, wrap_up
from callcenter.calls.models import Call
from callcenter.campaigns import agentless, going, leads, meanings, periods
from callcenter.campaigns.going import (
    ABANDONED,
    CONFIRMED,
    HEARD,
    HUNG_UP,
    MACHINE,
    MACHINES,
    MESSAGE_LEFT,
    OVER,
    REFUSED_BY_KEY,
    TALKED,
    TALKING,
    UNCERTAIN,
    WANTED_AGENT,
)
from callcenter.campaigns.lead_models import Lead, LeadAttempt
from callcenter.campaigns.models import Campaign, CampaignMode
from callcenter.db import UnitOfWork
from callcenter.phone import EndReason

log = structlog.get_logger(__name__)

_COUNTED = {
    "busy": "busies",
    "no_answer": "no_answers",
    "rejected": "no_answers",
    "cancelled": "no_answers",
    "unreachable": "failures",
    "failed": "failures",
}
_NOBODY = frozenset(_COUNTED) - {"cancelled"}  # nobody was there
_DELAYED_AS = {ABANDONED: "no_agent", "rejected": "no_answer", "cancelled": "no_answer", "unreachable": "failed"}
_DONE = frozenset({MESSAGE_LEFT, HEARD, HUNG_UP, CONFIRMED, WANTED_AGENT})  # outcomes after which a lead is left alone
TALK_TO_MACHINE = dt.timedelta(seconds=30)  # the longest
DELAYS = {"busy": 15, "no_answer": 120, "machine": 240, "failed": 30, "no_agent": 60}  # minutes, where a campaign says nothing


async def over(uow: UnitOfWork, call_id: str, *, lost: bool = False) -> None:
    """Note that an attempt's call is over: what it came to, and what is next for the lead."""
    found = await going.find(uow, call_id)
    if found is None:
        return
    attempt, lead, campaign = found
    call = await uow.session.get(Call, call_id)
    counted = bool(attempt.outcome) or attempt.bridged_at is not None
    counted = counted or attempt.state == TALKING
    attempt.outcome = attempt.outcome or _outcome(attempt, call, lost=lost)
    if attempt.user_id is not None and attempt.answered_at is None:
        going.rang(attempt, uow.now)
    attempt.state, attempt.ended_at = OVER, uow.now
    attempt.end_code = call.end_code if call is not None else None
    log.info("campaign.attempt_over", campaign_id=campaign.id, lead_id=lead.id, outcome=attempt.outcome)
    if not counted:
        await _count(uow, campaign, attempt)
    elif attempt.outcome == TALKED and attempt.found in MACHINES:  # nobody talks to a machine for so long
        await periods.recount(uow, campaign, attempt.started_at, machine=False)
    await _free(uow, attempt, call)
    if not going.theirs(attempt, lead):
        return
    lead.outcome = attempt.outcome
    await _follow(uow, campaign, lead, attempt, call)


def _outcome(attempt: LeadAttempt, call: Call | None, *, lost: bool) -> str:
    """Return what an attempt came to. Pure.

    Whoever was on the line and got no agent was abandoned, however the call ended.
    """
    if attempt.bridged_at is not None:
        return MACHINE if attempt.found in MACHINES and _short(attempt, call) else TALKED
    if attempt.key:
        return WANTED_AGENT
    if attempt.state == TALKING:
        return _played(attempt, call)
    if attempt.answered_at is not None or (call is not None and call.end_reason in (EndReason.ABANDONED, EndReason.DROPPED)):
        return ABANDONED
    if lost or call is None:
        return UNCERTAIN
    return call.end_reason if call.end_reason in _COUNTED else EndReason.FAILED.value


def _short(attempt: LeadAttempt, call: Call | None) -> bool:
    """Tell whether a talk was no longer than one with a machine: what was found too late may be wrong. Pure."""
    if call is None or attempt.bridged_at is None:
        return False
    return (call.ended_at or attempt.bridged_at) - attempt.bridged_at < TALK_TO_MACHINE


def _played(attempt: LeadAttempt, call: Call | None) -> str:
    """Return what came of a message nobody pressed a key in. Pure."""
    whole = call is not None and call.heard_ms is not None and 0 < (call.announcement_ms or 0) <= call.heard_ms
    if attempt.found in MACHINES:
        return MESSAGE_LEFT if whole else MACHINE
    return HEARD if whole else HUNG_UP


async def _count(uow: UnitOfWork, campaign: Campaign, attempt: LeadAttempt) -> None:
    if attempt.outcome == ABANDONED:
        await periods.count(uow, campaign, attempt.started_at, answered=1, abandoned=1)
    elif attempt.outcome in _COUNTED:
        await periods.count(uow, campaign, attempt.started_at, **{_COUNTED[attempt.outcome]: 1})


async def _free(uow: UnitOfWork, attempt: LeadAttempt, call: Call | None) -> None:
    """Let an agent who waited for an answer that did not come take the next line at once: there is nothing to wrap up.

    Not one who looked at the lead first (preview), who hung up by themselves, or who has begun a note.
    """
    if attempt.outcome not in _NOBODY or attempt.mode == CampaignMode.PREVIEW or call is None or call.draft:
        return
    agent = None if attempt.user_id is None else await uow.session.get(Agent, attempt.user_id)
    if agent is not None and agent.state == AgentState.WRAP_UP and agent.call_id == attempt.id:
        await wrap_up.finish(uow, agent)
        await offers.feed_from(uow, agent.user_id)


async def _follow(uow: UnitOfWork, campaign: Campaign, lead: Lead, attempt: LeadAttempt, call: Call | None) -> None:
    """Decide what is next for a lead whose attempt is over."""
    if attempt.outcome == UNCERTAIN:
        leads.uncertain(uow, lead, {"attempt_id": attempt.id, "number": attempt.number})
    elif attempt.outcome == TALKED:
        lead.needs_agent = False
        leads.finish(uow, lead, "disposition", {"attempt_id": attempt.id, "outcome": TALKED})
    elif attempt.outcome == REFUSED_BY_KEY:
        leads.refuse(uow, lead, "do_not_call", {"attempt_id": attempt.id, "key": attempt.key, "by_request": True})
    elif attempt.outcome in _DONE:
        lead.needs_agent = False
        leads.finish(uow, lead, attempt.outcome, {"attempt_id": attempt.id, "key": attempt.key, "number": attempt.number})
        if attempt.outcome == WANTED_AGENT and call is not None:
            await agentless.to_be_called_back(uow, call)
    else:
        await again(uow, campaign, lead, attempt)
    if call is not None and call.disposition_id is not None:  # said during the call
        await meanings.apply(uow, campaign, lead, attempt, call.disposition_id)


async def again(uow: UnitOfWork, campaign: Campaign, lead: Lead, attempt: LeadAttempt) -> None:
    """Try a lead that was not reached again after the delay of the outcome, at its next number; unless all attempts were made."""
    outcome = attempt.outcome
    if outcome == ABANDONED:
        lead.needs_agent = True  # they are there: the same number, and with an agent waiting
        leads.decide(uow, lead.id, "abandoned_needs_agent", attempt_id=attempt.id, number=attempt.number)
    else:
        numbers = (await leads.numbers(uow, [lead]))[lead.id]
        later = [each for each in numbers if not each.refusal and each.position > lead.position]
        lead.position = later[0].position if later else 0
    if lead.attempts >= campaign.attempts:
        leads.exhaust(uow, lead, {"outcome": outcome})
        return
    until = uow.now + delay(campaign, outcome)
    leads.put_off(uow, lead, until, "delay", {"outcome": outcome, "number": attempt.number, "attempt_id": attempt.id})


def delay(campaign: Campaign, outcome: str) -> dt.timedelta:
    """Return how long a lead is left alone after an outcome. Pure."""
    key = _DELAYED_AS.get(outcome, outcome)
    return dt.timedelta(minutes=float(campaign.delays.get(key, DELAYS.get(key, DELAYS["failed"]))))
