"""Writing meetings: a checked plan becomes a row, a promise is taken back; everybody it concerns is told."""

from collections.abc import Sequence

from callcenter.calls import rows as calls
from callcenter.contacts import service as contacts
from callcenter.db import UnitOfWork
from callcenter.meetings import changes, due, invitations, log, timing
from callcenter.meetings.models import Meeting, MeetingState
from callcenter.meetings.planning import Plan
from callcenter.users.service import audit


async def add(
    uow: UnitOfWork, wanted: Plan, *, keep_number: bool, follows: Meeting | None = None, series_id: int | None = None
) -> Meeting:
    """Store a checked plan as a meeting and let everybody know; `follows` is the one it takes the place of."""
    (meeting,) = await add_all(uow, [wanted], keep_number=keep_number, follows=follows, series_id=series_id)
    return meeting


async def add_all(
    uow: UnitOfWork,
    plans: Sequence[Plan],
    *,
    keep_number: bool,
    follows: Meeting | None = None,
    series_id: int | None = None,
) -> list[Meeting]:
    """Store checked plans as meetings, in order, and let everybody know; of a series all are with one contact at one number."""
    await calls.lock(uow)  # first of all locks, as in the engine
    meetings = [_row(uow, each, follows, series_id) for each in plans]
    uow.session.add_all(meetings)
    await uow.session.flush()
    for wanted in plans if series_id is None else plans[:1]:
        await store_number(uow, wanted, keep_number)
    for each in meetings:
        log.write(uow, each, "planned", "The meeting was planned.", version=each.version)
        audit(uow, "meeting.planned", "meeting", each.id, name=each.name, user_id=each.user_id, follows_id=each.follows_id)
        if follows is None and series_id is None:  # of a series the timeline has one line
            await log.on_timeline(uow, each, "planned", f"Phone meeting planned: {each.name}")
    await timing.announce(uow, [(each, (None, None)) for each in meetings])
    for each in meetings:
        await log.tell_assigned(uow, each, each.user_id)
        await log.tell(uow, each)
    return meetings


def _row(uow: UnitOfWork, wanted: Plan, follows: Meeting | None, series_id: int | None) -> Meeting:
    """Return a plan as a meeting that is not stored yet, with its place in the engine."""
    meeting = Meeting(
        state=MeetingState.PLANNED.value,
        version=1,
        created_by=uow.actor.user_id,
        created_at=uow.now,
        updated_at=uow.now,
        follows_id=follows.id if follows else None,
        series_id=series_id,
    )
    wanted.fill(meeting)
    if series_id is not None:
        meeting.series_at, meeting.series_version = meeting.from_at, meeting.version
    timing.plan(meeting, wanted.settings, uow.now)
    return meeting


async def close(uow: UnitOfWork, *meetings: Meeting, reason: str, alone: bool = True) -> None:
    """Put meetings that may be cancelled into that state, and let everybody know (the timeline when each is `alone`)."""
    for each in meetings:
        before = each.state
        each.state, each.reason, each.closed_at = MeetingState.CANCELLED.value, reason, uow.now
        each.waiting, each.waiting_values, each.not_before = "", {}, None
        changes.record(uow, each, "state", "Cancelled ({reason}).", {"state": [before, each.state]}, reason=reason)
        audit(uow, "meeting.cancelled", "meeting", each.id, reason=reason)
        if alone:
            await log.on_timeline(uow, each, "cancelled", f"Phone meeting cancelled: {each.name}. {reason}", note=reason)
    await due.schedule(uow, *meetings)
    for each in meetings:
        await invitations.withdraw(uow, each)
        await log.tell(uow, each)


async def store_number(uow: UnitOfWork, wanted: Plan, keep: bool) -> None:
    """Store a number the contact does not have on the contact, if asked for."""
    if keep and wanted.contact is not None:
        await contacts.add_number(uow, wanted.contact, wanted.number, wanted.project.region)
