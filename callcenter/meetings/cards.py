"""The pop-up of a meeting that is up: what the consultant sees before the customer is dialled."""

from collections.abc import Iterable
from typing import Any

from callcenter.calls.entries import POP_UP_LINES
from callcenter.contacts import numbers, timeline
from callcenter.contacts.models import Contact, Organisation
from callcenter.db import UnitOfWork
from callcenter.events import MeetingDue, TimelineLine
from callcenter.meetings import sight
from callcenter.meetings.models import Attempt, Meeting
from callcenter.projects.models import Project
from callcenter.tickets.models import Ticket
from callcenter.tickets.visibility import visible_to
from callcenter.users.models import User
from callcenter.users.sessions import actor_of


async def card(uow: UnitOfWork, meeting: Meeting, attempt: Attempt | None = None) -> MeetingDue:
    """Return the pop-up of a due meeting, with its countdown when an attempt counts down; a reloaded page draws the same.

    Whole: `masked` makes of it what people get who may not see the contact.
    """
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
        ticket_id=meeting.ticket_id,
        ticket=await _ticket(uow, meeting),
        user_id=meeting.user_id,
        attempts=meeting.attempts,
        attempt_id=attempt.id if attempt else None,
        countdown_until=attempt.countdown_until if attempt else None,
        timeline=[TimelineLine(at=line.at, kind=line.kind, text=line.text, data=line.data) for line in lines],
    )


async def _ticket(uow: UnitOfWork, meeting: Meeting) -> str:
    """Return the title of the ticket a meeting is about, if it is somebody's who may see it."""
    user = None if meeting.ticket_id is None or meeting.user_id is None else await uow.session.get(User, meeting.user_id)
    if user is None:
        return ""
    ticket = await uow.session.scalar(visible_to(actor_of(user)).where(Ticket.id == meeting.ticket_id))
    return ticket.title if ticket else ""


_NOBODY: dict[str, Any] = {"contact_id": None, "contact": "", "organisation": ""}
_UNSEEN: dict[str, Any] = {**_NOBODY, "information": "", "timeline": [], "ticket_id": None, "ticket": "", "hidden": True}


async def show(uow: UnitOfWork, meeting: Meeting, people: Iterable[int], attempt: Attempt | None = None) -> None:
    """Show people the pop-up of a meeting, to each what they may see of its contact."""
    await sight.emit(uow, meeting, await card(uow, meeting, attempt), people, name=sight.nameless(meeting), **_UNSEEN)


def masked(whole: MeetingDue) -> MeetingDue:
    """Return a pop-up without a word of the contact. Pure."""
    return whole.model_copy(update={"name": whole.number_shown, **_UNSEEN})
