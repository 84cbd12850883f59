"""Files sent and given out: an upload as a form or as bare octets, and a download no browser opens by itself."""

from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from callcenter.actor import Actor
from callcenter.errors import Invalid
from callcenter.files import service as files
from callcenter.files.models import File
from webui import views
from webui.errors import WrongType

_CHUNK = 64 << 10
_SHOWN = frozenset({"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "audio/wav", "application/zip"})


async def receive(request: Request, actor: Actor, largest: int = files.LARGEST) -> File:
    """Store the file of a request: `file` of a multipart form, or the body itself (application/octet-stream) with `?name=`.

    Raises WrongType for any other body, Invalid (field file) when it is missing, empty or too large.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    database = request.app.state.database
    if kind == "application/octet-stream":
        name = request.query_params.get("name", "")[: 4 * files.LONGEST_NAME].replace("\x00", "")
        return await files.store(database, actor, name, request.stream(), largest)
    if kind != "multipart/form-data":
        raise WrongType("Send the file as multipart/form-data or as application/octet-stream.")
    form = await views.form(request)
    try:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise Invalid("Choose a file.", field="file")
        return await files.store(database, actor, (sent.filename or "").replace("\x00", ""), _parts(sent), largest)
    finally:
        await form.close()


async def _parts(sent: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await sent.read(_CHUNK):
        yield chunk


def download(request: Request, file: File) -> Response:
    """Send a file to be saved; whoever calls this has checked who asks. Its type is what its octets say, text never HTML."""
    kind = file.media_type if file.media_type in _SHOWN else "application/octet-stream"
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "content-length": str(file.size),
        "cache-control": "private, no-store",
    }
    return StreamingResponse(files.content(request.app.state.database, file.id), media_type=kind, headers=headers)
