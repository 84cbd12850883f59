"""What the index of contacts holds of one contact: its keys. Pure; why so: docs/decisions/0018-filters.md.

A key is a field's letter, then what the field holds: `S=12` a word of a dictionary (by id), `c3kra` a word of the city that
begins with these three letters, `c=krakow` the whole of such a word, `d501` three digits of a number, `x7@2026-03` a day of
that month in the field of one's own with the id 7. One beginning of a word of up to three letters is one key; a longer
one is the range of keys that begin so.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from callcenter.contacts import text

LAST = "\U0010ffff"
LONGEST_WORD = 40
SHORT = 3  # letters of the longest beginning that has a key of its own
WINDOW = 3  # digits
EVERYBODY = "*"
TEXTS = {"first_name": "f", "last_name": "l", "city": "c", "province": "v", "email": "e"}
CHOSEN = {"position_id": "P", "stage_id": "S", "source_id": "O", "segment_id": "G"}
_STEPS_AN_OCTAVE = 8


@dataclass(slots=True)
class Custom:
    """A value of a field of one's own, as field_models.CustomValue has it; `day` is ISO 8601."""

    field_id: int
    option_id: int = 0
    folded: str = ""
    number: float | None = None
    day: str | None = None


@dataclass(slots=True)
class Facts:
    """What is known of a contact, as far as the index wants to know."""

    row: dict[str, Any]  # columns of contacts, and organisation_folded
    digits: list[str] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)
    managers: list[int] = field(default_factory=list)
    custom: list[Custom] = field(default_factory=list)


def of(facts: Facts) -> set[str]:
    """Return all keys of a contact."""
    row = facts.row
    found = _of_row(row)
    found.update(word_keys("g", text.words(row["organisation_folded"] or "")))
    for digits in facts.digits:
        found.update(digit_keys(digits))
    found.update(f"T={each}" for each in facts.tags)
    found.update(f"M={each}" for each in facts.managers)
    for each in facts.custom:
        found.update(custom_keys(each))
    return found


def _of_row(row: dict[str, Any]) -> set[str]:
    found = {EVERYBODY, f"t={row['type']}", *letter_keys(row["sort_name"])}
    for name, letter in TEXTS.items():
        if row[name]:
            found.update(word_keys(letter, text.words(row[name])))
    found.update(word_keys("a", text.words(f"{row['address1']} {row['address2']}")))
    found.update(word_keys("z", [postcode(row["postcode"])]))
    found.update(f"{letter}={row[name]}" for name, letter in CHOSEN.items() if row[name] is not None)
    if row["country"]:
        found.add(f"Y={row['country']}")
    return found


def gone(was: str) -> set[str]:
    """Return keys a contact may have had, from a line of the log (index_log.py); more of them do no harm.

    What is still so is added again by whoever takes them away. The organisation's words are among the contact's own.
    """
    said: dict[str, Any] = json.loads(was)
    match said.pop("of"):
        case "contact":
            return _of_row(said) | set(word_keys("g", said["folded"].split()))
        case "number":
            return set(digit_keys(said["digits"]))
        case "tag":
            return {f"T={said['id']}"}
        case "manager":
            return {f"M={said['id']}"}
        case _:
            return set(custom_keys(Custom(**said)))


def word_keys(letter: str, words: Iterable[str]) -> Iterable[str]:
    """Yield the keys of the words of a field."""
    for word in words:
        for length in range(1, min(SHORT, len(word)) + 1):
            yield f"{letter}{length}{word[:length]}"
        if len(word) > SHORT:
            yield f"{letter}={word[:LONGEST_WORD]}"


def beginning(letter: str, typed: str) -> tuple[str, str]:
    """Return the range of keys (first, and the one after the last) of words that begin so."""
    first = f"{letter}{len(typed)}{typed}" if len(typed) <= SHORT else f"{letter}={typed[:LONGEST_WORD]}"
    return (first, first + "\x01") if len(typed) <= SHORT else (first, first + LAST)


def postcode(typed: str) -> str:
    """Return a postcode as it is compared: without what stands between its letters and digits."""
    return "".join(text.words(typed))


def digit_keys(digits: str) -> Iterable[str]:
    """Yield the keys of a number: each three digits that stand together, a shorter one as it is."""
    if 0 < len(digits) < WINDOW:
        yield f"d{digits}"
    for at in range(len(digits) - WINDOW + 1):
        yield f"d{digits[at : at + WINDOW]}"


