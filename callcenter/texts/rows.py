"""Text messages as rows: who may see which, whom one that came concerns, and loading."""

from sqlalchemy import Select, or_, select, true
from sqlalchemy.sql import ColumnElement

from callcenter.actor import Role
from callcenter.contacts.models import Contact
from callcenter.contacts.visibility import visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
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
    """Return the condition for messages whose arrival the actor is told of; recipients() says the same."""
    mine = TextMessage.project_id.in_(_served(uow))
    if not uow.actor.may(Role.SUPERVISOR):
        return mine
    active = select(Membership.project_id).join(User, User.id == Membership.user_id).where(User.disabled_at.is_(None))
    nobodys = or_(TextMessage.project_id.is_(None), TextMessage.project_id.not_in(active))
    return or_(mine, nobodys)


async def recipients(uow: UnitOfWork, project_id: int | None) -> list[int]:
    """Return who is told of a message to a project's number: its people, else the supervisors."""
    people = select(Membership.user_id).join(User, User.id == Membership.user_id).order_by(Membership.user_id)
    people = people.where(Membership.project_id == project_id, User.disabled_at.is_(None))
    found = [] if project_id is None else list(await uow.session.scalars(people))
    return found or await supervisors(uow)


async def one(uow: UnitOfWork, text_id: str, *, lock: bool = True) -> TextMessage:
    """Return a message the actor may see, to be changed unless `lock` says otherwise; raises NotFound."""
    query = select(TextMessage).where(TextMessage.id == text_id, visible(uow))
    message = await uow.session.scalar(query.with_for_update(of=TextMessage) if lock else query)
    if message is None:
        raise NotFound("There is no such text message.")
    return message


def _served(uow: UnitOfWork) -> Select[int]:
    return select(Membership.project_id).where(Membership.user_id == uow.actor.id)
