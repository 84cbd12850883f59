"""Reading a file's rows, checking each, and noting who is there already: what an import stages."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import select

from callcenter.contacts import csv_file, duplicates, import_mapping, import_rows, import_steps, suppressions, text
from callcenter.contacts.import_files import Table
from callcenter.contacts.import_known import Known
from callcenter.contacts.import_mapping import Mapping
from callcenter.contacts.models import Organisation
from callcenter.contacts.seen_numbers import SeenNumbers
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid

_NOTICES = 5  # of a row that are kept beside the first
_ALREADY = {"number": import_steps.KNOWN, "email": import_steps.KNOWN_EMAIL, "name": import_steps.KNOWN_NAME}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is read: the table, what its columns mean, what is known, and what was chosen."""

    table: Table
    fields: list[str]
    mapping: Mapping
    known: Known
    region: str

    @property
    def reader(self) -> import_rows.Reader:
        """Return what reads its rows."""
        return import_rows.Reader(self.fields, self.mapping, self.known, self.region, self.table.pictures)


def plan(table: Table, mapping: Mapping, known: Known, region: str) -> Plan:
    """Decide what the columns mean: as the mapping says, else by headings, all of which must be known. Raises Invalid."""
    region = mapping.region or region
    fields = mapping.columns or table.fields or csv_file.known_columns(table.header, known.headings)
    import_mapping.check_columns(fields, table.header)
    custom = {each.removeprefix("custom:") for each in fields if each.startswith("custom:")}
    if missing := sorted(custom - set(known.custom)):
        raise Invalid("There is no field {key}.", field="mapping", key=missing[0])
    return Plan(table, fields, mapping, known, region)


def read_batch(
    read: Iterator[tuple[int, list[str], str]], reader: import_rows.Reader, seen: SeenNumbers, size: int
) -> list[dict[str, Any]]:
    """Read up to `size` rows; `seen` holds each E.164 number and e-mail address of the file with its first line."""
    batch: list[dict[str, Any]] = []
    for line, cells, unreadable in islice(read, size):
        row = blank(line, cells, unreadable)
        picture = reader.pictures.pop(line, None)
        if not unreadable:
            try:
                row["data"], notices = reader.read(cells)
            except Invalid as error:
                refuse(row, error, cells)
            else:
                row["cells"] = cells
                for notice, values in reversed(notices):
                    note(row, notice, values)
                _put_picture(row, picture)
                _note_twins(row, seen, line)
        batch.append(row)
    return batch


def _put_picture(row: dict[str, Any], picture: bytes | Invalid | None) -> None:
    """Put a card's picture into its row, as text; of one that is no good, why. The row is worth having without it."""
    if isinstance(picture, Invalid):
        note(row, picture.sentence, {name: str(value) for name, value in picture.values.items()})
        note(row, import_steps.NO_PICTURE)
        row["data"]["unfit"] = row["notice_values"]["also"][0]
    elif picture is not None:
        row["data"]["picture"] = base64.b64encode(picture).decode()


def blank(line: int, cells: list[str], error: str = "") -> dict[str, Any]:
    """Return a row of which nothing is known yet but what may be wrong with it."""
    kept = {"cells": cells}
    return {"line": line, "data": kept, "error": error, "error_values": {}, "notice": "", "notice_values": {}}


def note(row: dict[str, Any], notice: str, values: dict[str, Any] | None = None) -> None:
    """Put a notice first; what was noticed before stays behind it, but once each (import_queries.said puts them together)."""
    said = ({"notice": row["notice"], "values": row["notice_values"]},) if row["notice"] else ()
    also = [*said, *row["notice_values"].pop("also", ())][:_NOTICES]
    row["notice"], row["notice_values"] = notice, {**(values or {}), **({"also": also} if also else {})}


