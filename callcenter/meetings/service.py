"""Phone meetings as people plan them (S14): plan, look up, change, cancel, put off. Every door checks who may."""

import datetime as dt
from collections.abc import Set

from callcenter.actor import Role
from callcenter.calls import rows as calls
from callcenter.contacts import service as contacts
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.meetings import changes, due, log, planning, rows, views, warnings
from callcenter.meetings.forms import MeetingChange, MeetingInput, MeetingOut, Warning  # noqa: A004 - the word for it
from callcenter.meetings.models import Meeting, MeetingState
from callcenter.meetings.queries import get, list_meetings
from callcenter.meetings.states import DIALLABLE, OPEN
from callcenter.users.service import audit

__all__ = ["cancel", "change", "check", "get", "list_meetings", "plan", "snooze"]

LONGEST_REASON = 1000
LONGEST_SNOOZE = 24 * 60  # minutes


async def plan(uow: UnitOfWork, data: MeetingInput, *, confirmed: bool = True) -> MeetingOut:
    """Plan a meeting; raises Invalid with the field at fault.

    What should be thought of (overlaps, a person who is off) is in `.warnings` and refuses nothing; `confirmed` False:
    nobody will read them (an import), so they are not looked for.
    """
    uow.actor.require(Role.CONSULTANT)
    wanted = await planning.settle(uow, data)
    meeting = await add(uow, wanted, keep_number=data.keep_number)
    found = await warnings.about(uow, wanted, meeting.id) if confirmed else []
    return await views.one(uow, meeting, found)


async def check(uow: UnitOfWork, data: MeetingInput, meeting_id: int | None = None) -> list[Warning]:
    """Say what plan, or change of `meeting_id`, would: raises Invalid, else returns what should be thought of."""
    uow.actor.require(Role.CONSULTANT)
    before = None if meeting_id is None else await rows.seen(uow, meeting_id)
    return await warnings.about(uow, await planning.settle(uow, data, before), meeting_id)


async def add(
    uow: UnitOfWork, wanted: planning.Plan, *, keep_number: bool, follows: Meeting | None = None, series_id: int | None = None
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
    await _keep_number(uow, wanted, keep_number)
    log.write(uow, meeting, "planned", "Planned.", version=meeting.version)
    audit(
        uow, "meeting.planned", "meeting", meeting.id, name=meeting.name, user_id=meeting.user_id, follows_id=meeting.follows_id
    )
    await log.on_timeline(uow, meeting, "planned", f"Phone meeting planned: {meeting.name}")
    await due.schedule(uow, meeting)
    log.tell_assigned(uow, meeting, meeting.user_id)
    await log.tell(uow, meeting)
    return meeting


async def change(uow: UnitOfWork, meeting_id: int, data: MeetingChange) -> MeetingOut:
    """Change a meeting that was read at `data.version`.

    Raises Invalid with the field at fault, ChangedMeanwhile (a Conflict) naming who saved what since, Conflict while it is
    being called or when it is over.
    """
    meeting = await rows.own(uow, meeting_id)
    await changes.refuse_stale(uow, meeting, data.version)
    changes.refuse_unchangeable(meeting)
    wanted = await planning.settle(uow, data, meeting)
    before = await views.one(uow, meeting)
    wanted.fill(meeting)
    await _keep_number(uow, wanted, data.keep_number)
    after = await views.one(uow, meeting)
    changed = changes.differences(before, after)
    if changed:
        _begin_anew(meeting, changed.keys())
        changes.record(uow, meeting, "changed", "Changed.", changed)
        audit(uow, "meeting.changed", "meeting", meeting.id, changes=changed)
        if {"from_at", "to_at"} & changed.keys():
            await log.on_timeline(uow, meeting, "moved", f"Phone meeting moved: {meeting.name}", before=before.from_at)
        await due.schedule(uow, meeting)
        if meeting.user_id != before.user_id:
            log.tell_assigned(uow, meeting, before.user_id, taken=True)
            log.tell_assigned(uow, meeting, meeting.user_id)
        await log.tell(uow, meeting, before.user_id)
    return await views.one(uow, meeting, await warnings.about(uow, wanted, meeting.id))


async def cancel(uow: UnitOfWork, meeting_id: int, reason: str) -> MeetingOut:
    """Take back the promise, with a reason; raises Invalid without one, Conflict while it is being called or over."""
    meeting = await rows.own(uow, meeting_id)
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why the meeting is cancelled.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid("A reason has at most {most} characters.", field="reason", most=LONGEST_REASON)
    changes.refuse_calling(meeting)
    if MeetingState(meeting.state) not in OPEN:
        raise Conflict("This meeting is over and cannot be cancelled.")
    await close_cancelled(uow, meeting, reason)
    return await views.one(uow, meeting)


async def close_cancelled(uow: UnitOfWork, meeting: Meeting, reason: str) -> None:
    """Put a meeting that may be cancelled into that state, and let everybody know."""
    before = meeting.state
    meeting.state, meeting.reason, meeting.closed_at = MeetingState.CANCELLED.value, reason, uow.now
    meeting.waiting, meeting.waiting_values, meeting.not_before = "", {}, None
    changes.record(uow, meeting, "state", "Cancelled: {reason}", {"state": [before, meeting.state]}, reason=reason)
    audit(uow, "meeting.cancelled", "meeting", meeting.id, reason=reason)
    await log.on_timeline(uow, meeting, "cancelled", f"Phone meeting cancelled: {meeting.name}. {reason}", note=reason)
    await due.schedule(uow, meeting)
    await log.tell(uow, meeting)


async def snooze(uow: UnitOfWork, meeting_id: int, minutes: int) -> MeetingOut:
    """Be reminded of a meeting that is due (an automatic one: have it dialled) again after some minutes, within its window."""
    meeting = await rows.own(uow, meeting_id)
    if not 1 <= minutes <= LONGEST_SNOOZE:
        raise Invalid("Choose between 1 and {most} minutes.", field="minutes", most=LONGEST_SNOOZE)
    changes.refuse_calling(meeting)
    if MeetingState(meeting.state) not in DIALLABLE:
        raise Conflict("This meeting is not due.")
    _, stored = await planning.project_with_rules(uow, meeting.project_id)
    until = uow.now + dt.timedelta(minutes=minutes)
    if until + dt.timedelta(seconds=stored.ring_seconds) > meeting.to_at:
        raise Invalid("The window is over before that. Choose fewer minutes, or reschedule the meeting.", field="minutes")
    meeting.not_before = until
    changes.record(uow, meeting, "changed", "Put off by {minutes} minutes.", {}, minutes=minutes)
    audit(uow, "meeting.snoozed", "meeting", meeting.id, minutes=minutes)
    await due.schedule(uow, meeting)
    await log.tell(uow, meeting)
    return await views.one(uow, meeting)


def _begin_anew(meeting: Meeting, names: Set[str]) -> None:
    """Let the engine look at a changed meeting as if it were planned just now, where time, person or mode are others."""
    if names & {"from_at", "to_at"}:
        meeting.not_before = None
        meeting.sequence += 1
    if names & {"from_at", "to_at", "user", "mode", "project"}:
        meeting.escalated_at = None
        meeting.waiting, meeting.waiting_values = "", {}
        meeting.state = MeetingState.PLANNED.value if meeting.not_before is None else meeting.state


async def _keep_number(uow: UnitOfWork, wanted: planning.Plan, keep: bool) -> None:
    """Store a number the contact does not have on the contact, if asked for."""
    if keep and wanted.contact is not None:
        await contacts.add_number(uow, wanted.contact, wanted.number, wanted.project.region)
