"""Tickets as people write them: make, change, delete, and whose they are. Who sees one may change it."""

import datetime as dt
import unicodedata

from sqlalchemy import delete, select

from callcenter.actor import Role
from callcenter.contacts.models import Contact, Organisation
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.files import service as files
from callcenter.plain import plain
from callcenter.tickets import changes, log, reminding, rows, settings, terms, views
from callcenter.tickets.forms import TicketAccountChange, TicketChange, TicketFields, TicketInput, TicketOut
from callcenter.tickets.models import FAR, Priority, Ticket, TicketFile, TicketKind, TicketTerm
from callcenter.tickets.moving import set_state
from callcenter.tickets.queries import get, list_tickets, my_due, of_contact, of_organisation, search
from callcenter.users.models import User
from callcenter.users.service import audit

__all__ = [
    "create",
    "get",
    "list_tickets",
    "my_due",
    "of_contact",
    "of_organisation",
    "remove",
    "search",
    "set_account",
    "set_state",
    "update",
]

_LATEST = 2200  # beyond that year no time zone arithmetic is safe, and nobody means it


class BelongsToAnother(Conflict):
    """The ticket is another contact's or organisation's now; `whose` names it, "" when the actor may not see it."""

    def __init__(self, whose: str) -> None:
        if whose:
            super().__init__("This ticket belongs to {name}. Say that it is to move.", name=whose)
        else:
            super().__init__("This ticket belongs to somebody else. Say that it is to move.")
        self.whose = whose


async def create(uow: UnitOfWork, data: TicketInput, *, call_id: str | None = None) -> TicketOut:
    """Make a ticket in the first state of its kind; raises Invalid with the field at fault, Conflict without any states.

    `call_id`: the call it comes of, which the caller has checked (calls.ticketing); what `data` says of it is not looked at.
    """
    uow.actor.require(Role.CONSULTANT)
    kind = await _kind(uow, data.kind_id)
    state = await settings.first_state(uow, kind)
    now = uow.now
    ticket = Ticket(
        state_id=state.id, created_by=uow.actor.user_id, created_at=now, updated_at=now, sort_at=FAR, version=1, folded=""
    )
    ticket.call_id = call_id
    ticket.contact_id, ticket.organisation_id = await _account(uow, data.contact_id, data.organisation_id)
    ticket.of_account = (ticket.contact_id, ticket.organisation_id) != (None, None)
    await _fill(uow, ticket, data, kind)
    uow.session.add(ticket)
    await uow.session.flush()
    await rows.write_terms(uow, ticket)
    log.write(uow, ticket, "created", state=state.name)
    audit(uow, "ticket.created", "ticket", ticket.id, title=ticket.title, contact_id=ticket.contact_id)
    await log.on_timeline(uow, ticket, "created", f"Ticket created: {log.label(ticket)}", state=state.name)
    await reminding.plan(uow, ticket)
    log.tell_given(uow, ticket)
    log.tell(uow, ticket)
    return await views.one(uow, ticket)


async def update(uow: UnitOfWork, ticket_id: int, data: TicketChange) -> TicketOut:
    """Change a ticket that was read at `data.version`; raises Invalid with the field at fault, ChangedMeanwhile (a Conflict)."""
    ticket = await rows.held(uow, ticket_id)
    await changes.refuse_stale(uow, ticket, data.version)
    before, assignee, due = await views.one(uow, ticket), ticket.assignee_id, ticket.due_at
    kind = await settings.kind_of(uow, ticket.kind_id) if data.kind_id == ticket.kind_id else await _kind(uow, data.kind_id)
    await _fill(uow, ticket, data, kind)
    after = await views.one(uow, ticket)
    if not (found := changes.differences(before, after)):
        return after
    changes.record(uow, ticket, "changed", found)
    audit(uow, "ticket.changed", "ticket", ticket.id, fields=sorted(found))
    if "title" in found:
        await rows.write_terms(uow, ticket)
    if ticket.due_at != due:
        await reminding.plan(uow, ticket)
    if ticket.assignee_id != assignee:
        log.tell_given(uow, ticket)
    log.tell(uow, ticket, assignee)
    return await views.one(uow, ticket)


