"""Which tickets somebody may see: where every query on them starts (docs/decisions/0017-tickets.md).

One of a contact or an organisation is seen by who may see that; one of nobody by everybody who serves customers. Of one whose
contact or organisation was deleted or erased nobody knows the type any more: it is for who sees all accounts, and of those for
supervisors, whose it is, and who wrote it.
"""

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, true

from callcenter.actor import Actor, Role
from callcenter.contacts.models import Contact, Organisation
from callcenter.contacts.visibility import may_see, may_see_organisation, sees_all
from callcenter.tickets.models import Ticket


def visible_to(actor: Actor) -> Select[Ticket]:
    """Return the query of all tickets the actor may see."""
    condition = may_see_ticket(actor)
    return select(Ticket) if condition is true() else select(Ticket).where(condition)


def may_see_ticket(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that `Ticket` is one the actor may see; SQL's true for who sees all."""
    if sees_all(actor) and actor.may(Role.SUPERVISOR):
        return true()
    contact, firm = Ticket.contact_id.is_not(None), and_(Ticket.contact_id.is_(None), Ticket.organisation_id.is_not(None))
    nobodys = and_(Ticket.contact_id.is_(None), Ticket.organisation_id.is_(None), _orphaned(actor))
    if sees_all(actor):
        return or_(contact, firm, nobodys)
    of_contact = exists().where(Contact.id == Ticket.contact_id, may_see(actor)).correlate(Ticket)
    of_firm = exists().where(Organisation.id == Ticket.organisation_id, may_see_organisation(actor)).correlate(Ticket)
    return or_(and_(contact, of_contact), and_(firm, of_firm), nobodys)


def _orphaned(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on a ticket of nobody's: it never was anybody's, or few may see what it was."""
    if not sees_all(actor):
        return Ticket.of_account.is_(False)
    return or_(Ticket.of_account.is_(False), Ticket.assignee_id == actor.user_id, Ticket.created_by == actor.user_id)
