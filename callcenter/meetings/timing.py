"""When the engine must look at a meeting again, and while which time its consultant gets no other work."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite

from callcenter.agents.models import Agent
from callcenter.calls import rows as calls
from callcenter.db import UnitOfWork
from callcenter.jobs import Job
from callcenter.meetings import reachable, reservations
from callcenter.meetings.models import Meeting, MeetingSettings, MeetingState, Mode
from callcenter.meetings.reservations import Kept
from callcenter.meetings.settings import rules_of
from callcenter.meetings.states import OPEN

KEY = "meetings"  # the one job, and its kind
GUARD = dt.timedelta(seconds=30)  # after an attempt should have ended: is it still there?
TALK_LOOK = dt.timedelta(minutes=10)  # between two looks at a talk that goes on
REMIND = dt.timedelta(days=1)  # between two reminders of an attempt whose fate nobody has said
_WAITS = frozenset({MeetingState.PLANNED, MeetingState.DUE, MeetingState.RETRY_WAIT})


def _wake_statement(dialect: Any) -> Any:
    """Return the upsert of `wake`, built once."""
    statement = dialect.insert(Job).values(
        key=KEY, kind=KEY, due_at=bindparam("at"), payload={}, leased_until=None, tries=0, error="", fence=0
    )
    fresh = {"due_at": bindparam("at"), "leased_until": None, "tries": 0, "error": "", "fence": Job.fence + 1}
    return statement.on_conflict_do_update(index_elements=[Job.key], set_=fresh, where=Job.due_at > bindparam("at"))


_WAKE = {"sqlite": _wake_statement(sqlite), "postgresql": _wake_statement(postgresql)}


async def wake(uow: UnitOfWork, at: dt.datetime) -> None:
    """Let the engine look at `at` at the latest.

    Takes the routing lock: whoever ticks meanwhile sees either this transaction's meetings, or is seen by it.
    """
    await calls.lock(uow)
    await uow.session.execute(_WAKE["sqlite" if uow.database.sqlite else "postgresql"], {"at": at})
    uow.due(at)


async def settle(uow: UnitOfWork, *meetings: Meeting) -> None:
    """Set when to look again and what is reserved, wake the engine then, and reserve the consultants."""
    before = [(each.reserve_from, each.reserve_until) for each in meetings]
    for each in meetings:
        plan(each, await rules_of(uow, each.project_id), uow.now)
    await uow.session.flush()
    await announce(uow, zip(meetings, before, strict=True))


async def announce(uow: UnitOfWork, planned: Iterable[tuple[Meeting, Kept]]) -> None:
    """Let the engine and the consultants know of stored meetings and what was reserved for each before: once for all of them.

    Who is kept free for what follows from all that is stored, so looking at it once at the end finds the same as after each.
    """
    found = list(planned)
    moments = [each.next_at for each, _ in found if each.next_at is not None]
    if moments:
        await wake(uow, min(moments))
    people = {each.user_id for each, _ in found if each.user_id is not None}
    agents = {user_id: await uow.session.get(Agent, user_id) for user_id in people}
    await reservations.refresh(
        uow,
        {
            each.user_id
            for each, before in found
            if each.user_id is not None
            and reservations.concerned(agents[each.user_id], before, (each.reserve_from, each.reserve_until), uow.now)
        },
    )


def plan(meeting: Meeting, rules: MeetingSettings | None, now: dt.datetime) -> None:
    """Set next_at, reserve_from and reserve_until as the meeting stands."""
    meeting.reserve_from, meeting.reserve_until = reserved(meeting, rules)
    meeting.next_at = next_look(meeting, rules, now)


def reserved(meeting: Meeting, rules: MeetingSettings | None) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return while which time the consultant gets no calls of queues and campaigns (B4); None and None: there is no such time.

    Before a manual meeting, and as long after its beginning; before an automatic one and to the end of its window.
    """
    if rules is None or meeting.state not in _WAITS:
        return None, None
    start = max(meeting.from_at, meeting.not_before or meeting.from_at)
    protection = dt.timedelta(seconds=rules.protection_seconds)
    return start - protection, meeting.to_at if meeting.mode == Mode.AUTOMATIC else min(start + protection, meeting.to_at)


def next_look(meeting: Meeting, rules: MeetingSettings | None, now: dt.datetime) -> dt.datetime | None:
    """Return when something is to be done about the meeting, None for one that is closed. Pure."""
    state = MeetingState(meeting.state)
    if state not in OPEN:
        return None
    if state is MeetingState.UNCERTAIN:
        return now + REMIND
    if state is MeetingState.IN_TALK:
        return now + TALK_LOOK
    if state is MeetingState.DIALLING:
        ring = dt.timedelta(seconds=rules.ring_seconds if rules else 60)
        return now + ring + GUARD
    return min((at for at in _moments(meeting, rules, now) if at > now), default=now)


def _moments(meeting: Meeting, rules: MeetingSettings | None, now: dt.datetime) -> list[dt.datetime]:
    """Return the times that matter to a meeting that waits, some of them past."""
    automatic = meeting.mode == Mode.AUTOMATIC
    early = dt.timedelta(minutes=rules.escalation_minutes if rules and automatic else 0)
    if meeting.from_at > now:
        return [meeting.from_at - early, meeting.from_at]
    if meeting.state == MeetingState.PLANNED:
        return []
    times = [meeting.to_at, meeting.not_before, meeting.reserve_until, meeting.to_at - early]
    if rules is not None:
        times.append(reachable.change(rules, now, meeting.to_at))
    return [at for at in times if at is not None]
