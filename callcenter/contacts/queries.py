"""Pages of contacts: in order of name, or of the term that matched; every query starts from visible_to(actor).

One thing typed by who sees everybody walks the terms; several things, filters, and what only some may see go through the
index (sets.py, pages.py), in order of name.
"""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, literal, select, tuple_
from sqlalchemy.orm import joinedload, selectinload

from callcenter.actor import Actor
from callcenter.contacts import bitmaps, filters, index_keys, pages, search, sets
from callcenter.contacts.field_models import CustomField
from callcenter.contacts.filters import AllOf, Clause, ContactFilter, Way
from callcenter.contacts.models import ACCOUNT_TYPES, Contact, ContactTerm
from callcenter.contacts.rights import Extent, extent
from callcenter.contacts.search import Wanted
from callcenter.contacts.visibility import sees_all, visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid

MAXIMUM_PAGE = 200
_LAST = "\U0010ffff"  # sorts after every text, in SQLite's order and in PostgreSQL's C
COUNTED_UP_TO = 10_000
_LISTED = (selectinload(Contact.numbers), selectinload(Contact.organisation), selectinload(Contact.position))
LOADED = (  # of one contact, all of it
    selectinload(Contact.numbers),
    selectinload(Contact.custom),
    selectinload(Contact.tags),
    *(joinedload(each) for each in (Contact.organisation, Contact.position, Contact.stage, Contact.source, Contact.segment)),
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of contacts (numbers and organisation loaded); `next` is what to pass as `after` for the following one."""

    items: list[Contact]
    next: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many contacts fit; `more`: more than `number`, which is then COUNTED_UP_TO."""

    number: int
    more: bool


async def list_contacts(
    uow: UnitOfWork, *, q: str = "", wanted: ContactFilter | None = None, after: str | None = None, limit: int = 50
) -> Page:
    """Return contacts by name, or those who have all of what was typed: beginnings of words, parts of numbers.

    `wanted`: what they must fit besides.
    """
    limit = max(1, min(limit, MAXIMUM_PAGE))
    place = _decode(after) if after else None
    typed = search.parse(q)
    if q.strip() and not typed:
        return Page([], None)
    if sees_all(uow.actor) and not wanted:
        if not typed:
            return await _by_name(uow, place, limit)
        if len(typed) == 1 and typed[0].other is None and not (typed[0].is_digits and len(typed[0].start) < search.SHORTEST_END):
            return await _by_terms(uow, typed[0].start, place, limit)
    return await _by_index(uow, await asked(uow, q, wanted), place, limit)


async def count_contacts(uow: UnitOfWork, *, q: str = "", wanted: ContactFilter | None = None) -> Count:
    """Return how many contacts list_contacts would give in all, exactly up to COUNTED_UP_TO."""
    if q.strip() and not search.parse(q):
        return Count(0, False)
    clauses = await asked(uow, q, wanted)

    def counted(connection: Connection) -> int:
        return sets.count(connection, sets.find(connection, clauses), COUNTED_UP_TO)

    number = await (await uow.session.connection()).run_sync(counted)
    return Count(min(number, COUNTED_UP_TO), number > COUNTED_UP_TO)


async def matching(
    uow: UnitOfWork, *, q: str = "", wanted: ContactFilter | None = None, among: Collection[int] | None = None
) -> list[int]:
    """Return the ids of all contacts that fit, by id; `among`: of those only."""
    if q.strip() and not search.parse(q):
        return []
    clauses = await asked(uow, q, wanted)

    def all_of(connection: Connection) -> list[int]:
        found = sets.find(connection, clauses)
        if among is not None:
            found.bits = bitmaps.both(found.bits, bitmaps.of_ids(among))
        ids = list(bitmaps.ids(found.bits))
        passing = [each for at in range(0, len(ids), 2000) for each in found.passing(connection, ids[at : at + 2000])]
        others = [each for _, each in found.others if among is None or each in among]
        return sorted([*passing, *others])

    return await (await uow.session.connection()).run_sync(all_of)


async def asked(uow: UnitOfWork, q: str, wanted: ContactFilter | None) -> list[Clause]:
    """Return everything a list asks of its contacts, and that the actor may see them, as clauses of the index."""
    found = [filters.anywhere(await _start(uow, each)) for each in search.parse(q)]
    if wanted:
        known = await uow.session.execute(select(CustomField.key, CustomField.id, CustomField.kind)) if wanted.custom else ()
        digits = [await _start(uow, search.number_part(each)) for each in wanted.numbers if each]
        found += filters.clauses(wanted, {key: (field_id, kind) for key, field_id, kind in known}, digits)
    found += _seen(uow.actor)
    return found or [Clause((filters.key(index_keys.EVERYBODY),))]


async def _start(uow: UnitOfWork, wanted: Wanted) -> str:
    """Return what to look for: digits without what is dialled before them only where nobody's number has them all."""
    if wanted.other is None:
        return wanted.start
    there = await uow.session.scalar(select(literal(1)).select_from(ContactTerm).where(*_begins(wanted.start)).limit(1))
    return wanted.start if there else wanted.other


def _seen(actor: Actor) -> list[Clause]:
    """Return what visibility.may_see says, as a clause; nothing for who sees all."""
    if sees_all(actor):
        return []
    ways: list[Way] = []
    for each in ACCOUNT_TYPES:
        of_type, allowed = filters.key(f"t={each}"), extent(actor, each)
        if allowed == Extent.ALL:
            ways.append(of_type)
        elif allowed == Extent.MANAGED and actor.user_id is not None:
            ways += [AllOf((of_type, way)) for way in filters.managed_by([actor.user_id]).ways]
    return [Clause(tuple(ways))]


async def _by_index(uow: UnitOfWork, clauses: list[Clause], place: tuple[str, int] | None, limit: int) -> Page:
    def first(connection: Connection) -> list[int]:
        return pages.first(connection, sets.find(connection, clauses), place, limit + 1)

    ids = await (await uow.session.connection()).run_sync(first)
    if not ids:
        return Page([], None)
    query = visible_to(uow.actor).where(Contact.id.in_(ids)).options(*_LISTED).order_by(Contact.sort_name, Contact.id)
    found = list(await uow.session.scalars(query))[:limit]
    following = _encode(found[-1].sort_name, found[-1].id) if len(ids) > limit and found else None
    return Page(found, following)


async def _by_name(uow: UnitOfWork, place: tuple[str, int] | None, limit: int) -> Page:
    query = visible_to(uow.actor).options(*_LISTED).order_by(Contact.sort_name, Contact.id).limit(limit + 1)
    if place is not None:
        query = query.where(tuple_(Contact.sort_name, Contact.id) > tuple_(*map(literal, place)))
    found = list(await uow.session.scalars(query))
    following = _encode(found[limit - 1].sort_name, found[limit - 1].id) if len(found) > limit else None
    return Page(found[:limit], following)


async def _by_terms(uow: UnitOfWork, start: str, place: tuple[str, int] | None, limit: int) -> Page:
    """Walk the terms that begin so, in order. A contact that has several of them stands at the first only."""
    found: list[tuple[str, Contact]] = []
    more = True
    while more and len(found) <= limit:
        step = _step(start, place, limit + 1)
        batch = [(term, contact) for term, contact in await uow.session.execute(_matching(uow, step))]
        found += [(term, contact) for term, contact in batch if term == _first_term(contact, start)]
        place = await _end_of(uow, step, limit + 1)
        more = place is not None
    following = _encode(found[limit - 1][0], found[limit - 1][1].id) if len(found) > limit else None
    return Page([contact for _, contact in found[:limit]], following)


def _step(start: str, place: tuple[str, int] | None, size: int) -> Select[str, int]:
    """Return the query of the next `size` terms. A limit of its own, so that no planner walks the contacts instead."""
    query = select(ContactTerm.term, ContactTerm.contact_id).where(*_begins(start))
    if place is not None:
        query = query.where(tuple_(ContactTerm.term, ContactTerm.contact_id) > tuple_(*map(literal, place)))
    return query.order_by(ContactTerm.term, ContactTerm.contact_id).limit(size)


async def _end_of(uow: UnitOfWork, step: Select[str, int], size: int) -> tuple[str, int] | None:
    """Return the last place of a step, None when it reached the end of the terms."""
    last = (await uow.session.execute(step.offset(size - 1).limit(1))).one_or_none()
    return (last[0], last[1]) if last else None


def _matching(uow: UnitOfWork, step: Select[str, int]) -> Select[str, Contact]:
    terms = step.subquery()
    query = visible_to(uow.actor).join(terms, terms.c.contact_id == Contact.id).order_by(terms.c.term, terms.c.contact_id)
    return query.with_only_columns(terms.c.term, Contact).options(*_LISTED)


def _begins(start: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ContactTerm.term >= start, ContactTerm.term < start + _LAST


def _first_term(contact: Contact, start: str) -> str:
    own = (term for term in search.terms(contact.sort_name, contact.folded) if term.startswith(start))
    return min(own, default="")


def _encode(key: str, contact_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([key, contact_id]).encode()).decode().rstrip("=")


def _decode(after: str) -> tuple[str, int]:
    try:
        key, contact_id = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid("This is not a place in the list.", field="after") from error
    if not isinstance(key, str) or not isinstance(contact_id, int) or abs(contact_id) >= 2**63:
        raise Invalid("This is not a place in the list.", field="after")
    return key, contact_id
