"""What is shown of a meeting, its attempts and its history: rows with the names of what they refer to."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from callcenter.calls.models import Call
from callcenter.contacts import numbers
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.meetings import sight, waiting
from callcenter.meetings.forms import AttemptOut, EntryOut, MeetingOut, Warning  # noqa: A004 - the word for it
from callcenter.meetings.models import Attempt, Meeting, MeetingEntry
from callcenter.projects.models import Project
from callcenter.tickets.models import Ticket
from callcenter.tickets.visibility import may_see_ticket
from callcenter.users.models import User

_NAMED = {"number_shown", "project", "user", "contact", "ticket", "followed_by_id", "waiting_text", "warnings", "hidden"}
_OWN = tuple(name for name in MeetingOut.model_fields if name not in _NAMED)


def show(
    meeting: Meeting,
    *,
    project: str = "",
    user: str = "",
    contact: str = "",
    ticket: str = "",
    followed_by_id: int | None = None,
    warnings: Sequence[Warning] = (),
) -> MeetingOut:
    """Return a meeting as pages and the API show it; `contact` is the name as it is now, "" for the one as planned."""
    own: dict[str, Any] = {name: getattr(meeting, name) for name in _OWN}
    return MeetingOut(
        **own,
        number_shown=numbers.show(meeting.number),
        project=project,
        user=user,
        contact=contact or meeting.contact_name,
        ticket=ticket,
        followed_by_id=followed_by_id,
        waiting_text=waiting.TEXTS.get(meeting.waiting, ""),
        warnings=list(warnings),
    )


async def shown(uow: UnitOfWork, ids: Iterable[int]) -> list[MeetingOut]:
    """Return the meetings of these ids by the beginning of their window, as the actor sees their contacts (sight.py).

    Asks for no other permission.
    """
    following = aliased(Meeting)
    query = (
        select(Meeting, Project.name, User.name, Contact, Ticket.title, following.id)
        .outerjoin(Project, Project.id == Meeting.project_id)
        .outerjoin(User, User.id == Meeting.user_id)
        .outerjoin(Contact, Contact.id == Meeting.contact_id)
        .outerjoin(Ticket, and_(Ticket.id == Meeting.ticket_id, may_see_ticket(uow.actor)))
        .outerjoin(following, following.follows_id == Meeting.id)
        .where(Meeting.id.in_(list(ids)))
        .order_by(Meeting.from_at, Meeting.id, following.id)
    )
    found: dict[int, MeetingOut] = {}
    rows = (await uow.session.execute(query)).all()
    concealed = await sight.concealed(uow, [meeting for meeting, *_ in rows])
    for meeting, project, user, contact, ticket, followed_by_id in rows:
        found[meeting.id] = show(
            meeting,
            project=project or "",
            user=user or "",
            contact=contact.name if contact else "",
            ticket=ticket or "",
            followed_by_id=followed_by_id,
        )
    return [sight.masked(each) if each.id in concealed else each for each in found.values()]


async def one(uow: UnitOfWork, meeting: Meeting, warnings: Sequence[Warning] = ()) -> MeetingOut:
    """Return a meeting the actor has just changed as it stands now."""
    return (await several(uow, [meeting], [warnings]))[0]


async def several(
    uow: UnitOfWork, meetings: Sequence[Meeting], warnings: Sequence[Sequence[Warning]] | None = None
) -> list[MeetingOut]:
    """Return meetings the actor has just changed as they stand now, in the order given, each with its warnings."""
    await uow.session.flush()
    found = {each.id: each for each in await shown(uow, [each.id for each in meetings])}
    said = warnings or [()] * len(meetings)
    return [found[each.id].model_copy(update={"warnings": list(some)}) for each, some in zip(meetings, said, strict=True)]


async def attempts(uow: UnitOfWork, meeting_id: int) -> list[AttemptOut]:
    """Return the tries to reach the customer, the newest first."""
    query = select(Attempt, User.name, Call.machine).outerjoin(User, User.id == Attempt.user_id)
    query = query.outerjoin(Call, Call.id == Attempt.id).where(Attempt.meeting_id == meeting_id)
    own = [name for name in AttemptOut.model_fields if name not in ("user", "call_id", "machine")]
    return [
        AttemptOut(
            **{name: getattr(attempt, name) for name in own},
            user=user or "",
            call_id=None if attempt.dialled_at is None else attempt.id,
            machine=machine or "",
        )
        for attempt, user, machine in await uow.session.execute(query.order_by(Attempt.id.desc()))
    ]


async def history(uow: UnitOfWork, meeting_id: int) -> list[EntryOut]:
    """Return what changed and was decided, the newest first."""
    query = select(MeetingEntry, User.name).outerjoin(User, User.id == MeetingEntry.user_id)
    query = query.where(MeetingEntry.meeting_id == meeting_id).order_by(MeetingEntry.id.desc())
    return [
        EntryOut(at=entry.at, user=user or "", kind=entry.kind, text=entry.text, data=entry.data)
        for entry, user in await uow.session.execute(query)
    ]
