"""Which contacts somebody may see: where every query on contacts starts."""

from sqlalchemy import Select, false, select

from callcenter.actor import Actor, Role
from callcenter.contacts.models import Contact


def visible_to(actor: Actor) -> Select[Contact]:
    """Return the query of all contacts the actor may see: today, everybody who serves customers sees all of them."""
    query = select(Contact)
    return query if actor.may(Role.CONSULTANT) else query.where(false())
