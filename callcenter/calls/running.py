"""Calls that go on with a contact, or with anybody of an organisation, for whom looks at their timeline."""

from typing import NamedTuple

from sqlalchemy import and_, or_, select

from callcenter.calls.models import Call, CallState
from callcenter.contacts.models import Contact, Organisation
from callcenter.contacts.visibility import organisations_visible_to, visible_to
from callcenter.db import UnitOfWork
from callcenter.users.models import User

_GOING_ON = tuple(each.value for each in CallState if each is not CallState.ENDED)
_MOST = 20


class Running(NamedTuple):
    """A call that goes on, who has it, and with whom it is."""

    call: Call
    user: str
    contact: str


async def running(uow: UnitOfWork, *, contact_id: int | None = None, organisation_id: int | None = None) -> list[Running]:
    """Return the calls that go on, newest first; none of whom the actor may not see."""
    # Found by the state, for few calls go on: `+ 0` keeps SQLite from reading all calls there ever were with the contact.
    query = select(Call, User.name, Contact.first_name, Contact.last_name).where(Call.state.in_(_GOING_ON))
    query = query.outerjoin(User, User.id == Call.user_id).outerjoin(Contact, Contact.id == Call.contact_id)
    if contact_id is not None:
        seen = visible_to(uow.actor).where(Contact.id == contact_id).with_only_columns(Contact.id).correlate(None)
        query = query.where(Call.contact_id + 0 == contact_id, seen.exists())
    else:
        people = visible_to(uow.actor).where(Contact.organisation_id == organisation_id).with_only_columns(Contact.id)
        own = organisations_visible_to(uow.actor).where(Organisation.id == organisation_id).with_only_columns(Organisation.id)
        nobodys = and_(Call.contact_id.is_(None), Call.organisation_id + 0 == organisation_id, own.exists())
        query = query.where(or_(Call.contact_id.in_(people.correlate(None)), nobodys))
    found = await uow.session.execute(query.order_by(Call.started_at.desc(), Call.id.desc()).limit(_MOST))
    return [Running(row[0], row[1] or "", " ".join(filter(None, row[2:]))) for row in found]
