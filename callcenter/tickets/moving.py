"""Putting a ticket into another state, where its kind allows that: of two at once the second is told."""

from collections.abc import Mapping
from dataclasses import dataclass

from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.tickets import changes, log, rows, settings, views
from callcenter.tickets.forms import TicketOut, TicketStateChange
from callcenter.tickets.models import Ticket, TicketState
from callcenter.users.service import audit


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for tickets looked at together: all states by id, and the steps (kind, from, to) that are allowed."""

    states: Mapping[int, TicketState]
    steps: frozenset[tuple[int, int, int]]

    def refusal(self, ticket: Ticket, wanted: TicketState) -> Conflict | None:
        """Return why a ticket cannot be put into a state, None when it can."""
        now = self.states[ticket.state_id]
        if now.id == wanted.id:
            return Conflict("This ticket is in the state {state} already.", state=now.name)
        if wanted.retired_at is not None:
            return Conflict("{state} is retired: no ticket is put into it any more.", state=wanted.name)
        if (ticket.kind_id, now.id, wanted.id) not in self.steps:
            return Conflict("From {before} a ticket of this kind cannot be put into {state}.", before=now.name, state=wanted.name)
        return None


async def rules_for(uow: UnitOfWork, tickets: list[Ticket]) -> Rules:
    """Return the rules that hold for tickets."""
    states = {each.id: each for each in await settings.list_states(uow, retired=True)}
    steps: set[tuple[int, int, int]] = set()
    for kind in await settings.list_kinds(uow, retired=True):
        froms = {each.state_id for each in tickets if each.kind_id == kind.id}
        if froms:
            steps |= {(kind.id, one, other) for one, other in await settings.allowed(uow, kind, froms)}
    return Rules(states, frozenset(steps))


async def set_state(uow: UnitOfWork, ticket_id: int, data: TicketStateChange) -> TicketOut:
    """Put a ticket into a state; raises Conflict when that is not allowed, or when it is no longer in `data.from_id`."""
    ticket = await rows.held(uow, ticket_id)
    rules = await rules_for(uow, [ticket])
    wanted = rules.states.get(data.state_id)
    if wanted is None:
        raise Invalid("There is no such state.", field="state_id")
    if data.from_id is not None and data.from_id != ticket.state_id:
        now = rules.states[ticket.state_id].name
        raise Conflict("Somebody put this ticket into {state} meanwhile. Look again, and choose.", state=now)
    if refusal := rules.refusal(ticket, wanted):
        raise refusal
    await put(uow, ticket, wanted, rules)
    return await views.one(uow, ticket)


async def put(uow: UnitOfWork, ticket: Ticket, wanted: TicketState, rules: Rules) -> None:
    """Put a held ticket into a state the rules allow, and let everybody know."""
    before = rules.states[ticket.state_id]
    ticket.state_id = wanted.id
    if wanted.ends != (ticket.ended_at is not None):
        ticket.ended_at = uow.now if wanted.ends else None
    changes.record(uow, ticket, "state", {"state": [before.name, wanted.name]})
    audit(uow, "ticket.state", "ticket", ticket.id, before=before.name, after=wanted.name)
    event = "closed" if wanted.ends and not before.ends else "state"
    await log.on_timeline(
        uow,
        ticket,
        event,
        f"Ticket {log.label(ticket)}: {before.name} → {wanted.name}",
        state=wanted.name,
        before=before.name,
        colour=wanted.colour,
    )
    log.tell(uow, ticket)
