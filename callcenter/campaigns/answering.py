"""Somebody answered a call that nobody is on: who talks to them, how long they wait for it, and what if nobody comes (B5).

From the answer to the agent it is one transaction of few statements. A machine is told from a person by what the switch or the
carrier finds out; who cannot be told in the campaign's time to decide is a person. In agentless calls people hear a message.
"""

import datetime as dt
from typing import Any

import structlog
from sqlalchemy import bindparam, select

from callcenter import clock, jobs
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import ending, giving
from callcenter.calls import rows as calls
from callcenter.calls.models import Call
from callcenter.campaigns import agentless, detecting, going, limits, periods, serving
from callcenter.campaigns.desk_events import LeadCalled
from callcenter.campaigns.going import ABANDONED, ANSWERED, DIALLING, JOB, MACHINE, MACHINES, TALKING
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadState
from callcenter.campaigns.models import Campaign, CampaignMode, Detection
from callcenter.db import UnitOfWork
from callcenter.phone import EndReason
from callcenter.projects.models import Membership

log = structlog.get_logger(__name__)

_WAITING = (
    select(LeadAttempt, Lead, Campaign)
    .join(Lead, Lead.id == LeadAttempt.lead_id)
    .join(Campaign, Campaign.id == LeadAttempt.campaign_id)
    .join(Membership, Membership.project_id == Campaign.project_id)
    .where(Membership.user_id == bindparam("user"))
    .where(LeadAttempt.state == ANSWERED, LeadAttempt.outcome == "", LeadAttempt.user_id.is_(None))
    .order_by(LeadAttempt.answered_at, LeadAttempt.id)
)


async def picked_up(uow: UnitOfWork, call_id: str) -> None:
    """Find somebody for the person who answered (the fact LegPickedUp); with detection on, hear first who it is."""
    found = await going.find(uow, call_id)
    if found is None:
        return
    attempt, lead, campaign = found
    if attempt.state != DIALLING:
        return
    call = await uow.session.get_one(Call, call_id)
    attempt.state, attempt.answered_at = ANSWERED, uow.now
    going.follow(uow, attempt, lead, LeadState.DIALLING)
    if campaign.detection == Detection.OFF:
        await _person(uow, attempt, lead, campaign, call)
    elif call.machine:
        await _decided(uow, attempt, lead, campaign, call, call.machine)
    else:
        await _wake(uow, attempt, uow.now + detecting.decide(campaign))


async def machine_found(uow: UnitOfWork, call_id: str, found: str) -> None:
    """Take what was found out about who answered (the fact MachineFound); once an agent talks it is only kept."""
    known = await going.find(uow, call_id)
    if known is None:
        return
    attempt, lead, campaign = known
    if attempt.key:
        return  # a person pressed it
    acts = screening(attempt, campaign) or (found in MACHINES and _late(uow, attempt, campaign))
    if attempt.state == TALKING and (found in MACHINES) != (attempt.found in MACHINES):  # counted as the talk began
        await periods.recount(uow, campaign, attempt.started_at, machine=found in MACHINES)
    attempt.found = found
    if acts:
        await _decided(uow, attempt, lead, campaign, await uow.session.get_one(Call, call_id), found)


def screening(attempt: LeadAttempt, campaign: Campaign) -> bool:
    """Tell whether somebody answered and it is not known yet whether it is a person. Pure."""
    waits = attempt.state == ANSWERED and not attempt.outcome and not attempt.key and attempt.user_id is None
    return waits and campaign.detection != Detection.OFF and not attempt.found


def _late(uow: UnitOfWork, attempt: LeadAttempt, campaign: Campaign) -> bool:
    """Tell whether a machine that was found only now is treated as one all the same. Pure.

    It is while nobody talks to it: it waits for an agent, or hears an agentless message; and, when the agent was on the call from
    its first ring, in the time to decide. Later the agent hears it, and decides.
    """
    if attempt.outcome or attempt.key or campaign.detection == Detection.OFF:
        return False
    if attempt.bridged_at is None:
        return attempt.state in (ANSWERED, TALKING)
    soon = attempt.answered_at is not None and uow.now <= attempt.answered_at + detecting.decide(campaign)
    return (
        soon
        and attempt.state == TALKING
        and attempt.bridged_at == attempt.answered_at
        and campaign.detection != Detection.CONNECT
    )


