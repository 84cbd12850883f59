"""Which contacts somebody may see: where every query on contacts starts."""

from sqlalchemy import Select, false, select

from callcenter.actor import Actor, Role, at_least
from callcenter.contacts.models import Contact


def visible_to(actor: Actor) -> Select[Contact]:
    """Return the query of all contacts the actor may see: today, everybody who serves customers sees all of them."""
    return visible_by(actor.role)


def visible_by(role: Role) -> Select[Contact]:
    """Return the same by what decides it, the role alone: a statement with it may be kept for all who have it."""
    query = select(Contact)
    return query if at_least(role, Role.CONSULTANT) else query.where(false())
