"""Reading text messages: one, pages of them, and how many nobody has dealt with."""

import re
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql import ColumnElement

from callcenter.contacts import numbers
from callcenter.contacts.models import Contact, Organisation
from callcenter.contacts.visibility import Hidden, hidden
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.events import Candidate
from callcenter.projects.models import Project
from callcenter.texts import rows
from callcenter.texts.models import TextMessage
from callcenter.texts.segments import segments
from callcenter.texts.views import TextOut, TextPage
from callcenter.users.models import User

MOST_COUNTED = 100
_LARGEST_PAGE = 200
_NAMED = {"number_shown", "own_number_shown", "segments", "answerable", "contact", "organisation", "candidates"}
_NAMED |= {"project", "user", "seen_by_name", "hidden"}
_CONCEALED: dict[str, Any] = {"contact_id": None, "contact": "", "organisation_id": None, "organisation": "", "candidates": []}
_PLACE = re.compile(r"(new|old)-([0-9a-f]{32})")


async def get_text(uow: UnitOfWork, text_id: str) -> TextOut:
    """Return a message the actor may see; raises NotFound."""
    found = await _read(uow, select(TextMessage.id).where(TextMessage.id == text_id, rows.visible(uow)))
    if not found:
        raise NotFound("There is no such text message.")
    return found[0]


async def list_texts(
    uow: UnitOfWork,
    *,
    contact_id: int | None = None,
    project_id: int | None = None,
    unread: bool = False,
    mine: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> TextPage:
    """Return the messages one may see, both ways, newest first.

    `unread`: only those that came and nobody has dealt with; `mine`: only those whose arrival one is told of. `after`: `next`
    of the last page.
    """
    limit = max(1, min(limit, _LARGEST_PAGE))
    query = select(TextMessage.id).where(_may_see(uow, mine=mine, project_id=project_id))
    if contact_id is not None:
        query = query.where(TextMessage.contact_id == contact_id, *rows.shown_to(uow))
    if unread:
        query = query.where(TextMessage.seen_at.is_(None))
    if after is not None:
        query = query.where(TextMessage.id < after)
    items = await _read(uow, query.order_by(TextMessage.id.desc()).limit(limit + 1))
    return TextPage(items=items[:limit], next=items[limit - 1].id if len(items) > limit else None)


async def inbox(
    uow: UnitOfWork, *, project_id: int | None = None, mine: bool = False, after: str | None = None, limit: int = 50
) -> TextPage:
    """Return the messages that came: first those nobody has dealt with, then the others, each newest first."""
    limit = max(1, min(limit, _LARGEST_PAGE))
    place = _PLACE.fullmatch(after or "")
    part, last = place.groups() if place else ("new", "")
    came = select(TextMessage.id).where(~TextMessage.outbound).order_by(TextMessage.id.desc())
    came = came.where(_may_see(uow, mine=mine, project_id=project_id))
    items: list[tuple[str, TextOut]] = []
    for name in ("new", "old"):
        if (name, part) == ("new", "old"):
            continue
        query = came.where(TextMessage.seen_at.is_(None) if name == "new" else TextMessage.seen_at.is_not(None))
        if last and name == part:
            query = query.where(TextMessage.id < last)
        found = await _read(uow, query.limit(limit + 1 - len(items)))
        items += [(name, each) for each in found]
    following = f"{items[limit - 1][0]}-{items[limit - 1][1].id}" if len(items) > limit else None
    return TextPage(items=[each for _, each in items[:limit]], next=following)


async def unread_count(uow: UnitOfWork) -> int:
    """Return how many messages that concern the actor nobody has dealt with, counted up to MOST_COUNTED."""
    query = select(TextMessage.id).where(TextMessage.seen_at.is_(None), rows.concerning(uow)).limit(MOST_COUNTED)
    return await uow.session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _may_see(uow: UnitOfWork, *, mine: bool, project_id: int | None) -> ColumnElement[bool]:
    """Return the condition for what one may see; what concerns one (`mine`), one may see anyway."""
    allowed = rows.concerning(uow) if mine else rows.visible(uow)
    return allowed if project_id is None else and_(TextMessage.project_id == project_id, allowed)


async def _read(uow: UnitOfWork, ids: Select[Any]) -> list[TextOut]:
    """Return the messages of these ids with the names they refer to, newest first."""
    chosen, seer = ids.subquery(), aliased(User)
    query = (
        select(TextMessage, Project.name, User.name, seer.name, Contact, Organisation.name)
        .join(chosen, chosen.c.id == TextMessage.id)
        .outerjoin(Project, Project.id == TextMessage.project_id)
        .outerjoin(User, User.id == TextMessage.user_id)
        .outerjoin(seer, seer.id == TextMessage.seen_by)
        .outerjoin(Contact, Contact.id == TextMessage.contact_id)
        .outerjoin(Organisation, Organisation.id == TextMessage.organisation_id)
        .order_by(TextMessage.id.desc())
    )
    found = (await uow.session.execute(query)).all()
    fitted = [each for message, *_ in found for each in message.match]
    people = [*(message.contact_id for message, *_ in found), *(each.get("contact_id") for each in fitted)]
    firms = [*(message.organisation_id for message, *_ in found), *(each.get("organisation_id") for each in fitted)]
    concealed = await hidden(uow, people, firms)
    return [
        _masked(
            uow,
            concealed,
            message,
            TextOut(
                **{name: getattr(message, name) for name in TextOut.model_fields if name not in _NAMED},
                number_shown=numbers.show(message.number),
                own_number_shown=numbers.show(message.own_number),
                segments=segments(message.text).count,
                answerable=numbers.answerable(message.number),
                contact=contact.name if contact else "",
                organisation=organisation or "",
                candidates=_candidates(message, concealed),
                project=project or "",
                user=user or "",
                seen_by_name=seen_by or "",
            ),
        )
        for message, project, user, seen_by, contact, organisation in found
    ]


def _candidates(message: TextMessage, concealed: Hidden) -> list[Candidate]:
    """Return who has the message's number, but for those who are concealed. Pure."""
    fitted = [Candidate.model_validate(each) for each in message.match]
    return [each for each in fitted if not concealed.covers(each.contact_id, each.organisation_id)]


def _masked(uow: UnitOfWork, concealed: Hidden, message: TextMessage, out: TextOut) -> TextOut:
    """Return a message as the actor may see it: of an account that is hidden from them only what they wrote themselves."""
    own = message.outbound and message.user_id == uow.actor.user_id
    kept: dict[str, Any] = {"hidden": True} if own else {"hidden": True, "text": ""}
    if concealed.covers(message.contact_id, message.organisation_id):
        return out.model_copy(update=_CONCEALED | kept)
    open_still = message.contact_id is None and message.organisation_id is None and bool(message.match)
    return out.model_copy(update=kept) if open_still and not out.candidates else out


async def shown(uow: UnitOfWork, message: TextMessage) -> TextOut:
    """Return a message the actor has just changed as it stands now."""
    await uow.session.flush()
    return (await _read(uow, select(TextMessage.id).where(TextMessage.id == message.id)))[0]
