"""The customer's timeline: what happened with a contact or an organisation."""

import datetime as dt
from typing import Any

from sqlalchemy import literal, select, tuple_, update

from callcenter.contacts.models import TimelineEntry
from callcenter.db import UnitOfWork, UtcDateTime


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
    return entry


async def newest(
    uow: UnitOfWork,
    *,
    contact_id: int | None = None,
    organisation_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[TimelineEntry]:
    """Return a contact's (or an organisation's) entries, newest first, older than entry `before`.

    Checks no permission: the services ask whether the actor may see the contact.
    """
    query = select(TimelineEntry).order_by(TimelineEntry.at.desc(), TimelineEntry.id.desc()).limit(max(1, min(limit, 200)))
    if contact_id is not None:
        query = query.where(TimelineEntry.contact_id == contact_id)
    if organisation_id is not None:
        query = query.where(TimelineEntry.organisation_id == organisation_id)
    if before is not None:
        last = await uow.session.get(TimelineEntry, before)
        if last is not None:
            query = query.where(tuple_(TimelineEntry.at, TimelineEntry.id) < tuple_(literal(last.at, UtcDateTime()), last.id))
    return list(await uow.session.scalars(query))


async def move_call_entries(uow: UnitOfWork, call_id: str, contact_id: int | None, organisation_id: int | None = None) -> None:
    """Move what a call left on timelines to whom it really was with."""
    moved = update(TimelineEntry).where(TimelineEntry.call_id == call_id)
    await uow.session.execute(moved.values(contact_id=contact_id, organisation_id=organisation_id))
