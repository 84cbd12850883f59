"""Pages of contacts: in order of name, or of the term that matched; every query starts from visible_to(actor)."""

import base64
import binascii
import json
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.orm import selectinload

from callcenter.contacts import search
from callcenter.contacts.models import Contact, ContactTerm
from callcenter.contacts.search import Wanted
from callcenter.contacts.visibility import visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid

MAXIMUM_PAGE = 200
_LAST = "\U0010ffff"  # sorts after every text, in SQLite's order and in PostgreSQL's C
_COUNT_UP_TO = 2000
_STEP, _LARGEST_STEP = 500, 8000  # terms looked at by one statement when contacts must have something else too
_LOADED = (selectinload(Contact.numbers), selectinload(Contact.organisation))


@dataclass(frozen=True, slots=True)
class Page:
    """A page of contacts (numbers and organisation loaded); `next` is what to pass as `after` for the following one."""

    items: list[Contact]
    next: str | None


async def list_contacts(uow: UnitOfWork, *, q: str = "", after: str | None = None, limit: int = 50) -> Page:
    """Return contacts by name, or those who have all of what was typed: beginnings of words, parts of numbers."""
    limit = max(1, min(limit, MAXIMUM_PAGE))
    place = _decode(after) if after else None
    wanted = search.parse(q)
    if q.strip() and not wanted:
        return Page([], None)
    if not wanted:
        return await _by_name(uow, place, limit)
    return await _by_terms(uow, wanted, place, limit)


async def _by_name(uow: UnitOfWork, place: tuple[str, int] | None, limit: int) -> Page:
    query = visible_to(uow.actor).options(*_LOADED).order_by(Contact.sort_name, Contact.id).limit(limit + 1)
    if place is not None:
        query = query.where(tuple_(Contact.sort_name, Contact.id) > tuple_(*map(literal, place)))
    found = list(await uow.session.scalars(query))
    following = _encode(found[limit - 1].sort_name, found[limit - 1].id) if len(found) > limit else None
    return Page(found[:limit], following)


async def _by_terms(uow: UnitOfWork, wanted: list[Wanted], place: tuple[str, int] | None, limit: int) -> Page:
    """Walk the terms of the rarest wanted thing in order, keeping contacts that have the others too.

    A contact that has several terms with the same beginning stands at the first of them only.
    """
    starts, rarest = await _rarest(uow, wanted)
    if not rarest:
        return Page([], None)
    others = [_has(start) for start in starts if start != rarest]
    size = _STEP if others else limit + 1
    found: list[tuple[str, Contact]] = []
    more = True
    while more and len(found) <= limit:
        step = _step(rarest, place, size)
        query = _matching(uow, step).where(*others).limit(limit + 1)
        batch = [(term, contact) for term, contact in await uow.session.execute(query)]
        found += [(term, contact) for term, contact in batch if term == _first_term(contact, rarest)]
        place = (batch[-1][0], batch[-1][1].id) if len(batch) > limit else await _end_of(uow, step, size)
        more = place is not None
        size = min(size * 4, _LARGEST_STEP)
    following = _encode(found[limit - 1][0], found[limit - 1][1].id) if len(found) > limit else None
    return Page([contact for _, contact in found[:limit]], following)


async def _rarest(uow: UnitOfWork, wanted: list[Wanted]) -> tuple[list[str], str]:
    """Return the beginnings to look for, and the one fewest terms have ("" when one of them is nowhere)."""
    if len(wanted) == 1 and wanted[0].other is None:
        return [wanted[0].start], wanted[0].start
    counts: dict[str, int] = {}
    for each in wanted:
        start, count = each.start, await _count(uow, each.start)
        if not count and each.other:
            start, count = each.other, await _count(uow, each.other)
        counts[start] = count
    rarest = min(counts, key=lambda start: (counts[start], -len(start)))
    return list(counts), rarest if counts[rarest] else ""


async def _count(uow: UnitOfWork, start: str) -> int:
    some = select(literal(1)).select_from(ContactTerm).where(*_begins(start)).limit(_COUNT_UP_TO).subquery()
    return await uow.session.scalar(select(func.count()).select_from(some)) or 0


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
    return query.with_only_columns(terms.c.term, Contact).options(*_LOADED)


def _begins(start: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ContactTerm.term >= start, ContactTerm.term < start + _LAST


def _has(start: str) -> ColumnElement[bool]:
    """The contact has a word that begins so, or digits that hold it. Folded words have no % and no _ in them."""
    return Contact.folded.like(f"%{start}%" if start.isdigit() else f"% {start}%")


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
