"""Files to be attached: uploaded first, then named by what they belong to."""

from pydantic import BaseModel
from starlette.requests import Request

from callcenter.actor import Actor
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.files import service as files
from webui import files as sent
from webui.openapi import operation, routes_of
from webui.validation import Id


class FileOut(BaseModel):
    """A file that was uploaded. `media_type` is what its first octets say, `size` its octets."""

    id: int
    name: str
    media_type: str
    size: int


@operation("POST", "/files", "uploadFile", upload=True, dry_run=False, status=201)
async def upload_file(request: Request, actor: Actor) -> FileOut:
    """Upload a file of at most 25 MB, as a form or (application/octet-stream, `?name=`) as it is.

    Until something refers to it, it is its uploader's alone; after a day without that it is deleted.
    """
    return FileOut.model_validate(await sent.receive(request, actor), from_attributes=True)


@operation("DELETE", "/files/{file_id}", "deleteFile", errors=(NotFound,))
async def delete_file(uow: UnitOfWork, file_id: Id) -> None:
    """Delete a file of one's own that nothing refers to yet."""
    await files.attach(uow, file_id)  # one's own, and nobody else's from here on
    await files.remove(uow, file_id)


ROUTES = routes_of(__name__)
