"""What contacts have in fields of one's own (S12): answers by the field's key, checked by kind, kept as rows of CustomValue.

An answer is, by kind: text, a number, "YYYY-MM-DD", a word, a list of words, true or false. None, "" and [] mean no answer.
"""

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from callcenter.contacts import text
from callcenter.contacts.field_models import CustomField, CustomOption, CustomValue
from callcenter.contacts.forms import LONGEST_LINE, CustomAnswer
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid

LARGEST_NUMBER = 1e15  # beyond it a float no longer tells whole numbers apart
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_YES, _NO = frozenset({"yes", "y", "true", "1", "tak", "t"}), frozenset({"no", "n", "false", "0", "nie", "f"})


@dataclass(frozen=True, slots=True)
class Declared:
    """A field that is in use, with all of its options in order, retired ones too."""

    field: CustomField
    options: tuple[CustomOption, ...]

    @property
    def key(self) -> str:
        """What names the field in the API."""
        return self.field.key

    @property
    def kind(self) -> str:
        """One of CUSTOM_KINDS."""
        return self.field.kind

    @property
    def offered(self) -> list[CustomOption]:
        """The options that may be newly chosen."""
        return [each for each in self.options if each.retired_at is None]


async def declared(uow: UnitOfWork) -> list[Declared]:
    """Return the fields in use in their order. Checks no role: whoever sees a contact sees its fields."""
    query = select(CustomField).where(CustomField.retired_at.is_(None)).order_by(CustomField.place, CustomField.id)
    found = list(await uow.session.scalars(query))
    if not found:
        return []
    ordered = select(CustomOption).order_by(CustomOption.place, CustomOption.id)
    options: dict[int, list[CustomOption]] = {each.id: [] for each in found}
    for option in await uow.session.scalars(ordered.where(CustomOption.field_id.in_(options))):
        options[option.field_id].append(option)
    return [Declared(each, tuple(options[each.id])) for each in found]


def answers(contact: Contact, fields: Iterable[Declared]) -> dict[str, CustomAnswer]:
    """Return what a contact (its `custom` loaded) has, by key and in the fields' order; keys without an answer are left out."""
    by_field: dict[int, list[CustomValue]] = {}
    for value in contact.custom:
        by_field.setdefault(value.field_id, []).append(value)
    return {each.key: _answer(each, by_field[each.field.id]) for each in fields if each.field.id in by_field}


def _answer(of: Declared, values: list[CustomValue]) -> CustomAnswer:
    match of.kind:
        case "number":
            return values[0].number
        case "date":
            return values[0].day.isoformat() if values[0].day else None
        case "yes_no":
            return bool(values[0].number)
        case "choice" | "choices":
            chosen = {each.option_id for each in values}
            names = [each.name for each in of.options if each.id in chosen]
            return names if of.kind == "choices" else next(iter(names), None)
        case _:
            return values[0].text


def fill(
    contact: Contact, given: Mapping[str, CustomAnswer] | None, fields: Iterable[Declared], *, complete: bool = True
) -> None:
    """Put answers into a contact (its `custom` loaded); keys left out stay as they are.

    Raises Invalid (field custom.KEY) for what the field does not take, for an unknown key, and, where the contact must be
    `complete`, for a required field that is left without an answer.
    """
    known = {each.key: each for each in fields}
    for key in given or {}:
        if key not in known:
            raise Invalid("There is no such field.", field=f"custom.{key}")
    for key, each in known.items():
        if given is not None and key in given:
            _replace(contact, each, given[key])
        if complete and each.field.required and not any(value.field_id == each.field.id for value in contact.custom):
            raise Invalid("{name} must be filled in.", field=f"custom.{key}", name=each.field.name)


