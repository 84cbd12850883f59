"""What is shown of a ticket, its comments, attachments and history: rows with the names of what they refer to."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from callcenter.contacts.models import Contact, Organisation
from callcenter.contacts.visibility import organisations_visible_to
from callcenter.contacts.visibility import visible_to as contacts_visible_to
from callcenter.db import UnitOfWork
from callcenter.files.models import File
from callcenter.tickets import settings
from callcenter.tickets.forms import TicketCommentOut, TicketEntryOut, TicketFileOut, TicketOut, TicketStateChoice
from callcenter.tickets.models import (
    Priority,
    Ticket,
    TicketComment,
    TicketEntry,
    TicketFile,
    TicketKind,
    TicketState,
)
from callcenter.users.models import User

_OWN = (
    *("id", "title", "description", "kind_id", "state_id", "assignee_id", "due_at", "contact_id", "call_id"),
    *("created_by", "created_at", "updated_at", "ended_at", "version"),
)
UNSEEN = "?"  # of a contact or organisation that one may not see, or that was deleted


async def shown(uow: UnitOfWork, ids: Sequence[int]) -> list[TicketOut]:
    """Return the tickets of these ids, in that order; asks for no permission."""
    assignee, author, own = aliased(User), aliased(User), aliased(Organisation)
    query = (
        select(Ticket, TicketKind.name, TicketState, assignee.name, author.name, Contact, Organisation.name, own.name)
        .join(TicketKind, TicketKind.id == Ticket.kind_id)
        .join(TicketState, TicketState.id == Ticket.state_id)
        .outerjoin(assignee, assignee.id == Ticket.assignee_id)
        .outerjoin(author, author.id == Ticket.created_by)
        .outerjoin(Contact, Contact.id == Ticket.contact_id)
        .outerjoin(Organisation, Organisation.id == Contact.organisation_id)
        .outerjoin(own, own.id == Ticket.organisation_id)
        .where(Ticket.id.in_(ids))
    )
    found: dict[int, TicketOut] = {}
    for ticket, kind, state, whose, writer, contact, firm, own_firm in await uow.session.execute(query):
        plain: dict[str, Any] = {name: getattr(ticket, name) for name in _OWN}
        found[ticket.id] = TicketOut(
            **plain,
            kind=kind,
            state=state.name,
            colour=state.colour,
            open=ticket.ended_at is None,
            priority=Priority(ticket.priority).name.lower(),
            assignee=whose or "",
            overdue=ticket.ended_at is None and ticket.due_at is not None and ticket.due_at < uow.now,
            contact=(contact.name or firm or "") if contact else "",
            organisation_id=contact.organisation_id if contact else ticket.organisation_id,
            organisation=(firm if contact else own_firm) or "",
            author=writer or "",
        )
    return [found[each] for each in ids if each in found]


async def one(uow: UnitOfWork, ticket: Ticket) -> TicketOut:
    """Return a ticket the actor has just changed as it stands now."""
    await uow.session.flush()
    return (await shown(uow, [ticket.id]))[0]


async def comments(uow: UnitOfWork, ticket_id: int) -> list[TicketCommentOut]:
    """Return what was said about a ticket, the oldest first."""
    query = select(TicketComment, User.name).outerjoin(User, User.id == TicketComment.user_id)
    query = query.where(TicketComment.ticket_id == ticket_id).order_by(TicketComment.id)
    return [comment(each, name) for each, name in await uow.session.execute(query)]


def comment(row: TicketComment, user: str | None) -> TicketCommentOut:
    """Return a comment as it is shown."""
    plain = {name: getattr(row, name) for name in ("id", "user_id", "at", "text", "edited_at", "before")}
    return TicketCommentOut(**plain, user=user or "")


async def files(uow: UnitOfWork, ticket_id: int) -> list[TicketFileOut]:
    """Return a ticket's attachments, the oldest first."""
    query = select(File, TicketFile.at, User.name).join(TicketFile, TicketFile.file_id == File.id)
    query = query.outerjoin(User, User.id == TicketFile.user_id).where(TicketFile.ticket_id == ticket_id)
    return [
        TicketFileOut(id=file.id, name=file.name, media_type=file.media_type, size=file.size, user=user or "", at=at)
        for file, at, user in await uow.session.execute(query.order_by(TicketFile.at, File.id))
    ]


async def history(uow: UnitOfWork, ticket_id: int) -> list[TicketEntryOut]:
    """Return what changed, the newest first. Contacts are kept by id: who may not see one reads UNSEEN."""
    query = select(TicketEntry, User.name).outerjoin(User, User.id == TicketEntry.user_id)
    query = query.where(TicketEntry.ticket_id == ticket_id).order_by(TicketEntry.id.desc())
    entries = [(entry, name) for entry, name in await uow.session.execute(query)]
    names = await _accounts(uow, [entry.data.get("changes", {}) for entry, _ in entries])
    return [
        TicketEntryOut(at=entry.at, user=user or "", kind=entry.kind, data=_named(entry.data, names)) for entry, user in entries
    ]


async def next_states(uow: UnitOfWork, ticket: Ticket) -> list[TicketStateChoice]:
    """Return the states a ticket may be put into now, in their order."""
    kind = await settings.kind_of(uow, ticket.kind_id)
    steps = {other for _, other in await settings.allowed(uow, kind, [ticket.state_id])}
    return [
        TicketStateChoice(id=each.id, name=each.name, colour=each.colour, ends=each.ends)
        for each in await settings.list_states(uow)
        if each.id in steps
    ]


async def _accounts(uow: UnitOfWork, changes: Iterable[dict[str, Any]]) -> dict[tuple[str, int], str]:
    """Return the names of the contacts and organisations of a history that the actor may see."""
    wanted: dict[str, set[int]] = {"contact": set(), "organisation": set()}
    for change in changes:
        for name, ids in wanted.items():
            ids.update(each for each in change.get(name, ()) if isinstance(each, int))
    found: dict[tuple[str, int], str] = {}
    if wanted["contact"]:
        people = contacts_visible_to(uow.actor).where(Contact.id.in_(wanted["contact"]))
        found |= {("contact", each.id): each.name or UNSEEN for each in await uow.session.scalars(people)}
    if wanted["organisation"]:
        firms = organisations_visible_to(uow.actor).where(Organisation.id.in_(wanted["organisation"]))
        found |= {("organisation", each.id): each.name for each in await uow.session.scalars(firms)}
    return found


def _named(data: dict[str, Any], names: dict[tuple[str, int], str]) -> dict[str, Any]:
    """Return the data of a line with names in the place of ids."""
    changes = {
        field: [names.get((field, each), UNSEEN) if isinstance(each, int) else each for each in pair]
        if field in ("contact", "organisation")
        else pair
        for field, pair in data.get("changes", {}).items()
    }
    return {**data, "changes": changes} if changes else data
