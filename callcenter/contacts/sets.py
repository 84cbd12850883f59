"""From clauses to the set of contacts that fit: read from the index, the log's contacts one by one.

Runs on a plain connection (AsyncConnection.run_sync). Why so: docs/decisions/0018-filters.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce

from sqlalchemy import Connection, text

from callcenter.contacts import bitmaps, index_facts, index_keys
from callcenter.contacts.bitmaps import Bits
from callcenter.contacts.filters import AllOf, Clause, Digits, Organisation, OrganisationsOf, Range, Way
from callcenter.contacts.index_facts import among
from callcenter.contacts.index_keys import LAST, Facts
from callcenter.errors import Unavailable
from callcenter.postgresql_binary import BINARY

MOST_ROWS = 20_000  # of the index, or of search terms, read for one way; beyond it a coarser one is taken and checked
MOST_CHANGED = 50_000
FEW_CHECKED = 200
_AT_ONCE = 2_000


@dataclass(slots=True)
class Found:
    """Contacts that fit. `bits`: by the index; `others`: (sort_name, id) of those in the log, in order.

    `checks`: what those of the index must still pass.
    """

    bits: Bits
    others: list[tuple[str, int]]
    checks: list[Clause] = field(default_factory=list)

    def passing(self, connection: Connection, ids: Sequence[int]) -> set[int]:
        """Return which of some contacts pass the checks."""
        if not self.checks:
            return set(ids)
        parts = frozenset().union(*(each.parts for each in self.checks))
        known = () if any(each.row for each in self.checks) else ids
        facts = index_facts.load(connection, among(connection, ids), parts, known) if ids else {}
        return {each for each, held in facts.items() if all(clause.check is None or clause.check(held) for clause in self.checks)}


def find(connection: Connection, clauses: Sequence[Clause]) -> Found:
    """Return who fits all clauses. The log is read first: what is put into the index meanwhile is looked at anyway."""
    changed = _changed(connection)
    coarse: list[Clause] = []
    bits: Bits | None = None
    for clause in clauses:
        held, exact = _clause(connection, clause)
        bits = held if bits is None else bitmaps.both(bits, held)
        if not exact and clause.check is not None:
            coarse.append(clause)
        if not bits:
            break
    found = Found(bitmaps.without(bits or {}, bitmaps.of_ids(changed)), _others(connection, changed, clauses), coarse)
    return _few_checked(connection, found)


def _few_checked(connection: Connection, found: Found) -> Found:
    """Check them at once where they are few."""
    if found.checks and bitmaps.count(found.bits) <= FEW_CHECKED:
        ids = list(bitmaps.ids(found.bits))
        found.bits = bitmaps.of_ids(found.passing(connection, ids))
        found.checks = []
    return found


def count(connection: Connection, found: Found, most: int) -> int:
    """Return how many contacts fit; more than `most` are said to be most + 1."""
    if not found.checks:
        return min(bitmaps.count(found.bits) + len(found.others), most + 1)
    so_far, ids = len(found.others), list(bitmaps.ids(found.bits))
    for at in range(0, len(ids), _AT_ONCE):
        so_far += len(found.passing(connection, ids[at : at + _AT_ONCE]))
        if so_far > most:
            return most + 1
    return so_far


def _changed(connection: Connection) -> list[int]:
    query = text("SELECT DISTINCT contact_id FROM contact_changes LIMIT :most")
    found = list(connection.execute(query, {"most": MOST_CHANGED}).scalars())
    if len(found) == MOST_CHANGED:
        raise Unavailable("So many contacts are new that filters must wait until they are all known. Try again in a minute.")
    return found


def _others(connection: Connection, changed: list[int], clauses: Sequence[Clause]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    if not changed:
        return found
    managed = {users: _managed_organisations(connection, users) for users in _users(clauses)}
    for at in range(0, len(changed), _AT_ONCE):
        facts = index_facts.load(connection, among(connection, changed[at : at + _AT_ONCE]))
        for contact_id, held in facts.items():
            keys = index_keys.of(held)
            if all(_fits(clause, held, keys, managed) for clause in clauses):
                found.append((held.row["sort_name"], contact_id))
    return sorted(found)


def _users(clauses: Iterable[Clause]) -> set[frozenset[int]]:
    def inside(ways: Iterable[Way]) -> Iterable[frozenset[int]]:
        for way in ways:
            if isinstance(way, OrganisationsOf):
                yield way.users
            elif isinstance(way, AllOf):
                yield from inside(way.ways)

    return {users for clause in clauses for users in inside(clause.ways)}


def _fits(clause: Clause, facts: Facts, keys: set[str], managed: dict[frozenset[int], set[int]]) -> bool:
    if not clause.exact and clause.check is not None:
        return clause.check(facts)
    return any(_leads(way, facts, keys, managed) for way in clause.ways)


def _leads(way: Way, facts: Facts, keys: set[str], managed: dict[frozenset[int], set[int]]) -> bool:
    match way:
        case Range(first, end):
            return any(first <= each < end for each in keys)
        case Digits(digits):
            return any(digits in each for each in facts.digits)
        case Organisation(organisation_id):
            return bool(facts.row["organisation_id"] == organisation_id)
        case OrganisationsOf(users):
            return facts.row["organisation_id"] in managed[users]
        case AllOf(ways):
            return all(_leads(each, facts, keys, managed) for each in ways)


def _managed_organisations(connection: Connection, users: frozenset[int]) -> set[int]:
    where, given = among(connection, users)
    query = f"SELECT organisation_id FROM organisation_managers WHERE user_id {where}"  # noqa: S608 - our own names
    return set(connection.execute(text(query), given).scalars())


def _clause(connection: Connection, clause: Clause) -> tuple[Bits, bool]:
    """Return whom a clause may mean, and whether it means them all."""
    singles = [way.first for way in clause.ways if isinstance(way, Range) and way.end == way.first + "\x01"]
    parts = [_keys(connection, singles)] if singles else []
    exact = clause.exact
    for way in clause.ways:
        if isinstance(way, Range) and way.first in singles:
            continue
        bits, sure = _way(connection, way)
        parts.append(bits)
        exact = exact and sure
    if not exact and clause.check is None:
        raise Unavailable("This asks for too much at once. Type more of the word.")
    return reduce(bitmaps.either, parts, {}), exact


def _way(connection: Connection, way: Way) -> tuple[Bits, bool]:
    match way:
        case Range(first, end):
            return _range(connection, first, end)
        case Digits(digits):
            return _digits(connection, digits)
        case Organisation(organisation_id):
            query = "SELECT id FROM contacts WHERE organisation_id = :of"
            return bitmaps.of_ids(connection.execute(text(query), {"of": organisation_id}).scalars()), True
        case OrganisationsOf(users):
            where, given = among(connection, users)
            query = (
                "SELECT c.id FROM organisation_managers m JOIN contacts c ON c.organisation_id = m.organisation_id"  # noqa: S608 - our own names
                f" WHERE m.user_id {where}"
            )
            return bitmaps.of_ids(connection.execute(text(query), given).scalars()), True
        case AllOf(ways):
            found = [_way(connection, each) for each in ways]
            return reduce(bitmaps.both, [bits for bits, _ in found]), all(exact for _, exact in found)


def _keys(connection: Connection, keys: list[str]) -> Bits:
    if len(keys) == 1:
        query = text("SELECT block, bits FROM contact_postings WHERE key = :key")
        return bitmaps.union(connection.execute(query, {"key": keys[0]}, execution_options=BINARY).all())
    names = {f"k{n}": each for n, each in enumerate(keys)}
    marks = ", ".join(f":{each}" for each in names)
    query = text(f"SELECT block, bits FROM contact_postings WHERE key IN ({marks})")  # noqa: S608 - our own names
    return bitmaps.union(connection.execute(query, names, execution_options=BINARY).all())


def _range(connection: Connection, first: str, end: str) -> tuple[Bits, bool]:
    query = text("SELECT block, bits FROM contact_postings WHERE key >= :first AND key < :end LIMIT :most")
    rows = connection.execute(query, {"first": first, "end": end, "most": MOST_ROWS}, execution_options=BINARY).all()
    if len(rows) < MOST_ROWS:
        return bitmaps.union(rows), True
    letter, _, word = first.partition("=")
    if word:  # very many words begin so, mostly of one contact each: take all that begin with fewer letters
        return _keys(connection, [index_keys.beginning(letter, word[: index_keys.SHORT])[0]]), False
    every = text("SELECT block, bits FROM contact_postings WHERE key >= :first AND key < :end")
    return bitmaps.union(connection.execute(every, {"first": first, "end": end}, execution_options=BINARY).all()), True


def _digits(connection: Connection, digits: str) -> tuple[Bits, bool]:
    """Return who has a number with these digits: by search terms, or where many have, by each three of them."""
    query = text("SELECT contact_id FROM contact_terms WHERE term >= :first AND term < :end LIMIT :most")
    given = {"first": digits, "end": digits + LAST, "most": MOST_ROWS // 2}
    ids = connection.execute(query, given).scalars().all()
    if len(ids) < MOST_ROWS // 2:
        return bitmaps.of_ids(ids), False
    windows = sorted(set(index_keys.digit_keys(digits[: 3 * index_keys.WINDOW])))
    return reduce(bitmaps.both, [_keys(connection, [each]) for each in windows]), False