def refuse(row: dict[str, Any], why: Invalid, cells: list[str]) -> None:
    """Reject a row; its cells are kept, for the report."""
    row["error"], row["notice"], row["notice_values"] = why.sentence, "", {}
    row["error_values"] = {name: text.clean(str(value)) for name, value in why.values.items()}
    row["data"] = {"cells": [text.clean_lines(cell) for cell in cells]}


def _note_twins(row: dict[str, Any], seen: SeenNumbers, line: int) -> None:
    for number in row["data"]["numbers"]:
        if number[3] and seen.first_line(int(number[3]), line) != line and "twin" not in row:
            row["twin"] = number[3]
            note(row, import_steps.TWICE)
    email = row["data"]["plain"].get("email", "")
    if email and seen.first_line_of(email.lower(), line) != line and "twin" not in row:
        row["twin"] = email
        note(row, import_steps.TWICE_EMAIL)


async def compare(uow: UnitOfWork, batch: list[dict[str, Any]], mapping: Mapping, types: tuple[str, ...]) -> None:
    """Note on rows who is there already, and do with them what was chosen; refuse organisations one may not change."""
    good = [row for row in batch if not row["error"]]
    if len(types) == 1:
        await _refuse_foreign(uow, good, types)
        good = [row for row in good if not row["error"]]
    good = await _without_the_erased(uow, good)
    known = await duplicates.known(uow, [row["data"] for row in good])
    for row in good:
        found = known.of(row["data"])
        if found is None and any(number[3] in known.organisations for number in row["data"]["numbers"]):
            note(row, import_steps.KNOWN)
        elif found is not None:
            note(row, _ALREADY[found[1]])
        if found is not None or "twin" in row:
            _decide(row, mapping.duplicates, found[0] if found else None, known.changeable)


async def _without_the_erased(uow: UnitOfWork, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Refuse rows of people who asked to be forgotten: all that is left of them is a token of their number or address."""
    tokens: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        said = [suppressions.number_token(uow, number[3]) for number in row["data"]["numbers"] if number[3]]
        if email := row["data"]["plain"].get("email"):
            said.append(suppressions.email_token(uow, email))
        for token in said:
            tokens.setdefault(token, []).append(row)
    for token in await suppressions.suppressed(uow, tokens, suppressions.ERASED) if tokens else ():
        for row in tokens[token]:
            why = Invalid("This person asked to be forgotten and may not be brought in again.")
            refuse(row, why, row.get("cells", []))
    return [row for row in rows if not row["error"]]


def _decide(row: dict[str, Any], policy: str, contact_id: int | None, changeable: set[int]) -> None:
    twin = row.pop("twin", None)
    if policy == "skip" or (policy == "update" and contact_id is not None and contact_id not in changeable):
        row["skipped"] = True
        row["data"] = {}
        if policy == "update":
            note(row, import_steps.NOT_YOURS)
    elif policy == "update":
        row["data"] |= {"fill": contact_id} if contact_id is not None else {"twin": twin}


async def _refuse_foreign(uow: UnitOfWork, rows: list[dict[str, Any]], types: tuple[str, ...]) -> None:
    """Refuse rows of organisations whose type the importer may not change: their contacts would have that type."""
    names = {row["data"]["organisation_folded"] for row in rows if row["data"].get("organisation_folded")}
    if not names:
        return
    query = select(Organisation.folded).where(Organisation.folded.in_(names), Organisation.type.not_in(types))
    foreign = set(await uow.session.scalars(query))
    for row in rows:
        if row["data"].get("organisation_folded") in foreign:
            refuse(row, Invalid("Your account roles do not allow contacts of this organisation."), row.get("cells", []))


def counts(batch: list[dict[str, Any]]) -> dict[str, int]:
    """Return what a batch adds to an import's counts."""
    return {
        "total": len(batch),
        "rejected": sum(bool(row["error"]) for row in batch),
        "skipped": sum(bool(row.get("skipped")) for row in batch),
        "accepted": sum(not row["error"] and not row.get("skipped") for row in batch),
        "notices": sum(bool(row["notice"]) for row in batch),
    }
