"""What the list of contacts is narrowed to: read from its address, so that it can be kept, shared, and taken back.

What an address names and is there no more, or makes no sense, is left out and told of.
"""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from babel import Locale
from sqlalchemy import select
from starlette.datastructures import FormData, QueryParams

from callcenter.contacts import dictionaries
from callcenter.contacts.field_models import DICTIONARIES, CustomField, CustomOption
from callcenter.contacts.filters import FEWEST_DIGITS, MOST_CUSTOM, MOST_VALUES, ContactFilter, CustomFilter
from callcenter.contacts.models import ACCOUNT_TYPES, Organisation
from callcenter.contacts.numbers import search_digits
from callcenter.contacts.visibility import organisations_visible_to
from callcenter.db import UnitOfWork
from callcenter.users.models import User
from webui import i18n
from webui.validation import LARGEST_ID

TEXTS = ("first_name", "last_name", "email", "organisation", "address", "postcode", "city", "province")
CHOSEN = ("position", "stage", "source", "segment")
_MOST_NUMBERS = 10
_LONGEST = 200
_TOUCHED = "f"  # in the address: somebody chose, so that no filter at all means none


class Option(NamedTuple):
    """A word that can be chosen."""

    id: int
    name: str


@dataclass(slots=True)
class Field:
    """A field of one's own in the panel."""

    id: int
    key: str
    name: str
    kind: str
    options: list[Option]


@dataclass(slots=True)
class Offered:
    """What the panel lets one choose from; retired words only where they are chosen."""

    words: dict[str, list[Option]]
    people: list[Option]
    fields: list[Field]
    countries: list[tuple[str, str]]


@dataclass(slots=True)
class Chosen:
    """A filter, and the same as the address and the form write it. `notices`: sentences about what was left out."""

    given: dict[str, list[str]]
    q: str
    wanted: ContactFilter
    notices: list[str]

    @property
    def query(self) -> str:
        """Return what stands after ? in the address."""
        pairs = {"q": [self.q] if self.q else []} | self.given
        return urlencode({name: values for name, values in pairs.items() if values} | {_TOUCHED: "1"}, doseq=True)

    @property
    def count(self) -> int:
        """Return how many filters are set."""
        return len([name for name, values in self.given.items() if values and name != "all_tags"])

    def one(self, name: str) -> str:
        """Return a value the form shows, "" for none."""
        return next(iter(self.given.get(name, [])), "")


def touched(params: QueryParams) -> bool:
    """Tell whether an address says anything of what is looked for."""
    return any(params.keys())


async def offered(uow: UnitOfWork, params: QueryParams | FormData) -> Offered:
    """Read what can be chosen."""
    words: dict[str, list[Option]] = {}
    for kind in DICTIONARIES:
        asked = set(params.getlist(kind))
        entries = await dictionaries.list_entries(uow, kind, retired=True)
        words[kind] = [Option(each.id, each.name) for each in entries if each.retired_at is None or str(each.id) in asked]
    users = await uow.session.execute(select(User.id, User.name).where(User.disabled_at.is_(None)).order_by(User.name, User.id))
    fields = list(
        await uow.session.scalars(
            select(CustomField).where(CustomField.retired_at.is_(None)).order_by(CustomField.place, CustomField.id)
        )
    )
    options = list(await uow.session.scalars(select(CustomOption).order_by(CustomOption.place, CustomOption.id)))
    own = [
        Field(each.id, each.key, each.name, each.kind, [Option(o.id, o.name) for o in options if o.field_id == each.id])
        for each in fields
    ]
    names = Locale.parse(i18n.current().language).territories
    countries = sorted(
        ((code, name) for code, name in names.items() if len(code) == 2 and code.isalpha()), key=lambda each: each[1]
    )
    return Offered(
        words, [Option(*row) for row in users], own, [each for each in countries if each[0] not in ("EU", "UN", "XA", "XB")]
    )


async def read(uow: UnitOfWork, params: QueryParams | FormData, known: Offered) -> Chosen:
    """Read the address, or a form of the same names."""
    reader = _Reader(params)
    wanted: dict[str, Any] = {name: text for name in TEXTS if (text := reader.text(name))}
    for name in CHOSEN:
        wanted[name] = reader.ids(name, known.words[name])
    wanted["tags"], wanted["all_tags"] = reader.ids("tag", known.words["tag"]), reader.flag("all_tags")
    wanted["managers"] = reader.ids("manager", known.people)
    wanted["mine"] = reader.user("mine", uow.actor.user_id, known.people)
    wanted["country"] = reader.some("country", {code for code, _ in known.countries})
    wanted["numbers"] = reader.numbers()
    wanted["type"] = next(iter(reader.some("type", set(ACCOUNT_TYPES))[:1]), None)
    wanted["organisation_id"] = await _organisation(uow, reader)
    wanted["custom"] = [found for each in known.fields if (found := reader.custom(each))][:MOST_CUSTOM]
    q = reader.text("q")
    reader.given.pop("q", None)
    return Chosen(reader.given, q, ContactFilter.model_validate(wanted), list(dict.fromkeys(reader.notices)))


