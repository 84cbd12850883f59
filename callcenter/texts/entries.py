"""The line a text message has on the customer's timeline, and how it is kept up to date; and what browsers are told."""

from typing import Any

from callcenter.contacts import timeline
from callcenter.contacts.models import TimelineEntry
from callcenter.db import UnitOfWork
from callcenter.texts.events import TextDelivery, TextsSeen
from callcenter.texts.models import TextMessage
from callcenter.texts.rows import blind, recipients

KIND = "text"


async def write(uow: UnitOfWork, message: TextMessage) -> None:
    """Make the message's line say what is known now, on the timeline of whom it belongs to; none while that is nobody."""
    data: dict[str, Any] = {
        "text_id": message.id,
        "direction": "outbound" if message.outbound else "inbound",
        "state": message.state,
        "number": message.number,
        "own_number": message.own_number,
        "code": message.code,
        "error": message.error,
    }
    entry = None if message.entry_id is None else await uow.session.get(TimelineEntry, message.entry_id)
    owned = message.contact_id is not None or message.organisation_id is not None
    if entry is not None:
        timeline.touched(uow, entry.contact_id, entry.organisation_id, entry.id)
    if entry is not None and owned:
        timeline.touched(uow, message.contact_id, message.organisation_id, entry.id)
        entry.data, entry.contact_id, entry.organisation_id = data, message.contact_id, message.organisation_id
    elif entry is not None:
        await uow.session.delete(entry)
        message.entry_id = None
    elif owned:
        entry = await timeline.add_entry(
            uow,
            contact_id=message.contact_id,
            organisation_id=message.organisation_id,
            kind=KIND,
            text=message.text,
            at=message.created_at,
            user_id=message.user_id,
            data=data,
        )
        message.entry_id = entry.id


async def tell_state(uow: UnitOfWork, message: TextMessage) -> None:
    """Tell the pages of whoever sent the message how it stands."""
    if message.user_id is not None:
        unseeing = await blind(uow, message, [message.user_id])
        told = TextDelivery(
            text_id=message.id,
            contact_id=None if unseeing else message.contact_id,
            number=message.number,
            state=message.state,
            code=message.code,
            error=message.error,
        )
        uow.emit(told, [message.user_id])


async def tell_seen(uow: UnitOfWork, messages: list[TextMessage]) -> None:
    """Tell everybody who was told that these messages came that somebody has dealt with them."""
    told: dict[tuple[int, ...], list[str]] = {}
    for each in messages:
        told.setdefault(tuple(await recipients(uow, each)), []).append(each.id)
    for people, ids in told.items():
        uow.emit(TextsSeen(text_ids=ids, user_id=uow.actor.user_id), people)
