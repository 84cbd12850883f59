"""Preview mode: a ready consultant is shown a lead, then presses Call or Skip, or lets the timer run out.

The attempt is written when the lead is shown (its id is that of the call to come); the consultant is OFFERED until then, as in a
meeting's countdown, so that nothing else rings at their desk. A reloaded page and a second tab draw the same card (desk.py).
"""

import datetime as dt
from typing import Any

import structlog

from callcenter import clock, jobs
from callcenter.agents import service as agents
from callcenter.agents import states
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import offers
from callcenter.calls import rows as calls
from callcenter.calls.reconcile import COUNTDOWN
from callcenter.campaigns import going, leads, placing, scripts, serving
from callcenter.campaigns.desk_events import LeadShown, LeadWithdrawn
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadState
from callcenter.campaigns.models import Campaign, CampaignState
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound

log = structlog.get_logger(__name__)

JOB = "lead_preview"  # the job's kind; its key is a countdown's (reconcile.COUNTDOWN), which the sweep of calls knows
LONGEST = dt.timedelta(minutes=30)  # without a timer: who looks at a lead for so long is not there
SKIPPED = dt.timedelta(minutes=15)  # until a lead that was skipped comes again
LONGEST_REASON = 1000  # characters


async def show(uow: UnitOfWork, campaign: Campaign, user_id: int) -> bool:
    """Claim the next lead for a ready consultant and show it to them; False when there is none, or they are not ready.

    Raises placing.Stopped when nothing can be dialled anyhow. The routing lock is held.
    """
    if user_id not in await serving.longest_ready(uow, campaign):
        return False
    agent = await agents.row(uow, user_id)
    for lead in await leads.take(uow, campaign.id, 1, state=LeadState.SHOWN, user_id=user_id):
        numbers = (await leads.numbers(uow, [lead]))[lead.id]
        try:
            permitted = await placing.permitted(uow, campaign, lead, numbers)
        except placing.Stopped:
            leads.give_back(uow, lead)
            raise
        if permitted is None:
            return False
        attempt_id = clock.new_id()
        if not await agents.claim(uow, user_id, agent.fence, attempt_id, why=states.LEAD):
            leads.give_back(uow, lead)
            return False
        attempt = LeadAttempt(
            id=attempt_id,
            campaign_id=campaign.id,
            lead_id=lead.id,
            number=permitted.number.number,
            mode=campaign.mode,
            user_id=user_id,
            state=going.SHOWN,
            started_at=uow.now,
        )
        uow.session.add(attempt)
        lead.attempt_id = attempt_id
        await uow.session.flush()
        until = uow.now + (dt.timedelta(seconds=campaign.preview_seconds) or LONGEST)
        await jobs.put(uow, f"{COUNTDOWN}:{attempt_id}", JOB, until, attempt_id=attempt_id, until=until.isoformat())
        await scripts.shown(uow, campaign, lead)  # that it fails is told to the supervisors
        uow.emit(LeadShown(attempt_id=attempt_id, lead_id=lead.id, campaign=campaign.name), [user_id])
        return True
    return False


async def call_now(uow: UnitOfWork, attempt_id: str) -> bool:
    """Dial the lead one is shown (the Call button); pressed twice, it is called once. The call's id is the attempt's.

    False: it may not be called any more, the lead says why, and it is not at one's desk any more. Raises NotFound for another's,
    Conflict when the campaign was paused or the lead is not there any more, Unavailable when nothing can leave.
    """
    await calls.lock(uow)
    attempt, lead, campaign = await _mine(uow, attempt_id)
    if attempt.state != going.SHOWN:
        if attempt.state == going.OVER:
            raise Conflict("This lead is not at your desk any more.")
        return True
    if not (await agents.row(uow, uow.actor.id)).station_live:
        raise Conflict("Allow the microphone first, then call.")
    if campaign.state != CampaignState.RUNNING:
        raise Conflict("This campaign was paused. Nobody is called until it goes on.")
    try:
        if await _dial(uow, campaign, lead, attempt):
            return True
    except placing.Stopped as stopped:
        raise stopped.error from stopped
    await _withdrawn(uow, attempt, "refused")
    return False


async def skip(uow: UnitOfWork, attempt_id: str, reason: str) -> None:
    """Put the lead one is shown off, with a reason; it comes again later. One that is not there any more stays as it is.

    Raises Invalid without a reason, Conflict when it is being called already.
    """
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why you skip it.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid("A reason has at most {most} characters.", field="reason", most=LONGEST_REASON)
    await calls.lock(uow)
    attempt, lead, _ = await _mine(uow, attempt_id)
    if attempt.state == going.OVER:
        return
    if attempt.state != going.SHOWN:
        raise Conflict("The customer is being called already. Hang up instead.")
    if going.theirs(attempt, lead):
        leads.put_off(uow, lead, uow.now + SKIPPED, "skipped", {"note": reason, "attempt_id": attempt.id})
    await _withdrawn(uow, attempt, "skipped")


