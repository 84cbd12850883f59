"""What contacts may be filtered by (S22), and what each filter asks of the index; everything given must fit.

Texts fit when each word typed begins a word of the field, whatever the case and the diacritics; a number when it holds the
digits typed. Of several values of one filter any fits, of tags all if wanted.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from callcenter.contacts import index_facts, index_keys, numbers, text
from callcenter.contacts.forms import AccountType, CustomKey
from callcenter.contacts.index_keys import Facts
from callcenter.errors import BadValue

MOST_VALUES = 50
FEWEST_DIGITS = 2
MOST_CUSTOM = 20

Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Ids = Annotated[list[Id], Field(max_length=MOST_VALUES)]


def _line(value: str) -> str:
    return " ".join(text.clean(value).split())


def _digits(value: str) -> str:
    value = _line(value)
    if value and len(numbers.search_digits(value)) < FEWEST_DIGITS:
        raise BadValue("Type at least {fewest} digits of the number.", fewest=FEWEST_DIGITS)
    return value


Typed = Annotated[str, Field(max_length=200), AfterValidator(_line)]


class CustomFilter(BaseModel):
    """What a field of one's own must hold. By its kind: `text`; `least` and `most`; `first` and `last` day; `options`; `yes`."""

    model_config = ConfigDict(extra="forbid")
    key: CustomKey
    text: Typed = ""
    least: Annotated[float, Field(allow_inf_nan=False)] | None = None
    most: Annotated[float, Field(allow_inf_nan=False)] | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    options: Ids = []
    yes: bool | None = None

    @model_validator(mode="after")
    def _right_way_round(self) -> "CustomFilter":
        if self.least is not None and self.most is not None and self.least > self.most:
            raise BadValue("The smallest number is larger than the largest one.")
        if self.first and self.last and self.first > self.last:
            raise BadValue("The first day is after the last one.")
        return self


class ContactFilter(BaseModel):
    """Which contacts. Words of dictionaries, tags, organisations and users by id; `managers`: of the contact or of its
    organisation; `mine`: those the user of that id manages; `numbers`: parts, each of which a number must hold."""

    model_config = ConfigDict(extra="forbid")
    first_name: Typed = ""
    last_name: Typed = ""
    address: Typed = ""
    postcode: Typed = ""
    city: Typed = ""
    province: Typed = ""
    country: Annotated[list[Annotated[str, Field(pattern="^[A-Z]{2}$")]], Field(max_length=MOST_VALUES)] = []
    email: Typed = ""
    position: Ids = []
    stage: Ids = []
    source: Ids = []
    segment: Ids = []
    tags: Ids = []
    all_tags: bool = False
    numbers: Annotated[list[Annotated[str, Field(max_length=100), AfterValidator(_digits)]], Field(max_length=10)] = []
    organisation: Typed = ""
    organisation_id: Id | None = None
    managers: Ids = []
    mine: Id | None = None
    type: AccountType | None = None
    custom: Annotated[list[CustomFilter], Field(max_length=MOST_CUSTOM)] = []

    def __bool__(self) -> bool:
        """Tell whether anything is filtered."""
        return bool(self.model_dump(exclude_defaults=True, exclude={"all_tags"}))


@dataclass(frozen=True, slots=True)
class Range:
    """Contacts with a key from `first` to before `end`."""

    first: str
    end: str


@dataclass(frozen=True, slots=True)
class Digits:
    """Contacts with a number that holds these digits; four and more."""

    digits: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """Contacts of an organisation."""

    id: int


@dataclass(frozen=True, slots=True)
class OrganisationsOf:
    """Contacts of organisations that any of these users manages."""

    users: frozenset[int]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Contacts that each of the ways leads to."""

    ways: tuple["Way", ...]


Way = Range | Digits | Organisation | OrganisationsOf | AllOf


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing a contact must have: what any of the `ways` leads to. Not `exact`: of those only who passes `check`.

    `parts`: what the check reads beside the row (index_facts), `row`: whether it reads that.
    """

    ways: tuple[Way, ...]
    exact: bool = True
    check: Callable[[Facts], bool] | None = None
    parts: frozenset[str] = field(default_factory=frozenset)
    row: bool = True


NOBODY = Clause(())


def key(name: str) -> Range:
    """Return the way to who has a key."""
    return Range(name, name + "\x01")


def words(letter: str, typed: str) -> list[Clause]:
    """Return what a typed text asks of a field."""
    return [begins([letter], word) for word in text.words(typed)[:8]]


def begins(letters: list[str], word: str) -> Clause:
    """Return the clause that a word of one of these fields begins so."""
    ranges = [index_keys.beginning(letter, word) for letter in letters]

    def has(facts: Facts) -> bool:
        return any(first <= each < end for each in index_keys.of(facts) for first, end in ranges)

    custom = frozenset({index_facts.CUSTOM} if letters[0].startswith("x") else ())
    return Clause(tuple(Range(*each) for each in ranges), True, has, custom)


