"""Pages of the list with typed text, by the beginning of the window like any other. Why so: docs/decisions/0004-search.md.

Of what was typed the rarest is looked at. When few meetings have it they all are read through the index of terms and put
in order. When many have it the list is walked in its own order, in steps, for those that hold what was typed: they lie
close. When they do not (all of them over, say, and the open ones asked for), the terms are read after all.

Limits are written into the statements: PostgreSQL plans a statement it has seen often for any values, and then takes an
unknown limit for a tenth of everything, which made it read and sort (0.4 to 2 s instead of 10 to 20 ms, a million meetings).
"""

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, literal, or_, select, tuple_, union, union_all

from callcenter.contacts.search import LONGEST_TERM
from callcenter.db import UnitOfWork, UtcDateTime
from callcenter.meetings.models import Meeting
from callcenter.meetings.terms import MeetingTerm

Conditions = list[ColumnElement[bool]]
Place = tuple[dt.datetime, int]

FEW = 4_000  # terms: reading the meetings of so many takes about as long as finding a page of them among a million
MANY = 100_000
STEPS = (500, 2_000, 8_000)  # meetings looked at in one step; all after the third are like it
_LAST = "\U0010ffff"  # sorts after every text, in SQLite's order and in PostgreSQL's C


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked for: `walks`, each along an index of its own, together all that fits and may be seen; `whole`
    is the same in one condition. `starts`: of each list a meeting must hold a word that begins so."""

    walks: list[Conditions]
    whole: Conditions
    starts: list[list[str]]
    after: Place | None
    limit: int


async def first(uow: UnitOfWork, asked: Asked) -> list[int]:
    """Return the ids of the first meetings that fit, in order."""
    if not asked.starts:
        return [meeting_id for meeting_id, _ in await uow.session.execute(walk(asked.walks, asked.after, asked.limit))]
    counts = [await _count(uow, each, FEW) for each in asked.starts]
    rarest = asked.starts[counts.index(min(counts))]
    if min(counts) < FEW:
        return await _through_terms(uow, asked, rarest, min(counts)) if min(counts) else []
    return await _along(uow, asked, rarest)


def walk(walks: list[Conditions], after: Place | None, limit: int) -> Select[int, dt.datetime]:
    """Return the query of the first meetings of several walks: their ids and the beginnings of their windows.

    One walk over several states or over "mine or nobody's" would have to pass everything else, or to sort all it finds.
    """
    parts = [
        select(Meeting.id, Meeting.from_at)
        .where(*conditions, *_beyond(after))
        .order_by(Meeting.from_at, Meeting.id)
        .limit(_written(limit))
        for conditions in walks
    ]
    if len(parts) == 1:
        return parts[0]
    every = union(*(select(*part.subquery().c) for part in parts)).subquery()
    return select(every.c.id, every.c.from_at).order_by(every.c.from_at, every.c.id).limit(_written(limit))


async def _along(uow: UnitOfWork, asked: Asked, rarest: list[str]) -> list[int]:
    """Walk the list in steps, unless reading all that the terms lead to has become the shorter way."""
    found: list[int] = []
    place, walked, by_terms = asked.after, 0, MANY
    for size in itertools.chain(STEPS, itertools.repeat(STEPS[-1])):
        step = walk(asked.walks, place, size)
        found += await _holding(uow, asked, step)
        if len(found) >= asked.limit:
            break
        last = (await uow.session.execute(step.offset(_written(size - 1)).limit(_written(1)))).one_or_none()
        if last is None:
            break
        if not walked:
            by_terms = await _count(uow, rarest, MANY)
        place, walked = (last[1], last[0]), walked + size
        still = (asked.limit - len(found)) * walked // max(len(found), 1)
        if by_terms < min(still, MANY):
            return await _through_terms(uow, asked, rarest, by_terms)
    return found[: asked.limit]


async def _holding(uow: UnitOfWork, asked: Asked, step: Select[int, dt.datetime]) -> list[int]:
    """Return the meetings of a step that hold what was typed."""
    walked = step.subquery()
    query = select(Meeting.id).join(walked, walked.c.id == Meeting.id).where(*_holds(asked.starts))
    return list(await uow.session.scalars(query.order_by(walked.c.from_at, walked.c.id).limit(_written(asked.limit))))


async def _through_terms(uow: UnitOfWork, asked: Asked, starts: list[str], count: int) -> list[int]:
    """Return the first of the meetings that a term leads to; so many terms were counted, a few more may have come since."""
    most = 1 << (count + count // 8 + 16).bit_length()
    ways = [select(MeetingTerm.meeting_id).where(*_begins(start)).limit(_written(most)).subquery() for start in starts]
    ids = union(*(select(way.c.meeting_id) for way in ways)).subquery()
    query = select(Meeting.id).join(ids, ids.c.meeting_id == Meeting.id)
    query = query.where(*asked.whole, *_holds(asked.starts), *_beyond(asked.after))
    return list(await uow.session.scalars(query.order_by(Meeting.from_at, Meeting.id).limit(_written(asked.limit))))


async def _count(uow: UnitOfWork, starts: Sequence[str], most: int) -> int:
    """Return how many terms begin so, counted up to `most` of each beginning."""
    ways = [select(literal(1).label("one")).where(*_begins(start)).limit(_written(most)).subquery() for start in starts]
    every = union_all(*(select(way.c.one) for way in ways)).subquery()
    return await uow.session.scalar(select(func.count()).select_from(every)) or 0


def _written(number: int) -> ColumnElement[int]:
    """Return a number that stands in the statement itself."""
    return bindparam(None, number, Integer, literal_execute=True)


def _begins(start: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    cut = start[:LONGEST_TERM]
    return MeetingTerm.term >= cut, MeetingTerm.term < cut + _LAST


def _holds(starts: list[list[str]]) -> Conditions:
    return [or_(*(Meeting.folded.contains(f" {start}", autoescape=True) for start in each)) for each in starts]


def _beyond(after: Place | None) -> Conditions:
    if after is None:
        return []
    return [tuple_(Meeting.from_at, Meeting.id) > tuple_(literal(after[0], UtcDateTime()), literal(after[1]))]
