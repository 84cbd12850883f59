"""What is kept and told of a meeting: its history, the customer's timeline, messages to those it concerns."""

from typing import Any

from callcenter.contacts import timeline
from callcenter.db import UnitOfWork
from callcenter.events import MeetingAssigned, MeetingChanged
from callcenter.meetings import rows, sight
from callcenter.meetings.models import Meeting, MeetingEntry
from callcenter.plain import plain

KIND = "meeting"  # of timeline entries
OUTCOME = "outcome"
_LOOKED_AT = 50  # lines among which the outcome before is looked for


def write(uow: UnitOfWork, meeting: Meeting, kind: str, text: str, **data: Any) -> None:
    """Add a line to a stored meeting's history on behalf of the actor.

    `kind`: planned, changed, assigned, state, decision, attempt, outcome, told. `text` is a sentence template in English, its
    values are in `data`; times there are kept as ISO 8601 text.
    """
    uow.write_line(
        MeetingEntry,
        meeting_id=meeting.id,
        at=uow.now,
        user_id=uow.actor.user_id,
        kind=kind,
        text=text,
        data={name: plain(value) for name, value in data.items()},
    )


async def tell(uow: UnitOfWork, meeting: Meeting, *also: int | None) -> None:
    """Tell everybody it concerns, and `also`, that a meeting changed."""
    recipients = [*await rows.watchers(uow, meeting), *(each for each in also if each is not None)]
    uow.emit(MeetingChanged(meeting_id=meeting.id, state=meeting.state, version=meeting.version), recipients)


async def tell_assigned(uow: UnitOfWork, meeting: Meeting, user_id: int | None, *, taken: bool = False) -> None:
    """Tell a consultant that a meeting is theirs, or no longer; nothing about what they did themselves."""
    if user_id is None or user_id == uow.actor.user_id:
        return
    message = MeetingAssigned(
        meeting_id=meeting.id,
        name=meeting.name,
        from_at=meeting.from_at,
        to_at=meeting.to_at,
        by=uow.actor.name if uow.actor.user_id is not None else "",
        taken=taken,
    )
    await sight.emit(uow, meeting, message, [user_id], name=sight.nameless(meeting))


async def on_timeline(uow: UnitOfWork, meeting: Meeting, event: str, text: str, **data: Any) -> None:
    """Write a line on the contact's timeline, if there is a contact.

    `event`: planned, moved, rescheduled, cancelled, missed, outcome; a later outcome takes the place of the one before.
    `text` says it in English for who cannot draw `data`.
    """
    if meeting.contact_id is None:
        return
    about = {
        "meeting_id": meeting.id,
        "event": event,
        "name": meeting.name,
        "state": meeting.state,
        "mode": meeting.mode,
        "from_at": meeting.from_at,
        "to_at": meeting.to_at,
        **data,
    }
    told = {name: plain(value) for name, value in about.items()}
    if event == OUTCOME:
        lines = await timeline.newest(uow, contact_id=meeting.contact_id, limit=_LOOKED_AT)
        same = (line for line in lines if line.kind == KIND and line.data.get("meeting_id") == meeting.id)
        written = next((line for line in same if line.data.get("event") == OUTCOME), None)
        if written is not None:
            written.text, written.data = text, told
            timeline.touched(uow, written.contact_id, written.organisation_id, written.id)
            return
    await timeline.add_entry(
        uow, contact_id=meeting.contact_id, kind=KIND, text=text, at=uow.now, user_id=uow.actor.user_id, data=told
    )
