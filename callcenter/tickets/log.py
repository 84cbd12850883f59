"""What is kept and told of a ticket: its history, the customer's timeline, messages to those it concerns."""

from typing import Any

from callcenter.contacts import timeline
from callcenter.contacts.visibility import blind, sees_all, viewers
from callcenter.db import UnitOfWork
from callcenter.events import LONGEST_LINE, Notice
from callcenter.plain import plain
from callcenter.tickets.events import TicketChanged
from callcenter.tickets.models import Ticket, TicketEntry

KIND = "ticket"  # of timeline entries
_SHOWN = 60  # characters of a title in a notice


def write(uow: UnitOfWork, ticket: Ticket, kind: str, **data: Any) -> None:
    """Add a line to a stored ticket's history on behalf of the actor; the kinds: models.TicketEntry."""
    line = {name: plain(value) for name, value in data.items()}
    uow.write_line(
        TicketEntry, ticket_id=ticket.id, at=uow.now, user_id=uow.actor.user_id, kind=kind, version=ticket.version, data=line
    )


async def on_timeline(
    uow: UnitOfWork,
    ticket: Ticket,
    event: str,
    text: str,
    account: tuple[int | None, int | None] | None = None,
    **data: Any,
) -> None:
    """Write a line on the timeline of the ticket's contact or organisation, if it has one (`account`: of another pair of ids).

    `event`: created, assigned, unassigned, state, closed, comment. `text` says it in English for who cannot draw `data`. It
    stays where it was written when the ticket becomes somebody else's.
    """
    contact_id, organisation_id = account or (ticket.contact_id, ticket.organisation_id)
    if contact_id is None and organisation_id is None:
        return
    about = {"ticket_id": ticket.id, "event": event, "title": ticket.title, **data}
    if ticket.call_id is not None and event in ("created", "assigned"):
        about["call_id"] = ticket.call_id
    await timeline.add_entry(
        uow,
        contact_id=contact_id,
        organisation_id=None if contact_id is not None else organisation_id,
        kind=KIND,
        text=text,
        at=uow.now,
        user_id=uow.actor.user_id,
        data={name: plain(value) for name, value in about.items()},
    )


def tell(uow: UnitOfWork, ticket: Ticket, *also: int | None, gone: bool = False) -> None:
    """Tell those a ticket concerns (whose it is, who wrote it, who acts) and `also` that it changed."""
    concerned = {ticket.assignee_id, ticket.created_by, uow.actor.user_id, *also}
    recipients = sorted(each for each in concerned if each is not None)
    message = TicketChanged(ticket_id=ticket.id, state_id=ticket.state_id, version=ticket.version, gone=gone)
    uow.emit(message, recipients)


def tell_given(uow: UnitOfWork, ticket: Ticket) -> None:
    """Tell the assignee that a ticket is theirs now; nothing about what they took themselves."""
    if ticket.assignee_id in (None, uow.actor.user_id):
        return
    notice = Notice(
        level="info",
        sentence="{name} gave you the ticket {ticket}.",
        values={"name": uow.actor.name, "ticket": label(ticket)},
        link=f"/tickets/{ticket.id}",
    )
    uow.emit(notice, [ticket.assignee_id])


async def tell_commented(uow: UnitOfWork, ticket: Ticket) -> None:
    """Tell the assignee that somebody else commented on their ticket; nothing to who may no longer see it."""
    if ticket.assignee_id in (None, uow.actor.user_id) or not await assignee_sees(uow, ticket):
        return
    notice = Notice(
        level="info",
        sentence="{name} commented on your ticket {ticket}.",
        values={"name": uow.actor.name, "ticket": label(ticket)},
        link=f"/tickets/{ticket.id}",
    )
    uow.emit(notice, [ticket.assignee_id])


async def assignee_sees(uow: UnitOfWork, ticket: Ticket) -> bool:
    """Tell whether the assignee may (still) see whose ticket it is: their account roles may have been narrowed since."""
    if ticket.assignee_id is None:
        return False
    told = [ticket.assignee_id]
    if ticket.of_account and ticket.contact_id is None and ticket.organisation_id is None:  # whose it was is gone
        return all(sees_all(each) for each in await viewers(uow, told))
    return not await blind(uow, told, ticket.contact_id, ticket.organisation_id)


def label(ticket: Ticket) -> str:
    """Return a ticket as a sentence names it: #1042 and the beginning of its title."""
    title = ticket.title if len(ticket.title) <= _SHOWN else ticket.title[: _SHOWN - 1] + "…"
    return f"#{ticket.id} {title}"


def beginning(text: str) -> str:
    """Return the beginning of a text as a timeline holds it."""
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…"
