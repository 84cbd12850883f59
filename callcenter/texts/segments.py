"""How many SMS a text is: what the carrier charges for. Pure.

3GPP TS 23.038 has the 7-bit alphabet (6.2.1) and its extension table; one SMS carries 140 octets: 160 septets, or 70 UTF-16
units as soon as one character is not in the alphabet (none of ąćęłńóśźż is).
The parts of a longer text carry a header of six octets each: 153 septets or 67 units. A character is never cut in two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "\f^{}\\[~]|€"  # each takes two septets

_WIDTHS = {**dict.fromkeys(BASIC, 1), **dict.fromkeys(EXTENDED, 2)}


@dataclass(frozen=True, slots=True)
class Segments:
    """`count` SMS in an alphabet; `left` is the room in the last one, in septets (gsm7) or UTF-16 units (ucs2)."""

    alphabet: Literal["gsm7", "ucs2"]
    count: int
    left: int


def segments(text: str) -> Segments:
    """Return how a text is cut; an empty one is one SMS."""
    if all(each in _WIDTHS for each in text):
        return Segments("gsm7", *_cut((_WIDTHS[each] for each in text), 160, 153))
    return Segments("ucs2", *_cut((2 if ord(each) > 0xFFFF else 1 for each in text), 70, 67))


def units(text: str) -> int:
    """Return the length in UTF-16 units, as browsers and carriers count."""
    return len(text) + sum(ord(each) > 0xFFFF for each in text)


def _cut(widths: Iterable[int], whole: int, part: int) -> tuple[int, int]:
    """Return the number of messages and the room in the last: one of `whole`, or as many of `part` as it takes."""
    kept = list(widths)
    total = sum(kept)
    if total <= whole:
        return 1, whole - total
    count, left = 1, part
    for width in kept:
        if width > left:
            count, left = count + 1, part
        left -= width
    return count, left