async def _organisation(uow: UnitOfWork, reader: "_Reader") -> int | None:
    ids = reader.numbers_of("organisation_id")
    if not ids:
        return None
    query = organisations_visible_to(uow.actor).where(Organisation.id == ids[0]).with_only_columns(Organisation.id)
    if await uow.session.scalar(query) is None:
        reader.gone()
        return None
    reader.given["organisation_id"] = [str(ids[0])]
    return ids[0]


class _Reader:
    """Takes values of an address one by one, and keeps those that make sense."""

    def __init__(self, params: QueryParams | FormData) -> None:
        self._params = params
        self.given: dict[str, list[str]] = {}
        self.notices: list[str] = []

    def gone(self) -> None:
        """Say that something named is no longer there."""
        self.notices.append(i18n.gettext("A word, field or person this filter names is no longer there, and was left out."))

    def wrong(self) -> None:
        """Say that something is no filter."""
        self.notices.append(i18n.gettext("A part of this filter makes no sense, and was left out."))

    def texts(self, name: str) -> list[str]:
        """Return all values of a name that are text; cut where they are too long."""
        found = [each for each in self._params.getlist(name) if isinstance(each, str) and each.strip()]
        if any(len(each) > _LONGEST for each in found):
            self.notices.append(i18n.gettext("A text of this filter was too long; its beginning is looked for."))
        return [" ".join(each[:_LONGEST].replace("\x00", "").split()) for each in found]

    def text(self, name: str) -> str:
        """Return a text, the last one where there are several."""
        found = self.texts(name)
        if found and found[-1]:
            self.given[name] = [found[-1]]
            return found[-1]
        return ""

    def flag(self, name: str) -> bool:
        """Tell whether a box is ticked."""
        found = self._params.get(name) == "1"
        if found:
            self.given[name] = ["1"]
        return found

    def some(self, name: str, known: set[str]) -> list[str]:
        """Return which of the known values are chosen."""
        asked = list(dict.fromkeys(self.texts(name)))
        found = [each for each in asked if each in known]
        if len(found) < len(asked):
            self.gone()
        if len(found) > MOST_VALUES:
            self.notices.append(
                i18n.gettext("One filter takes at most %(most)s values; the first ones are used.") % {"most": MOST_VALUES}
            )
        if found:
            self.given[name] = found[:MOST_VALUES]
        return found[:MOST_VALUES]

    def ids(self, name: str, known: list[Option]) -> list[int]:
        """Return which of the known words are chosen."""
        return [int(each) for each in self.some(name, {str(each.id) for each in known})]

    def numbers_of(self, name: str) -> list[int]:
        """Return values that are ids."""
        asked = self.texts(name)
        found = [
            int(each) for each in asked if each.isascii() and each.isdigit() and len(each) < 11 and 0 < int(each) <= LARGEST_ID
        ]
        if len(found) < len(asked):
            self.wrong()
        return found

    def user(self, name: str, own: int | None, known: list[Option]) -> int | None:
        """Return a user, `me` for oneself."""
        if self._params.get(name) == "me" and own is not None:
            self.given[name] = ["me"]
            return own
        return next(iter(self.ids(name, known)[:1]), None)

    def numbers(self) -> list[str]:
        """Return parts of telephone numbers."""
        asked = list(dict.fromkeys(self.texts("number")))
        found = [each for each in asked if len(search_digits(each)) >= FEWEST_DIGITS][:_MOST_NUMBERS]
        if len(found) < len(asked):
            self.notices.append(i18n.gettext("A part of a number needs at least two digits; the others were left out."))
        found = [each[:100] for each in found]
        if found:
            self.given["number"] = found
        return found

    def custom(self, field: Field) -> CustomFilter | None:
        """Return what is asked of a field of one's own."""
        name = f"x_{field.key}"
        match field.kind:
            case "text":
                text = self.text(name)
                return CustomFilter(key=field.key, text=text) if text else None
            case "choice" | "choices":
                ids = self.ids(name, field.options)
                return CustomFilter(key=field.key, options=ids) if ids else None
            case "yes_no":
                chosen = self.some(name, {"0", "1"})[:1]
                return CustomFilter(key=field.key, yes=chosen[0] == "1") if chosen else None
            case "number":
                return self._between(field.key, "least", "most", _number)
        return self._between(field.key, "first", "last", _day)

    def _between(self, key: str, low: str, high: str, parse: Any) -> CustomFilter | None:
        found: dict[str, Any] = {}
        for side, name in ((low, f"x_{key}_from"), (high, f"x_{key}_to")):
            text = self.text(name)
            if text and (value := parse(text)) is not None:
                found[side] = value
            elif text:
                self.given.pop(name)
                self.wrong()
        if len(found) == 2 and found[low] > found[high]:
            self.notices.append(i18n.gettext("A range ends before it begins; it was turned round."))
            found = {low: found[high], high: found[low]}
            names = (f"x_{key}_from", f"x_{key}_to")
            self.given |= dict(zip(names, [self.given[each] for each in reversed(names)], strict=True))
        return CustomFilter(key=key, **found) if found else None


def _number(text: str) -> float | None:
    try:
        found = float(text.replace(",", ".").replace(" ", ""))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
