"""Imports started from a page or the API: the upload goes to a file, the work goes on in the background.

Contacts here, phone meetings in meeting_imports.py.
"""

import asyncio
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from callcenter.actor import Actor, Role
from callcenter.contacts import import_queries, imports
from callcenter.contacts.import_queries import Say
from callcenter.contacts.models import Import
from callcenter.db import Database
from callcenter.errors import CallCenterError, Conflict, Invalid, fill
from callcenter.meetings import imports as meeting_imports
from webui import views
from webui.errors import WrongType

log = structlog.get_logger(__name__)

RESUME_SECONDS = 60.0


class ImportWork:
    """The imports this process works on; what a stop or a crash interrupted is taken up again by `watch`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, import_id: int, work: Coroutine[Any, Any, object], file: Path | None = None) -> None:
        """Let `work` go on in the background; `file` is deleted when it is over.

        Two at a time on one import are no harm: each batch locks it and looks at its state first.
        """
        task = asyncio.create_task(self._run(import_id, work, file), name=f"import {import_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, import_id: int, work: Coroutine[Any, Any, object], file: Path | None) -> None:
        try:
            await work
        except CallCenterError as error:
            log.info("import.refused", import_id=import_id, reason=str(error))
        except Exception:  # nobody waits for this task, so the log must have it
            log.exception("import.crashed", import_id=import_id)
        finally:
            if file is not None:
                await asyncio.to_thread(file.unlink, missing_ok=True)

    async def watch(self, database: Database) -> None:
        """Take up imports nobody works on any more, at start and every minute, until cancelled."""
        while True:
            try:
                await imports.resume_all(database)
                await meeting_imports.resume_all(database)
            except (SQLAlchemyError, CallCenterError) as error:  # the next round may do better
                log.warning("import.not_resumed", reason=str(error) or type(error).__name__)
            await asyncio.sleep(RESUME_SECONDS)

    async def close(self) -> None:
        """Stop all work before the process stops."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def received(request: Request) -> FormData:
    """Return the form a file is sent with to the API; raises WrongType for any other."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise WrongType("Send the file as multipart/form-data.")
    return await views.form(request)


async def upload(request: Request, actor: Actor, form: FormData) -> Import:
    """Start the import of the form's `file` (`dry_run`: "true" or "on" checks only); returns it as it begins.

    Raises Invalid when there is no file. The page follows it with `import_queries.get_import`.
    """
    try:
        return await _upload(request, actor, form)
    finally:
        await form.close()


async def _upload(request: Request, actor: Actor, form: FormData) -> Import:
    actor.require(Role.SUPERVISOR)
    sent, dry_run = sent_file(form)
    database: Database = request.app.state.database
    settings = request.app.state.settings
    async with database.unit_of_work(actor) as uow:
        made = await imports.create(uow, file_name(sent), dry_run)
    file = settings.data_dir / "imports" / f"{made.id}.csv"
    await asyncio.to_thread(keep, sent, file)
    work = imports.run_import(database, actor, file, made.file_name, dry_run, region=settings.region, import_id=made.id)
    request.app.state.imports.start(made.id, work, file)
    return made


def sent_file(form: FormData) -> tuple[UploadFile, bool]:
    """Return the file of a form, and whether it is only to be checked; raises Invalid."""
    sent = form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise Invalid("Choose a file to import.", field="file")
    wish = form.get("dry_run", "false")
    if wish not in {"true", "false", "on", ""}:
        raise Invalid("Yes or no is needed here.", field="dry_run")
    return sent, wish in {"true", "on"}


def file_name(sent: UploadFile) -> str:
    """Return the name a file was sent under."""
    return (sent.filename or "").replace("\x00", "")


def keep(sent: UploadFile, file: Path) -> None:
    """Write an upload to a file nobody else can read."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sent.file.seek(0)
    with file.open("wb") as kept:
        shutil.copyfileobj(sent.file, kept)


async def apply(request: Request, actor: Actor, import_id: int) -> Import:
    """Go on with a checked import (a dry run that looked good); returns it as it stands."""
    found = await _stands(request, actor, import_id)
    if found.state != "checked":
        raise Conflict("This import is {state} now; that cannot be done.", state=found.state)
    request.app.state.imports.start(import_id, imports.apply(request.app.state.database, actor, import_id))
    return found


async def undo(request: Request, actor: Actor, import_id: int) -> Import:
    """Take away all that an import made; returns it as it stands."""
    found = await _stands(request, actor, import_id)
    if found.state not in {"applying", "done", "undoing"}:
        raise Conflict("This import is {state} now; that cannot be done.", state=found.state)
    request.app.state.imports.start(import_id, imports.undo(request.app.state.database, actor, import_id))
    return found


async def rejected(
    request: Request, actor: Actor, import_id: int, say: Say = fill, titles: tuple[str, str] = ("Line", "Reason")
) -> Response:
    """Send the rejected rows as a CSV file, a piece at a time; raises as `import_queries.get_import` before the first."""
    await _stands(request, actor, import_id)
    pieces = import_queries.report(request.app.state.database, actor, import_id, say, titles)
    headers = {"content-disposition": f'attachment; filename="import-{import_id}-rejected.csv"'}
    return StreamingResponse(pieces, media_type="text/csv", headers=headers)


async def _stands(request: Request, actor: Actor, import_id: int) -> Import:
    async with request.app.state.database.reading(actor) as uow:
        return await import_queries.get_import(uow, import_id)
