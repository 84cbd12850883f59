"""Exports of contacts started from a page or the API: written in the background, fetched while they are kept."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from callcenter.actor import Actor
from callcenter.contacts import exports
from callcenter.contacts.exports import FORMATS, Format, Wanted
from callcenter.contacts.import_models import Export
from callcenter.db import Database
from callcenter.errors import Conflict
from callcenter.files import service as files


async def start(
    request: Request, actor: Actor, wanted: Wanted, kind: Format, columns: Sequence[str] | None = None, filter_said: str = ""
) -> Export:
    """Begin an export (ids, a query of Contact, or None for all one may see); it goes on in the background."""
    database: Database = request.app.state.database
    async with database.unit_of_work(actor) as uow:
        made = await exports.begin(uow, kind, exports.said(wanted, columns, filter_said))
    work = exports.export(database, actor, wanted, columns, kind, filter_said=filter_said, export_id=made.id)
    request.app.state.imports.start(made.id, work)
    return made


async def download(request: Request, actor: Actor, export_id: int) -> Response:
    """Send the file of one's own export; raises Conflict while it is written."""
    database: Database = request.app.state.database
    async with database.reading(actor) as uow:
        found = await exports.get_export(uow, export_id)
        if found.file_id is None:
            raise Conflict("The file is not written yet.")
        file = await files.get(uow, found.file_id)
    headers = {
        "content-disposition": f'attachment; filename="{file.name}"',
        "content-length": str(file.size),
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    return StreamingResponse(files.content(database, file.id), media_type=FORMATS[found.format][1], headers=headers)


async def one(request: Request, actor: Actor, contact_id: int, kind: Format) -> Response:
    """Send one contact at once, and note that."""
    database: Database = request.app.state.database
    async with database.unit_of_work(actor) as uow:
        await exports.note_one(uow, contact_id, kind)
    content = exports.pieces(database, actor, [contact_id], None, kind)
    headers = {
        "content-disposition": f'attachment; filename="contact-{contact_id}.{FORMATS[kind][0]}"',
        "cache-control": "no-store",
    }
    return StreamingResponse(content, media_type=FORMATS[kind][1], headers=headers)
