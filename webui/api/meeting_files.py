"""Phone meetings from and to CSV files: import with a dry run and its rejected rows, export of what is filtered."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from callcenter.actor import Actor
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.meetings import exports, import_undo, imports
from callcenter.meetings.models import MeetingImport
from webui import meeting_columns
from webui import meeting_imports as background
from webui.api.meetings import MeetingsWanted
from webui.i18n import say
from webui.imports import received
from webui.openapi import operation, routes_of
from webui.validation import Id


class MeetingImportOut(BaseModel):
    """A file on its way in. `state`: reading, checked, planning, done, failed, undoing, undone.

    `same_as_id`: an import of the same file before; unless all its meetings stand it stays `checked` until
    planPhoneMeetingImport says that it is wanted once more. `already`: rows whose meeting stood before, which are not planned
    twice. Of an undo `undone` were cancelled, `kept` stay since they were dialled or are over. Times without an offset are
    of `time_zone`.
    """

    id: int
    file_name: str
    state: str
    dry_run: bool
    user_id: int | None
    created_at: dt.datetime
    finished_at: dt.datetime | None
    time_zone: str
    total: int
    accepted: int
    rejected: int
    planned: int
    already: int
    undone: int
    kept: int
    same_as_id: int | None
    error: str


class MeetingImportList(BaseModel):
    """Imports, newest first."""

    items: list[MeetingImportOut]


class ImportLineOut(BaseModel):
    """A line of a file and its meeting, null (name and state empty) when you may not see it."""

    line: int
    meeting_id: int | None
    name: str
    state: str


class ImportLineList(BaseModel):
    """Lines in order; for those that follow pass the last one as `after`."""

    items: list[ImportLineOut]


class LinesWanted(BaseModel):
    """Lines whose meetings stood `already`, were `planned`, `undone` or `kept` by an undo; those beyond line `after`."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["already", "planned", "undone", "kept"]
    after: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


def _show(found: MeetingImport) -> MeetingImportOut:
    shown = MeetingImportOut.model_validate(found, from_attributes=True)
    return shown.model_copy(update={"error": say(found.error, found.error_values)})


@operation("POST", "/phone-meetings/import", "importPhoneMeetings", upload=True, status=202)
async def import_phone_meetings(request: Request, actor: Actor) -> MeetingImportOut:
    """Upload a CSV file; its good rows are planned in the background. Follow it with getPhoneMeetingImport.

    Columns, in English or Polish: name, number, mode, from, to, information, project, user (login), contact.
    """
    return _show(await background.upload(request, actor, await received(request)))


@operation("GET", "/phone-meetings/imports", "listPhoneMeetingImports")
async def list_phone_meeting_imports(uow: UnitOfWork) -> MeetingImportList:
    """The latest imports: one's own, of everybody for supervisors."""
    return MeetingImportList(items=[_show(each) for each in await imports.list_imports(uow)])


@operation("GET", "/phone-meetings/imports/{import_id}", "getPhoneMeetingImport")
async def get_phone_meeting_import(uow: UnitOfWork, import_id: Id) -> MeetingImportOut:
    """How far an import is."""
    return _show(await imports.get_import(uow, import_id))


@operation("GET", "/phone-meetings/imports/{import_id}/rejected", "readRejectedPhoneMeetings", media_type="text/csv")
async def read_rejected_phone_meetings(uow: UnitOfWork, import_id: Id) -> str:
    """The rejected rows as CSV, with column and reason; corrected, it can be imported as it is."""
    text = await imports.report(uow, import_id, meeting_columns.say)
    headers = {"content-disposition": f'attachment; filename="meetings-{import_id}-rejected.csv"'}
    return Response(text, media_type="text/csv", headers=headers)  # type: ignore[return-value]  # sent as it is


@operation("POST", "/phone-meetings/imports/{import_id}/plan", "planPhoneMeetingImport", errors=(Conflict,), status=202)
async def plan_phone_meeting_import(request: Request, actor: Actor, import_id: Id) -> MeetingImportOut:
    """Plan the good rows of a checked import, also of a file that was imported before."""
    return _show(await background.plan(request, actor, import_id))


@operation("GET", "/phone-meetings/imports/{import_id}/lines", "listPhoneMeetingImportLines")
async def list_phone_meeting_import_lines(uow: UnitOfWork, import_id: Id, query: LinesWanted) -> ImportLineList:
    """Lines of an import with their meetings: those that stood already, and after an undo those it left."""
    await imports.get_import(uow, import_id)
    found = await import_undo.lines(uow, import_id, query.state, after=query.after, limit=query.limit)
    return ImportLineList(items=[ImportLineOut(**each._asdict()) for each in found])


@operation("POST", "/phone-meetings/imports/{import_id}/undo", "undoPhoneMeetingImport", errors=(Conflict,), status=202)
async def undo_phone_meeting_import(request: Request, actor: Actor, import_id: Id) -> MeetingImportOut:
    """Cancel the meetings an import planned, but for those that were dialled or are over."""
    return _show(await background.undo(request, actor, import_id))


@operation("GET", "/phone-meetings/export", "exportPhoneMeetings", media_type="text/csv")
async def export_phone_meetings(request: Request, actor: Actor, query: MeetingsWanted) -> str:
    """The meetings that fit, as CSV in your language and zone."""
    rows = exports.rows(request.app.state.database, actor, query.filter, meeting_columns.header(), meeting_columns.words())
    headers = {"content-disposition": 'attachment; filename="meetings.csv"'}
    return StreamingResponse(rows, media_type="text/csv", headers=headers)  # type: ignore[return-value]  # sent as it is


ROUTES = routes_of(__name__)
