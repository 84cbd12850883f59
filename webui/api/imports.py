"""Importing contacts from CSV, XLSX and vCard: upload, progress, the rejected rows, apply after a dry run, undo."""

import datetime as dt

from pydantic import BaseModel
from starlette.requests import Request

from callcenter.actor import Actor, Role
from callcenter.contacts import import_queries as imports
from callcenter.contacts.models import Import
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from webui import imports as background
from webui.i18n import say
from webui.openapi import operation, routes_of
from webui.validation import Id


class ImportOut(BaseModel):
    """A file on its way in. `state`: mapping, staging, checked, applying, indexing, done, failed, undoing, undone.

    `applied` contacts were made, `updated` filled in, `skipped` rows left out since somebody is there already.
    """

    id: int
    file_name: str
    state: str
    dry_run: bool
    user_id: int | None
    created_at: dt.datetime
    finished_at: dt.datetime | None
    total: int
    accepted: int
    rejected: int
    applied: int
    updated: int
    skipped: int
    notices: int
    error: str


class ImportList(BaseModel):
    """Imports, newest first."""

    items: list[ImportOut]


class NoticeOut(BaseModel):
    """A good row somebody may want to look at."""

    line: int
    sentence: str


class NoticeList(BaseModel):
    """What was noticed about good rows."""

    items: list[NoticeOut]


def _show(found: Import) -> ImportOut:
    shown = ImportOut.model_validate(found, from_attributes=True)
    return shown.model_copy(update={"error": say(found.error, found.error_values)})


@operation("GET", "/imports", "listImports", role=Role.SUPERVISOR)
async def list_imports(uow: UnitOfWork) -> ImportList:
    """The latest imports."""
    return ImportList(items=[_show(each) for each in await imports.list_imports(uow)])


@operation("POST", "/imports", "createImport", role=Role.SUPERVISOR, upload=True, status=202)
async def create_import(request: Request, actor: Actor) -> ImportOut:
    """Upload a CSV, XLSX or vCard file; it is read in the background. Follow it with getImport.

    `mapping`, a form field with JSON, says what the columns mean and what else is wished (the model Mapping: columns,
    encoding, delimiter, sheet, words, duplicates, type, region); without it the headings must be ones we know.
    """
    return _show(await background.upload(request, actor, await background.received(request)))


@operation("GET", "/imports/{import_id}", "getImport", role=Role.SUPERVISOR)
async def get_import(uow: UnitOfWork, import_id: Id) -> ImportOut:
    """How far an import is."""
    return _show(await imports.get_import(uow, import_id))


@operation("GET", "/imports/{import_id}/rejected", "readRejectedRows", role=Role.SUPERVISOR, media_type="text/csv")
async def read_rejected_rows(request: Request, actor: Actor, import_id: Id) -> str:
    """The rejected rows as CSV, with the reason in English in a column of its own; corrected, it can be imported as it is."""
    return await background.rejected(request, actor, import_id)  # type: ignore[return-value]  # sent as it is


@operation("GET", "/imports/{import_id}/notices", "listImportNotices", role=Role.SUPERVISOR)
async def list_import_notices(uow: UnitOfWork, import_id: Id) -> NoticeList:
    """Good rows somebody may want to look at."""
    found = await imports.notices(uow, import_id, say)
    return NoticeList(items=[NoticeOut(line=line, sentence=sentence) for line, sentence in found])


@operation("POST", "/imports/{import_id}/apply", "applyImport", role=Role.SUPERVISOR, errors=(Conflict,), status=202)
async def apply_import(request: Request, actor: Actor, import_id: Id) -> ImportOut:
    """Make contacts of the good rows of a checked import."""
    return _show(await background.apply(request, actor, import_id))


@operation("POST", "/imports/{import_id}/undo", "undoImport", role=Role.SUPERVISOR, errors=(Conflict,), status=202)
async def undo_import(request: Request, actor: Actor, import_id: Id) -> ImportOut:
    """Take away all that an import made."""
    return _show(await background.undo(request, actor, import_id))


ROUTES = routes_of(__name__)
