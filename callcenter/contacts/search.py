"""Finding contacts by the beginning of a word or any part of a number; the pure part. Why so: docs/decisions/0004-search.md.

A contact's `folded` holds its words, the name first as it is sorted, then organisation, e-mail and the digits of its
numbers. Its terms are what the index holds: the name from each of its words on ("kowalski jan", "jan kowalski"), the
other words, and every end of each number, so that a part of a number is the beginning of a term.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from callcenter.contacts import numbers, text

SHORTEST_END = 3  # digits of a number's shortest end
LONGEST_TERM = 80
MAXIMUM_WORDS = 8
_NUMBER_PART = re.compile(r"[\d+()\-./]*\d[\d+()\-./]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing a contact must have: a term that begins with `start`. `other` is tried when nothing begins with it."""

    start: str
    other: str | None = None

    @property
    def is_digits(self) -> bool:
        """Digits may stand anywhere in a number; words are found by their beginning."""
        return self.start.isdigit()


def sort_name(first_name: str, last_name: str) -> str:
    """Return what contacts are sorted by: the words of the last name, then of the first."""
    return " ".join([*text.words(last_name), *text.words(first_name)])


def folded(name: str, organisation: str, email: str, digits: Iterable[str]) -> str:
    """Return a contact's searchable text; `name` is its sort_name. Begins and ends with a space, each word once."""
    others = dict.fromkeys([*text.words(organisation), *text.words(email), *digits])
    own = set(name.split())
    return " ".join(["", *name.split(), *(each for each in others if each and each not in own), ""])


def terms(name: str, searchable: str) -> set[str]:
    """Return the terms of a contact, from its sort_name and folded."""
    own = name.split()
    found = {" ".join(own[at:] + own[:at])[:LONGEST_TERM] for at in range(len(own))}
    found.update(word[:LONGEST_TERM] for word in searchable.split()[len(own) :])
    for word in searchable.split():
        if word.isdigit():
            found.update(word[at:][:LONGEST_TERM] for at in range(1, len(word) - SHORTEST_END + 1))
    return found


def parse(typed: str) -> list[Wanted]:
    """Split what somebody typed into what a contact must have; digits beside digits are one number ("22 123-45")."""
    found: list[Wanted] = []
    number: list[str] = []
    for part in [*typed.split()[: 4 * MAXIMUM_WORDS], ""]:
        if _NUMBER_PART.fullmatch(part):
            number.append(part)
            continue
        if number:
            found.append(number_part("".join(number)))
            number = []
        found.extend(Wanted(word) for word in text.words(part))
    return list(dict.fromkeys(each for each in found if each.start))[:MAXIMUM_WORDS]


def number_part(typed: str) -> Wanted:
    """Read a part of a number: as digits first; 0048 501 and 0 501 also without what is dialled before the number."""
    digits = numbers.search_digits(typed)
    bare = digits.removeprefix("00") if digits.startswith("00") else digits.removeprefix("0")
    return Wanted(digits, bare if bare and bare != digits else None)
