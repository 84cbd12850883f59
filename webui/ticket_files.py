"""A ticket's attachments as they come and go: multipart in, always to be saved out. The page and the API share it."""

from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from callcenter.actor import Actor
from callcenter.errors import Invalid
from callcenter.files import service as files
from callcenter.tickets import attachments, rows
from callcenter.tickets.forms import TicketFileOut

_CHUNK = 64 << 10


async def upload(request: Request, actor: Actor, ticket_id: int, form: FormData) -> TicketFileOut:
    """Store the form's `file` and attach it; raises Invalid (field file) for none, an empty or too large one."""
    database = request.app.state.database
    try:
        sent = form.get("file")
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise Invalid("Choose a file to attach.", field="file")
        async with database.reading(actor) as uow:
            await rows.seen(uow, ticket_id)  # before 25 MB are written for nothing
        stored = await files.store(database, actor, sent.filename, _chunks(sent), attachments.LARGEST)
    finally:
        await form.close()
    async with database.unit_of_work(actor) as uow:
        return await attachments.attach(uow, ticket_id, stored.id)


async def _chunks(sent: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await sent.read(_CHUNK):
        yield chunk


async def download(request: Request, actor: Actor, ticket_id: int, file_id: int) -> Response:
    """Return an attachment for the browser to save: never shown as a page of ours."""
    database = request.app.state.database
    async with database.reading(actor) as uow:
        file = await attachments.file_of(uow, ticket_id, file_id)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        "content-length": str(file.size),
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }
    return StreamingResponse(files.content(database, file_id), media_type=file.media_type, headers=headers)
