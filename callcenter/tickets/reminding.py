"""Reminding people of their tickets when these are due, once for each due time."""

from typing import Any

from callcenter import jobs
from callcenter.db import UnitOfWork
from callcenter.events import Notice
from callcenter.tickets import log
from callcenter.tickets.models import Ticket

JOB = "ticket_due"


async def plan(uow: UnitOfWork, ticket: Ticket) -> None:
    """Let the assignee be reminded when the ticket is due, or no more."""
    key = f"{JOB}:{ticket.id}"
    if ticket.due_at is None or ticket.due_at == ticket.reminded_at:
        await jobs.drop(uow, key)
    else:
        await jobs.put(uow, key, JOB, ticket.due_at, ticket_id=ticket.id)


async def forget(uow: UnitOfWork, ticket_id: int) -> None:
    """Remind nobody of a ticket that is gone."""
    await jobs.drop(uow, f"{JOB}:{ticket_id}")


async def remind(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Tell the assignee that their ticket is due (the job); nothing when it is over, later, nobody's, or was told."""
    ticket = await uow.session.get(Ticket, payload["ticket_id"])
    if ticket is None or ticket.ended_at is not None or ticket.due_at is None or ticket.assignee_id is None:
        return
    if ticket.due_at > uow.now or ticket.reminded_at == ticket.due_at:
        return
    ticket.reminded_at = ticket.due_at
    log.write(uow, ticket, "reminder", name=ticket.due_at)
    notice = Notice(
        level="warning",
        sentence="Your ticket {ticket} is due.",
        values={"ticket": log.label(ticket)},
        link=f"/tickets/{ticket.id}",
    )
    if await log.assignee_sees(uow, ticket):
        uow.emit(notice, [ticket.assignee_id])
    log.tell(uow, ticket)
