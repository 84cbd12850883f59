"""The statements of one batch of an import of meetings: rows checked, rows planned, and what is told of it."""

import csv
import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import delete, func, select

from callcenter.contacts import text
from callcenter.contacts.csv_file import Layout
from callcenter.contacts.import_rows import quoted
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Invalid, NotPermitted
from callcenter.events import Notice
from callcenter.meetings import import_cells, import_same, planning, quiet, rules, storing
from callcenter.meetings.forms import MeetingInput
from callcenter.meetings.import_names import Names, number_of
from callcenter.meetings.models import Meeting, MeetingImportRow
from callcenter.projects.fields import ProjectOut
from callcenter.projects.models import Project

Say = Callable[[str, Mapping[str, object]], str]

_COLUMN_OF = {"project_id": "project", "user_id": "user", "contact_id": "contact"}  # of MeetingInput's fields
_MARK = "\ufeff"  # tells spreadsheets that it is UTF-8


def in_english(sentence: str, values: Mapping[str, object]) -> str:
    """Say a sentence as it is written in the source."""
    return sentence.format(**values) if values else sentence


async def check_rows(
    uow: UnitOfWork, import_id: int, names: Names, layout: Layout, batch: Sequence[tuple[int, list[str], str]]
) -> list[dict[str, Any]]:
    """Return rows as they are kept: what they mean, the meeting that stands already, or why none can be, and in which column."""
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
            "meeting_id": None,
        }
        try:
            if unreadable:
                raise Invalid(unreadable)
            said = await _Said.read(uow, names, import_cells.read(layout, cells))
            meeting_id = await said.planned_already(uow, import_id)
            if meeting_id is not None:
                row |= {"state": "already", "cells": [], "meeting_id": meeting_id}
            else:
                meant = await said.meant(uow, names)
                kept.append(await planning.settle(uow, meant))
                row["data"] = meant.model_dump(mode="json")
        except CallCenterError as error:
            row |= _rejected(error)
        found.append(row)
    return found


@dataclass(frozen=True, slots=True)
class _Said:
    """What a row says, with the project, the contact and the times it means."""

    cells: dict[str, str]
    project: ProjectOut
    contact: Contact | None
    from_at: dt.datetime
    to_at: dt.datetime | None

    @classmethod
    async def read(cls, uow: UnitOfWork, names: Names, cells: dict[str, str]) -> Self:
        """Look up what the cells name; raises Invalid with the column at fault."""
        project = await names.project(uow, cells["project"])
        contact = await names.contact(uow, cells["contact"], project.region)
        return cls(cells, project, contact, *import_cells.window(cells["from_at"], cells["to_at"], ZoneInfo(uow.actor.time_zone)))

    async def planned_already(self, uow: UnitOfWork, import_id: int) -> int | None:
        """Return the meeting that stands for the row; asked before its number, which an import may have given a second one."""
        return await import_same.planned_already(
            uow,
            import_id,
            project_id=self.project.id,
            region=self.project.region,
            number=self.cells["number"],
            contact_id=self.contact.id if self.contact else None,
            from_at=rules.nearest(self.from_at),
            to_at=None if self.to_at is None else rules.nearest(self.to_at),
            name=" ".join(self.cells["name"].split()),
        )

    async def meant(self, uow: UnitOfWork, names: Names) -> MeetingInput:
        """Return the meeting the row means; raises Invalid with the column at fault."""
        said = self.cells
        try:
            return MeetingInput.model_validate(
                {
                    "name": said["name"],
                    "number": number_of(self.contact, said["number"]),
                    "mode": import_cells.mode(said["mode"]),
                    "from_at": self.from_at,
                    "to_at": self.to_at,
                    "information": said["information"],
                    "project_id": self.project.id,
                    "user_id": await names.user(uow, said["user"]),
                    "contact_id": self.contact.id if self.contact else None,
                }
            )
        except ValidationError as error:
            raise Invalid("A cell of this row is too long.", field=str(error.errors()[0]["loc"][0])) from error


def _rejected(error: CallCenterError) -> dict[str, Any]:
    field = getattr(error, "field", None) or ("user" if isinstance(error, NotPermitted) else "")
    values = {name: str(value) for name, value in error.values.items()}
    return {"state": "rejected", "field": _COLUMN_OF.get(field, field), "sentence": error.sentence, "values": values}


class Planned(NamedTuple):
    """What became of a batch of good rows; all 0: none is left."""

    planned: int
    already: int
    rejected: int


async def plan_rows(uow: UnitOfWork, import_id: int, size: int) -> Planned:
    """Plan the next good rows, unless their meetings stand already or they are no longer good.

    What service.plan does, but for what would be shown of each: nobody looks at it here.
    """
    query = select(MeetingImportRow).where(MeetingImportRow.import_id == import_id, MeetingImportRow.state == "good")
    rows = list(await uow.session.scalars(query.order_by(MeetingImportRow.line).limit(size)))
    good: list[tuple[MeetingImportRow, planning.Plan]] = []
    already = 0
    for row in rows:
        try:
            data = MeetingInput.model_validate(row.data)
            row.meeting_id = await _stands(uow, import_id, data)
            if row.meeting_id is None:
                good.append((row, await planning.settle(uow, data)))
            else:
                row.state, row.cells, row.data = "already", [], {}
                already += 1
        except CallCenterError as error:
            for name, value in _rejected(error).items():
                setattr(row, name, value)
            row.data = {}
    if good:
        meetings = await storing.add_all(uow, [wanted for _, wanted in good], keep_number=True)
        for (row, _), meeting in zip(good, meetings, strict=True):
            row.state, row.meeting_id, row.cells, row.data = "planned", meeting.id, [], {}
    quiet.thin_out(uow, assigned=0)  # they hear of all of them at the end
    return Planned(len(good), already, len(rows) - len(good) - already)


async def _stands(uow: UnitOfWork, import_id: int, data: MeetingInput) -> int | None:
    """Return the meeting that came to stand for a good row since it was read: of another file, or of the same once more."""
    project = await uow.session.get(Project, data.project_id)
    if project is None:
        return None
    return await import_same.planned_already(
        uow,
        import_id,
        project_id=data.project_id,
        region=project.region,
        number=data.number,
        contact_id=data.contact_id,
        from_at=rules.nearest(data.from_at),
        to_at=None if data.to_at is None else rules.nearest(data.to_at),
        name=data.name,
    )


async def tell_consultants(uow: UnitOfWork, import_id: int) -> None:
    """Tell those who got meetings by an import how many these are, all at once."""
    count = func.count()
    query = select(Meeting.user_id, count).join(MeetingImportRow, MeetingImportRow.meeting_id == Meeting.id)
    query = query.where(MeetingImportRow.import_id == import_id, MeetingImportRow.state == "planned")
    query = query.where(Meeting.user_id.is_not(None)).group_by(Meeting.user_id)
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
