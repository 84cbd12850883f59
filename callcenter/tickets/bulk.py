"""Changing many tickets at once (S20): those that can change do, and of each other one it is said why not.

A few at a time in a transaction of their own, so that calls need not wait for the whole.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence

from callcenter.actor import Actor, Role
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.tickets import moving, rows, service
from callcenter.tickets.forms import TicketBulkReport, TicketRefused
from callcenter.tickets.models import Ticket, TicketState
from callcenter.users.models import User

MOST = 1000
STEP = 50  # tickets in one transaction

Change = Callable[[UnitOfWork, list[Ticket]], Awaitable[Callable[[Ticket], Awaitable[None]]]]


async def set_state(database: Database, actor: Actor, ids: Sequence[int], state_id: int) -> TicketBulkReport:
    """Put tickets into a state, where their kinds and states allow it; raises Invalid for a state that is not there."""
    async with database.reading(actor) as uow:
        if await uow.session.get(TicketState, state_id) is None:
            raise Invalid("There is no such state.", field="state_id")

    async def prepare(uow: UnitOfWork, tickets: list[Ticket]) -> Callable[[Ticket], Awaitable[None]]:
        rules = await moving.rules_for(uow, tickets)

        async def change(ticket: Ticket) -> None:
            wanted = rules.states.get(state_id)
            if wanted is None:
                raise Conflict("There is no such state.")
            if refusal := rules.refusal(ticket, wanted):
                raise refusal
            await moving.put(uow, ticket, wanted, rules)

        return change

    return await _change(database, actor, ids, prepare)


async def assign(database: Database, actor: Actor, ids: Sequence[int], user_id: int | None) -> TicketBulkReport:
    """Give tickets to a person, or to nobody; raises Invalid for a person who takes none."""
    async with database.reading(actor) as uow:
        if user_id is not None:
            await rows.assignable(uow, user_id)

    async def prepare(uow: UnitOfWork, _tickets: list[Ticket]) -> Callable[[Ticket], Awaitable[None]]:
        user: User | None = None if user_id is None else await rows.assignable(uow, user_id)

        async def change(ticket: Ticket) -> None:
            await service.give(uow, ticket, user)

        return change

    return await _change(database, actor, ids, prepare)


async def set_due(database: Database, actor: Actor, ids: Sequence[int], due_at: dt.datetime | None) -> TicketBulkReport:
    """Let tickets be due at a time, or at none; raises Invalid for a time that is over."""
    async with database.reading(actor) as uow:
        due_at = service.check_due(due_at, uow.now)

    async def prepare(uow: UnitOfWork, _tickets: list[Ticket]) -> Callable[[Ticket], Awaitable[None]]:
        async def change(ticket: Ticket) -> None:
            await service.set_due(uow, ticket, due_at)

        return change

    return await _change(database, actor, ids, prepare)


async def _change(database: Database, actor: Actor, ids: Sequence[int], prepare: Change) -> TicketBulkReport:
    """Change the tickets, each once, in the order given; a refusal changes nothing of its ticket."""
    actor.require(Role.CONSULTANT)
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        raise Invalid("Select at least one ticket.", field="ids")
    if len(wanted) > MOST:
        raise Invalid("At most {most} tickets at once.", field="ids", most=MOST)
    report = TicketBulkReport()
    for at in range(0, len(wanted), STEP):
        part = wanted[at : at + STEP]
        async with database.unit_of_work(actor) as uow:
            held = {each.id: each for each in await rows.held_all(uow, part)}
            change = await prepare(uow, list(held.values()))
            changed: list[int] = []
            refused: list[TicketRefused] = []
            for ticket_id in part:
                if (refusal := await _try(change, held.get(ticket_id))) is None:
                    changed.append(ticket_id)
                else:
                    refused.append(_refused(ticket_id, held.get(ticket_id), refusal))
        report.changed += changed
        report.refused += refused
    return report


async def _try(change: Callable[[Ticket], Awaitable[None]], ticket: Ticket | None) -> CallCenterError | None:
    """Change a ticket; returns why it was refused. Changes check everything before they write anything."""
    if ticket is None:
        return Conflict(rows.MISSING)
    try:
        await change(ticket)
    except (Conflict, Invalid) as refused:
        return refused
    return None


def _refused(ticket_id: int, ticket: Ticket | None, refusal: CallCenterError) -> TicketRefused:
    values = {name: str(value) for name, value in refusal.values.items()}
    return TicketRefused(id=ticket_id, title=ticket.title if ticket else "", sentence=refusal.sentence, values=values)
