"""What becomes of the tickets of a person who is forgotten: what they say goes, that there were so many stays."""

from sqlalchemy import delete, select

from callcenter.db import UnitOfWork
from callcenter.files import service as files
from callcenter.tickets import log, reminding, rows
from callcenter.tickets.models import FAR, Ticket, TicketComment, TicketEntry, TicketFile


async def empty(uow: UnitOfWork, contact_id: int, title: str) -> None:
    """Let a contact's tickets be nobody's and say nothing but `title`: no text, comment, attachment, history or due time."""
    query = select(Ticket).where(Ticket.contact_id == contact_id).order_by(Ticket.id).with_for_update()
    for ticket in list(await uow.session.scalars(query)):
        attached = list(await uow.session.scalars(select(TicketFile.file_id).where(TicketFile.ticket_id == ticket.id)))
        for table in (TicketComment, TicketEntry, TicketFile):
            await uow.session.execute(delete(table).where(table.ticket_id == ticket.id))
        for file_id in attached:
            await files.remove(uow, file_id)
        ticket.title, ticket.description, ticket.contact_id = title, "", None
        ticket.due_at, ticket.sort_at = None, FAR
        ticket.version, ticket.updated_at = ticket.version + 1, uow.now
        await rows.write_terms(uow, ticket)
        await reminding.forget(uow, ticket.id)
        log.tell(uow, ticket)
    await uow.session.flush()
