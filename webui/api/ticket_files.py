"""Files attached to tickets: sent, read, taken away."""

from starlette.requests import Request

from callcenter.actor import Actor
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.tickets import attachments
from callcenter.tickets.forms import TicketFileOut
from webui import ticket_files
from webui.imports import received
from webui.openapi import operation, routes_of
from webui.validation import Id


@operation("POST", "/tickets/{ticket_id}/files", "attachToTicket", upload=True, dry_run=False, errors=(Conflict,), status=201)
async def attach_to_ticket(request: Request, actor: Actor, ticket_id: Id) -> TicketFileOut:
    """Attach a file of at most 25 MB, sent as `file`. Its type is what its first octets say."""
    return await ticket_files.upload(request, actor, ticket_id, await received(request))


@operation("GET", "/tickets/{ticket_id}/files/{file_id}", "readTicketFile", media_type="application/octet-stream")
async def read_ticket_file(request: Request, actor: Actor, ticket_id: Id, file_id: Id) -> bytes:
    """An attachment, to be saved."""
    return await ticket_files.download(request, actor, ticket_id, file_id)  # type: ignore[return-value]  # sent as it is


@operation("DELETE", "/tickets/{ticket_id}/files/{file_id}", "detachFromTicket")
async def detach_from_ticket(uow: UnitOfWork, ticket_id: Id, file_id: Id) -> None:
    """Take an attachment away for good: who attached it, and supervisors."""
    await attachments.detach(uow, ticket_id, file_id)


ROUTES = routes_of(__name__)
