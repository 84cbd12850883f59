"""What should be thought of before a meeting is saved: overlaps, a person who is off or away. Never a refusal."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import select

from callcenter.agents.models import Agent, AgentState
from callcenter.db import UnitOfWork
from callcenter.meetings.forms import Warning  # noqa: A004 - the word for it
from callcenter.meetings.models import Meeting
from callcenter.meetings.planning import Plan
from callcenter.meetings.rules import LONGEST_WINDOW
from callcenter.meetings.states import OPEN
from callcenter.roster import service as roster

_SHOWN = 5  # overlapping meetings that are named


async def about(uow: UnitOfWork, wanted: Plan, meeting_id: int | None = None) -> list[Warning]:
    """Return what to think of before this plan is saved as meeting `meeting_id` (None: a new one)."""
    if wanted.user is None:
        return []
    found = await _overlaps(uow, wanted, meeting_id)
    return found + await _off(uow, wanted) + await _offline(uow, wanted)


async def open_meetings(
    uow: UnitOfWork, user_ids: Iterable[int], start: dt.datetime, end: dt.datetime, without: Iterable[int] = ()
) -> list[Meeting]:
    """Return people's open meetings whose windows meet that time, in order."""
    query = select(Meeting).where(
        Meeting.user_id.in_(list(user_ids)),
        Meeting.from_at > start - LONGEST_WINDOW,  # so that the index by beginning bounds both ends
        Meeting.from_at < end,
        Meeting.to_at > start,
        Meeting.state.in_([state.value for state in OPEN]),
        Meeting.id.not_in(list(without)),
    )
    return list(await uow.session.scalars(query.order_by(Meeting.from_at, Meeting.id)))


async def _overlaps(uow: UnitOfWork, wanted: Plan, meeting_id: int | None) -> list[Warning]:
    assert wanted.user is not None  # noqa: S101 - asked before
    without = [] if meeting_id is None else [meeting_id]
    others = await open_meetings(uow, [wanted.user.id], wanted.from_at, wanted.to_at, without)
    return [
        Warning(
            code="overlap",
            sentence="{user} has another meeting then: {name}.",
            values={"user": wanted.user.name, "name": other.name},
            meeting_id=other.id,
        )
        for other in others[:_SHOWN]
    ]


async def _off(uow: UnitOfWork, wanted: Plan) -> list[Warning]:
    """Warn of a consultant who is away, or whose shift it is not, for any part of the window."""
    assert wanted.user is not None  # noqa: S101 - asked before
    parts = (await roster.off(uow, [wanted.user.id], wanted.from_at, wanted.to_at))[wanted.user.id]
    absences = [part for part in parts if part.why == "absence"]
    if absences:
        reason = next((part.reason for part in absences if part.reason), "")
        sentence = "{user} is off then: {reason}." if reason else "{user} is off then."
        return [Warning(code="off", sentence=sentence, values={"user": wanted.user.name, "reason": reason})]
    if parts:
        return [Warning(code="no_shift", sentence="{user} has no shift then.", values={"user": wanted.user.name})]
    return []


async def _offline(uow: UnitOfWork, wanted: Plan) -> list[Warning]:
    """Warn of a consultant who is offline when the meeting is so near that supervisors would be told."""
    assert wanted.user is not None  # noqa: S101 - asked before
    if wanted.from_at - uow.now > dt.timedelta(minutes=wanted.settings.escalation_minutes):
        return []
    agent = await uow.session.get(Agent, wanted.user.id)
    if agent is not None and agent.state != AgentState.OFFLINE:
        return []
    return [Warning(code="offline", sentence="{user} is offline just now.", values={"user": wanted.user.name})]
