"""What of a meeting a person sees who may not see its contact: number, times, who serves it and how it stands, no word more.

A contact that was deleted had a type nobody knows any more: its name is for those who see all accounts.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from callcenter.actor import Actor
from callcenter.contacts import numbers, visibility
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.errors import NotPermitted
from callcenter.events import LiveEvent
from callcenter.meetings.forms import MeetingOut
from callcenter.meetings.models import Meeting


async def concealed(uow: UnitOfWork, meetings: Sequence[Meeting], person: Actor | None = None) -> frozenset[int]:
    """Return the ids of those of these meetings whose contact a person (None: the actor) may not see."""
    if visibility.sees_all(person or uow.actor):
        return frozenset()
    hidden = await visibility.hidden(uow, [each.contact_id for each in meetings], actor=person)
    return frozenset(each.id for each in meetings if hidden.covers(each.contact_id) or gone(each))


def gone(meeting: Meeting) -> bool:
    """Tell whether the meeting's contact was deleted. Pure."""
    return meeting.contact_id is None and bool(meeting.contact_name)


def shown_to(actor: Actor) -> list[ColumnElement[bool]]:
    """Return conditions for `Meeting`s that may be found by what is said of their contact; none for who sees all."""
    if visibility.sees_all(actor):
        return []
    seen = select(Contact.id).where(Contact.id == Meeting.contact_id, visibility.may_see(actor)).correlate(Meeting).exists()
    return [or_(seen, and_(Meeting.contact_id.is_(None), Meeting.contact_name == ""))]


def masked(meeting: MeetingOut) -> MeetingOut:
    """Return a meeting without a word of its contact; it is called by its number. Pure."""
    return meeting.model_copy(
        update={
            "name": meeting.number_shown,
            "information": "",
            "contact_id": None,
            "contact": "",
            "outcome_note": "",
            "reason": "",
            "invited": "",
            "hidden": True,
        }
    )


async def blind(uow: UnitOfWork, user_ids: Iterable[int], meeting: Meeting) -> frozenset[int]:
    """Return which of these people may not see the meeting's contact."""
    if gone(meeting):
        return frozenset(each.id for each in await visibility.viewers(uow, user_ids) if not visibility.sees_all(each))
    return await visibility.blind(uow, user_ids, meeting.contact_id)


async def emit(uow: UnitOfWork, meeting: Meeting, message: LiveEvent, recipients: Iterable[int], **instead: Any) -> None:
    """Tell people of a meeting; those who may not see its contact get the message with `instead` in it."""
    everybody = list(recipients)
    unseeing = await blind(uow, everybody, meeting)
    uow.emit(message, [each for each in everybody if each not in unseeing])
    if unseeing:
        uow.emit(message.model_copy(update=instead), [each for each in everybody if each in unseeing])


def nameless(meeting: Meeting) -> str:
    """Return what a meeting is called for who may not see its contact. Pure."""
    return numbers.show(meeting.number)


async def refuse(uow: UnitOfWork, meeting: Meeting, *, own: bool = False) -> None:
    """Raise NotPermitted when the meeting is with a contact the actor may not see; `own`: unless they serve it themselves."""
    if own and meeting.user_id == uow.actor.user_id:
        return
    if await concealed(uow, [meeting]):
        raise NotPermitted("This meeting is with a contact you may not see. Ask somebody who may.")
