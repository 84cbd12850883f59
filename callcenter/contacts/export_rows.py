"""A contact as a row of an export, with the headings the import knows; CSV text of such rows."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from callcenter.contacts import rows
from callcenter.contacts.field_models import CustomField, CustomOption, CustomValue
from callcenter.contacts.import_rows import quoted
from callcenter.contacts.models import Contact, Number
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid

_MARK = "\ufeff"  # tells spreadsheets that it is UTF-8
TITLES = {
    "first_name": "First name", "last_name": "Last name", "organisation": "Organisation", "type": "Account type",
    "position": "Position", "stage": "Stage", "source": "Source", "segment": "Segment", "email": "E-mail",
    "number:mobile": "Mobile", "number:landline": "Landline", "number:work": "Work phone", "number:main": "Main phone",
    "number:home_fax": "Home fax", "number:office_fax": "Office fax", "number:other": "Other phone", "address1": "Address",
    "address2": "Address 2", "postcode": "Postcode", "city": "City", "province": "Province", "country": "Country", "tags": "Tags",
    "managers": "Managers", "note": "Note",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Styles:
    """Which columns, what they are called, and what fields of one's own mean: field ids by key, options' names by id."""

    fields: list[str]
    titles: list[str]
    custom: dict[str, tuple[int, str]]
    options: dict[int, str]

    def row(self, contact: Contact, managers: list[str]) -> list[str]:
        """Return a loaded contact's cells, in the order of the fields."""
        return [self._value(contact, field, managers) for field in self.fields]

    def _value(self, contact: Contact, field: str, managers: list[str]) -> str:
        if field.startswith("number:"):
            return "; ".join(_number(each) for each in contact.numbers if f"number:{each.type}" == field)
        if field.startswith("custom:"):
            return self._answer(contact, field.removeprefix("custom:"))
        if field == "organisation":
            return contact.organisation.name if contact.organisation else ""
        if field in rows.CHOSEN:
            entry = getattr(contact, field)
            return entry.name if entry else ""
        if field == "tags":
            return "; ".join(each.name for each in contact.tags)
        return "; ".join(managers) if field == "managers" else str(getattr(contact, field))

    def _answer(self, contact: Contact, key: str) -> str:
        field_id, kind = self.custom[key]
        values: list[CustomValue] = [each for each in contact.custom if each.field_id == field_id]
        return "; ".join(self._said(each, kind) for each in values)

    def _said(self, value: CustomValue, kind: str) -> str:
        if kind in ("choice", "choices"):
            return self.options.get(value.option_id, "")
        if kind == "yes_no":
            return "yes" if value.number else "no"
        if kind == "number" and value.number is not None:
            return str(int(value.number)) if value.number.is_integer() else repr(value.number)
        return value.day.isoformat() if kind == "date" and value.day else value.text


def _number(number: Number) -> str:
    """Return a number as it is read again: E.164 where valid, with the extension as typed."""
    if number.e164 is None:
        return number.raw
    extension = number.raw.rpartition("ext")[2].strip(" .:") if "ext" in number.raw else ""
    return f"{number.e164} ext. {extension}" if extension.isdigit() else number.e164


async def styles(uow: UnitOfWork, columns: Sequence[str] | None) -> Styles:
    """Return how contacts are written; raises Invalid for a column there is none of."""
    query = select(CustomField).where(CustomField.retired_at.is_(None)).order_by(CustomField.place, CustomField.id)
    own = {f"custom:{each.key}": each for each in await uow.session.scalars(query)}
    options: dict[int, str] = {row.id: row.name for row in await uow.session.execute(select(CustomOption.id, CustomOption.name))}
    fields = list(columns) if columns else [*TITLES, *own]
    unknown = [each for each in fields if each not in TITLES and each not in own]
    if unknown:
        raise Invalid("There is no column {name}.", field="columns", name=unknown[0][:40])
    titles = [TITLES[each] if each in TITLES else own[each].name for each in fields]
    return Styles(fields, titles, {each.key: (each.id, each.kind) for each in own.values()}, options)


def csv_head(titles: list[str], *, excel: bool) -> bytes:
    """Return the first line; `excel`: for a spreadsheet in Polish, with the mark of UTF-8 and semicolons."""
    return ((_MARK if excel else "") + _text([titles], excel)).encode()


def csv_lines(page: Iterable[list[str]], *, excel: bool) -> bytes:
    """Return rows as CSV; what a spreadsheet would run is quoted."""
    return _text(page, excel).encode()


def _text(lines: Iterable[list[str]], excel: bool) -> str:
    written = io.StringIO()
    writer: Any = csv.writer(written, delimiter=";" if excel else ",")
    writer.writerows([quoted(cell) for cell in line] for line in lines)
    return written.getvalue()