def letters(sort_name: str) -> tuple[int, int]:
    """Return the places, in the order of names, of a name's first two letters: 0 for none, 37 for all after z."""
    first = _letter(sort_name[:1])
    return first, _letter(sort_name[1:2]) if first < _BEYOND else 0


def _letter(letter: str) -> int:
    if letter in ("", " "):
        return 0
    return _LETTERS.find(letter) + 1 or _BEYOND


_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_BEYOND = 37
LETTER_BITS = 6


def letter_keys(sort_name: str) -> Iterable[str]:
    """Yield the keys of the bits of both places: `n5` the highest of the first, `m0` the lowest of the second."""
    for name, place in zip("nm", letters(sort_name), strict=True):
        for bit in range(LETTER_BITS):
            if place >> bit & 1:
                yield f"{name}{bit}"


def letter_range(first: int, second: int) -> tuple[str, str]:
    """Return the sorted names that begin with two letters: the first possible one, and the first that is beyond."""
    if first == 0:
        return "", "0"
    if first == _BEYOND:
        return "{", LAST
    letter = _LETTERS[first - 1]
    if second == 0:
        return letter, f"{letter}0"
    if second == _BEYOND:
        return f"{letter}{{", chr(ord(letter) + 1)
    return letter + _LETTERS[second - 1], letter + chr(ord(_LETTERS[second - 1]) + 1)


def custom_keys(value: Custom) -> Iterable[str]:
    """Yield the keys of a value of a field of one's own."""
    letter = f"x{value.field_id}"
    if value.option_id:
        yield f"{letter}={value.option_id}"
    if value.folded:
        yield from word_keys(f"{letter}.", text.words(value.folded))
    if value.number is not None:
        octave, fine = steps(value.number)
        yield f"{letter}#{octave}"
        yield f"{letter}+{octave}{fine}"
    if value.day is not None:
        yield f"{letter}@{value.day[:7]}"
        yield f"{letter}y{value.day[:4]}"


def steps(number: float) -> tuple[str, int]:
    """Return which power of two a number lies above, as text in the order of numbers, and which eighth of the way to the next."""
    if not number:
        return "m", 0
    mantissa, exponent = math.frexp(abs(number))
    fine = int((mantissa - 0.5) * 2 * _STEPS_AN_OCTAVE)
    if number > 0:
        return f"p{exponent + 1100:04d}", fine
    return f"a{1100 - exponent:04d}", _STEPS_AN_OCTAVE - 1 - fine


def number_ranges(field_id: int, least: float | None, most: float | None) -> list[tuple[str, str]]:
    """Return ranges of keys that hold every number from `least` to `most`, and few others."""
    coarse, fine = f"x{field_id}#", f"x{field_id}+"
    low = steps(least) if least is not None else None
    high = steps(most) if most is not None else None
    if low and high and low[0] == high[0]:
        return [(f"{fine}{low[0]}{low[1]}", f"{fine}{high[0]}{high[1]}\x01")]
    found = [(f"{coarse}{low[0]}\x01" if low else coarse, f"{coarse}{high[0]}" if high else coarse + LAST)]
    if low:
        found.append((f"{fine}{low[0]}{low[1]}", f"{fine}{low[0]}{_STEPS_AN_OCTAVE}"))
    if high:
        found.append((f"{fine}{high[0]}0", f"{fine}{high[0]}{high[1]}\x01"))
    return found


def day_ranges(field_id: int, first: str | None, last: str | None) -> list[tuple[str, str]]:
    """Return ranges of keys that hold every day (ISO 8601) from `first` to `last`, and few others."""
    month, year = f"x{field_id}@", f"x{field_id}y"
    if first and last and first[:4] == last[:4]:
        return [(f"{month}{first[:7]}", f"{month}{last[:7]}\x01")]
    found = [(f"{year}{first[:4]}\x01" if first else year, f"{year}{last[:4]}" if last else year + LAST)]
    if first:
        found.append((f"{month}{first[:7]}", f"{month}{first[:4]}-13"))
    if last:
        found.append((f"{month}{last[:4]}", f"{month}{last[:7]}\x01"))
    return found
