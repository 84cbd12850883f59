"""When the engine must look at a meeting again, and while which time its consultant gets no other work."""

import datetime as dt
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite

from callcenter.agents.models import Agent
from callcenter.calls import rows as calls
from callcenter.db import UnitOfWork
from callcenter.jobs import Job
from callcenter.meetings import reachable, reservations
from callcenter.meetings.models import Meeting, MeetingSettings, MeetingState, Mode
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


async def settle(uow: UnitOfWork, meeting: Meeting) -> None:
    """Set when to look again and what is reserved, wake the engine then, and reserve its consultant."""
    before = (meeting.reserve_from, meeting.reserve_until)
    plan(meeting, await rules_of(uow, meeting.project_id), uow.now)
    await uow.session.flush()
    if meeting.next_at is not None:
        await wake(uow, meeting.next_at)
    agent = None if meeting.user_id is None else await uow.session.get(Agent, meeting.user_id)
    if reservations.concerned(agent, before, (meeting.reserve_from, meeting.reserve_until), uow.now):
        await reservations.refresh(uow, [meeting.user_id])


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
