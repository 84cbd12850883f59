"""Text messages as rows: who may see which, whom one that came concerns, and loading."""

from collections.abc import Iterable

from sqlalchemy import Select, and_, or_, select, true
from sqlalchemy.sql import ColumnElement

from callcenter.actor import Role
from callcenter.contacts import visibility
from callcenter.contacts.models import Contact, Organisation
from callcenter.contacts.visibility import organisations_visible_to, sees_all, visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound, NotPermitted
from callcenter.projects.models import Membership
from callcenter.texts.models import TextMessage
from callcenter.users.models import User
from callcenter.users.service import supervisors


def visible(uow: UnitOfWork) -> ColumnElement[bool]:
    """Return the condition for messages the actor may see: of contacts they see, their own, of their projects; or all."""
    if uow.actor.may(Role.SUPERVISOR):
        return true()
    seen = visible_to(uow.actor).where(Contact.id == TextMessage.contact_id).correlate(TextMessage).exists()
    return or_(TextMessage.user_id == uow.actor.id, seen, TextMessage.project_id.in_(_served(uow)))


def concerning(uow: UnitOfWork) -> ColumnElement[bool]:
    """Return the condition for messages whose arrival the actor is told of; recipients() says the same.

    Of an account the actor may not see they are told only when nobody else is there for it; that does not count as theirs.
    """
    mine = and_(TextMessage.project_id.in_(_served(uow)), *shown_to(uow))
    if not uow.actor.may(Role.SUPERVISOR):
        return mine
    active = select(Membership.project_id).join(User, User.id == Membership.user_id).where(User.disabled_at.is_(None))
    nobodys = or_(TextMessage.project_id.is_(None), TextMessage.project_id.not_in(active))
    return or_(mine, and_(nobodys, *shown_to(uow)))


def shown_to(uow: UnitOfWork) -> list[ColumnElement[bool]]:
    """Return conditions for messages that belong to nobody, or to an account the actor may see; none for who sees all."""
    if sees_all(uow.actor):
        return []
    person = visible_to(uow.actor).where(Contact.id == TextMessage.contact_id).correlate(TextMessage).exists()
    firm = organisations_visible_to(uow.actor).where(Organisation.id == TextMessage.organisation_id).correlate(TextMessage)
    nobodys = and_(TextMessage.contact_id.is_(None), or_(TextMessage.organisation_id.is_(None), firm.exists()))
    return [or_(person, nobodys)]


async def recipients(uow: UnitOfWork, message: TextMessage) -> list[int]:
    """Return who is told of a message to a project's number: its people, else the supervisors.

    Those who may not see whom it is from are told only when nobody else of them is there.
    """
    project_id = message.project_id
    people = select(Membership.user_id).join(User, User.id == Membership.user_id).order_by(Membership.user_id)
    people = people.where(Membership.project_id == project_id, User.disabled_at.is_(None))
    found = [] if project_id is None else list(await uow.session.scalars(people))
    found = found or await supervisors(uow)
    unseeing = await blind(uow, message, found)
    return [each for each in found if each not in unseeing] or found


async def blind(uow: UnitOfWork, message: TextMessage, user_ids: Iterable[int]) -> frozenset[int]:
    """Return which of these people may not see whose a message is, or, while that is open, any of those it may be."""
    if message.contact_id is not None or message.organisation_id is not None:
        return await visibility.blind(uow, user_ids, message.contact_id, message.organisation_id)
    people = list(user_ids)
    fitted = [await visibility.blind(uow, people, each.get("contact_id"), each.get("organisation_id")) for each in message.match]
    return frozenset.intersection(*fitted) if fitted else frozenset()


async def refuse_hidden(uow: UnitOfWork, message: TextMessage) -> None:
    """Raise NotPermitted when the message belongs to an account the actor may not see."""
    concealed = await visibility.hidden(uow, [message.contact_id], [message.organisation_id])
    if concealed.covers(message.contact_id, message.organisation_id):
        raise NotPermitted("This message is with an account you may not see. Ask somebody who may.")


async def one(uow: UnitOfWork, text_id: str, *, lock: bool = True) -> TextMessage:
    """Return a message the actor may see, to be changed unless `lock` says otherwise; raises NotFound."""
    query = select(TextMessage).where(TextMessage.id == text_id, visible(uow))
    message = await uow.session.scalar(query.with_for_update(of=TextMessage) if lock else query)
    if message is None:
        raise NotFound("There is no such text message.")
    return message


def _served(uow: UnitOfWork) -> Select[int]:
    return select(Membership.project_id).where(Membership.user_id == uow.actor.id)