async def set_account(uow: UnitOfWork, ticket_id: int, data: TicketAccountChange) -> TicketOut:
    """Let a ticket be a contact's, an organisation's, or nobody's (S19); what happened stays on the timelines it is on.

    Raises BelongsToAnother (a Conflict) when it is another one's now and `data.move` does not say so, Invalid when its
    assignee may not see the new one.
    """
    ticket = await rows.held(uow, ticket_id)
    before = (ticket.contact_id, ticket.organisation_id)
    after = await _account(uow, data.contact_id, data.organisation_id)
    if after == before:
        return await views.one(uow, ticket)
    if before != (None, None) and after != (None, None) and not data.move:
        raise BelongsToAnother(await _whose(uow, ticket))
    ticket.contact_id, ticket.organisation_id = after
    ticket.of_account = after != (None, None)
    if ticket.assignee_id is not None:
        await _check_sees(uow, ticket, await uow.session.get_one(User, ticket.assignee_id))
    changed = {name: [old, new] for name, old, new in zip(("contact", "organisation"), before, after, strict=True) if old != new}
    changes.record(uow, ticket, "account", changed)
    audit(uow, "ticket.assigned", "ticket", ticket.id, before=list(before), after=list(after))
    await log.on_timeline(uow, ticket, "unassigned", f"Ticket no longer here: {log.label(ticket)}", before)
    await log.on_timeline(uow, ticket, "assigned", f"Ticket assigned: {log.label(ticket)}")
    log.tell(uow, ticket)
    return await views.one(uow, ticket)


async def remove(uow: UnitOfWork, ticket_id: int) -> None:
    """Delete a ticket with its comments and attachments (supervisors); timelines keep that it was there."""
    uow.actor.require(Role.SUPERVISOR)
    ticket = await rows.held(uow, ticket_id)
    attached = list(await uow.session.scalars(select(TicketFile.file_id).where(TicketFile.ticket_id == ticket_id)))
    await uow.session.execute(delete(TicketFile).where(TicketFile.ticket_id == ticket_id))
    for file_id in attached:
        await files.remove(uow, file_id)
    for term in terms.terms(ticket.folded):
        await uow.session.execute(delete(TicketTerm).where(TicketTerm.term == term, TicketTerm.ticket_id == ticket_id))
    await reminding.forget(uow, ticket_id)
    audit(uow, "ticket.deleted", "ticket", ticket_id, title=ticket.title, contact_id=ticket.contact_id)
    log.tell(uow, ticket, gone=True)
    await uow.session.delete(ticket)
    await uow.session.flush()


async def give(uow: UnitOfWork, ticket: Ticket, user: User | None) -> None:
    """Give a held ticket to a person, or to nobody; raises Invalid when they may not see what it is about."""
    before = ticket.assignee_id
    if before == (user.id if user else None):
        raise Conflict("This ticket is theirs already.") if user else Conflict("This ticket is nobody's already.")
    if user is not None:
        await _check_sees(uow, ticket, user)
    named = await uow.session.get(User, before) if before is not None else None
    ticket.assignee_id = user.id if user else None
    changes.record(uow, ticket, "changed", {"assignee": [named.name if named else "", user.name if user else ""]})
    audit(uow, "ticket.changed", "ticket", ticket.id, fields=["assignee"])
    log.tell_given(uow, ticket)
    log.tell(uow, ticket, before)


