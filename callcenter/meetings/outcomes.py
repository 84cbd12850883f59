"""What became of a meeting: its outcome as people give it, another time for the same promise, a contact that is gone."""

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.events import Notice
from callcenter.meetings import changes, due, invitations, log, planning, rows, sight, standing, storing, views, warnings
from callcenter.meetings.forms import MeetingInput, MeetingOut, Outcome, Reschedule
from callcenter.meetings.models import Meeting, MeetingState, Mode
from callcenter.meetings.states import may_follow
from callcenter.users.service import audit

_GIVEN = frozenset({MeetingState.UNCERTAIN, MeetingState.HELD, MeetingState.NOT_HELD, MeetingState.MISSED})
_SAID = {
    MeetingState.HELD: "The meeting was held.",
    MeetingState.NOT_HELD: "The meeting was not held.",
    MeetingState.MISSED: "The meeting was missed.",
}


async def set_outcome(uow: UnitOfWork, meeting_id: int, data: Outcome) -> MeetingOut:
    """Say what came of a meeting, also once more while it is fresh; `rescheduled` makes the one that follows.

    Raises Conflict while it is called or has not taken place, Invalid for a new time that cannot be.
    """
    uow.actor.require(Role.CONSULTANT)
    meeting = await rows.own(uow, meeting_id)
    if data.outcome == "rescheduled":
        if data.again is None:
            raise Invalid("Choose the new time.", field="again")
        again = data.again.model_copy(update={"note": data.again.note or data.note})
        await _follow(uow, meeting, again)
        return await views.one(uow, meeting)
    await changes.refuse_calling(uow, meeting)
    before, after = MeetingState(meeting.state), MeetingState(data.outcome)
    if before not in _GIVEN:
        raise Conflict("This meeting has not taken place yet, or is over. Call, cancel or reschedule it instead.")
    if not may_follow(before, after):
        raise Conflict("A missed meeting cannot have been held. Reschedule it, or plan another one.")
    changed = {"state": [before.value, after.value]} if before is not after else {}
    meeting.state, meeting.outcome_note, meeting.closed_at = after.value, data.note, meeting.closed_at or uow.now
    meeting.waiting, meeting.waiting_values = "", {}
    changes.record(uow, meeting, "outcome", _SAID[after], changed, note=data.note)
    audit(uow, "meeting.outcome_set", "meeting", meeting.id, outcome=after.value)
    line = ". ".join(each for each in (f"Phone meeting {after.value.replace('_', ' ')}: {meeting.name}", data.note) if each)
    await log.on_timeline(uow, meeting, log.OUTCOME, line, note=data.note)
    await due.schedule(uow, meeting)
    await log.tell(uow, meeting)
    return await views.one(uow, meeting)


async def reschedule(uow: UnitOfWork, meeting_id: int, data: Reschedule) -> MeetingOut:
    """Make another meeting for the same promise and return it; this one is kept as rescheduled."""
    uow.actor.require(Role.CONSULTANT)
    meeting = await rows.own(uow, meeting_id)
    following, wanted = await _follow(uow, meeting, data)
    return await views.one(uow, following, await warnings.about(uow, wanted, following.id))


async def contact_gone(uow: UnitOfWork, meeting: Meeting) -> None:
    """Cancel an automatic meeting whose contact is deleted, put another one in front of a person; tell whom it concerns."""
    calling = meeting.state in (MeetingState.DIALLING, MeetingState.IN_TALK, MeetingState.UNCERTAIN)
    values = {"meeting": meeting.name}
    if meeting.mode == Mode.AUTOMATIC and not calling:
        await storing.close(uow, meeting, reason="The contact was deleted.")
        sentence = "The meeting {meeting} was cancelled: its contact was deleted."
    else:
        if not calling:
            await standing.hold(uow, meeting, "contact_deleted")
            await due.schedule(uow, meeting)
        sentence = "The contact of the meeting {meeting} was deleted. Cancel the meeting, or say whom it is with."
        log.write(uow, meeting, "told", "The contact was deleted.")
        await log.tell(uow, meeting)
    notice = Notice(level="warning", sentence=sentence, values=values, link=f"/meetings/{meeting.id}")
    await sight.emit(uow, meeting, notice, await rows.watchers(uow, meeting), values={"meeting": sight.nameless(meeting)})


async def _follow(uow: UnitOfWork, meeting: Meeting, data: Reschedule) -> tuple[Meeting, planning.Plan]:
    """Plan the meeting that takes the place of this one, and close this one."""
    await changes.refuse_calling(uow, meeting)
    before = MeetingState(meeting.state)
    if before is MeetingState.RESCHEDULED:
        raise Conflict("Another meeting takes the place of this one already.")
    wanted = await planning.settle(uow, _again(meeting, data), follows=meeting)
    invited, when = meeting.invited, meeting.from_at
    meeting.state, meeting.closed_at = MeetingState.RESCHEDULED.value, meeting.closed_at or uow.now
    meeting.outcome_note = data.note or meeting.outcome_note
    meeting.waiting, meeting.waiting_values, meeting.not_before = "", {}, None
    following = await storing.add(uow, wanted, keep_number=False, follows=meeting)
    changed = {"state": [before.value, meeting.state]}
    text = "Rescheduled to {from_at}."
    about = {"from_at": following.from_at, "follow_up_id": following.id, "note": data.note}
    changes.record(uow, meeting, "outcome", text, changed, **about)
    audit(uow, "meeting.rescheduled", "meeting", meeting.id, follow_up_id=following.id)
    line = ". ".join(each for each in (f"Phone meeting rescheduled: {following.name}", data.note) if each)
    await log.on_timeline(uow, following, "rescheduled", line, before=when, follows_id=meeting.id, note=data.note)
    await due.schedule(uow, meeting)
    await invitations.withdraw(uow, meeting)
    if invited:
        await _invite_again(uow, following)
    await log.tell(uow, meeting)
    return following, wanted


async def _invite_again(uow: UnitOfWork, following: Meeting) -> None:
    """Invite who was invited before; that it cannot be done is no reason to keep the old time."""
    try:
        await invitations.invite(uow, following)
    except (Conflict, Invalid) as error:
        log.write(uow, following, "told", "Nobody was invited again ({reason}).", reason=str(error))


def _again(meeting: Meeting, data: Reschedule) -> MeetingInput:
    """Return what is planned: what is not given stays as it was, the window as long as it was."""
    if meeting.project_id is None:
        raise Conflict("The project of this meeting was deleted. Plan another meeting instead.")
    try:
        end = data.to_at or data.from_at + (meeting.to_at - meeting.from_at)
    except OverflowError:
        end = data.from_at
    kept = {name: getattr(meeting, name) for name in ("name", "number", "information", "project_id", "contact_id", "ticket_id")}
    asked = {"mode": data.mode or meeting.mode, "user_id": data.user_id or meeting.user_id}
    return MeetingInput.model_validate({**kept, **asked, "from_at": data.from_at, "to_at": end})
