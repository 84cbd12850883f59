"""What single cells of a file of contacts mean: countries, answers to fields of one's own, numbers a spreadsheet broke. Pure."""

import datetime as dt
import functools
import math
import re
from decimal import Decimal, InvalidOperation

from babel import Locale

from callcenter.contacts import text
from callcenter.contacts.import_known import Field
from callcenter.errors import Invalid

SEPARATORS = re.compile(r"[;,|\n]")
_LIST = re.compile(r"[;,|\n]")
_SCIENTIFIC = re.compile(r"\+?(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_DECIMAL = re.compile(r"(\d{7,})[.,]0+")  # 48501000001.0
_YES = {"yes", "y", "true", "1", "tak", "t", "prawda", "x"}
_NO = {"no", "n", "false", "0", "nie", "falsz"}
_DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y.%m.%d")
LONGEST_ANSWER = 254

Answer = tuple[int, int, str, str, float | None, str | None]  # of CustomValue: field, option, text, folded, number, day


def mended(number: str) -> str:
    """Return a number as it was before a spreadsheet made 4.8501000001E+10 of it; raises Invalid when digits are lost."""
    whole = _DECIMAL.fullmatch(number)
    if whole:
        return whole[1]
    found = _SCIENTIFIC.fullmatch(number)
    if found is None:
        return number
    digits = found[1] + (found[2] or "")
    if len(digits) != int(found[3]) + 1:
        raise Invalid(
            "A spreadsheet has shortened the number {number}: its last digits are lost. Make the column text.",
            field="numbers",
            number=number,
        )
    return digits


def country(said: str) -> str:
    """Return the code of a country, from its code or its name in English or Polish; raises Invalid."""
    folded = text.fold(said)
    found = _countries().get(folded)
    if found is None:
        raise Invalid("{name} is no country we know.", field="country", name=said[:40])
    return found


@functools.cache
def _countries() -> dict[str, str]:
    found: dict[str, str] = {}
    for language in ("en", "pl"):
        names = Locale.parse(language).territories
        found |= {text.fold(name): code for code, name in names.items() if len(code) == 2 and code.isalpha()}
    codes = {code.lower(): code for code in found.values()}
    return found | codes | {"uk": "GB", "usa": "US", "rp": "PL"}


def listed(said: str) -> list[str]:
    """Return the parts of a cell with several things in it."""
    return [part for each in _LIST.split(said) if (part := " ".join(text.clean(each).split()))]


def answers(field: Field, said: str) -> list[Answer]:
    """Return what a cell says to a field of one's own; raises Invalid when it fits not its kind."""
    if field.kind in ("choice", "choices"):
        return _chosen(field, listed(said) if field.kind == "choices" else [text.clean(said)])
    if field.kind == "yes_no":
        folded = text.fold(said)
        if folded not in _YES | _NO:
            raise _wrong(field, said)
        return [(field.id, 0, "", "", float(folded in _YES), None)]
    if field.kind == "number":
        return [(field.id, 0, "", "", _number(field, said), None)]
    if field.kind == "date":
        return [(field.id, 0, "", "", None, _day(field, said))]
    plain = " ".join(text.clean(said).split())
    if len(plain) > LONGEST_ANSWER:
        raise Invalid("A cell of this row is too long.")
    return [(field.id, 0, plain, text.fold(plain), None, None)]


def _chosen(field: Field, said: list[str]) -> list[Answer]:
    found: list[Answer] = []
    for each in said:
        option = field.options.get(text.fold(each))
        if option is None:
            raise _wrong(field, each)
        found.append((field.id, option, "", "", None, None))
    return list(dict.fromkeys(found))


def _number(field: Field, said: str) -> float:
    plain = said.replace("\u00a0", "").replace(" ", "")
    plain = plain.replace(",", ".") if "." not in plain else plain.replace(",", "")
    try:
        number = float(Decimal(plain))
    except InvalidOperation as error:
        raise _wrong(field, said) from error
    if not math.isfinite(number):
        raise _wrong(field, said)
    return number


def _day(field: Field, said: str) -> str:
    for each in _DAYS:
        try:
            return dt.datetime.strptime(said.strip(), each).date().isoformat()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise _wrong(field, said)


def _wrong(field: Field, said: str) -> Invalid:
    return Invalid("{value} does not fit the field {field_name}.", field="custom", value=said[:40], field_name=field.name)
