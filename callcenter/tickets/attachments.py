"""Files attached to a ticket: who sees the ticket sees them (files.store them first, then attach here)."""

from sqlalchemy import func, select

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, NotFound, NotPermitted
from callcenter.files import service as files
from callcenter.files.models import File
from callcenter.tickets import log, rows, views
from callcenter.tickets.forms import TicketFileOut
from callcenter.tickets.models import TicketFile
from callcenter.users.service import audit

MOST = 50  # files of one ticket
LARGEST = files.LARGEST


async def attach(uow: UnitOfWork, ticket_id: int, file_id: int) -> TicketFileOut:
    """Attach a file one has stored; raises NotFound for somebody else's, or one that is attached already."""
    ticket = await rows.held(uow, ticket_id)
    count = select(func.count()).select_from(TicketFile).where(TicketFile.ticket_id == ticket.id)
    if (await uow.session.scalar(count) or 0) >= MOST:
        raise Conflict("A ticket has at most {most} attachments.", most=MOST)
    file = await files.attach(uow, file_id)
    uow.session.add(TicketFile(ticket_id=ticket.id, file_id=file.id, user_id=uow.actor.user_id, at=uow.now))
    ticket.updated_at = uow.now
    log.write(uow, ticket, "file", name=file.name)
    audit(uow, "ticket.file_attached", "ticket", ticket.id, file_id=file.id, name=file.name)
    log.tell(uow, ticket)
    await uow.session.flush()
    return (await views.files(uow, ticket.id))[-1]


async def detach(uow: UnitOfWork, ticket_id: int, file_id: int) -> None:
    """Take a file away for good: who attached it, and supervisors."""
    ticket = await rows.held(uow, ticket_id)
    attached = await _attached(uow, ticket_id, file_id)
    if attached.user_id != uow.actor.user_id and not uow.actor.may(Role.SUPERVISOR):
        raise NotPermitted("Only who attached a file, or a supervisor, may take it away.")
    file = await files.get(uow, file_id)
    await uow.session.delete(attached)
    await uow.session.flush()
    await files.remove(uow, file_id)
    ticket.updated_at = uow.now
    log.write(uow, ticket, "file", name=file.name, gone=True)
    audit(uow, "ticket.file_removed", "ticket", ticket.id, file_id=file_id, name=file.name)
    log.tell(uow, ticket)


async def file_of(uow: UnitOfWork, ticket_id: int, file_id: int) -> File:
    """Return a file of a ticket one may see, to be read with files.content; raises NotFound."""
    await rows.seen(uow, ticket_id)
    await _attached(uow, ticket_id, file_id)
    return await files.get(uow, file_id)


async def _attached(uow: UnitOfWork, ticket_id: int, file_id: int) -> TicketFile:
    found = await uow.session.get(TicketFile, file_id)
    if found is None or found.ticket_id != ticket_id:
        raise NotFound("There is no such file.")
    return found
