"""What should be thought of before a meeting is saved: overlaps, a person who is off or away. Never a refusal."""

import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy import Interval, Text, func, literal, select, type_coerce
from sqlalchemy.orm import aliased

from callcenter.agents.models import Agent, AgentState
from callcenter.db import UnitOfWork, UtcDateTime
from callcenter.meetings import sight
from callcenter.meetings.forms import Warning  # noqa: A004 - the word for it
from callcenter.meetings.models import Meeting
from callcenter.meetings.planning import Plan
from callcenter.meetings.rules import LONGEST_WINDOW
from callcenter.meetings.states import OPEN
from callcenter.roster import service as roster
from callcenter.users.models import User

_SHOWN = 5  # overlapping meetings that are named
_LONGEST_IN_SQLITE = f"-{LONGEST_WINDOW.days} days"  # as its datetime() wants it


async def about(uow: UnitOfWork, wanted: Plan, meeting_id: int | None = None) -> list[Warning]:
    """Return what to think of before this plan is saved as meeting `meeting_id` (None: a new one)."""
    if wanted.user is None:
        return []
    without = [] if meeting_id is None else [meeting_id]
    others = await open_meetings(uow, [wanted.user.id], wanted.from_at, wanted.to_at, without)
    named = await _named(uow, others[:_SHOWN])
    found = [_overlap(wanted.user, each.id, named[each.id]) for each in others[:_SHOWN]]
    (off,) = await roster.off_in(uow, wanted.user.id, [(wanted.from_at, wanted.to_at)])
    return found + _off(wanted.user, off) + _offline(wanted, await uow.session.get(Agent, wanted.user.id), uow.now)


async def about_all(uow: UnitOfWork, stored: Sequence[tuple[Plan, int]]) -> list[list[Warning]]:
    """Return what to think of about each of many meetings that were just stored by these plans, in order.

    What `about` says of each, asked for together; of two of them that overlap the one that is later in the list says so.
    """
    overlaps = await _overlaps(uow, [meeting_id for _, meeting_id in stored])
    found: list[list[Warning]] = [[] for _ in stored]
    people = {wanted.user.id: wanted.user for wanted, _ in stored if wanted.user is not None}
    for user_id, user in people.items():
        agent = await uow.session.get(Agent, user_id)
        theirs = [at for at, (wanted, _) in enumerate(stored) if wanted.user is not None and wanted.user.id == user_id]
        spans = [(stored[at][0].from_at, stored[at][0].to_at) for at in theirs]
        for at, off in zip(theirs, await roster.off_in(uow, user_id, spans), strict=True):
            wanted, meeting_id = stored[at]
            named = [_overlap(user, *other) for other in overlaps.get(meeting_id, [])[:_SHOWN]]
            found[at] = named + _off(user, off) + _offline(wanted, agent, uow.now)
    return found


async def _named(uow: UnitOfWork, meetings: Sequence[Meeting]) -> dict[int, str]:
    """Return what the actor may call these meetings, by their ids."""
    concealed = await sight.concealed(uow, meetings)
    return {each.id: sight.nameless(each) if each.id in concealed else each.name for each in meetings}


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


async def _overlaps(uow: UnitOfWork, ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """Return for stored meetings the others (id, name) their consultant has then, in order: of two among `ids` at the later."""
    mine, other = aliased(Meeting), aliased(Meeting)
    lowest = (
        func.datetime(mine.from_at, _LONGEST_IN_SQLITE)
        if uow.database.sqlite
        else mine.from_at - literal(LONGEST_WINDOW, Interval())
    )
    query = select(mine.id, other).join(
        other,
        (other.user_id == mine.user_id)
        & (type_coerce(other.from_at, Text if uow.database.sqlite else UtcDateTime) > lowest)  # bounds the index at both ends
        & (other.from_at < mine.to_at)
        & (other.to_at > mine.from_at)
        & other.state.in_([state.value for state in OPEN])
        & (other.id != mine.id),
    )
    place = {meeting_id: at for at, meeting_id in enumerate(ids)}
    found: dict[int, list[tuple[int, str]]] = {}
    pairs = (await uow.session.execute(query.where(mine.id.in_(ids)).order_by(other.from_at, other.id))).all()
    named = await _named(uow, [each for _, each in pairs])
    for meeting_id, each in pairs:
        if place.get(each.id, -1) < place[meeting_id]:
            found.setdefault(meeting_id, []).append((each.id, named[each.id]))
    return found


def _overlap(user: User, meeting_id: int, name: str) -> Warning:
    return Warning(
        code="overlap",
        sentence="{user} has another meeting then: {name}.",
        values={"user": user.name, "name": name},
        meeting_id=meeting_id,
    )


def _off(user: User, parts: Sequence[roster.Off]) -> list[Warning]:
    """Warn of a consultant who is away, or whose shift it is not, for any part of the window."""
    absences = [part for part in parts if part.why == "absence"]
    if absences:
        reason = next((part.reason for part in absences if part.reason), "")
        sentence = "{user} is off then: {reason}." if reason else "{user} is off then."
        return [Warning(code="off", sentence=sentence, values={"user": user.name, "reason": reason})]
    if parts:
        return [Warning(code="no_shift", sentence="{user} has no shift then.", values={"user": user.name})]
    return []


def _offline(wanted: Plan, agent: Agent | None, now: dt.datetime) -> list[Warning]:
    """Warn of a consultant who is offline when the meeting is so near that supervisors would be told."""
    if wanted.user is None or wanted.from_at - now > dt.timedelta(minutes=wanted.settings.escalation_minutes):
        return []
    if agent is not None and agent.state != AgentState.OFFLINE:
        return []
    return [Warning(code="offline", sentence="{user} is offline just now.", values={"user": wanted.user.name})]
