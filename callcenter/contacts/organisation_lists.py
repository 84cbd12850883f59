"""Pages of organisations: by name, or of those who have all of what was typed; starts from organisations_visible_to(actor).

The walk along the terms is that of contacts (queries.py; docs/decisions/0004-search.md): no sort, no OFFSET.
"""

import base64
import binascii
import json
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.orm import selectinload

from callcenter.actor import Role
from callcenter.contacts import organisation_terms, search
from callcenter.contacts.models import Organisation, OrganisationTerm
from callcenter.contacts.search import Wanted
from callcenter.contacts.visibility import organisations_visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid

MAXIMUM_PAGE = 200
_LAST = "\U0010ffff"  # sorts after every text, in SQLite's order and in PostgreSQL's C
_COUNT_UP_TO = 2000
_STEP, _LARGEST_STEP = 500, 8000

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class OrganisationPage:
    """A page of organisations, their numbers loaded; `next` is what to pass as `after` for the following one."""

    items: list[Organisation]
    next: str | None


async def page(
    uow: UnitOfWork, *, q: str = "", type_: str | None = None, after: str | None = None, limit: int = 50
) -> OrganisationPage:
    """Return organisations by name, or those with all of what was typed: beginnings of words, parts of numbers, the city."""
    uow.actor.require(Role.CONSULTANT)
    limit = max(1, min(limit, MAXIMUM_PAGE))
    place = _decode(after) if after else None
    wanted = search.parse(q)
    if q.strip() and not wanted:
        return OrganisationPage([], None)
    if not wanted:
        return await _by_name(uow, type_, place, limit)
    return await _by_terms(uow, wanted, type_, place, limit)


def _visible(uow: UnitOfWork, type_: str | None) -> Select[Organisation]:
    query = organisations_visible_to(uow.actor).options(selectinload(Organisation.numbers))
    return query.where(Organisation.type == type_) if type_ else query


async def _by_name(uow: UnitOfWork, type_: str | None, place: Place | None, limit: int) -> OrganisationPage:
    query = _visible(uow, type_).order_by(Organisation.folded, Organisation.id).limit(limit + 1)
    if place is not None:
        query = query.where(tuple_(Organisation.folded, Organisation.id) > tuple_(*map(literal, place)))
    found = list(await uow.session.scalars(query))
    following = _encode(found[limit - 1].folded, found[limit - 1].id) if len(found) > limit else None
    return OrganisationPage(found[:limit], following)


async def _by_terms(
    uow: UnitOfWork, wanted: list[Wanted], type_: str | None, place: Place | None, limit: int
) -> OrganisationPage:
    """Walk the terms of the rarest wanted thing, keeping those who have the others; each stands at its first such term."""
    starts, rarest = await _rarest(uow, wanted)
    if not rarest:
        return OrganisationPage([], None)
    others = [_has(start) for start in starts if start != rarest]
    size = _STEP if others or type_ else limit + 1
    found: list[tuple[str, Organisation]] = []
    more = True
    while more and len(found) <= limit:
        step = _step(rarest, place, size)
        terms = step.subquery()
        query = _visible(uow, type_).where(*others).join(terms, terms.c.organisation_id == Organisation.id)
        query = query.order_by(terms.c.term, terms.c.organisation_id).limit(limit + 1)
        batch = [(term, each) for term, each in await uow.session.execute(query.with_only_columns(terms.c.term, Organisation))]
        found += [(term, each) for term, each in batch if term == _first_term(each, rarest)]
        place = (batch[-1][0], batch[-1][1].id) if len(batch) > limit else await _end_of(uow, step, size)
        more = place is not None
        size = min(size * 4, _LARGEST_STEP)
    following = _encode(found[limit - 1][0], found[limit - 1][1].id) if len(found) > limit else None
    return OrganisationPage([each for _, each in found[:limit]], following)


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
    some = select(literal(1)).select_from(OrganisationTerm).where(*_begins(start)).limit(_COUNT_UP_TO).subquery()
    return await uow.session.scalar(select(func.count()).select_from(some)) or 0


def _step(start: str, place: Place | None, size: int) -> Select[str, int]:
    key = (OrganisationTerm.term, OrganisationTerm.organisation_id)
    query = select(*key).where(*_begins(start))
    if place is not None:
        query = query.where(tuple_(*key) > tuple_(*map(literal, place)))
    return query.order_by(*key).limit(size)


async def _end_of(uow: UnitOfWork, step: Select[str, int], size: int) -> Place | None:
    last = (await uow.session.execute(step.offset(size - 1).limit(1))).one_or_none()
    return (last[0], last[1]) if last else None


def _begins(start: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return OrganisationTerm.term >= start, OrganisationTerm.term < start + _LAST


def _has(start: str) -> ColumnElement[bool]:
    """It has a word that begins so, or digits that hold it. Folded words have no % and no _ in them."""
    return Organisation.searchable.like(f"%{start}%" if start.isdigit() else f"% {start}%")


def _first_term(organisation: Organisation, start: str) -> str:
    own = organisation_terms.terms(organisation.name, organisation.searchable)
    return min((term for term in own if term.startswith(start)), default="")


def _encode(key: str, organisation_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([key, organisation_id]).encode()).decode().rstrip("=")


def _decode(after: str) -> Place:
    try:
        key, organisation_id = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid("This is not a place in the list.", field="after") from error
    if not isinstance(key, str) or not isinstance(organisation_id, int) or abs(organisation_id) >= 2**63:
        raise Invalid("This is not a place in the list.", field="after")
    return key, organisation_id