async def set_due(uow: UnitOfWork, ticket: Ticket, due_at: dt.datetime | None) -> None:
    """Let a held ticket be due at a time that `check_due` has taken, or at none."""
    before = ticket.due_at
    if before == due_at:
        raise Conflict("This ticket is due then already.")
    ticket.due_at, ticket.sort_at = due_at, due_at or FAR
    changes.record(uow, ticket, "changed", {"due_at": [plain(before), plain(due_at)]})
    audit(uow, "ticket.changed", "ticket", ticket.id, fields=["due_at"])
    await reminding.plan(uow, ticket)
    log.tell(uow, ticket)


def check_due(due_at: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
    """Return a due time in UTC; raises Invalid (field due_at) for one that is over or beyond all calendars."""
    if due_at is None:
        return None
    try:
        due_at = due_at.astimezone(dt.UTC)
    except OverflowError:
        raise Invalid("Give a day and an hour.", field="due_at") from None
    if due_at.year >= _LATEST:
        raise Invalid("Give a day and an hour.", field="due_at")
    if due_at <= now:
        raise Invalid("This time is over already. Choose a later one.", field="due_at")
    return due_at


async def _fill(uow: UnitOfWork, ticket: Ticket, data: TicketFields, kind: TicketKind) -> None:
    """Put what was filled in into a ticket. A due time or assignee that stays is not checked again."""
    if not any(unicodedata.category(each)[0] not in "ZC" for each in data.title):
        raise Invalid("A ticket needs a title.", field="title")
    if data.due_at != ticket.due_at:
        ticket.due_at = check_due(data.due_at, uow.now)
        ticket.sort_at = ticket.due_at or FAR
    given = data.assignee_id != ticket.assignee_id
    ticket.title, ticket.description, ticket.kind_id = data.title, data.description, kind.id
    ticket.priority, ticket.assignee_id = Priority[data.priority.upper()].value, data.assignee_id
    if given and data.assignee_id is not None:
        await _check_sees(uow, ticket, await rows.assignable(uow, data.assignee_id))


async def _kind(uow: UnitOfWork, kind_id: int) -> TicketKind:
    kind = await uow.session.get(TicketKind, kind_id)
    if kind is None:
        raise Invalid("There is no such kind of tickets.", field="kind_id")
    if kind.retired_at is not None:
        raise Invalid("{kind} is retired: choose another kind.", field="kind_id", kind=kind.name)
    return kind


async def _account(uow: UnitOfWork, contact_id: int | None, organisation_id: int | None) -> tuple[int | None, int | None]:
    """Return contact and organisation as a ticket keeps them; raises Invalid for what the actor may not see."""
    if contact_id is not None:
        contact = await rows.contact_of(uow, contact_id)
        if contact is None:
            raise Invalid("This contact is no longer there. Choose another one, or none.", field="contact_id")
        if organisation_id not in (None, contact.organisation_id):
            raise Invalid("A ticket's organisation is its contact's. Leave it out.", field="organisation_id")
        return contact.id, None
    if organisation_id is not None and await rows.organisation_of(uow, organisation_id) is None:
        raise Invalid("This organisation is no longer there. Choose another one, or none.", field="organisation_id")
    return None, organisation_id


async def _check_sees(uow: UnitOfWork, ticket: Ticket, user: User) -> None:
    """Raise Invalid (field assignee_id) when a person may not see what a ticket is about."""
    if not await rows.account_seen_by(uow, ticket, user):
        sentence = "{name} may not see the contact or organisation of this ticket, so it cannot be theirs."
        raise Invalid(sentence, field="assignee_id", name=user.name)


async def _whose(uow: UnitOfWork, ticket: Ticket) -> str:
    """Return the name of a seen ticket's contact or organisation."""
    if ticket.contact_id is not None:
        contact = await uow.session.get(Contact, ticket.contact_id)
        if contact is not None and contact.name:
            return contact.name
    firm_id = ticket.organisation_id
    if ticket.contact_id is not None and contact is not None:
        firm_id = contact.organisation_id
    firm = await uow.session.get(Organisation, firm_id) if firm_id is not None else None
    return firm.name if firm else ""
