"""A campaign as its dialler sees it at one tick: counts and ages out of a few statements, and what happened since."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import aliased

from callcenter.agents.models import AgentState
from callcenter.campaigns import going, periods, serving
from callcenter.campaigns.lead_models import LeadAttempt
from callcenter.campaigns.models import Campaign, CampaignMode, CampaignState, Detection
from callcenter.campaigns.observed import Event, Kind, Observed
from callcenter.campaigns.serving import Server
from callcenter.db import UnitOfWork
from callcenter.projects.models import Membership

_LIVE = (going.DIALLING, going.ANSWERED, going.TALKING)
_COLUMNS = (
    LeadAttempt.id,
    LeadAttempt.state,
    LeadAttempt.outcome,
    LeadAttempt.found,
    LeadAttempt.user_id,
    LeadAttempt.started_at,
    LeadAttempt.answered_at,
    LeadAttempt.bridged_at,
    LeadAttempt.ended_at,
)
_GOING = select(*_COLUMNS).where(LeadAttempt.campaign_id == bindparam("campaign"), LeadAttempt.state.in_(_LIVE))
_THESE = select(*_COLUMNS).where(LeadAttempt.id.in_(bindparam("ids", expanding=True)))
_PAUSED = (AgentState.BREAK, AgentState.LISTENING)
_ENDS = {
    "no_answer": Kind.NO_ANSWER,
    "rejected": Kind.NO_ANSWER,
    "cancelled": Kind.NO_ANSWER,
    "busy": Kind.BUSY,
    "unreachable": Kind.BUSY,  # a wrong number is no trouble of the trunk's
}


class Try(NamedTuple):
    """What is looked at of an attempt."""

    id: str
    state: str
    outcome: str
    found: str
    user_id: int | None
    started_at: dt.datetime
    answered_at: dt.datetime | None
    bridged_at: dt.datetime | None
    ended_at: dt.datetime | None


@dataclass(slots=True)
class Memory:
    """What was seen at the last look: of each attempt how far it was, of each agent what they did. `began`: the clock's zero."""

    began: dt.datetime
    tries: dict[str, frozenset[str]] = field(default_factory=dict)
    agents: dict[int, Server] = field(default_factory=dict)


class Look(NamedTuple):
    """A look at a campaign: what pacing reads, for whom may be dialled, the longest ready first, how many are left to callers."""

    seen: Observed
    free: tuple[int, ...]
    spare: int


async def look(uow: UnitOfWork, campaign: Campaign, memory: Memory, *, trunk_up: bool, most: int | None) -> Look:
    """Look at a campaign: seven statements at most, whatever its size. Changes the memory."""
    servers = await serving.everybody(uow, campaign)
    live = {each.id: each for each in map(Try._make, (await uow.session.execute(_GOING, {"campaign": campaign.id})))}
    missing = [each for each in memory.tries if each not in live]
    rows = (await uow.session.execute(_THESE, {"ids": missing})) if missing else ()
    over = [Try._make(each) for each in rows]
    events = _events(campaign, memory, [*live.values(), *over], servers, uow.now)
    totals = await periods.totals(uow, campaign.id, periods.first_day(campaign, uow.now))
    others = await _others(uow, campaign)
    memory.tries = {each.id: _marks(each) for each in live.values()}
    memory.agents = {each.user_id: each for each in servers}
    free = [each for each in servers if each.free]
    left = sum(1 for each in servers if each.spare)  # to callers: those who are ready, and the next who will be
    waiting_for = sum(1 for each in live.values() if each.state == going.DIALLING and each.user_id is not None)
    unattended = [each for each in live.values() if each.state == going.ANSWERED and not each.outcome]
    screening = [each for each in unattended if campaign.detection != Detection.OFF and not each.found]
    seen = Observed(
        now=(uow.now - memory.began).total_seconds(),
        logged_in=max(len(servers) - left, min(1, len(servers))),
        ready=max(0, len(free) - others) + waiting_for,
        paused=sum(1 for each in servers if each.state in _PAUSED),
        talk=tuple(_talks(servers, live, uow.now)),
        wrap=tuple(_since(each.since, uow.now) for each in servers if each.state == AgentState.WRAP_UP and not each.spare),
        ringing=tuple(sorted(_since(each.started_at, uow.now) for each in live.values() if each.state == going.DIALLING)),
        screening=tuple(sorted(_since(each.answered_at, uow.now) for each in screening)),
        waiting=tuple(sorted(_since(each.answered_at, uow.now) for each in unattended if each not in screening)),
        channels_in_use=len(live),
        totals=totals,
        events=tuple(events),
        trunk_up=trunk_up,
        most=most,
    )
    return Look(seen, tuple(each.user_id for each in free), sum(1 for each in servers if each.able and each.spare))


