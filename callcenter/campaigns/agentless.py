"""Messages instead of a consultant: played to people, who may press a key, and left on answering machines after the beep (M7).

A message is played only where the rules let a machine speak (0024); in agentless calls that was asked before dialling. What came
of it is decided as the call ends (outcomes.py), but for a key that means something: that holds from the moment it was pressed.
"""

import datetime as dt

import structlog

from callcenter import jobs
from callcenter.calls import call_backs, ending, giving, playing
from callcenter.calls.models import Call
from callcenter.campaigns import going, leads, meanings, periods, permission, serving
from callcenter.campaigns.choosing import choose
from callcenter.campaigns.going import ANSWERED, CONFIRMED, HUMAN, MACHINES, REFUSED_BY_KEY, TALKING
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadState
from callcenter.campaigns.models import Campaign
from callcenter.campaigns.observed import Decision
from callcenter.db import UnitOfWork
from callcenter.phone import EndReason
from callcenter.projects.models import Project

log = structlog.get_logger(__name__)

LINES = 10  # at once, where a campaign names no most


def decided(in_use: int, most_lines: int, credit: int, carried: int | None = None) -> Decision:
    """Return how many agentless calls to begin: as many lines as it may have, whoever is ready. Pure; replayed by choosing.py.

    `carried`: as many as a trunk that refuses is tried with now, None: it takes them.
    """
    credit = credit if carried is None else min(credit, carried)
    inputs = {"mode": "agentless", "in_use": in_use, "most": most_lines or LINES, "credit": credit}
    lines, why = choose(inputs)
    return Decision(lines, why, inputs)


async def begin(uow: UnitOfWork, attempt: LeadAttempt, lead: Lead, campaign: Campaign, call: Call) -> bool:
    """Play the campaign's message to whoever answered; False when there is none, or nobody is on the line."""
    if not campaign.message or not await playing.play(uow, call, campaign.message):
        return False
    counted, attempt.state = attempt.state == TALKING, TALKING
    attempt.bridged_at = attempt.bridged_ms = None  # an agent who was on it has talked to nobody
    if lead.state != LeadState.TALKING:
        going.follow(uow, attempt, lead, LeadState.TALKING)
    if counted:
        return True
    if attempt.found in MACHINES:
        await periods.count(uow, campaign, attempt.started_at, machines=1)
    else:
        await periods.count(uow, campaign, attempt.started_at, answered=1, connected=1)
    return True


async def leave_message(uow: UnitOfWork, attempt: LeadAttempt, lead: Lead, campaign: Campaign, call: Call) -> bool:
    """Leave the message on a machine after its beep; False when it may not be left, or there is none."""
    (verdict,) = await permission.may_dial(uow, campaign, [permission.Asked(attempt.number, lead.contact_id)])
    if not verdict.may_leave:
        leads.decide(uow, lead.id, "message_not_allowed", number=attempt.number, attempt_id=attempt.id)
        return False
    return await begin(uow, attempt, lead, campaign, call)


async def key_pressed(uow: UnitOfWork, call_id: str, digit: str) -> None:
    """Do what a key means that was pressed in a message (the fact KeyPressed); one that means nothing is not noted."""
    found = await going.find(uow, call_id)
    if found is None:
        return
    attempt, lead, campaign = found
    meaning = str(campaign.keys.get(digit, ""))
    if not meaning or attempt.key or attempt.state != TALKING or attempt.bridged_at is not None:
        return
    call = await uow.session.get_one(Call, call_id)
    log.info("campaign.key_pressed", campaign_id=campaign.id, lead_id=lead.id, meaning=meaning)
    if attempt.found in MACHINES:
        await periods.recount(uow, campaign, attempt.started_at, machine=False)
    attempt.key, call.pressed, attempt.found = digit, meaning, HUMAN  # no machine presses a key
    if meaning == "agent":
        await _wants_agent(uow, attempt, campaign, call)
        return
    if meaning == "do_not_call":
        attempt.outcome = REFUSED_BY_KEY
        await meanings.refuse(uow, campaign, lead, attempt)
    else:
        attempt.outcome = CONFIRMED
    await ending.hang_up(uow, call, EndReason.COMPLETED)


async def _wants_agent(uow: UnitOfWork, attempt: LeadAttempt, campaign: Campaign, call: Call) -> None:
    """Give who asked for somebody to the longest ready agent, else let them wait as callers of the project do."""
    if not await playing.wait_for_agent(uow, call, campaign.abandoned_message):
        return
    attempt.state = ANSWERED
    for user_id in await serving.able(uow, campaign):
        if await giving.give(uow, call, user_id):
            return
    project = await uow.session.get_one(Project, campaign.project_id)
    at = uow.now + dt.timedelta(seconds=project.max_wait_seconds)
    await jobs.put(uow, f"{going.JOB}:{attempt.id}", going.JOB, at, attempt_id=attempt.id)


async def waited_in_vain(uow: UnitOfWork, call: Call) -> None:
    """Hang up on somebody who asked for a consultant, none of whom came in all the time callers wait; they are called back."""
    await ending.hang_up(uow, call, EndReason.ABANDONED)


async def to_be_called_back(uow: UnitOfWork, call: Call) -> None:
    """Put a customer who asked for somebody, and got nobody, on the call-back list."""
    await call_backs.add(uow, call)
