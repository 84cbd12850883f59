"""Pages of a set of contacts in the order of names. Runs on a plain connection (AsyncConnection.run_sync).

Few contacts are read and sorted. Many are split by the first letters of their names, whose places in the alphabet the index
holds bit by bit; where two letters still hold very many, the index of names is walked, since they must lie close.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from callcenter.contacts import bitmaps, index_keys
from callcenter.contacts.bitmaps import Bits
from callcenter.contacts.index_facts import among
from callcenter.contacts.index_keys import LAST
from callcenter.contacts.sets import Found
from callcenter.postgresql_binary import BINARY

Place = tuple[str, int]

FEW = 600  # contacts that are read and sorted
MANY = 20_000  # ... when walking finds too little
ENOUGH = 60  # contacts of letters that follow each other are read together
_NEXT = (
    "SELECT sort_name, id FROM contacts WHERE (sort_name, id) > (:name, :id) AND sort_name < :end ORDER BY sort_name, id LIMIT "
)
_CHECKED = 80
_STEPS = (1_000, 2_000, 4_000, 8_000)


def first(connection: Connection, found: Found, after: Place | None, limit: int) -> list[int]:
    """Return the ids of the first contacts of a set that come after a place, in order."""
    page: list[Place] = []
    for some in _in_order(connection, found.bits, after):
        for at in range(0, len(some), _CHECKED) if found.checks else ():
            if len(page) < limit:
                part = some[at : at + _CHECKED]
                passing = found.passing(connection, [each for _, each in part])
                page += [each for each in part if each[1] in passing]
        if not found.checks:
            page += some
        if len(page) >= limit:
            break
    others = [each for each in found.others if after is None or each > after][:limit]
    return [each for _, each in sorted([*page[:limit], *others])[:limit]] if others else [each for _, each in page[:limit]]


def _in_order(connection: Connection, bits: Bits, after: Place | None) -> Iterator[list[Place]]:
    count = bitmaps.count(bits)
    if count <= FEW:
        yield _sorted(connection, bits, after)
        return
    if count > MANY:  # they lie close, unless their names are alike
        octets, place = bitmaps.octets(bits), after or ("", -1)
        for size in _STEPS[:2]:
            walked = _walk(connection, place, LAST, size)
            some = [each for each in walked if bitmaps.holds(octets, each[1])]
            yield some
            if len(walked) < size:
                return
            after = place = walked[-1]
            if not some:
                break
    yield from _letter_by_letter(connection, bits, after)


def _letter_by_letter(connection: Connection, bits: Bits, after: Place | None) -> Iterator[list[Place]]:
    waiting: Bits = {}
    for names, some in _by_letters(connection, bits, after):
        many = bitmaps.count(some) > FEW
        if not many:
            waiting = bitmaps.either(waiting, some)
        if many or bitmaps.count(waiting) >= ENOUGH:
            yield _sorted(connection, waiting, after)
            waiting = {}
        if many:
            yield from _many(connection, names, some, after)
    yield _sorted(connection, waiting, after)


def _by_letters(connection: Connection, bits: Bits, after: Place | None) -> Iterator[tuple[tuple[str, str], Bits]]:
    """Yield the contacts by the first letter of their names, or two where a letter has many, with the range of names."""
    least = index_keys.letters(after[0]) if after is not None else (0, 0)
    seconds: dict[int, Bits] | None = None
    for first, of_first in _split(_slices(connection, "n"), bits, least[0]):
        if bitmaps.count(of_first) <= FEW:
            yield index_keys.letter_range(first, 0), of_first
            continue
        if seconds is None:
            seconds = _slices(connection, "m")
        for second, some in _split(seconds, of_first, least[1] if first == least[0] else 0):
            yield index_keys.letter_range(first, second), some


def _slices(connection: Connection, name: str) -> dict[int, Bits]:
    """Return who has which bit in the place of the first letter of their name (n), or of the second (m)."""
    marks = ", ".join(f":k{bit}" for bit in range(index_keys.LETTER_BITS))
    query = text(f"SELECT key, block, bits FROM contact_postings WHERE key IN ({marks})")  # noqa: S608 - our own names
    rows: dict[str, list[tuple[int, bytes]]] = {f"{name}{bit}": [] for bit in range(index_keys.LETTER_BITS)}
    given = {f"k{bit}": f"{name}{bit}" for bit in range(index_keys.LETTER_BITS)}
    for key, block, bits in connection.execute(query, given, execution_options=BINARY).all():
        rows[key].append((block, bits))
    return {bit: bitmaps.union(rows[f"{name}{bit}"], bitmaps.known) for bit in range(index_keys.LETTER_BITS)}


def _split(slices: dict[int, Bits], bits: Bits, least: int, bit: int = index_keys.LETTER_BITS - 1) -> Iterator[tuple[int, Bits]]:
    """Yield the places of letters some of the contacts have, from `least` on, in order, with those."""
    if not bits:
        return
    if bit < 0:
        yield 0, bits
        return
    half = 1 << bit
    if least < half:
        for place, some in _split(slices, bitmaps.without(bits, slices[bit]), least, bit - 1):
            yield place, some
    for place, some in _split(slices, bitmaps.both(bits, slices[bit]), max(0, least - half), bit - 1):
        yield place + half, some


def _many(connection: Connection, names: tuple[str, str], bits: Bits, after: Place | None) -> Iterator[list[Place]]:
    count, octets = bitmaps.count(bits), bitmaps.octets(bits)
    start, end = names
    place = after if after is not None and after[0] >= start else (start, -1)
    step = 0
    while True:
        size = _STEPS[min(step, len(_STEPS) - 1)]
        walked = _walk(connection, place, end, size)
        yield [each for each in walked if bitmaps.holds(octets, each[1])]
        if len(walked) < size:
            return
        place, step = walked[-1], step + 1
        if step == len(_STEPS) and count <= MANY:
            yield _sorted(connection, bits, place)
            return


def _walk(connection: Connection, place: Place, end: str, size: int) -> list[Place]:
    query = text(_NEXT + str(size))  # written out, so that PostgreSQL plans for it
    return [(name, each) for name, each in connection.execute(query, {"name": place[0], "id": place[1], "end": end})]


def _sorted(connection: Connection, bits: Bits, after: Place | None) -> list[Place]:
    if not bits:
        return []
    where, given = among(connection, list(bitmaps.ids(bits)))
    query = text(f"SELECT sort_name, id FROM contacts WHERE id {where}")  # noqa: S608 - our own names
    found = sorted((name, each) for name, each in connection.execute(query, given))
    return found if after is None else [each for each in found if each > after]