def _talks(servers: list[Server], live: dict[str, Try], now: dt.datetime) -> list[float]:
    """Return how long each agent talks, here or in a call of another kind; who waits for an answer is ready. Pure."""
    found = []
    for each in servers:
        if each.spare:
            continue
        own = live.get(each.call_id or "")
        if each.state == AgentState.ON_CALL and (own is None or own.state != going.DIALLING):
            found.append(_since(own.bridged_at if own is not None else each.since, now))
        elif each.state == AgentState.OFFERED:
            found.append(_since(each.since, now))
    return sorted(found)


async def _others(uow: UnitOfWork, campaign: Campaign) -> int:
    """Return how many lines of other campaigns may ask for an agent of these people: each takes one ready agent away."""
    colleague, theirs = aliased(Membership), aliased(Membership)
    projects = select(theirs.project_id).join(colleague, colleague.user_id == theirs.user_id)
    projects = projects.where(colleague.project_id == campaign.project_id)
    running = select(Campaign.id).where(Campaign.id != campaign.id, Campaign.project_id.in_(projects))
    running = running.where(Campaign.state.in_([CampaignState.RUNNING.value, CampaignState.PAUSED.value]))
    query = select(func.count()).where(LeadAttempt.campaign_id.in_(running), LeadAttempt.user_id.is_(None))
    query = query.where(LeadAttempt.state.in_([going.DIALLING, going.ANSWERED]), LeadAttempt.outcome == "")
    query = query.where(or_(LeadAttempt.mode != CampaignMode.AGENTLESS.value, LeadAttempt.key != ""))
    return await uow.session.scalar(query) or 0


def _marks(each: Try) -> frozenset[str]:
    """Return how far an attempt is. Pure."""
    marks = {"begun"}
    if each.answered_at is not None:
        marks.add("answered")
        if each.found or each.bridged_at is not None or each.outcome:
            marks.add("decided")
    if each.bridged_at is not None:
        marks.add("connected")
    if each.outcome == going.ABANDONED:
        marks.add("abandoned")
    if each.state == going.OVER:
        marks.add("over")
    return frozenset(marks)


def _events(campaign: Campaign, memory: Memory, tries: list[Try], servers: list[Server], now: dt.datetime) -> list[Event]:
    """Return what happened since the last look, in order. Pure."""
    found: list[tuple[dt.datetime | None, Kind, float]] = []
    for each in tries:
        new = _marks(each) - memory.tries.get(each.id, frozenset())
        found += _of_answer(each, new, campaign.detection != Detection.OFF, now)
        found += _of_end(each, new)
    for agent in servers:
        before = memory.agents.get(agent.user_id)
        if before is not None and before.state != agent.state:
            found += _of_agent(before, agent)
    events = [Event(((at or now) - memory.began).total_seconds(), kind, seconds) for at, kind, seconds in found]
    return sorted(events, key=lambda event: event.at)


def _of_answer(
    each: Try, new: frozenset[str], listens: bool, now: dt.datetime
) -> Iterator[tuple[dt.datetime | None, Kind, float]]:
    if "answered" in new:
        yield each.answered_at, Kind.ANSWERED, _between(each.started_at, each.answered_at)
    if "decided" in new and listens:
        kind = Kind.MACHINE if each.found in going.MACHINES else Kind.HUMAN
        yield now, kind, _between(each.answered_at, each.bridged_at or each.ended_at or now)
    if "connected" in new:
        yield each.bridged_at, Kind.CONNECTED, _between(each.answered_at, each.bridged_at)
    if "abandoned" in new:
        yield each.ended_at, Kind.ABANDONED, 0.0


def _of_end(each: Try, new: frozenset[str]) -> Iterator[tuple[dt.datetime | None, Kind, float]]:
    if "over" not in new:
        return
    if each.bridged_at is not None:
        yield each.ended_at, Kind.TALK_END, _between(each.bridged_at, each.ended_at)
    elif each.answered_at is None and each.outcome != going.ABANDONED:
        yield each.ended_at, _ENDS.get(each.outcome, Kind.FAILED), _between(each.started_at, each.ended_at)


def _of_agent(before: Server, agent: Server) -> Iterator[tuple[dt.datetime | None, Kind, float]]:
    if before.state == AgentState.WRAP_UP:
        yield agent.since, Kind.WRAP_END, _between(before.since, agent.since)
    if before.state in _PAUSED:
        yield agent.since, Kind.UNPAUSE, _between(before.since, agent.since)
    if agent.state in _PAUSED:
        yield agent.since, Kind.PAUSE, 0.0


def _since(at: dt.datetime | None, now: dt.datetime) -> float:
    return _between(at, now)


def _between(start: dt.datetime | None, end: dt.datetime | None) -> float:
    return 0.0 if start is None or end is None else max(0.0, (end - start).total_seconds())
