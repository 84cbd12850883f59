"""Choosing the newest entries of a timeline by indexes alone: of a contact, or of an organisation with all its contacts."""

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Select, Subquery, literal, select, true, tuple_, union_all
from sqlalchemy.orm import aliased

from callcenter.contacts.models import Contact, TimelineEntry
from callcenter.contacts.visibility import may_see
from callcenter.db import UnitOfWork, UtcDateTime

MOST_COUNTED = 100  # of a kind; then it is "99+"
Query = Select[*tuple[Any, ...]]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Of(NamedTuple):
    """Whose timeline: a contact's, or an organisation's with those of all its contacts."""

    contact_id: int | None = None
    organisation_id: int | None = None


class Place(NamedTuple):
    """A place between the lines: that of the entry `id`, whether it is still there or not."""

    at: dt.datetime
    id: int

    def __str__(self) -> str:
        """Write it for an address: microseconds since 1970, and the id."""
        return f"{(self.at - EPOCH) // dt.timedelta(microseconds=1)}.{self.id}"


Conditions = tuple[ColumnElement[bool], ...]


def between(before: Place | None, until: Place | None) -> Conditions:
    """Return the conditions that entries are older than one place, and not older than another."""
    key = tuple_(TimelineEntry.at, TimelineEntry.id)
    found = []
    if before is not None:
        found.append(key < tuple_(literal(before.at, UtcDateTime()), before.id))
    if until is not None:
        found.append(key >= tuple_(literal(until.at, UtcDateTime()), until.id))
    return tuple(found)


def chosen(uow: UnitOfWork, of: Of, kinds: Collection[str], narrowed: Conditions, limit: int) -> Query:
    """Return the query of the ids of the newest entries of a timeline; `kinds`: as they are stored, none for all."""
    parts: list[Query] = []
    each_kind: list[Conditions] = [(TimelineEntry.kind == each,) for each in kinds]
    for kind in each_kind or [()]:
        conditions = (*kind, *narrowed)
        if of.contact_id is not None:
            parts.append(_first(limit, TimelineEntry.contact_id == of.contact_id, *conditions))
        else:
            own = (TimelineEntry.organisation_id == of.organisation_id, TimelineEntry.contact_id.is_(None))
            parts.append(_first(limit, *own, *conditions))
            parts.append(_of_members(uow, of, conditions, limit))
    every = union_all(*(select(each.subquery()) for each in parts)).subquery()
    return select(every.c.id).order_by(every.c.at.desc(), every.c.id.desc()).limit(limit)


def _first(limit: int, *conditions: ColumnElement[bool]) -> Query:
    query: Query = select(TimelineEntry.at, TimelineEntry.id).where(*conditions)
    return query.order_by(TimelineEntry.at.desc(), TimelineEntry.id.desc()).limit(limit)


def some(*conditions: ColumnElement[bool]) -> Query:
    """Return the query of some entries, for counting."""
    return select(TimelineEntry.id).where(*conditions).limit(MOST_COUNTED)


def any_of(uow: UnitOfWork, of: Of, kinds: Iterable[str]) -> list[Query]:
    """Return queries of some entries of the kinds of an organisation, for counting."""
    own = (TimelineEntry.organisation_id == of.organisation_id, TimelineEntry.contact_id.is_(None))
    found = []
    for kind in kinds:
        theirs = some(TimelineEntry.contact_id == Contact.id, TimelineEntry.kind == kind).correlate(Contact)
        found += [some(*own, TimelineEntry.kind == kind), _of_each(uow, theirs, Contact, _members(uow, of))]
    return [select(each.subquery().c.id) for each in found]


def _of_members(uow: UnitOfWork, of: Of, conditions: Conditions, limit: int) -> Query:
    """Return the query of the newest of the contacts whose own newest is among the newest: no page holds another's."""
    newest = _first(1, TimelineEntry.contact_id == Contact.id, *conditions).correlate(Contact)
    if uow.database.sqlite:  # no lateral join there: each column by itself, both from the index alone
        at, entry_id = (newest.with_only_columns(each).scalar_subquery() for each in (TimelineEntry.at, TimelineEntry.id))
        latest = select(Contact.id, at.label("at"), entry_id.label("entry_id")).where(*_members(uow, of)).subquery()
        each_of = select(latest.c.id).where(latest.c.at.is_not(None)).order_by(latest.c.at.desc(), latest.c.entry_id.desc())
    else:
        found = cast("Subquery", newest.lateral())
        each_of = select(Contact.id).join(found, true()).where(*_members(uow, of)).order_by(found.c.at.desc(), found.c.id.desc())
    top = each_of.limit(limit).subquery()
    theirs = _first(limit, TimelineEntry.contact_id == top.c.id, *conditions).correlate(top)
    return _of_each(uow, theirs, top, ())


def _of_each(uow: UnitOfWork, each: Query, whose: Any, conditions: Conditions) -> Query:
    """Return the query of what a correlated one finds for each row: a lateral join, or on SQLite a subquery by row."""
    if not uow.database.sqlite:
        found = cast("Subquery", each.lateral())
        return select(found).select_from(whose).join(found, true()).where(*conditions)
    outer = aliased(TimelineEntry)
    ids = each.with_only_columns(TimelineEntry.id)
    query: Query = select(outer.at, outer.id).select_from(whose).join(outer, outer.id.in_(ids))
    return query.where(*conditions)


def _members(uow: UnitOfWork, of: Of) -> Conditions:
    return (Contact.organisation_id == of.organisation_id, may_see(uow.actor))