def _replace(contact: Contact, of: Declared, answer: CustomAnswer) -> None:
    now = [each for each in contact.custom if each.field_id == of.field.id]
    wanted = rows(of, answer, {each.option_id for each in now})
    kept = {each.option_id: each for each in now}
    result: list[CustomValue] = []
    for each in wanted:  # a row that stays is changed in place: its key is the same
        row = kept.get(each.option_id, each)
        row.text, row.folded, row.number, row.day = each.text, each.folded, each.number, each.day
        result.append(row)
    contact.custom = [each for each in contact.custom if each.field_id != of.field.id] + result


def rows(of: Declared, answer: CustomAnswer, kept: Iterable[int] = ()) -> list[CustomValue]:
    """Return the rows of an answer, none for no answer; raises Invalid. `kept`: options chosen now, which may be retired."""
    if answer is None or answer in ("", []):
        return []
    at = f"custom.{of.key}"
    plain = {"field_id": of.field.id, "option_id": 0, "text": "", "folded": ""}
    match of.kind:
        case "number":
            return [CustomValue(**plain | {"number": _number(answer, at)})]
        case "date":
            return [CustomValue(**plain | {"day": _day(answer, at)})]
        case "yes_no":
            if not isinstance(answer, bool):
                raise Invalid("Yes or no is needed here.", field=at)
            return [CustomValue(**plain | {"number": float(answer)})]
        case "choice" | "choices":
            names = answer if isinstance(answer, list) and of.kind == "choices" else [answer]
            return [CustomValue(**plain | {"option_id": each}) for each in _options(of, names, set(kept), at)]
        case _:
            if not isinstance(answer, str):
                raise Invalid("Text is needed here.", field=at)
            return [CustomValue(**plain | {"text": answer, "folded": text.fold(answer)[:LONGEST_LINE]})]


def _number(answer: CustomAnswer, at: str) -> float:
    if isinstance(answer, bool) or not isinstance(answer, int | float) or not math.isfinite(answer):
        raise Invalid("A number is needed here.", field=at)
    if abs(answer) > LARGEST_NUMBER:
        raise Invalid("This number is too large.", field=at)
    return float(answer) + 0.0  # never -0.0


def _day(answer: CustomAnswer, at: str) -> dt.date:
    try:
        if isinstance(answer, str) and _DAY.fullmatch(answer):
            return dt.date.fromisoformat(answer)
    except ValueError:
        pass
    raise Invalid("A date is needed here, such as 2026-03-31.", field=at)


def _options(of: Declared, names: Iterable[object], kept: set[int], at: str) -> list[int]:
    known = {each.folded: each for each in of.options}
    chosen: list[int] = []
    for name in names:
        option = known.get(text.fold(name)) if isinstance(name, str) else None
        if option is None or (option.retired_at is not None and option.id not in kept):
            raise Invalid("{name} is not in the list to choose from.", field=at, name=name)
        if option.id not in chosen:
            chosen.append(option.id)
    return chosen


def typed(of: Declared, said: str) -> CustomAnswer:
    """Return the answer that a person typed into a form or a file: numbers with spaces and a comma, days as 31.03.2026, too.

    What cannot be read stays the text it is, and is refused by `fill`. Several choices are separated by ; or |.
    """
    said = said.strip()
    if not said:
        return None
    match of.kind:
        case "number":
            return _typed_number(said)
        case "date":
            parts = re.fullmatch(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", said)
            return f"{parts[3]}-{int(parts[2]):02}-{int(parts[1]):02}" if parts else said
        case "yes_no":
            word = said.casefold()
            return True if word in _YES else False if word in _NO else said
        case "choices":
            return [each.strip() for each in re.split(r"[;|]", said) if each.strip()]
        case _:
            return said


def _typed_number(said: str) -> CustomAnswer:
    plain = re.sub(r"[\s\u00a0\u202f']", "", said).replace("\u2212", "-")
    if "," in plain and "." in plain:  # the last of them stands before the fraction
        thousands = "," if plain.rfind(".") > plain.rfind(",") else "."
        plain = plain.replace(thousands, "")
    plain = plain.replace(",", ".")
    return float(plain) if re.fullmatch(r"[+-]?(\d{1,17}(\.\d*)?|\.\d+)", plain) else said
