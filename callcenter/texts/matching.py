"""Whose message it was, and that somebody has dealt with it."""

from sqlalchemy import select

from callcenter.contacts import numbers
from callcenter.contacts import service as contacts
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.texts import entries, rows, ways
from callcenter.texts.models import TextMessage
from callcenter.users.service import audit

_MOST = 500  # earlier messages that go along


async def mark_seen(uow: UnitOfWork, text_id: str) -> TextMessage:
    """Note that a message that came needs nothing more; a second time changes nothing. Conflict for one of our own."""
    message = await rows.one(uow, text_id)
    await rows.refuse_hidden(uow, message)
    if message.outbound:
        raise Conflict("This message was sent from here.")
    if message.seen_at is None:
        message.seen_at, message.seen_by = uow.now, uow.actor.user_id
        await entries.tell_seen(uow, [message])
    return message


async def attach(uow: UnitOfWork, text_id: str, contact_id: int | None, *, keep_number: bool = False) -> TextMessage:
    """Say whose message it was (None: nobody known); its line moves to that timeline.

    What else was exchanged with this number and belongs to nobody goes along. `keep_number` stores the number on the
    contact, so that the next message finds them.
    """
    message = await rows.one(uow, text_id)
    await rows.refuse_hidden(uow, message)
    if contact_id is None:
        message.contact_id = message.organisation_id = None
        await entries.write(uow, message)
    else:
        contact = await contacts.get_contact(uow, contact_id)
        if keep_number and numbers.answerable(message.number):
            await contacts.add_number(uow, contact, message.number, ways.region(uow, None), "mobile")
        for each in [message, *await _others(uow, message)]:
            each.contact_id, each.organisation_id = contact.id, contact.organisation_id
            await entries.write(uow, each)
    await uow.session.flush()
    audit(uow, "text.attached", "text", message.id, contact_id=contact_id)
    return message


async def _others(uow: UnitOfWork, message: TextMessage) -> list[TextMessage]:
    query = select(TextMessage).where(
        TextMessage.number == message.number, TextMessage.id != message.id, TextMessage.number != ""
    )
    query = query.where(TextMessage.contact_id.is_(None), TextMessage.organisation_id.is_(None), rows.visible(uow))
    query = query.order_by(TextMessage.id.desc()).limit(_MOST).with_for_update(of=TextMessage)
    return list(await uow.session.scalars(query))
