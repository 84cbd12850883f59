"""What people change of a ticket: what changed in words, and what somebody else changed meanwhile."""

from typing import Any

from sqlalchemy import select

from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.plain import plain
from callcenter.tickets import log
from callcenter.tickets.forms import TicketOut
from callcenter.tickets.models import Ticket, TicketEntry
from callcenter.users.models import User

FIELDS = ("title", "description", "kind", "priority", "assignee", "due_at")  # of TicketOut, filled in with the form


class ChangedMeanwhile(Conflict):
    """Somebody saved the ticket since it was read. `by`: their names; `changes`: {field: [before, after]} as in its history."""

    def __init__(self, by: str, changes: dict[str, list[Any]]) -> None:
        super().__init__("{name} changed this ticket meanwhile. Look at what is there now, and save again.", name=by or "?")
        self.by = by
        self.changes = changes


def differences(before: TicketOut, after: TicketOut) -> dict[str, list[Any]]:
    """Return {field: [before, after]} of what the form holds."""
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in FIELDS}
    return {name: [plain(old), plain(new)] for name, (old, new) in pairs.items() if old != new}


def record(uow: UnitOfWork, ticket: Ticket, kind: str, changes: dict[str, list[Any]]) -> None:
    """Write into the history that a person changed a ticket; its version grows."""
    ticket.version += 1
    ticket.updated_at = uow.now
    log.write(uow, ticket, kind, changes=changes)


async def refuse_stale(uow: UnitOfWork, ticket: Ticket, version: int) -> None:
    """Raise ChangedMeanwhile when what the form holds was saved since `version` was read; a state is no part of it."""
    if ticket.version == version:
        return
    query = select(TicketEntry, User.name).outerjoin(User, User.id == TicketEntry.user_id)
    query = query.where(TicketEntry.ticket_id == ticket.id, TicketEntry.version > version).order_by(TicketEntry.id)
    names: dict[str, None] = {}
    changes: dict[str, list[Any]] = {}
    for entry, name in await uow.session.execute(query):
        for field, (old, new) in entry.data.get("changes", {}).items():
            if field in FIELDS:
                names[name or "?"] = None
                changes[field] = [changes[field][0] if field in changes else old, new]
    changes = {field: pair for field, pair in changes.items() if pair[0] != pair[1]}
    if changes:
        raise ChangedMeanwhile(", ".join(names), changes)
