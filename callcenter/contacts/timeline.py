"""The customer's timeline: what happened with a contact or an organisation. As people read it: timeline_pages.py."""

import datetime as dt
from typing import Any

from sqlalchemy import select, update

from callcenter.contacts import text as texts
from callcenter.contacts.models import TimelineEntry
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.events import TimelineChanged

MAXIMUM_TEXT = 20_000  # characters of a note or a log


def checked_text(typed: str) -> str:
    """Return what a note or a log says; raises Invalid for none and for too much."""
    found = texts.clean_lines(typed)
    if not found:
        raise Invalid("A note needs a text.", field="text")
    if len(found) > MAXIMUM_TEXT:
        raise Invalid("A note has at most {maximum} characters.", field="text", maximum=MAXIMUM_TEXT)
    return found


def touched(uow: UnitOfWork, contact_id: int | None, organisation_id: int | None = None, entry_id: int | None = None) -> None:
    """Tell the pages that show this timeline that it changed; who changes a stored entry, or a running call, says so here."""
    if contact_id is not None or organisation_id is not None:
        uow.emit(TimelineChanged(contact_id=contact_id, organisation_id=organisation_id, entry_id=entry_id), None)


async def add_entry(
    uow: UnitOfWork,
    *,
    contact_id: int | None,
    organisation_id: int | None = None,
    kind: str,
    text: str,
    at: dt.datetime,
    call_id: str | None = None,
    user_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> TimelineEntry:
    """Write a line on the timeline of a contact, or of an organisation when no contact is known."""
    entry = TimelineEntry(
        contact_id=contact_id,
        organisation_id=organisation_id,
        call_id=call_id,
        user_id=user_id,
        at=at,
        kind=kind,
        text=text,
        data=data or {},
    )
    uow.session.add(entry)
    await uow.session.flush()
    touched(uow, contact_id, organisation_id, entry.id)
    return entry


async def newest(
    uow: UnitOfWork, *, contact_id: int | None = None, organisation_id: int | None = None, limit: int = 50
) -> list[TimelineEntry]:
    """Return the last entries of a contact's (or an organisation's) own, newest first, for pop-ups.

    Checks no permission: the services ask whether the actor may see the contact.
    """
    query = select(TimelineEntry).order_by(TimelineEntry.at.desc(), TimelineEntry.id.desc()).limit(max(1, min(limit, 200)))
    if contact_id is not None:
        query = query.where(TimelineEntry.contact_id == contact_id)
    if organisation_id is not None:
        query = query.where(TimelineEntry.organisation_id == organisation_id)
    return list(await uow.session.scalars(query))


async def move_call_entries(uow: UnitOfWork, call_id: str, contact_id: int | None, organisation_id: int | None = None) -> None:
    """Move what a call left on timelines to whom it really was with."""
    moved = update(TimelineEntry).where(TimelineEntry.call_id == call_id)
    await uow.session.execute(moved.values(contact_id=contact_id, organisation_id=organisation_id))
    touched(uow, contact_id, organisation_id)
