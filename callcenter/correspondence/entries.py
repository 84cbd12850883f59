"""The line an e-mail or a fax has on the customer's timeline, and what browsers are told of it."""

from typing import Any

from callcenter.contacts import timeline
from callcenter.contacts.models import TimelineEntry
from callcenter.correspondence.events import EmailChanged
from callcenter.correspondence.models import Email
from callcenter.db import UnitOfWork

_BEGINNING = 2000  # characters of the text on the timeline; the whole is a press away


async def write(uow: UnitOfWork, email: Email, files: int | None = None) -> None:
    """Make the line say what is known now, on the timeline of whom it belongs to; none while that is nobody.

    `files`: how many go along; None leaves that as it is. A delivery report has no line: what it is about has one.
    """
    entry = None if email.entry_id is None else await uow.session.get(TimelineEntry, email.entry_id)
    if email.contact_id is None or email.kind == "bounce":
        if entry is not None:
            await uow.session.delete(entry)
            email.entry_id = None
        return
    if files is None:
        files = int(entry.data.get("files", 0)) if entry is not None else 0
    data = _data(email, files)
    if entry is not None:
        entry.data, entry.contact_id = data, email.contact_id
        return
    entry = await timeline.add_entry(
        uow,
        contact_id=email.contact_id,
        kind=email.channel,
        text=email.text[:_BEGINNING],
        at=email.created_at,
        user_id=email.user_id,
        data=data,
    )
    email.entry_id = entry.id


def _data(email: Email, files: int) -> dict[str, Any]:
    return {
        "direction": "outbound" if email.outbound else "inbound",
        "email_id": email.id,
        "address": email.address,
        "subject": email.subject,
        "state": email.state,
        "error": email.error,
        "cc": len(email.cc),
        "files": files,
        "auto": email.kind == "auto",
    }


def tell(uow: UnitOfWork, email: Email) -> None:
    """Tell the pages of whoever sent an e-mail how it stands."""
    if email.user_id is not None:
        told = EmailChanged(email_id=email.id, contact_id=email.contact_id, channel=email.channel, state=email.state)
        uow.emit(told, [email.user_id])
