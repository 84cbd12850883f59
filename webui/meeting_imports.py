"""Imports of phone meetings started from a page or the API; the work goes on in the background (imports.ImportWork)."""

import asyncio

from starlette.datastructures import FormData
from starlette.requests import Request

from callcenter.actor import Actor
from callcenter.db import Database
from callcenter.errors import Conflict
from callcenter.meetings import imports
from callcenter.meetings.models import MeetingImport
from webui import imports as background


async def upload(request: Request, actor: Actor, form: FormData) -> MeetingImport:
    """Start the import of the form's `file` (`dry_run`: "true" or "on" checks only); returns it as it begins.

    Raises Invalid when there is no file. The page follows it with `imports.get_import`.
    """
    try:
        return await _upload(request, actor, form)
    finally:
        await form.close()


async def _upload(request: Request, actor: Actor, form: FormData) -> MeetingImport:
    sent, dry_run = background.sent_file(form)
    database: Database = request.app.state.database
    digest = await asyncio.to_thread(imports.digest_of, sent.file)
    async with database.unit_of_work(actor) as uow:
        made = await imports.create(uow, background.file_name(sent), digest, dry_run)
    file = request.app.state.settings.data_dir / "imports" / f"meetings-{made.id}.csv"
    await asyncio.to_thread(background.keep, sent, file)
    work = imports.run_import(database, actor, file, made.file_name, dry_run, import_id=made.id)
    request.app.state.imports.start(made.id, work, file)
    return made


async def plan(request: Request, actor: Actor, import_id: int) -> MeetingImport:
    """Go on with a checked import: a dry run that looked good, or the same file once more; returns it as it stands."""
    found = await _stands(request, actor, import_id, "checked")
    request.app.state.imports.start(import_id, imports.plan(request.app.state.database, actor, import_id))
    return found


async def undo(request: Request, actor: Actor, import_id: int) -> MeetingImport:
    """Take back what an import planned; returns it as it stands."""
    found = await _stands(request, actor, import_id, "planning", "done", "undoing")
    request.app.state.imports.start(import_id, imports.undo(request.app.state.database, actor, import_id))
    return found


async def _stands(request: Request, actor: Actor, import_id: int, *states: str) -> MeetingImport:
    async with request.app.state.database.reading(actor) as uow:
        found = await imports.get_import(uow, import_id)
    if found.state not in states:
        raise Conflict("This import is {state} now; that cannot be done.", state=found.state)
    return found
