"""The engine's clock: what is to be done about each meeting now, and when to look again. One job, woken for the next due time."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from sqlalchemy import bindparam, select

from callcenter import jobs
from callcenter.agents import service as agents
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import rows as calls
from callcenter.db import UnitOfWork, away
from callcenter.meetings import (
    attempts,
    cards,
    conditions,
    escalation,
    feeding,
    reservations,
    results,
    rows,
    sight,
    standing,
    timing,
    waiting,
)
from callcenter.meetings.mending import mend_attempt
from callcenter.meetings.models import Meeting, MeetingSettings, MeetingState, Mode
from callcenter.meetings.settings import rules_of
from callcenter.meetings.timing import wake

__all__ = ["schedule", "tick", "wake"]

log = structlog.get_logger(__name__)

BATCH = 25  # meetings looked at in one transaction: what else waits for the database comes between two
FIRST = select(Meeting.next_at).where(Meeting.next_at.is_not(None)).order_by(Meeting.next_at).limit(1)
BATCH_UNTIL = select(Meeting).where(Meeting.next_at <= bindparam("at")).order_by(Meeting.next_at).limit(BATCH)
_WAITS = frozenset({MeetingState.PLANNED, MeetingState.DUE, MeetingState.RETRY_WAIT})


async def schedule(uow: UnitOfWork, *meetings: Meeting) -> None:
    """See to meetings that people changed: a countdown is taken back, the engine looks anew, the consultants are kept free.

    Call it after every change, once for all that changed together, with the routing lock held (rows.held takes it).
    """
    await calls.lock(uow)
    running = await rows.running_of(uow, meetings)
    for each in meetings:
        await attempts.withdraw_from(uow, each, running)
    others = await reservations.kept_for(uow, meetings)
    for each in meetings:
        await _put_off(uow, each, uow.now)
    await timing.settle(uow, *meetings)
    await reservations.refresh(uow, others)


async def _put_off(uow: UnitOfWork, meeting: Meeting, now: dt.datetime) -> None:
    """Take back that a meeting is due, when its time, or that of its next attempt, is still to come."""
    if meeting.state in (MeetingState.DUE, MeetingState.RETRY_WAIT) and now < meeting.from_at:
        await standing.enter(uow, meeting, MeetingState.PLANNED, "Its window is still to come.")
        meeting.waiting, meeting.waiting_values, meeting.not_before = "", {}, None
    if meeting.state == MeetingState.DUE and meeting.not_before is not None and now < meeting.not_before:
        await standing.hold(uow, meeting, "not_before")


async def tick(uow: UnitOfWork, _payload: dict[str, Any]) -> None:
    """Look at the meetings whose time has come, at most BATCH of them, and come again at once or for the next (the job)."""
    await calls.lock(uow)
    batch = list(await uow.session.scalars(BATCH_UNTIL, {"at": uow.now}))
    if batch:
        await _see_to(uow, batch)
    first = await next_at(uow)
    if first is not None:
        await jobs.put(uow, timing.KEY, timing.KEY, first)


async def next_at(uow: UnitOfWork) -> dt.datetime | None:
    """Return when the first meeting must be looked at, None when there is none."""
    return await uow.session.scalar(FIRST)


async def _see_to(uow: UnitOfWork, batch: Sequence[Meeting]) -> None:
    """Look at each meeting, then bring those that are due together with who is ready, then set when to look again."""
    users = {meeting.user_id for meeting in batch if meeting.user_id is not None}
    loaded = {agent.user_id: agent for agent in await uow.session.scalars(select(Agent).where(Agent.user_id.in_(users)))}
    kept = {meeting.id: (meeting.reserve_from, meeting.reserve_until) for meeting in batch}
    log.debug("meetings.tick", meetings=len(batch), agents=len(loaded))
    await _look_at(uow, batch)
    await uow.session.flush()
    automatic = [meeting for meeting in batch if meeting.state == MeetingState.DUE and meeting.mode == Mode.AUTOMATIC]
    for user_id in dict.fromkeys(meeting.user_id for meeting in automatic):
        if user_id is not None:
            await feeding.feed(uow, user_id)
    for project_id in dict.fromkeys(meeting.project_id for meeting in automatic if meeting.user_id is None):
        if project_id is not None:
            await feed_members(uow, project_id)
    await _say_why(uow, automatic)
    rules = {meeting.project_id: await rules_of(uow, meeting.project_id) for meeting in batch}
    await escalation.tell(
        uow, [each for each in batch if _waits(each) and escalation.near(each, rules[each.project_id], uow.now)]
    )
    for meeting in batch:
        if meeting.next_at is not None and meeting.next_at <= uow.now:
            timing.plan(meeting, rules[meeting.project_id], uow.now)
    await uow.session.flush()
    changed = [
        meeting.user_id
        for meeting in batch
        if meeting.user_id is not None
        and reservations.concerned(
            loaded.get(meeting.user_id), kept[meeting.id], (meeting.reserve_from, meeting.reserve_until), uow.now
        )
    ]
    await reservations.refresh(uow, changed)


async def _look_at(uow: UnitOfWork, batch: Iterable[Meeting]) -> None:
    """Look at all; if our own code fails on one, at each apart, so that one stops nobody else's."""
    ids = [meeting.id for meeting in batch]
    try:
        async with uow.apart():
            for meeting in batch:
                await look(uow, meeting)
    except Exception as error:
        if away(error):
            raise
        log.exception("meetings.look_failed", meetings=ids)
        for meeting in batch:
            await uow.session.refresh(meeting)
            async with feeding.apart(uow, meeting):
                await look(uow, meeting)


