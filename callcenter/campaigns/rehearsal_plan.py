"""What a campaign's rehearsal rests on: its own settings, and rates measured in its past or its project's, or assumed."""

import datetime as dt
import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.calls.models import Call
from callcenter.campaigns import detecting, going, limits, members, queries
from callcenter.campaigns.changes import stored
from callcenter.campaigns.hours import Windows
from callcenter.campaigns.lead_models import LeadAttempt
from callcenter.campaigns.models import Campaign, CampaignMode, Detection
from callcenter.campaigns.rehearsing import SET_UP, Plan, Source
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.projects.models import Project

MOST_AGENTS = 200
FEWEST_ATTEMPTS, FEWEST_TALKS = 50, 20  # under which a past says too little
SAMPLE = 2000  # the latest
LONGEST = 12.0  # hours of a day
READING = 20.0  # seconds a lead is looked at in preview: assumed
_PEOPLE = frozenset({"talked", "abandoned", "confirmed", "do_not_call", "hung_up", "heard", "wanted_agent"})
_MACHINES = frozenset({"machine", "message_left"})
_FAILED = frozenset({"failed", "unreachable"})


class Answers(NamedTuple):
    """How lines end, as shares, and how long it rings until somebody answers."""

    answer: float
    machines: float
    busy: float
    failed: float
    ring: float
    ring_sigma: float


class Lasts(NamedTuple):
    """A log-normal law: mean in seconds, deviation of the logarithm."""

    mean: float
    sigma: float


ASSUMED = Answers(0.3, 0.2, 0.05, 0.03, 12.0, 0.45)
TALK, WRAP_SIGMA = Lasts(180.0, 0.9), 0.6


async def plan(uow: UnitOfWork, campaign_id: int, agents: int | None = None) -> Plan:
    """Return what a day of a campaign is like, with all who serve it or so many `agents` (supervisors).

    Raises NotFound, Conflict for one that cannot be rehearsed, and Invalid (agents).
    """
    uow.actor.require(Role.SUPERVISOR)
    if agents is not None and not 1 <= agents <= MOST_AGENTS:
        raise Invalid("Choose from 1 to {most} consultants.", field="agents", most=MOST_AGENTS)
    campaign = await stored(uow, campaign_id)
    if campaign.mode == CampaignMode.AGENTLESS:
        raise Conflict("Calls without consultants cannot be rehearsed.")
    people = len(await members.serving(uow, campaign)) if agents is None else agents
    leads = (await queries.figures(uow, campaign_id)).left
    found = limits.of(campaign, uow.now)
    hours = min(LONGEST, _longest(found.hours))
    if not hours:
        raise Conflict("Say on which days and at which hours customers may be called.")
    answers, whose, tried = await _answers(uow, campaign)
    talk, talk_of, talks = await _talk(uow, campaign)
    wrap, wrap_of, wraps = await _wrap_up(uow, campaign)
    detects = campaign.detection != Detection.OFF
    return Plan(
        campaign_id=campaign.id,
        name=campaign.name,
        mode=campaign.mode,
        agents=min(people, MOST_AGENTS),
        hours=hours,
        cap=found.cap,
        ratio=campaign.lines_per_agent,
        channels=campaign.most_lines or None,
        ring_seconds=campaign.ring_seconds,
        patience=max(0.1, found.answer_seconds - (detecting.decide(campaign).total_seconds() if detects else 0.0)),
        detection=detects,
        leads=leads,
        attempts=campaign.attempts,
        **answers._asdict(),
        talk=talk.mean,
        talk_sigma=talk.sigma,
        wrap_up=wrap.mean,
        wrap_up_sigma=wrap.sigma,
        reading=READING if campaign.mode == CampaignMode.PREVIEW else 0.0,
        sources={"answers": whose, "talk": talk_of, "wrap_up": wrap_of},
        sample={"answers": tried, "talk": talks, "wrap_up": wraps},
    )


def _longest(windows: Windows) -> float:
    """Return the hours of the longest day of a week. Pure."""
    return max((sum(end - begin for begin, end in day) for day in windows), default=0) / 60


async def _answers(uow: UnitOfWork, campaign: Campaign) -> tuple[Answers, Source, int]:
    own = await _tried(uow, [campaign.id])
    if len(own) >= FEWEST_ATTEMPTS:
        return counted(own), "campaign", len(own)
    ids = list(await uow.session.scalars(select(Campaign.id).where(Campaign.project_id == campaign.project_id)))
    theirs = await _tried(uow, ids)
    if len(theirs) >= FEWEST_ATTEMPTS:
        return counted(theirs), "project", len(theirs)
    return ASSUMED, "assumed", 0