async def time_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Dial when the timer has run out, if all still holds; else take the lead back (the job). Once only."""
    await calls.lock(uow)
    attempt = await uow.session.get(LeadAttempt, str(payload["attempt_id"]))
    if attempt is None or attempt.state != going.SHOWN:
        return
    lead = await uow.session.get_one(Lead, attempt.lead_id)
    campaign = await uow.session.get_one(Campaign, attempt.campaign_id)
    until = dt.datetime.fromisoformat(payload["until"])
    if (
        uow.now < until <= uow.now + (dt.timedelta(seconds=campaign.preview_seconds) or LONGEST)
    ):  # farther: the clock was put back
        await jobs.put(uow, f"{COUNTDOWN}:{attempt.id}", JOB, until, **payload)
        return
    agent = None if attempt.user_id is None else await uow.session.get(Agent, attempt.user_id)
    if agent is None or not _looks(agent, attempt):
        await withdraw(uow, attempt, "gone")
    elif not campaign.preview_seconds:
        agent.after_call = AgentState.BREAK.value  # nobody looked at it for half an hour
        await withdraw(uow, attempt, "nobody_there")
    elif campaign.state != CampaignState.RUNNING:
        await withdraw(uow, attempt, "paused")
    else:
        try:
            if not await _dial(uow, campaign, lead, attempt):
                await _withdrawn(uow, attempt, "refused")
        except placing.Stopped as stopped:
            await withdraw(uow, attempt, stopped.why.value)


async def agent_changed(uow: UnitOfWork, user_id: int) -> None:
    """Take a lead back from a consultant who asked for a break or lost their audio while they looked at it."""
    agent = await uow.session.get(Agent, user_id)
    if agent is None or agent.state != AgentState.OFFERED or agent.call_id is None:
        return
    if agent.station_live and agent.after_call is None:
        return
    attempt = await uow.session.get(LeadAttempt, agent.call_id)
    if attempt is not None and attempt.state == going.SHOWN:
        await withdraw(uow, attempt, "break" if agent.station_live else "no_audio")


async def withdraw(uow: UnitOfWork, attempt: LeadAttempt, reason: str) -> None:
    """Take a shown lead back as it was: nobody was called, and it may be shown to somebody else at once."""
    lead = await uow.session.get_one(Lead, attempt.lead_id)
    if going.theirs(attempt, lead):
        leads.give_back(uow, lead)
    await _withdrawn(uow, attempt, reason)


def _looks(agent: Agent, attempt: LeadAttempt) -> bool:
    there = agent.state == AgentState.OFFERED and agent.call_id == attempt.id
    return there and agent.station_live and agent.after_call is None


async def _dial(uow: UnitOfWork, campaign: Campaign, lead: Lead, attempt: LeadAttempt) -> bool:
    """Make the shown lead a call; False when it may not be called any more, the lead says why."""
    attempt.state = going.OVER  # its own number is on no line; set again as it is dialled
    await uow.session.flush()
    numbers = (await leads.numbers(uow, [lead]))[lead.id]
    permitted = await placing.permitted(uow, campaign, lead, numbers)
    if permitted is None:
        return False
    agent = await agents.row(uow, attempt.user_id or 0)
    await jobs.drop(uow, f"{COUNTDOWN}:{attempt.id}")
    await placing.dial(uow, campaign, lead, permitted, agent=agent, attempt=attempt)
    return True


async def _withdrawn(uow: UnitOfWork, attempt: LeadAttempt, reason: str) -> None:
    """End an attempt that only showed a lead; its consultant is free for other work."""
    attempt.state, attempt.outcome, attempt.ended_at = going.OVER, "skipped", uow.now
    await jobs.drop(uow, f"{COUNTDOWN}:{attempt.id}")
    if attempt.user_id is None:
        return
    uow.emit(LeadWithdrawn(attempt_id=attempt.id, reason=reason), [attempt.user_id])
    await agents.end_offer(uow, attempt.user_id, attempt.id, missed=False)
    await uow.session.flush()
    await offers.feed_from(uow, attempt.user_id)


async def _mine(uow: UnitOfWork, attempt_id: str) -> tuple[LeadAttempt, Lead, Campaign]:
    attempt = await uow.session.get(LeadAttempt, attempt_id, populate_existing=True)
    if attempt is None or attempt.user_id != uow.actor.id:
        raise NotFound("There is no such lead at your desk.")
    lead = await uow.session.get_one(Lead, attempt.lead_id)
    return attempt, lead, await uow.session.get_one(Campaign, attempt.campaign_id)
