"""The pop-up of a meeting that is up: what the consultant sees before the customer is dialled."""

from callcenter.calls.entries import POP_UP_LINES
from callcenter.contacts import numbers, timeline
from callcenter.contacts.models import Contact, Organisation
from callcenter.db import UnitOfWork
from callcenter.events import MeetingDue, TimelineLine
from callcenter.meetings.models import Attempt, Meeting
from callcenter.projects.models import Project


async def card(uow: UnitOfWork, meeting: Meeting, attempt: Attempt | None = None) -> MeetingDue:
    """Return the pop-up of a due meeting, with its countdown when an attempt counts down; a reloaded page draws the same."""
    project = None if meeting.project_id is None else await uow.session.get(Project, meeting.project_id)
    contact = None if meeting.contact_id is None else await uow.session.get(Contact, meeting.contact_id)
    firm = None if contact is None or contact.organisation_id is None else contact.organisation_id
    organisation = None if firm is None else await uow.session.get(Organisation, firm)
    lines = [] if contact is None else await timeline.newest(uow, contact_id=contact.id, limit=POP_UP_LINES)
    return MeetingDue(
        meeting_id=meeting.id,
        name=meeting.name,
        mode=meeting.mode,
        number=meeting.number,
        number_shown=numbers.show(meeting.number),
        from_at=meeting.from_at,
        to_at=meeting.to_at,
        information=meeting.information,
        project_id=meeting.project_id,
        project=project.name if project else "",
        contact_id=meeting.contact_id,
        contact=contact.name if contact else meeting.contact_name,
        organisation=organisation.name if organisation else "",
        user_id=meeting.user_id,
        attempts=meeting.attempts,
        attempt_id=attempt.id if attempt else None,
        countdown_until=attempt.countdown_until if attempt else None,
        timeline=[TimelineLine(at=line.at, kind=line.kind, text=line.text, data=line.data) for line in lines],
    )
