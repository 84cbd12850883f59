"""One row of an import: from cells to a contact as it will be stored, and back to CSV. Pure."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from callcenter.contacts import rows, text
from callcenter.contacts.csv_file import Layout
from callcenter.contacts.forms import ContactInput, NumberInput, check
from callcenter.contacts.models import Contact
from callcenter.errors import Invalid

_SEPARATORS = re.compile(r"[;,|\n]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read_row(layout: Layout, cells: list[str], region: str) -> dict[str, Any]:
    """Return a row as it is staged: the contact's fields, its numbers as rows, its search text. Raises Invalid."""
    if any(cell.strip() for cell in cells[len(layout.fields) :]):
        raise Invalid("This row has more cells than the first line.")
    said: dict[str, Any] = {}
    typed: list[NumberInput] = []
    try:
        for field, cell in zip(layout.fields, cells, strict=False):
            value = unquoted(cell.strip())
            if field.startswith("number:"):
                kind = field.removeprefix("number:")
                typed += [
                    NumberInput.model_validate({"type": kind, "number": each})
                    for each in _SEPARATORS.split(value)
                    if each.strip()
                ]
            elif field and value:
                said |= _named(field, value)
        data = ContactInput(**said, numbers=typed)
    except ValidationError as error:
        raise Invalid(_too_long(str(error.errors()[0]["loc"][0]))) from error
    check(data)
    return _staged(data, region)


def _too_long(field: str) -> str:
    return "This row has more telephone numbers than fit." if field == "numbers" else "A cell of this row is too long."


def _named(field: str, value: str) -> dict[str, str]:
    """Return the fields a cell fills; a whole name is split before its last word, or at a comma after the last name."""
    if field not in ("name", "reversed_name"):
        return {field: value}
    if "," in value:
        last, _, first = value.partition(",")
    elif field == "reversed_name":
        last, _, first = value.partition(" ")
    else:
        first, _, last = value.rpartition(" ")
    return {"first_name": first.strip(), "last_name": last.strip()}


def _staged(data: ContactInput, region: str) -> dict[str, Any]:
    contact = Contact()
    rows.fill(contact, data)
    numbers = rows.read_numbers(data.numbers, region)
    sort_name, folded = rows.searchable(contact, data.organisation, [each.digits for each in numbers])
    plain = data.model_dump(exclude={"numbers"})
    kept = ("type", "raw", "digits", "e164", "last_nine")
    return plain | {
        "sort_name": sort_name,
        "folded": folded,
        "organisation_folded": text.fold(data.organisation),
        "numbers": [{name: getattr(each, name) for name in kept} for each in numbers],
    }


def csv_text(lines: Iterable[list[str]]) -> str:
    """Return lines of cells as CSV text, harmless in a spreadsheet."""
    written = io.StringIO()
    csv.writer(written).writerows([quoted(cell) for cell in line] for line in lines)
    return written.getvalue()


def quoted(cell: str) -> str:
    """Keep a spreadsheet from running a cell as a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) or cell.startswith(_FORMULA) else cell


def unquoted(cell: str) -> str:
    """Take that away again, so that a corrected report can be imported."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip().startswith(_FORMULA) else cell
