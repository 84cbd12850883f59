"""Imports started from a page or the API: the upload goes to a file, the work goes on in the background.

Contacts here, phone meetings in meeting_imports.py.
"""

import asyncio
import shutil
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from callcenter.actor import Actor, Role
from callcenter.campaigns import lead_imports
from callcenter.contacts import (
    bulk,
    duplicate_scan,
    exports,
    import_mapping,
    import_preview,
    import_queries,
    import_resuming,
    imports,
)
from callcenter.contacts.import_mapping import Mapping
from callcenter.contacts.import_preview import Look
from callcenter.contacts.import_queries import Say
from callcenter.contacts.models import Import
from callcenter.db import Database
from callcenter.errors import CallCenterError, Conflict, Invalid, fill
from callcenter.meetings import imports as meeting_imports
from webui import views
from webui.contact_bulks import ACTS
from webui.errors import WrongType

log = structlog.get_logger(__name__)

RESUME_SECONDS = 60.0


class ImportWork:
    """The imports this process works on; what a stop or a crash interrupted is taken up again by `watch`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, import_id: int, work: Coroutine[Any, Any, object], file: Path | None = None, keep: bool = False) -> None:
        """Let `work` go on in the background; `file` is deleted when it is over, with `keep` only when nothing is left to do.

        Two at a time on one import are no harm: each batch locks it and looks at its state first.
        """
        task = asyncio.create_task(self._run(import_id, work, file, keep), name=f"import {import_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, import_id: int, work: Coroutine[Any, Any, object], file: Path | None, keep: bool) -> None:
        try:
            done = await work
            if keep and isinstance(done, Import) and done.state in {"checked", "failed"}:
                file = None  # its columns may be given another meaning; `sweep` deletes it
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
                await import_resuming.resume_all(database)
                await meeting_imports.resume_all(database)
                await import_resuming.expire(database)
                await asyncio.to_thread(sweep, database.settings.data_dir / "imports")
                await duplicate_scan.resume(database)
                await exports.resume(database)
                await bulk.resume_all(database, ACTS)
                await lead_imports.resume_all(database)
                await lead_imports.expire(database)
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


async def upload(request: Request, actor: Actor, form: FormData, *, wait: bool = False) -> Import:
    """Start the import of the form's `file` (`dry_run`: "true" or "on" checks only; `mapping`: JSON); returns it as it begins.

    `wait`: keep the file until `begin` says what its columns mean. Raises Invalid when there is no file. The page follows
    it with `import_queries.get_import`.
    """
    try:
        return await _upload(request, actor, form, wait)
    finally:
        await form.close()


async def _upload(request: Request, actor: Actor, form: FormData, wait: bool) -> Import:
    actor.require(Role.SUPERVISOR)
    sent, dry_run = sent_file(form)
    given = form.get("mapping", "")
    mapping = import_mapping.from_json(given) if isinstance(given, str) and given else None
    database: Database = request.app.state.database
    async with database.unit_of_work(actor) as uow:
        made = await imports.create(uow, file_name(sent), dry_run, mapping, wait=wait)
    file = kept_file(request, made.id)
    await asyncio.to_thread(keep, sent, file)
    if not wait:
        work = imports.run_import(database, actor, file, made.file_name, dry_run, import_id=made.id)
        request.app.state.imports.start(made.id, work, file)
    return made


def kept_file(request: Request, import_id: int) -> Path:
    """Return where an import's file is kept."""
    folder: Path = request.app.state.settings.data_dir / "imports"
    return folder / f"{import_id}.file"


async def look(request: Request, actor: Actor, import_id: int, mapping: Mapping) -> Look:
    """Look at the beginning of a file that waits; raises Conflict when it is gone, Invalid when it cannot be read."""
    await _stands(request, actor, import_id)
    file = kept_file(request, import_id)
    if not file.is_file():
        raise Conflict("The file is not kept any more. Upload it again.")
    return await import_preview.look(request.app.state.database, actor, file, mapping)


async def begin(request: Request, actor: Actor, import_id: int, mapping: Mapping, dry_run: bool) -> Import:
    """Read a file that waits as the mapping says, and remember the mapping for files with these headings."""
    looked = await look(request, actor, import_id, mapping)
    if looked.problem is not None:
        raise looked.problem
    database: Database = request.app.state.database
    file = kept_file(request, import_id)
    begun = await imports.begin(database, actor, import_id, looked.mapping, dry_run)
    async with database.unit_of_work(actor) as uow:
        await import_preview.remember(uow, looked.table.header, looked.mapping)
    work = imports.run_import(database, actor, file, begun.file_name, dry_run, import_id=import_id)
    request.app.state.imports.start(import_id, work, file, keep=True)
    return begun


def sweep(folder: Path) -> None:
    """Delete files nobody came back to within a day."""
    for file in folder.glob("*.file"):
        if time.time() - file.stat().st_mtime > import_resuming.WAITS.total_seconds():
            file.unlink(missing_ok=True)


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
