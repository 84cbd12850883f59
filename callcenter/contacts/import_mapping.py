"""What the columns of a file of contacts mean: said by a person, remembered from last time, or guessed. Pure."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcenter.contacts import numbers, text
from callcenter.contacts.csv_file import CONTACTS
from callcenter.contacts.forms import AccountType
from callcenter.contacts.models import NUMBER_TYPES
from callcenter.errors import Invalid

MAXIMUM_COLUMNS = 300
IGNORE = ""
_ONCE = (
    "first_name", "last_name", "name", "reversed_name", "organisation", "type", "position", "stage", "source", "segment",
    "address1", "address2", "postcode", "city", "province", "country",
)  # fmt: skip
_OFTEN = ("email", "note", "tags", "managers")
NUMBERS = tuple(f"number:{each}" for each in NUMBER_TYPES)
FIELDS = (*_ONCE, *_OFTEN, *NUMBERS)
_NAMING = {"first_name", "last_name", "name", "reversed_name", "organisation"}
_EMAIL = re.compile(r"\S+@\S+\.\S+")
_POSTCODE = re.compile(r"\d\d-\d{3}")
_SAMPLE = 50
_MOST = 0.7  # of a column's cells must look like something for a guess

ColumnField = Annotated[str, Field(pattern=rf"^({'|'.join(map(re.escape, FIELDS))}|custom:[a-z][a-z0-9_]{{0,39}})?$")]


class Mapping(BaseModel):
    """How a file is to be read. `columns`: a field for each column in order, "" leaves it out; null: guess from the headings.

    Fields: first_name, last_name, name (split at its last space, or at a comma), reversed_name, organisation, type (of the
    account), position, stage, source, segment, email, note, address1, address2, postcode, city, province, country, tags and
    managers (logins) apart by ; , or |, number:KIND (mobile, landline, work, main, home_fax, office_fax, other), custom:KEY.
    `encoding`, `delimiter`, `sheet`: "" finds out. `words`: what happens to a word no dictionary has: empty (left out, with a
    notice), refuse (the row), add (administrators). `duplicates`: what happens when somebody is there with the number, the
    e-mail, or the name in the same organisation or city: add (with a notice), skip, update (fill what is empty). `region`:
    where numbers without + belong, "" for the installation's.
    """

    model_config = ConfigDict(extra="forbid")
    columns: Annotated[list[ColumnField], Field(max_length=MAXIMUM_COLUMNS)] | None = None
    encoding: Annotated[str, Field(max_length=20, pattern=r"^[a-z0-9-]*$")] = ""
    delimiter: Literal["", ",", ";", "\t", "|"] = ""
    sheet: Annotated[str, Field(max_length=100)] = ""
    words: Literal["empty", "refuse", "add"] = "empty"
    duplicates: Literal["add", "skip", "update"] = "add"
    type: AccountType | None = None
    region: Annotated[str, Field(pattern="^([A-Z]{2})?$")] = ""


def from_json(given: str) -> Mapping:
    """Return a mapping from JSON; raises Invalid with what is wrong in it."""
    try:
        return Mapping.model_validate_json(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        raise Invalid("The mapping cannot be used ({where}: {why}).", field="mapping", where=where, why=first["msg"]) from error


def mark(header: Sequence[str]) -> str:
    """Return what stands for a set of headings, to remember their mapping by."""
    return hashlib.sha256("\n".join(text.fold(name) for name in header).encode()).hexdigest()


def guess(header: Sequence[str], sample: Iterable[Sequence[str]], custom: dict[str, str], region: str) -> list[str]:
    """Return a field for each column from its heading, or from what stands in it. `custom`: folded name or key to key."""
    some = [list(row) for row, _ in zip(sample, range(_SAMPLE), strict=False)]
    found: list[str] = []
    for at, name in enumerate(header):
        known = CONTACTS.field(name)
        field = known if known is not None else _custom(name, custom)
        if field is None:
            field = _by_content([row[at].strip() for row in some if at < len(row) and row[at].strip()], region)
        found.append(IGNORE if field in found and field in _ONCE else field)
    return found


def _custom(name: str, custom: dict[str, str]) -> str | None:
    key = custom.get(text.fold(name))
    return f"custom:{key}" if key else None


def _by_content(cells: list[str], region: str) -> str:
    def most(fits: Any) -> bool:
        return bool(cells) and sum(bool(fits(cell)) for cell in cells) >= _MOST * len(cells)

    if most(_EMAIL.fullmatch):
        return "email"
    if most(_POSTCODE.fullmatch):
        return "postcode"
    parsed = [numbers.parse(cell, region) for cell in cells]
    valid = [each.e164 for each in parsed if each.e164]
    if cells and len(valid) >= _MOST * len(cells):
        return "number:mobile" if all(numbers.is_mobile(each) for each in valid) else "number:other"
    return IGNORE


def check_columns(columns: Sequence[str], header: Sequence[str]) -> None:
    """Raise Invalid unless these fields make contacts of a file with that header."""
    if len(columns) != len(header):
        raise Invalid(
            "The file has {count} columns, the mapping {mapped}.", field="mapping", count=len(header), mapped=len(columns)
        )
    once = [each for each in columns if each in _ONCE or each.startswith("custom:")]
    twins = [name for name, each in zip(header, columns, strict=True) if once.count(each) > 1]
    if twins:
        raise Invalid("These columns mean the same: {columns}. Keep one.", field="mapping", columns=", ".join(twins))
    if not _NAMING & set(columns):
        raise Invalid("Say which column has the name: a person's or an organisation's.", field="mapping")
