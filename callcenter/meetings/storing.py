"""Writing meetings: a checked plan becomes a row, a promise is taken back; everybody it concerns is told."""

from callcenter.calls import rows as calls
from callcenter.contacts import service as contacts
from callcenter.db import UnitOfWork
from callcenter.meetings import changes, due, invitations, log
from callcenter.meetings.models import Meeting, MeetingState
from callcenter.meetings.planning import Plan
from callcenter.users.service import audit


async def add(
    uow: UnitOfWork, wanted: Plan, *, keep_number: bool, follows: Meeting | None = None, series_id: int | None = None
) -> Meeting:
    """Store a checked plan as a meeting and let everybody know; `follows` is the one it takes the place of."""
    await calls.lock(uow)  # first of all locks, as in the engine
    meeting = Meeting(
        state=MeetingState.PLANNED.value,
        created_by=uow.actor.user_id,
        created_at=uow.now,
        updated_at=uow.now,
        follows_id=follows.id if follows else None,
        series_id=series_id,
    )
    wanted.fill(meeting)
    uow.session.add(meeting)
    await uow.session.flush()
    await store_number(uow, wanted, keep_number)
    log.write(uow, meeting, "planned", "The meeting was planned.", version=meeting.version)
    audit(
        uow, "meeting.planned", "meeting", meeting.id, name=meeting.name, user_id=meeting.user_id, follows_id=meeting.follows_id
    )
    if follows is None and series_id is None:  # of a series the timeline has one line
        await log.on_timeline(uow, meeting, "planned", f"Phone meeting planned: {meeting.name}")
    await due.schedule(uow, meeting)
    log.tell_assigned(uow, meeting, meeting.user_id)
    await log.tell(uow, meeting)
    return meeting


async def close(uow: UnitOfWork, meeting: Meeting, reason: str, *, alone: bool = True) -> None:
    """Put a meeting that may be cancelled into that state, and let everybody know (the timeline when it is `alone`)."""
    before = meeting.state
    meeting.state, meeting.reason, meeting.closed_at = MeetingState.CANCELLED.value, reason, uow.now
    meeting.waiting, meeting.waiting_values, meeting.not_before = "", {}, None
    changes.record(uow, meeting, "state", "Cancelled ({reason}).", {"state": [before, meeting.state]}, reason=reason)
    audit(uow, "meeting.cancelled", "meeting", meeting.id, reason=reason)
    if alone:
        await log.on_timeline(uow, meeting, "cancelled", f"Phone meeting cancelled: {meeting.name}. {reason}", note=reason)
    await due.schedule(uow, meeting)
    await invitations.withdraw(uow, meeting)
    await log.tell(uow, meeting)


async def store_number(uow: UnitOfWork, wanted: Plan, keep: bool) -> None:
    """Store a number the contact does not have on the contact, if asked for."""
    if keep and wanted.contact is not None:
        await contacts.add_number(uow, wanted.contact, wanted.number, wanted.project.region)
