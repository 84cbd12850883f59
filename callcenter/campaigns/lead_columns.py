"""What the columns of a file of leads mean: said by a person, or guessed. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcenter.contacts import import_mapping, text
from callcenter.contacts.csv_file import CONTACTS
from callcenter.contacts.import_mapping import MAXIMUM_COLUMNS
from callcenter.errors import Invalid

ColumnMeaning = Literal["", "name", "first_name", "last_name", "number", "priority", "field"]

NAME: Final = "name"
FIRST_NAME: Final = "first_name"
LAST_NAME: Final = "last_name"
NUMBER: Final = "number"
PRIORITY: Final = "priority"
FIELD: Final = "field"
LEFT_OUT: Final = ""
MEANINGS = (NAME, FIRST_NAME, LAST_NAME, NUMBER, PRIORITY, FIELD)
_ONCE = (NAME, FIRST_NAME, LAST_NAME, PRIORITY)
_PRIORITY = {"priority", "priorytet", "prio"}
_NAMES: dict[str, ColumnMeaning] = {"name": NAME, "reversed_name": NAME, "first_name": FIRST_NAME, "last_name": LAST_NAME}
_NOT_WORD = re.compile(r"[^a-z0-9]+")


class LeadMapping(BaseModel):
    """How a file of leads is to be read. `columns`: what each means, in order; null: guessed from the headings.

    Meanings: name, first_name, last_name, number (several columns: tried in this order; several in a cell apart by ; / or a
    line's end), priority (1 to 5), field (for the script, under the heading's name), "" leaves it out. `encoding`, `delimiter`,
    `sheet`: "" finds out. `region`: where numbers without + belong, "" for the project's. `priority`: of leads whose row says
    none. `others`: what happens to a lead one of whose numbers another running campaign of the project calls: skip, add (both
    are reported).
    """

    model_config = ConfigDict(extra="forbid")
    columns: Annotated[list[ColumnMeaning], Field(max_length=MAXIMUM_COLUMNS)] | None = None
    encoding: Annotated[str, Field(max_length=20, pattern=r"^[a-z0-9-]*$")] = ""
    delimiter: Literal["", ",", ";", "\t", "|"] = ""
    sheet: Annotated[str, Field(max_length=100)] = ""
    region: Annotated[str, Field(pattern="^([A-Z]{2})?$")] = ""
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    others: Literal["skip", "add"] = "skip"


def from_json(given: str) -> LeadMapping:
    """Return a mapping from JSON; raises Invalid with what is wrong in it."""
    try:
        return LeadMapping.model_validate_json(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        raise Invalid("The mapping cannot be used ({where}: {why}).", field="mapping", where=where, why=first["msg"]) from error


def guess(header: Sequence[str], sample: Iterable[Sequence[str]], region: str) -> list[ColumnMeaning]:
    """Return what each column means by its heading, or, where that says nothing, by numbers that stand in it."""
    contents = import_mapping.guess(header, sample, {}, region)
    found: list[ColumnMeaning] = []
    for name, content in zip(header, contents, strict=True):
        meaning = _meaning(name, content)
        found.append(FIELD if meaning in found and meaning in _ONCE else meaning)
    return found


def _meaning(name: str, content: str) -> ColumnMeaning:
    known = CONTACTS.field(name)
    if text.fold(name) in _PRIORITY:
        return PRIORITY
    if known is not None and known in _NAMES:
        return _NAMES[known]
    if known == "":  # a line and a reason: our own report of rows that were not added, put right
        return LEFT_OUT if text.words(name) else FIELD
    if "fax" in (known or content):
        return FIELD
    return NUMBER if (known or content).startswith("number:") else FIELD


def check(columns: Sequence[str], header: Sequence[str]) -> None:
    """Raise Invalid unless these meanings make leads of a file with that header."""
    if len(columns) != len(header):
        raise Invalid(
            "The file has {count} columns, the mapping {mapped}.", field="mapping", count=len(header), mapped=len(columns)
        )
    if NUMBER not in columns:
        raise Invalid("Say which column has the telephone number.", field="mapping")
    twins = [name for name, each in zip(header, columns, strict=True) if each in _ONCE and list(columns).count(each) > 1]
    if twins:
        raise Invalid("These columns mean the same: {columns}. Keep one.", field="mapping", columns=", ".join(twins))


def keys(header: Sequence[str]) -> list[str]:
    """Return the name of each column as a script says it: "Data umowy" is data_umowy; no two are the same."""
    found: list[str] = []
    for at, name in enumerate(header, 1):
        plain = _NOT_WORD.sub("_", text.fold(name)).strip("_")[:40] or f"column_{at}"
        plain = f"column_{plain}" if plain[0].isdigit() else plain
        key, again = plain, 2
        while key in found:
            key, again = f"{plain}_{again}", again + 1
        found.append(key)
    return found