async def time_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Take who could not be told for a person; give up one for whom nobody came in time (the job)."""
    await calls.lock(uow)
    found = await going.find(uow, str(payload["attempt_id"]))
    if found is None:
        return
    attempt, lead, campaign = found
    call = await uow.session.get_one(Call, attempt.id)
    if attempt.state != ANSWERED or attempt.outcome or not giving.waits(call):
        return
    if screening(attempt, campaign):
        await _decided(uow, attempt, lead, campaign, call, "unknown")
    elif attempt.key:
        await agentless.waited_in_vain(uow, call)
    elif not await _give(uow, attempt, lead, campaign, call):
        await _waits_longer(uow, attempt, lead, campaign, call)


async def agent_changed(uow: UnitOfWork, user_id: int) -> None:
    """Give an agent who got ready whoever waits longest in the campaigns they serve."""
    agent = await uow.session.get(Agent, user_id)
    if agent is None or agent.state != AgentState.READY or not agent.station_live:
        return
    for attempt, _, campaign in (await uow.session.execute(_WAITING, {"user": user_id})).all():
        if screening(attempt, campaign) or not await serving.can_take(uow, campaign, user_id):
            continue
        call = await uow.session.get_one(Call, attempt.id)
        if await giving.give(uow, call, user_id):
            await jobs.drop(uow, f"{JOB}:{attempt.id}")
            return


async def talking(uow: UnitOfWork, call_id: str) -> None:
    """Note that customer and agent talk (the fact CallTalking), whichever way they came together. Counted once."""
    found = await going.find(uow, call_id)
    if found is None or found[0].state == TALKING or found[0].outcome:
        return
    attempt, lead, campaign = found
    call = await uow.session.get_one(Call, call_id)
    unattended = attempt.user_id is None
    if not unattended:
        going.rang(attempt, uow.now)
    elif call.user_id is not None:
        attempt.waited_seconds = going.ready_for(await uow.session.get(Agent, call.user_id), uow.now)
    attempt.state, attempt.user_id = TALKING, call.user_id
    attempt.answered_at = attempt.answered_at or uow.now
    attempt.bridged_at = uow.now
    attempt.bridged_ms = max(0.0, (clock.now() - attempt.answered_at) / dt.timedelta(milliseconds=1))
    lead.user_id = call.user_id
    if unattended and call.user_id is not None:
        uow.emit(LeadCalled(lead_id=lead.id, call_id=call.id, campaign=campaign.name), [call.user_id])
    if lead.state != LeadState.TALKING:
        going.follow(uow, attempt, lead, LeadState.TALKING)
    if attempt.key:
        return  # counted as the message began
    if attempt.found in MACHINES:
        await periods.count(uow, campaign, attempt.started_at, machines=1)
    else:
        await periods.count(uow, campaign, attempt.started_at, answered=1, connected=1)


async def _decided(uow: UnitOfWork, attempt: LeadAttempt, lead: Lead, campaign: Campaign, call: Call, found: str) -> None:
    """Go on now that it is known, or taken for granted, who answered."""
    attempt.found = found
    if found not in MACHINES or campaign.detection == Detection.OFF:
        await _person(uow, attempt, lead, campaign, call)
        return
    await jobs.drop(uow, f"{JOB}:{attempt.id}")
    if campaign.detection == Detection.CONNECT and await _give(uow, attempt, lead, campaign, call):
        return
    if campaign.detection == Detection.MESSAGE and await agentless.leave_message(uow, attempt, lead, campaign, call):
        return
    await _machine(uow, attempt, campaign, call)


async def _person(uow: UnitOfWork, attempt: LeadAttempt, lead: Lead, campaign: Campaign, call: Call) -> None:
    """Let a person hear the message of an agentless call, or talk to an agent."""
    if attempt.mode != CampaignMode.AGENTLESS:
        await _connect(uow, attempt, lead, campaign, call)
    elif not await agentless.begin(uow, attempt, lead, campaign, call):
        await _waits_longer(uow, attempt, lead, campaign, call)


async def _connect(uow: UnitOfWork, attempt: LeadAttempt, lead: Lead, campaign: Campaign, call: Call) -> None:
    """Give a person to the longest ready agent, else let them wait for the next who gets ready."""
    if not await _give(uow, attempt, lead, campaign, call):
        await _waits_longer(uow, attempt, lead, campaign, call)


async def _give(uow: UnitOfWork, attempt: LeadAttempt, lead: Lead, campaign: Campaign, call: Call) -> bool:
    for user_id in await serving.able(uow, campaign):
        if await giving.give(uow, call, user_id):
            await jobs.drop(uow, f"{JOB}:{attempt.id}")
            return True
    return False


async def _waits_longer(uow: UnitOfWork, attempt: LeadAttempt, lead: Lead, campaign: Campaign, call: Call) -> None:
    """Let a person wait for an agent for as long as the rules let them since they answered; then
    they are told that nobody is free."""
    patience = dt.timedelta(seconds=limits.of(campaign, uow.now).answer_seconds)
    until = (attempt.answered_at or uow.now) + patience
    if uow.now < until <= uow.now + patience:  # farther away: the clock was put back
        await _wake(uow, attempt, until)
        return
    attempt.outcome = ABANDONED
    lead.needs_agent = True
    log.warning("campaign.abandoned", campaign_id=campaign.id, lead_id=lead.id)
    await periods.count(uow, campaign, attempt.started_at, answered=1, abandoned=1)
    await giving.abandon(uow, call)


async def _machine(uow: UnitOfWork, attempt: LeadAttempt, campaign: Campaign, call: Call) -> None:
    """Hang up on a machine."""
    attempt.outcome = MACHINE
    if attempt.state != TALKING:  # else it was counted as that began
        await periods.count(uow, campaign, attempt.started_at, machines=1)
    await ending.hang_up(uow, call, EndReason.COMPLETED)


async def _wake(uow: UnitOfWork, attempt: LeadAttempt, at: dt.datetime) -> None:
    await jobs.put(uow, f"{JOB}:{attempt.id}", JOB, at, attempt_id=attempt.id)