async def _tried(uow: UnitOfWork, campaign_ids: list[int]) -> Sequence[Any]:
    columns = (LeadAttempt.outcome, LeadAttempt.found, LeadAttempt.started_at, LeadAttempt.answered_at)
    query = select(*columns).where(LeadAttempt.campaign_id.in_(campaign_ids), LeadAttempt.state == going.OVER)
    query = query.where(LeadAttempt.outcome.not_in(["skipped", "uncertain"]))
    return (await uow.session.execute(query.order_by(LeadAttempt.started_at.desc()).limit(SAMPLE))).all()


def counted(tried: Sequence[Any]) -> Answers:
    """Return how lines ended: rows of outcome, found, started_at, answered_at; at least one. Pure."""
    kinds = Counter(_kind(row.outcome, row.found) for row in tried)
    answered = kinds["person"] + kinds["machine"]
    silent = len(tried) - answered
    rang = [(row.answered_at - row.started_at).total_seconds() - SET_UP for row in tried if row.answered_at is not None]
    ring = law(rang, Lasts(ASSUMED.ring, ASSUMED.ring_sigma))
    return Answers(
        answer=answered / len(tried),
        machines=kinds["machine"] / answered if answered else 0.0,
        busy=kinds["busy"] / silent if silent else 0.0,
        failed=kinds["failed"] / silent if silent else 0.0,
        ring=ring.mean,
        ring_sigma=ring.sigma,
    )


def _kind(outcome: str, found: str) -> str:
    if outcome in _MACHINES or (outcome in _PEOPLE and found in going.MACHINES):
        return "machine"
    if outcome in _PEOPLE:
        return "person"
    return "failed" if outcome in _FAILED else "busy" if outcome == "busy" else "silent"


async def _talk(uow: UnitOfWork, campaign: Campaign) -> tuple[Lasts, Source, int]:
    query = select(Call.talk_seconds).where(Call.talk_seconds > 0).order_by(Call.id.desc()).limit(SAMPLE)
    own = select(LeadAttempt.id).where(LeadAttempt.campaign_id == campaign.id, LeadAttempt.bridged_at.is_not(None))
    for source, where in (("campaign", Call.id.in_(own)), ("project", Call.project_id == campaign.project_id)):
        seconds = [float(each or 0) for each in await uow.session.scalars(query.where(where))]
        if len(seconds) >= FEWEST_TALKS:
            return law(seconds, TALK), source, len(seconds)  # type: ignore[return-value]
    return TALK, "assumed", 0


async def _wrap_up(uow: UnitOfWork, campaign: Campaign) -> tuple[Lasts, Source, int]:
    query = select(Call.ended_at, Call.wrapped_at).where(Call.wrapped_at.is_not(None), Call.ended_at.is_not(None))
    query = query.where(Call.talk_seconds > 0).order_by(Call.id.desc()).limit(SAMPLE)
    own = select(LeadAttempt.id).where(LeadAttempt.campaign_id == campaign.id, LeadAttempt.bridged_at.is_not(None))
    project = await uow.session.get_one(Project, campaign.project_id)
    most = Lasts(max(1.0, float(project.wrap_up_seconds)), WRAP_SIGMA)
    for source, where in (("campaign", Call.id.in_(own)), ("project", Call.project_id == campaign.project_id)):
        rows = (await uow.session.execute(query.where(where))).all()
        if len(rows) >= FEWEST_TALKS:
            seconds = [_between(ended, wrapped) for ended, wrapped in rows]
            return law(seconds, most), source, len(seconds)  # type: ignore[return-value]
    return most, "assumed", 0


def _between(start: dt.datetime | None, end: dt.datetime | None) -> float:
    return max(0.0, (end - start).total_seconds()) if start and end else 0.0


def law(seconds: Sequence[float], otherwise: Lasts) -> Lasts:
    """Return the law of measured durations, `otherwise` where there are too few; none under half a second. Pure."""
    if len(seconds) < FEWEST_TALKS:
        return otherwise
    logarithms = [math.log(max(0.5, each)) for each in seconds]
    return Lasts(max(0.5, statistics.fmean(seconds)), min(1.5, statistics.pstdev(logarithms)))
