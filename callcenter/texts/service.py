"""Text messages: every door, for people (send, read, mark, attach) and for the switchboard and the scheduler."""

from callcenter.db import UnitOfWork
from callcenter.texts import matching, queries, sending
from callcenter.texts.queries import MOST_COUNTED, get_text, inbox, list_texts, unread_count
from callcenter.texts.receiving import UNKNOWN, give_up, link_up, received, status
from callcenter.texts.sending import MAXIMUM
from callcenter.texts.views import TextOut, TextPage
from callcenter.texts.ways import can_send, choices

__all__ = [
    "MAXIMUM",
    "MOST_COUNTED",
    "UNKNOWN",
    "TextOut",
    "TextPage",
    "attach",
    "can_send",
    "choices",
    "get_text",
    "give_up",
    "inbox",
    "link_up",
    "list_texts",
    "mark_seen",
    "received",
    "send_text",
    "status",
    "unread_count",
]


async def send_text(
    uow: UnitOfWork,
    number: str,
    text: str,
    *,
    contact_id: int | None = None,
    project_id: int | None = None,
    reply_to: str | None = None,
    key: str = "",
    keep_number: bool = False,
) -> TextOut:
    """Send an SMS (sending.send_text says how)."""
    message = await sending.send_text(
        uow,
        number,
        text,
        contact_id=contact_id,
        project_id=project_id,
        reply_to=reply_to,
        key=key,
        keep_number=keep_number,
    )
    return await queries.shown(uow, message)


async def mark_seen(uow: UnitOfWork, text_id: str) -> TextOut:
    """Note that a message that came needs nothing more."""
    return await queries.shown(uow, await matching.mark_seen(uow, text_id))


async def attach(uow: UnitOfWork, text_id: str, contact_id: int | None, *, keep_number: bool = False) -> TextOut:
    """Say whose message it was; its line on the timeline moves there."""
    return await queries.shown(uow, await matching.attach(uow, text_id, contact_id, keep_number=keep_number))
