"""Tickets as rows: loading those the actor may see, locking one to change it, and whose a ticket may be."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from callcenter.actor import Actor, Role
from callcenter.contacts.models import Contact, Organisation
from callcenter.contacts.visibility import organisations_visible_to, sees_all
from callcenter.contacts.visibility import visible_to as contacts_visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid, NotFound
from callcenter.tickets import terms
from callcenter.tickets.models import Ticket, TicketTerm
from callcenter.tickets.visibility import visible_to
from callcenter.users.models import User
from callcenter.users.sessions import actor_of

MISSING = "There is no such ticket."


async def seen(uow: UnitOfWork, ticket_id: int) -> Ticket:
    """Return a ticket the actor may see; raises NotFound."""
    uow.actor.require(Role.CONSULTANT)
    ticket = await uow.session.scalar(visible_to(uow.actor).where(Ticket.id == ticket_id))
    if ticket is None:
        raise NotFound("There is no such ticket.")
    return ticket


async def held(uow: UnitOfWork, ticket_id: int) -> Ticket:
    """Return a ticket the actor may see, locked, as it stands now: who sees one may change it. Raises NotFound."""
    found = await held_all(uow, [ticket_id])
    if not found:
        raise NotFound("There is no such ticket.")
    return found[0]


async def held_all(uow: UnitOfWork, ids: Sequence[int]) -> list[Ticket]:
    """Return those of the tickets that the actor may see, locked in the order of their ids."""
    uow.actor.require(Role.CONSULTANT)
    query = visible_to(uow.actor).where(Ticket.id.in_(ids)).order_by(Ticket.id).with_for_update(of=Ticket)
    return list(await uow.session.scalars(query.execution_options(populate_existing=True)))


async def write_terms(uow: UnitOfWork, ticket: Ticket) -> None:
    """Bring what finds a stored ticket up to date with its title."""
    before = terms.terms(ticket.folded)
    ticket.folded = terms.folded(ticket.id, ticket.title)
    after = terms.terms(ticket.folded)
    for term in sorted(before - after):
        await uow.session.execute(delete(TicketTerm).where(TicketTerm.term == term, TicketTerm.ticket_id == ticket.id))
    if new := sorted(after - before):
        await uow.session.execute(insert(TicketTerm), [{"term": term, "ticket_id": ticket.id} for term in new])


async def contact_of(uow: UnitOfWork, contact_id: int, actor: Actor | None = None) -> Contact | None:
    """Return a contact the actor (or another one) may see, else None."""
    return await uow.session.scalar(contacts_visible_to(actor or uow.actor).where(Contact.id == contact_id))


async def organisation_of(uow: UnitOfWork, organisation_id: int, actor: Actor | None = None) -> Organisation | None:
    """Return an organisation the actor (or another one) may see, else None."""
    query = organisations_visible_to(actor or uow.actor).where(Organisation.id == organisation_id)
    return await uow.session.scalar(query)


async def assignable(uow: UnitOfWork, user_id: int) -> User:
    """Return a person tickets may be given to; raises Invalid (field assignee_id)."""
    user = await uow.session.get(User, user_id)
    if user is None:
        raise Invalid("There is no such user.", field="assignee_id")
    if user.disabled_at is not None:
        raise Invalid("{name} was deactivated and takes no tickets.", field="assignee_id", name=user.name)
    return user


async def account_seen_by(uow: UnitOfWork, ticket: Ticket, user: User) -> bool:
    """Tell whether a person may see the ticket's contact or organisation; nobody's is for everybody, but a deleted one's."""
    actor = actor_of(user)
    if ticket.contact_id is not None:
        return await contact_of(uow, ticket.contact_id, actor) is not None
    if ticket.organisation_id is not None:
        return await organisation_of(uow, ticket.organisation_id, actor) is not None
    return not ticket.of_account or sees_all(actor)


async def people(uow: UnitOfWork) -> list[tuple[int, str]]:
    """Return whom tickets may be given to, by name."""
    uow.actor.require(Role.CONSULTANT)
    query = select(User.id, User.name).where(User.disabled_at.is_(None)).order_by(User.name, User.id)
    return [(user_id, name) for user_id, name in await uow.session.execute(query)]