def anywhere(start: str) -> Clause:
    """Return what the search box asks: a word of the contact's begins so, or digits are part of a number."""
    named = begins(["f", "l", "g", "e"], start)
    if not (start.isascii() and start.isdigit()):
        return named
    few = len(start) < FEWEST_DIGITS
    ways: tuple[Way, ...] = (key(index_keys.EVERYBODY),) if few else (*named.ways, *digit_ways(start))

    def has(facts: Facts) -> bool:
        return any(start in number for number in facts.digits) or (named.check is not None and named.check(facts))

    exact = not few and len(start) <= index_keys.WINDOW
    return Clause(ways, exact, has, frozenset({index_facts.NUMBERS}))


_WORDS = {
    "f": "first_name",
    "l": "last_name",
    "a": "address",
    "c": "city",
    "v": "province",
    "e": "email",
    "g": "organisation",
    "z": "postcode",
}
_ANY_OF = {"P": "position", "S": "stage", "O": "source", "G": "segment", "Y": "country"}


def clauses(wanted: ContactFilter, fields: dict[str, tuple[int, str]], digits: Sequence[str]) -> list[Clause]:
    """Return what a filter asks. `fields`: id and kind of the fields of one's own by key; `digits`: of numbers."""
    found: list[Clause] = []
    for letter, name in _WORDS.items():
        typed = getattr(wanted, name)
        if typed:
            found += words(letter, index_keys.postcode(typed) if letter == "z" else typed) or [NOBODY]
    found += [any_of(letter, values) for letter, name in _ANY_OF.items() if (values := getattr(wanted, name))]
    if wanted.tags:
        found += [any_of("T", [each]) for each in wanted.tags] if wanted.all_tags else [any_of("T", wanted.tags)]
    found += [part_of_number(each) for each in digits]
    if wanted.organisation_id is not None:
        found.append(Clause((Organisation(wanted.organisation_id),)))
    found += [managed_by(users) for users in (wanted.managers, [wanted.mine] if wanted.mine else []) if users]
    if wanted.type is not None:
        found.append(Clause((key(f"t={wanted.type}"),)))
    for each in wanted.custom:
        found += _custom(each, *fields[each.key]) if each.key in fields else [NOBODY]
    return found


def any_of(letter: str, values: list[Any]) -> Clause:
    """Return the clause that one of these values is chosen."""
    return Clause(tuple(key(f"{letter}={each}") for each in dict.fromkeys(values)))


def managed_by(users: list[int]) -> Clause:
    """Return the clause that one of these users manages the contact, or its organisation."""
    return Clause((*any_of("M", users).ways, OrganisationsOf(frozenset(users))))


def part_of_number(digits: str) -> Clause:
    """Return the clause that a number holds these digits."""

    def held(facts: Facts) -> bool:
        return any(digits in number for number in facts.digits)

    exact = len(digits) <= index_keys.WINDOW
    return Clause(tuple(digit_ways(digits)), exact, held, frozenset({index_facts.NUMBERS}), row=False)


def digit_ways(digits: str) -> list[Way]:
    """Return the ways to who has a number that holds two digits or more."""
    if len(digits) > index_keys.WINDOW:
        return [Digits(digits)]
    if len(digits) == index_keys.WINDOW:
        return [key(f"d{digits}")]
    return [Range(f"d{digits}", f"d{digits}:"), *(key(f"d{each}{digits}") for each in range(10))]


def _custom(wanted: CustomFilter, field_id: int, kind: str) -> list[Clause]:
    letter = f"x{field_id}"
    if kind == "text" and wanted.text:
        return words(f"{letter}.", wanted.text) or [NOBODY]
    if kind in ("choice", "choices") and wanted.options:
        return [any_of(letter, wanted.options)]
    if kind == "yes_no" and wanted.yes is not None:
        octave, fine = index_keys.steps(float(wanted.yes))
        return [Clause((key(f"{letter}+{octave}{fine}"),))]
    if kind == "number" and (wanted.least is not None or wanted.most is not None):
        return [_numbers_between(field_id, wanted.least, wanted.most)]
    if kind == "date" and (wanted.first or wanted.last):
        return [_days_between(field_id, *(None if each is None else each.isoformat() for each in (wanted.first, wanted.last)))]
    return []


def _numbers_between(field_id: int, least: float | None, most: float | None) -> Clause:
    def inside(facts: Facts) -> bool:
        found = [each.number for each in facts.custom if each.field_id == field_id and each.number is not None]
        return any((least is None or each >= least) and (most is None or each <= most) for each in found)

    ranges = index_keys.number_ranges(field_id, least, most)
    return Clause(tuple(Range(*each) for each in ranges), False, inside, frozenset({index_facts.CUSTOM}), row=False)


def _days_between(field_id: int, first: str | None, last: str | None) -> Clause:
    def inside(facts: Facts) -> bool:
        found = [each.day for each in facts.custom if each.field_id == field_id and each.day is not None]
        return any((first is None or each >= first) and (last is None or each <= last) for each in found)

    ranges = index_keys.day_ranges(field_id, first, last)
    return Clause(tuple(Range(*each) for each in ranges), False, inside, frozenset({index_facts.CUSTOM}), row=False)
