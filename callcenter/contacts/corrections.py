"""Corrections: notes and logs may be worded anew or struck out; what they said before is kept, nothing is deleted.

The words are their author's, so only they word them anew. Striking out is for them, too, and for supervisors who may change
whose timeline it is.
"""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import select

from callcenter.actor import Actor, Role
from callcenter.contacts.models import TimelineEntry, TimelineVersion
from callcenter.contacts.timeline import checked_text, touched
from callcenter.contacts.timeline_pages import Of, changeable, check_visible
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, NotFound, NotPermitted
from callcenter.users.models import User
from callcenter.users.service import audit

CORRECTABLE = ("note", "log")


class Said(NamedTuple):
    """What a line said at some time, and who had written that."""

    version: TimelineVersion
    by: str


def may_word(actor: Actor, entry: TimelineEntry) -> bool:
    """Tell whether the actor may word an entry anew."""
    return entry.kind in CORRECTABLE and entry.user_id is not None and entry.user_id == actor.user_id


def may_strike(actor: Actor, entry: TimelineEntry, *, change: bool) -> bool:
    """Tell whether the actor may strike an entry out; `change`: they may change whose timeline it is."""
    return may_word(actor, entry) or (entry.kind in CORRECTABLE and change and actor.may(Role.SUPERVISOR))


async def correct(uow: UnitOfWork, entry_id: int, text: str, version: int) -> TimelineEntry:
    """Word a note or a log anew that was read at `version`; raises Conflict when somebody was faster, or it is struck out."""
    said = checked_text(text)
    entry = await _locked(uow, entry_id)
    if not may_word(uow.actor, entry):
        raise NotPermitted("Only who wrote this may correct it.")
    if entry.struck_at is not None:
        raise Conflict("This is struck out. Take that back first.")
    _check_version(entry, version)
    if said == entry.text:
        return entry
    before = TimelineVersion(
        entry_id=entry.id,
        version=entry.version,
        text=entry.text,
        at=entry.corrected_at or _written_at(entry),
        user_id=entry.corrected_by or entry.user_id,
    )
    uow.session.add(before)
    entry.text, entry.corrected_at, entry.corrected_by = said, uow.now, uow.actor.user_id
    return await _changed(uow, entry, "timeline.corrected")


async def strike(uow: UnitOfWork, entry_id: int, struck: bool, version: int) -> TimelineEntry:
    """Strike a note or a log out, or take that back; it stays where it is."""
    entry = await _locked(uow, entry_id)
    of = _of(entry)
    if not may_strike(uow.actor, entry, change=await changeable(uow, of)):
        raise NotPermitted("Only who wrote this, or a supervisor who may change the contact, may strike it out.")
    _check_version(entry, version)
    if struck == (entry.struck_at is not None):
        return entry
    entry.struck_at, entry.struck_by = (uow.now, uow.actor.user_id) if struck else (None, None)
    return await _changed(uow, entry, "timeline.struck" if struck else "timeline.restored")


async def versions(uow: UnitOfWork, entry_id: int) -> list[Said]:
    """Return what an entry said before, the oldest first; raises NotFound for one on a timeline the actor may not see."""
    await _visible(uow, await uow.session.get(TimelineEntry, entry_id))
    query = select(TimelineVersion, User.name).outerjoin(User, User.id == TimelineVersion.user_id)
    query = query.where(TimelineVersion.entry_id == entry_id).order_by(TimelineVersion.version)
    return [Said(version, name or "") for version, name in await uow.session.execute(query)]


async def _locked(uow: UnitOfWork, entry_id: int) -> TimelineEntry:
    query = select(TimelineEntry).where(TimelineEntry.id == entry_id).with_for_update(of=TimelineEntry)
    entry = await _visible(uow, await uow.session.scalar(query.execution_options(populate_existing=True)))
    if entry.kind not in CORRECTABLE:
        raise Conflict("Only notes and logs can be corrected or struck out.")
    return entry


async def _visible(uow: UnitOfWork, entry: TimelineEntry | None) -> TimelineEntry:
    if entry is None or (entry.contact_id is None and entry.organisation_id is None):
        raise NotFound("This is not on the timeline any more.")
    await check_visible(uow, _of(entry))
    return entry


def _of(entry: TimelineEntry) -> Of:
    return Of(entry.contact_id, None if entry.contact_id is not None else entry.organisation_id)


def _check_version(entry: TimelineEntry, version: int) -> None:
    if entry.version != version:
        raise Conflict("Somebody corrected this meanwhile. Look at what it says now; what you typed is not saved yet.")


def _written_at(entry: TimelineEntry) -> dt.datetime:
    """Return when the first text was written: of a log that is not when it happened."""
    written = entry.data.get("written_at")
    return dt.datetime.fromisoformat(written) if written else entry.at


async def _changed(uow: UnitOfWork, entry: TimelineEntry, action: str) -> TimelineEntry:
    entry.version += 1
    await uow.session.flush()
    audit(uow, action, "timeline", entry.id, contact_id=entry.contact_id, organisation_id=entry.organisation_id)
    touched(uow, entry.contact_id, entry.organisation_id, entry.id)
    return entry
