"""Changing and cancelling meetings that were checked, one or many at once: each is written and told as if it were the only one,
but what the database is asked does not grow with their number."""

from collections.abc import Sequence, Set
from typing import Any, NamedTuple

from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.meetings import changes, due, invitations, log, rows, storing, views, warnings
from callcenter.meetings.forms import MeetingChange, MeetingOut
from callcenter.meetings.models import Meeting, MeetingState
from callcenter.meetings.planning import Plan
from callcenter.meetings.states import OPEN
from callcenter.users.service import audit

LONGEST_REASON = 1000


class Change(NamedTuple):
    """A meeting, locked, that may be changed, what was said about it, and the plan that came of that (planning.settle)."""

    meeting: Meeting
    data: MeetingChange
    wanted: Plan


async def change_all(uow: UnitOfWork, wanted: Sequence[Change], *, alone: bool) -> list[MeetingOut]:
    """Change meetings and return them in order; not `alone`: whoever changes several writes the timeline's line."""
    changed = await _fill(uow, wanted)
    for meeting, old, found in changed:
        _begin_anew(meeting, found.keys())
        changes.record(uow, meeting, "changed", "The meeting was changed.", found)
        audit(uow, "meeting.changed", "meeting", meeting.id, changes=found)
        if alone and {"from_at", "to_at"} & found.keys():
            await log.on_timeline(uow, meeting, "moved", f"Phone meeting moved: {meeting.name}", before=old.from_at)
    if changed:
        await due.schedule(uow, *(meeting for meeting, _, _ in changed))
    for meeting, old, _ in changed:
        await _tell(uow, meeting, old.user_id)
    for each in wanted:
        if each.data.invite and not each.meeting.invited:
            await invitations.invite(uow, each.meeting)
    said = await warnings.about_all(uow, [(each.wanted, each.meeting.id) for each in wanted])
    return await views.several(uow, [each.meeting for each in wanted], said)


async def _fill(uow: UnitOfWork, wanted: Sequence[Change]) -> list[tuple[Meeting, MeetingOut, dict[str, list[Any]]]]:
    """Write what is wanted into the meetings; returns those that became other than they were, how they were, and in what."""
    meetings = [each.meeting for each in wanted]
    before = await views.several(uow, meetings)
    kept: set[tuple[int, str]] = set()
    for each in wanted:
        each.wanted.fill(each.meeting)
        number = (each.wanted.contact.id if each.wanted.contact else 0, each.wanted.number)
        if number not in kept:
            await storing.store_number(uow, each.wanted, each.data.keep_number)
            kept.add(number)
    after = await views.several(uow, meetings)
    compared = [(each, old, changes.differences(old, new)) for each, old, new in zip(meetings, before, after, strict=True)]
    return [each for each in compared if each[2]]


async def cancel_all(uow: UnitOfWork, meetings: Sequence[Meeting], reason: str, *, alone: bool = True) -> list[MeetingOut]:
    """Cancel meetings the actor may change, locked, and return them in order; `alone` as above.

    Raises Invalid without a reason, Conflict while one is being called or over.
    """
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why the meeting is cancelled.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid("A reason has at most {most} characters.", field="reason", most=LONGEST_REASON)
    running = await rows.running_of(uow, meetings)
    for each in meetings:
        await changes.refuse_calling(uow, each, running)
        if MeetingState(each.state) not in OPEN:
            raise Conflict("This meeting is over and cannot be cancelled.")
    await storing.close(uow, *meetings, reason=reason, alone=alone)
    return await views.several(uow, meetings)


async def _tell(uow: UnitOfWork, meeting: Meeting, before: int | None) -> None:
    """Tell of a changed meeting who was invited, whose it was and is, and who watches it."""
    await invitations.update(uow, meeting)
    if meeting.user_id != before:
        await log.tell_assigned(uow, meeting, before, taken=True)
        await log.tell_assigned(uow, meeting, meeting.user_id)
    await log.tell(uow, meeting, before)


def _begin_anew(meeting: Meeting, names: Set[str]) -> None:
    """Let the engine look at a changed meeting as if it were planned just now, where time, person or mode are others."""
    if names & {"from_at", "to_at"}:
        meeting.not_before = None
    if names & {"from_at", "to_at", "user", "mode", "project"}:
        meeting.escalated_at = None
        meeting.waiting, meeting.waiting_values = "", {}
        meeting.state = MeetingState.PLANNED.value if meeting.not_before is None else meeting.state
