"""Phone meetings as people plan them (S14): plan, look up, change, cancel, put off. Every door checks who may."""

import datetime as dt

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.meetings import changes, changing, due, invitations, log, planning, rows, storing, views, warnings
from callcenter.meetings.assigning import assign, spread
from callcenter.meetings.changing import Change
from callcenter.meetings.forms import MeetingChange, MeetingInput, MeetingOut, Warning  # noqa: A004 - the word for it
from callcenter.meetings.models import MeetingState
from callcenter.meetings.outcomes import reschedule, set_outcome
from callcenter.meetings.queries import get, list_meetings
from callcenter.meetings.states import DIALLABLE
from callcenter.users.service import audit

__all__ = [
    "assign",
    "cancel",
    "change",
    "check",
    "get",
    "list_meetings",
    "plan",
    "reschedule",
    "set_outcome",
    "snooze",
    "spread",
]

LONGEST_SNOOZE = 24 * 60  # minutes


async def plan(uow: UnitOfWork, data: MeetingInput, *, confirmed: bool = True) -> MeetingOut:
    """Plan a meeting; raises Invalid with the field at fault.

    What should be thought of (overlaps, a person who is off) is in `.warnings` and refuses nothing; `confirmed` False:
    nobody will read them (an import), so they are not looked for.
    """
    uow.actor.require(Role.CONSULTANT)
    wanted = await planning.settle(uow, data)
    meeting = await storing.add(uow, wanted, keep_number=data.keep_number)
    if data.invite:
        await invitations.invite(uow, meeting)
    found = await warnings.about(uow, wanted, meeting.id) if confirmed else []
    return await views.one(uow, meeting, found)


async def check(uow: UnitOfWork, data: MeetingInput, meeting_id: int | None = None) -> list[Warning]:
    """Say what plan, or change of `meeting_id`, would: raises Invalid, else returns what should be thought of."""
    uow.actor.require(Role.CONSULTANT)
    before = None if meeting_id is None else await rows.seen(uow, meeting_id)
    return await warnings.about(uow, await planning.settle(uow, data, before), meeting_id)


async def change(uow: UnitOfWork, meeting_id: int, data: MeetingChange, *, alone: bool = True) -> MeetingOut:
    """Change a meeting that was read at `data.version`. Not `alone`: whoever changes several writes the timeline's line.

    Raises Invalid with the field at fault, ChangedMeanwhile (a Conflict) naming who saved what since, Conflict while it is
    being called or when it is over.
    """
    meeting = await rows.own(uow, meeting_id)
    await changes.refuse_stale(uow, meeting, data.version)
    await changes.refuse_unchangeable(uow, meeting)
    wanted = await planning.settle(uow, data, meeting)
    return (await changing.change_all(uow, [Change(meeting, data, wanted)], alone=alone))[0]


async def cancel(uow: UnitOfWork, meeting_id: int, reason: str) -> MeetingOut:
    """Take back the promise, with a reason; raises Invalid without one, Conflict while it is being called or over."""
    meeting = await rows.own(uow, meeting_id)
    return (await changing.cancel_all(uow, [meeting], reason))[0]


async def snooze(uow: UnitOfWork, meeting_id: int, minutes: int) -> MeetingOut:
    """Be reminded of a meeting that is due (an automatic one: have it dialled) again after some minutes, within its window."""
    meeting = await rows.own(uow, meeting_id)
    if not 1 <= minutes <= LONGEST_SNOOZE:
        raise Invalid("Choose between 1 and {most} minutes.", field="minutes", most=LONGEST_SNOOZE)
    await changes.refuse_calling(uow, meeting)
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