async def look(uow: UnitOfWork, meeting: Meeting) -> None:
    """Do what a meeting's state and the time ask for, but for bringing it together with a consultant."""
    match MeetingState(meeting.state):
        case MeetingState.DIALLING | MeetingState.IN_TALK:
            await mend_attempt(uow, meeting)
        case MeetingState.UNCERTAIN:
            await results.remind(uow, meeting)
        case MeetingState.PLANNED | MeetingState.DUE | MeetingState.RETRY_WAIT:
            rules = await rules_of(uow, meeting.project_id)
            why = conditions.finished(meeting, rules, uow.now)
            if why:
                await results.missed(uow, meeting, why)
            else:
                await _open(uow, meeting, rules)


async def _open(uow: UnitOfWork, meeting: Meeting, rules: MeetingSettings | None) -> None:
    """Make a meeting due when its window is open and any delay is over; say what bars it, and show a manual one."""
    code = conditions.barred(meeting, rules, uow.now)
    if uow.now < meeting.from_at:
        if meeting.state != MeetingState.PLANNED:  # the clock was put back
            await standing.enter(uow, meeting, MeetingState.PLANNED, "Its window is still to come.")
            await standing.hold(uow, meeting, "")
        return
    if meeting.state == MeetingState.PLANNED:
        await standing.enter(uow, meeting, MeetingState.DUE, "The window has opened.")
    elif meeting.state == MeetingState.RETRY_WAIT and code not in ("not_before", "not_now"):
        await standing.enter(uow, meeting, MeetingState.DUE, "The time of the next attempt has come.")
    if code:
        await standing.hold(uow, meeting, code)
    elif meeting.mode == Mode.MANUAL and meeting.waiting != "by_hand":
        await standing.hold(uow, meeting, "by_hand")
        await cards.show(uow, meeting, await _called(uow, meeting))


async def _called(uow: UnitOfWork, meeting: Meeting) -> list[int]:
    """Return to whom a manual meeting is shown: its consultant, or every ready one who serves its project."""
    if meeting.user_id is not None:
        return [meeting.user_id]
    if meeting.project_id is None:
        return []
    servers = await conditions.all_servers(uow, meeting.project_id)
    ready = [each.user_id for each in await agents.ready_members(uow, [meeting.project_id]) if each.user_id in servers]
    unseeing = await sight.blind(uow, ready, meeting)
    return [each for each in ready if each not in unseeing]


async def feed_members(uow: UnitOfWork, project_id: int) -> None:
    """Give a project's due meetings of nobody to who is ready, the longest ready first."""
    servers = await conditions.all_servers(uow, project_id)
    ready = sorted(await agents.ready_members(uow, [project_id]), key=lambda each: each.since)
    for user_id in [each.user_id for each in ready if each.user_id in servers]:
        if not await feeding.feed(uow, user_id):
            return


async def _say_why(uow: UnitOfWork, automatic: Iterable[Meeting]) -> None:
    """Keep on each meeting that is still due why: what its consultant does, or that another one comes first."""
    first: dict[int, int] = {}
    await uow.session.flush()
    for meeting in automatic:
        if meeting.state != MeetingState.DUE or conditions.barred(meeting, await rules_of(uow, meeting.project_id), uow.now):
            continue
        if meeting.user_id is None:
            await standing.hold(uow, meeting, "nobody_ready")
            continue
        agent = await uow.session.get(Agent, meeting.user_id)
        code = waiting.of_agent(agent)
        if not code:
            continue  # what bars it was said as it was tried
        if meeting.user_id not in first:
            first[meeting.user_id] = await feeding.first_of(uow, meeting.user_id)
        ahead = first[meeting.user_id] != meeting.id
        busy = agent is not None and agent.state not in (AgentState.OFFLINE, AgentState.BREAK)
        await standing.hold(uow, meeting, "in_line" if ahead and busy else code)


def _waits(meeting: Meeting) -> bool:
    return MeetingState(meeting.state) in _WAITS
