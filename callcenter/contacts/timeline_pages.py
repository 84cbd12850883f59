"""A timeline as people read it: page by page from the newest, some kinds only, each line with the names it needs.

A page is one statement whose cost does not grow with the timeline: each kind that is wanted gives no more entries than the
page holds, from an index (ix_timeline_contact_id_kind_at), and of an organisation only those contacts do whose newest entry is
among the newest. The entries themselves are read when the page is chosen.
"""

import datetime as dt
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from callcenter.contacts import merges, timeline_choice
from callcenter.contacts.models import Contact, Organisation, TimelineEntry
from callcenter.contacts.timeline_choice import MOST_COUNTED as MOST_COUNTED
from callcenter.contacts.timeline_choice import Of as Of
from callcenter.contacts.timeline_choice import Place as Place
from callcenter.contacts.visibility import may_change, may_change_organisation, organisations_visible_to, visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid, NotFound
from callcenter.users.models import User

MOST_LINES = 500

# what people filter by, and the kinds of entries that are meant
KINDS = MappingProxyType(
    {
        "note": ("note",),
        "call": ("call",),
        "email": ("email", "mail"),
        "text": ("text",),
        "fax": ("fax",),
        "meeting": ("meeting",),
        "ticket": ("ticket",),
        "log": ("log",),
        "change": ("change",),
        "consent": ("consent",),
        "confirmation": ("confirmation",),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with the names of who wrote, corrected and struck it; on an organisation's, whose it is."""

    entry: TimelineEntry
    author: str
    corrected_by: str
    struck_by: str
    contact: str

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return Place(self.entry.at, self.entry.id)


class Lines(NamedTuple):
    """A page, newest first. `older`: there are more, after the last."""

    items: list[Line]
    older: bool


def wanted(names: Iterable[str]) -> tuple[str, ...]:
    """Return the kinds of that name, each once, in the order of KINDS; raises Invalid for an unknown one."""
    given = {each for each in names if each}
    for each in given - KINDS.keys():
        raise Invalid("There is no kind {kind} on a timeline.", field="kind", kind=each[:40])
    return tuple(each for each in KINDS if each in given)


def place(text: str) -> Place:
    """Read what str(Place) wrote; raises Invalid."""
    micros, _, number = text.partition(".")
    try:
        found = Place(timeline_choice.EPOCH + dt.timedelta(microseconds=int(micros)), int(number))
    except (ValueError, OverflowError) as error:
        raise Invalid("This is not a place on the timeline.", field="before") from error
    if not 0 < found.id < 2**31:
        raise Invalid("This is not a place on the timeline.", field="before")
    return found


async def place_of(uow: UnitOfWork, of: Of, entry_id: int) -> Place:
    """Return where an entry of this timeline stands; raises Invalid for one of another's, or none."""
    found = await uow.session.get(TimelineEntry, entry_id)
    if found is None or not await _is_of(uow, of, found):
        raise Invalid("This is not a place on the timeline.", field="before")
    return Place(found.at, found.id)


async def page(
    uow: UnitOfWork,
    of: Of,
    *,
    kinds: tuple[str, ...] = (),
    before: Place | None = None,
    until: Place | None = None,
    limit: int = 50,
) -> Lines:
    """Return lines newest first: those older than `before`, down to `until` and with it, at most `limit` (500).

    `kinds`: of KINDS, none for all. Raises NotFound for a timeline the actor may not see.
    """
    await check_visible(uow, of)
    limit = max(1, min(limit, MOST_LINES))
    stored = [each for name in kinds for each in KINDS[name]]
    ids = timeline_choice.chosen(uow, of, stored, timeline_choice.between(before, until), limit + 1).subquery()
    author, corrector, striker = aliased(User), aliased(User), aliased(User)
    query = (
        select(TimelineEntry, author.name, corrector.name, striker.name, Contact.first_name, Contact.last_name)
        .join(ids, ids.c.id == TimelineEntry.id)
        .outerjoin(author, author.id == TimelineEntry.user_id)
        .outerjoin(corrector, corrector.id == TimelineEntry.corrected_by)
        .outerjoin(striker, striker.id == TimelineEntry.struck_by)
        .outerjoin(Contact, Contact.id == TimelineEntry.contact_id)
        .order_by(TimelineEntry.at.desc(), TimelineEntry.id.desc())
        .execution_options(populate_existing=True)
    )
    named = of.organisation_id is not None
    found = [
        Line(row[0], row[1] or "", row[2] or "", row[3] or "", " ".join(filter(None, row[4:])) if named else "")
        for row in await uow.session.execute(query)
    ]
    return Lines(found[:limit], len(found) > limit)


async def one(uow: UnitOfWork, of: Of, entry_id: int) -> Line | None:
    """Return one line of a timeline; None when it is not there, or not there any more."""
    at = await uow.session.scalar(select(TimelineEntry.at).where(TimelineEntry.id == entry_id))
    if at is None:
        return None
    found = await page(uow, of, before=Place(at, entry_id + 1), limit=1)
    return found.items[0] if found.items and found.items[0].entry.id == entry_id else None


async def counts(uow: UnitOfWork, of: Of) -> dict[str, int]:
    """Return how many entries there are of each of KINDS, counted no further than MOST_COUNTED; checks no permission."""
    if of.contact_id is not None:
        return {row[0]: row[1] for row in await uow.session.execute(_counting(), {"whose": of.contact_id})}
    parts = [_counted(name, timeline_choice.any_of(uow, of, KINDS[name])) for name in KINDS]
    return {row[0]: row[1] for row in await uow.session.execute(union_all(*parts))}


@functools.cache
def _counting() -> CompoundSelect[Any]:
    """Return the statement that counts a contact's, built once: building it costs more than running it."""
    whose = TimelineEntry.contact_id == bindparam("whose", type_=Integer())
    kinds = {name: [timeline_choice.some(whose, TimelineEntry.kind == each) for each in KINDS[name]] for name in KINDS}
    return union_all(*(_counted(name, [select(each.subquery().c.id) for each in parts]) for name, parts in kinds.items()))


def _counted(name: str, parts: list[Select[Any]]) -> Select[str, int]:
    found = union_all(*parts).subquery()
    some = select(found.c.id).limit(MOST_COUNTED).subquery()
    return select(literal(name), func.count()).select_from(some)


async def check_visible(uow: UnitOfWork, of: Of) -> None:
    """Raise NotFound unless the actor may see whose timeline it is."""
    if of.contact_id is not None:
        query = visible_to(uow.actor).where(Contact.id == of.contact_id).with_only_columns(Contact.id)
        if await uow.session.scalar(query) is None:
            await merges.tell(uow, of.contact_id)
            raise NotFound("There is no such contact.")
        return
    own = organisations_visible_to(uow.actor).where(Organisation.id == of.organisation_id).with_only_columns(Organisation.id)
    if await uow.session.scalar(own) is None:
        raise NotFound("There is no such organisation.")


async def changeable(uow: UnitOfWork, of: Of) -> bool:
    """Tell whether the actor may change whose timeline it is."""
    if of.contact_id is not None:
        found = await uow.session.scalar(select(Contact.id).where(Contact.id == of.contact_id, may_change(uow.actor)))
    else:
        allowed = may_change_organisation(uow.actor)
        found = await uow.session.scalar(select(Organisation.id).where(Organisation.id == of.organisation_id, allowed))
    return found is not None


async def members(uow: UnitOfWork, of: Of, limit: int = 20_000) -> list[int]:
    """Return the ids of the contacts whose entries a timeline shows, as far as the actor may see them."""
    if of.contact_id is not None:
        return [of.contact_id]
    query = visible_to(uow.actor).where(Contact.organisation_id == of.organisation_id).with_only_columns(Contact.id)
    return list(await uow.session.scalars(query.limit(limit)))


async def _is_of(uow: UnitOfWork, of: Of, entry: TimelineEntry) -> bool:
    if of.contact_id is not None:
        return entry.contact_id == of.contact_id
    if entry.contact_id is None:
        return entry.organisation_id == of.organisation_id
    contact = await uow.session.get(Contact, entry.contact_id)
    return contact is not None and contact.organisation_id == of.organisation_id
