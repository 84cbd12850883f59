"""Sets of contacts as bitmaps, in blocks of 4096 ids. Pure.

A set is a dict of block number to an int whose bit n stands for the id `block * 4096 + n`; empty blocks are left out.
Stored, a block is 512 octets, or, with few ids in it, a sorted list of them in two octets each (little-endian).
"""

import functools
import struct
from collections.abc import Callable, Iterable, Iterator

Bits = dict[int, int]

BLOCK = 4096
_OCTETS = BLOCK // 8
_FEW = 255  # ids; a list is never as long as a bitmap, so that the length tells them apart
_MANY = 200  # octets
_ZEROS = b"0" * BLOCK
_ONES = [tuple(bit for bit in range(8) if octet >> bit & 1) for octet in range(256)]


def decode(stored: bytes) -> int:
    """Return the bits of a stored block."""
    if len(stored) == _OCTETS:
        return int.from_bytes(stored, "little")
    return _of_list(stored)


def encode(bits: int) -> bytes:
    """Return a block as it is stored."""
    count = bits.bit_count()
    if count >= _FEW:
        return bits.to_bytes(_OCTETS, "little")
    return struct.pack(f"<{count}H", *_places(bits))


def union(blocks: Iterable[tuple[int, bytes]], of_list: Callable[[bytes], int] | None = None) -> Bits:
    """Return the union of stored blocks, as (block, octets) in any order. `of_list`: how lists are read (`known`), else anew."""
    found: dict[int, int] = {}
    lists: dict[int, list[bytes]] = {}
    for block, stored in blocks:
        if len(stored) == _OCTETS:
            held = found.get(block)
            whole = int.from_bytes(stored, "little")
            found[block] = whole if held is None else held | whole
        elif block in lists:
            lists[block].append(stored)
        else:
            lists[block] = [stored]
    for block, several in lists.items():
        bits = (of_list or _of_list)(several[0] if len(several) == 1 else b"".join(several))
        found[block] = found.get(block, 0) | bits
    return found


def _of_list(stored: bytes) -> int:
    """Return the bits of places in two octets each; many are written as digits first, which is half the work."""
    if len(stored) < _MANY:
        found = bytearray(_OCTETS)
        for (at,) in struct.iter_unpack("<H", stored):
            found[at >> 3] |= 1 << (at & 7)
        return int.from_bytes(found, "little")
    digits = bytearray(_ZEROS)
    for at in struct.unpack(f"<{len(stored) >> 1}H", stored):
        digits[at] = 49
    digits.reverse()
    return int(digits, 2)


known = functools.lru_cache(maxsize=2048)(_of_list)  # of lists that every page reads; about a kilobyte each


def of_ids(ids: Iterable[int]) -> Bits:
    """Return the set of some ids."""
    octets: dict[int, bytearray] = {}
    for each in ids:
        block = octets.get(each >> 12)
        if block is None:
            block = octets[each >> 12] = bytearray(_OCTETS)
        block[each >> 3 & 511] |= 1 << (each & 7)
    return {block: int.from_bytes(held, "little") for block, held in octets.items()}


def both(one: Bits, other: Bits) -> Bits:
    """Return what is in both sets."""
    small, large = (one, other) if len(one) <= len(other) else (other, one)
    return {block: common for block, bits in small.items() if (common := bits & large.get(block, 0))}


def either(one: Bits, other: Bits) -> Bits:
    """Return what is in one set or in both."""
    found = dict(one)
    for block, bits in other.items():
        found[block] = found.get(block, 0) | bits
    return found


def without(one: Bits, other: Bits) -> Bits:
    """Return what is in `one` only."""
    return {block: left for block, bits in one.items() if (left := bits & ~other.get(block, 0))}


def count(bits: Bits) -> int:
    """Return how many ids a set holds."""
    return sum(map(int.bit_count, bits.values()))


def ids(bits: Bits) -> Iterator[int]:
    """Yield the ids of a set, in order."""
    for block in sorted(bits):
        first = block * BLOCK
        for at in _places(bits[block]):
            yield first + at


def octets(bits: Bits) -> dict[int, bytes]:
    """Return the set for asking about single ids, see `holds`."""
    return {block: each.to_bytes(_OCTETS, "little") for block, each in bits.items()}


def holds(of: dict[int, bytes], each: int) -> bool:
    """Tell whether an id is in a set made by `octets`."""
    block = of.get(each >> 12)
    return block is not None and bool(block[each >> 3 & 511] >> (each & 7) & 1)


def _places(bits: int) -> list[int]:
    if bits.bit_count() < 64:
        found = []
        while bits:
            lowest = bits & -bits
            found.append(lowest.bit_length() - 1)
            bits ^= lowest
        return found
    return [at * 8 + one for at, octet in enumerate(bits.to_bytes(_OCTETS, "little")) if octet for one in _ONES[octet]]
