"""The statements of one batch of an import of meetings: rows checked, rows planned, and what is told of it."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import delete, func, select

from callcenter.contacts import text
from callcenter.contacts.csv_file import Layout
from callcenter.contacts.import_rows import quoted
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Invalid, NotPermitted
from callcenter.events import Notice
from callcenter.meetings import import_cells, planning, quiet, storing
from callcenter.meetings.forms import MeetingInput
from callcenter.meetings.import_names import Names, number_of
from callcenter.meetings.models import Meeting, MeetingImportRow

Say = Callable[[str, Mapping[str, object]], str]

_COLUMN_OF = {"project_id": "project", "user_id": "user", "contact_id": "contact"}  # of MeetingInput's fields
_MARK = "\ufeff"  # tells spreadsheets that it is UTF-8


def in_english(sentence: str, values: Mapping[str, object]) -> str:
    """Say a sentence as it is written in the source."""
    return sentence.format(**values) if values else sentence


async def check_rows(
    uow: UnitOfWork, names: Names, layout: Layout, batch: Sequence[tuple[int, list[str], str]]
) -> list[dict[str, Any]]:
    """Return rows as they are kept: what they mean, or why they cannot be planned and in which column."""
    found: list[dict[str, Any]] = []
    kept: list[planning.Plan] = []  # what was read for a row stays in the session for the next ones while somebody holds it
    for line, raw, unreadable in batch:
        cells = [text.clean_lines(cell) for cell in raw]
        row: dict[str, Any] = {
            "line": line,
            "state": "good",
            "cells": cells,
            "data": {},
            "field": "",
            "sentence": "",
            "values": {},
        }
        try:
            if unreadable:
                raise Invalid(unreadable)
            meant = await _meant(uow, names, import_cells.read(layout, cells))
            kept.append(await planning.settle(uow, meant))
            row["data"] = meant.model_dump(mode="json")
        except CallCenterError as error:
            row |= _rejected(error)
        found.append(row)
    return found


async def _meant(uow: UnitOfWork, names: Names, said: dict[str, str]) -> MeetingInput:
    """Return the meeting a row means; raises Invalid with the column at fault."""
    project = await names.project(uow, said["project"])
    contact = await names.contact(uow, said["contact"], project.region)
    from_at, to_at = import_cells.window(said["from_at"], said["to_at"], ZoneInfo(uow.actor.time_zone))
    try:
        return MeetingInput.model_validate(
            {
                "name": said["name"],
                "number": number_of(contact, said["number"]),
                "mode": import_cells.mode(said["mode"]),
                "from_at": from_at,
                "to_at": to_at,
                "information": said["information"],
                "project_id": project.id,
                "user_id": await names.user(uow, said["user"]),
                "contact_id": contact.id if contact else None,
            }
        )
    except ValidationError as error:
        raise Invalid("A cell of this row is too long.", field=str(error.errors()[0]["loc"][0])) from error


def _rejected(error: CallCenterError) -> dict[str, Any]:
    field = getattr(error, "field", None) or ("user" if isinstance(error, NotPermitted) else "")
    values = {name: str(value) for name, value in error.values.items()}
    return {"state": "rejected", "field": _COLUMN_OF.get(field, field), "sentence": error.sentence, "values": values}


async def plan_rows(uow: UnitOfWork, import_id: int, size: int) -> tuple[int, int]:
    """Plan the next good rows; returns how many were planned and how many are no longer good. Both 0: none is left.

    What service.plan does, but for what would be shown of each: nobody looks at it here.
    """
    query = select(MeetingImportRow).where(MeetingImportRow.import_id == import_id, MeetingImportRow.state == "good")
    rows = list(await uow.session.scalars(query.order_by(MeetingImportRow.line).limit(size)))
    planned = 0
    kept: list[planning.Plan] = []  # as in check_rows
    for row in rows:
        try:
            data = MeetingInput.model_validate(row.data)
            wanted = await planning.settle(uow, data)
            kept.append(wanted)
        except CallCenterError as error:
            for name, value in _rejected(error).items():
                setattr(row, name, value)
            row.data = {}
            continue
        meeting = await storing.add(uow, wanted, keep_number=data.keep_number)
        row.state, row.meeting_id, row.cells, row.data = "planned", meeting.id, [], {}
        planned += 1
    quiet.thin_out(uow, assigned=0)  # they hear of all of them at the end
    return planned, len(rows) - planned


async def tell_consultants(uow: UnitOfWork, import_id: int) -> None:
    """Tell those who got meetings by an import how many these are, all at once."""
    count = func.count()
    query = select(Meeting.user_id, count).join(MeetingImportRow, MeetingImportRow.meeting_id == Meeting.id)
    query = query.where(MeetingImportRow.import_id == import_id, Meeting.user_id.is_not(None)).group_by(Meeting.user_id)
    for user_id, number in await uow.session.execute(query):
        if user_id is not None and user_id != uow.actor.user_id:
            sentence = "Phone meetings planned for you from a file: {count}."
            uow.emit(
                Notice(level="info", sentence=sentence, values={"count": str(number)}, link="/meetings?f=1&user=me"), [user_id]
            )


async def forget(uow: UnitOfWork, import_id: int) -> None:
    """Delete the good rows of an import that failed; what customers' data it holds is needed no more."""
    rows = delete(MeetingImportRow).where(MeetingImportRow.import_id == import_id, MeetingImportRow.state == "good")
    await uow.session.execute(rows)


async def rejected_rows(uow: UnitOfWork, import_id: int, limit: int | None = None) -> list[MeetingImportRow]:
    """Return the rejected rows of an import in order; whoever calls has asked whether the actor may see it."""
    query = select(MeetingImportRow).where(MeetingImportRow.import_id == import_id, MeetingImportRow.state == "rejected")
    return list(await uow.session.scalars(query.order_by(MeetingImportRow.line).limit(limit)))


def report(header: Sequence[str], rows: Sequence[tuple[str, MeetingImportRow]], say: Say) -> str:
    """Return rejected rows (with the column at fault) as CSV text; corrected, it can be imported.

    Line, column, reason, and the cells as they were, harmless in a spreadsheet. `say` translates a sentence and fills it in.
    """
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow([say("Line", {}), say("Column", {}), say("Reason", {}), *map(quoted, header)])
    for column, row in rows:
        writer.writerow([row.line, quoted(column), quoted(say(row.sentence, row.values)), *(quoted(cell) for cell in row.cells)])
    return _MARK + written.getvalue()
