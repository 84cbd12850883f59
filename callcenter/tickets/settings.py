"""The kinds and states tickets may have and which state may follow which: read by everybody, kept by administrators."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from callcenter.actor import Role
from callcenter.contacts import text
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.tickets.forms import (
    TicketKindInput,
    TicketKindOut,
    TicketSettingsOut,
    TicketStateInput,
    TicketStateOut,
    TicketStepPair,
    TicketStepsInput,
)
from callcenter.tickets.models import EVERY_KIND, Ticket, TicketKind, TicketState, TicketStep
from callcenter.users.service import audit

MOST = 50  # kinds, and states: people choose among them


async def get_settings(uow: UnitOfWork) -> TicketSettingsOut:
    """Return kinds and states, retired ones too, and the steps between states."""
    uow.actor.require(Role.CONSULTANT)
    kinds, states = await list_kinds(uow, retired=True), await list_states(uow, retired=True)
    steps: dict[int, list[TicketStepPair]] = {}
    for each in await uow.session.scalars(select(TicketStep).order_by(TicketStep.kind_id, TicketStep.from_id, TicketStep.to_id)):
        steps.setdefault(each.kind_id, []).append(TicketStepPair(from_id=each.from_id, to_id=each.to_id))
    return TicketSettingsOut(
        kinds=[
            TicketKindOut(
                id=each.id,
                name=each.name,
                start_id=each.start_id,
                retired=each.retired_at is not None,
                steps=steps.get(each.id, []) if each.own_steps else None,
            )
            for each in kinds
        ],
        states=[_state_out(each) for each in states],
        steps=steps.get(EVERY_KIND, []),
        ready=any(each.retired_at is None for each in kinds) and any(each.starts for each in states),
    )


async def list_kinds(uow: UnitOfWork, *, retired: bool = False) -> list[TicketKind]:
    """Return the kinds in their order, retired ones too if wanted."""
    query = select(TicketKind).order_by(TicketKind.place, TicketKind.id)
    return list(await uow.session.scalars(query if retired else query.where(TicketKind.retired_at.is_(None))))


async def list_states(uow: UnitOfWork, *, retired: bool = False) -> list[TicketState]:
    """Return the states in their order, retired ones too if wanted."""
    query = select(TicketState).order_by(TicketState.place, TicketState.id)
    return list(await uow.session.scalars(query if retired else query.where(TicketState.retired_at.is_(None))))


async def add_kind(uow: UnitOfWork, data: TicketKindInput) -> TicketKind:
    """Add a kind at the end."""
    uow.actor.require(Role.ADMINISTRATOR)
    folded = await _free_name(uow, TicketKind, data.name)
    kind = TicketKind(name=data.name, folded=folded, place=await _end(uow, TicketKind), retired_at=None)
    kind.start_id = await _start(uow, data.start_id)
    uow.session.add(kind)
    await uow.session.flush()
    audit(uow, "ticket_kind.added", "ticket_kind", kind.id, name=kind.name)
    return kind


async def update_kind(uow: UnitOfWork, kind_id: int, data: TicketKindInput) -> TicketKind:
    """Rename a kind, or let its tickets begin in another state."""
    uow.actor.require(Role.ADMINISTRATOR)
    kind = await kind_of(uow, kind_id)
    kind.folded = await _free_name(uow, TicketKind, data.name, kind.id)
    kind.name, kind.start_id = data.name, await _start(uow, data.start_id)
    audit(uow, "ticket_kind.updated", "ticket_kind", kind.id, name=kind.name, start_id=kind.start_id)
    return kind


async def add_state(uow: UnitOfWork, data: TicketStateInput) -> TicketState:
    """Add a state at the end; the first one that ends nothing is where tickets begin until another is chosen."""
    uow.actor.require(Role.ADMINISTRATOR)
    folded = await _free_name(uow, TicketState, data.name)
    begins = await uow.session.scalar(select(TicketState.id).where(TicketState.starts).limit(1)) is None and not data.ends
    place = await _end(uow, TicketState)
    state = TicketState(name=data.name, folded=folded, place=place, colour=data.colour, ends=data.ends, starts=begins)
    uow.session.add(state)
    await uow.session.flush()
    audit(uow, "ticket_state.added", "ticket_state", state.id, name=state.name, ends=state.ends)
    return state


async def update_state(uow: UnitOfWork, state_id: int, data: TicketStateInput) -> TicketState:
    """Rename, recolour, or let a state end its tickets, or no more: then those in it are open again, or over."""
    uow.actor.require(Role.ADMINISTRATOR)
    state = await state_of(uow, state_id)
    if data.ends and (state.starts or await _begins_a_kind(uow, state.id)):
        raise Conflict(
            "Tickets begin in {state}, so it cannot end them. Let them begin in another state first.", state=state.name
        )
    state.folded = await _free_name(uow, TicketState, data.name, state.id)
    if data.ends != state.ends:
        own = update(Ticket).where(Ticket.state_id == state.id)
        await uow.session.execute(own.values(ended_at=uow.now if data.ends else None))
    state.name, state.colour, state.ends = data.name, data.colour, data.ends
    audit(uow, "ticket_state.updated", "ticket_state", state.id, name=state.name, colour=state.colour, ends=state.ends)
    return state


async def start_in(uow: UnitOfWork, state_id: int) -> None:
    """Let new tickets begin in this state, those of kinds with a first state of their own excepted."""
    uow.actor.require(Role.ADMINISTRATOR)
    await _start(uow, state_id)
    await uow.session.execute(update(TicketState).values(starts=TicketState.id == state_id))
    audit(uow, "ticket_state.starts", "ticket_state", state_id)


async def retire_kind(uow: UnitOfWork, kind_id: int, retired: bool) -> None:
    """Offer a kind no more, or again; its tickets stay as they are."""
    uow.actor.require(Role.ADMINISTRATOR)
    kind = await kind_of(uow, kind_id)
    kind.retired_at = _when(kind.retired_at, retired, uow.now)
    audit(uow, "ticket_kind.retired" if retired else "ticket_kind.brought_back", "ticket_kind", kind_id)


async def retire_state(uow: UnitOfWork, state_id: int, retired: bool) -> None:
    """Let nothing move into a state any more, or again; tickets in it stay there until somebody moves them on."""
    uow.actor.require(Role.ADMINISTRATOR)
    state = await state_of(uow, state_id)
    if retired and (state.starts or await _begins_a_kind(uow, state_id)):
        raise Conflict("Tickets begin in {state}. Let them begin in another state before you retire it.", state=state.name)
    state.retired_at = _when(state.retired_at, retired, uow.now)
    audit(uow, "ticket_state.retired" if retired else "ticket_state.brought_back", "ticket_state", state_id)


async def delete_kind(uow: UnitOfWork, kind_id: int) -> None:
    """Delete a kind no ticket is of; raises Conflict otherwise."""
    uow.actor.require(Role.ADMINISTRATOR)
    kind = await kind_of(uow, kind_id)
    if count := await _count(uow, Ticket.kind_id == kind_id):
        raise Conflict(
            "Tickets are of the kind {kind} ({count}), so it cannot be deleted. Retire it instead.", count=count, kind=kind.name
        )
    await uow.session.execute(delete(TicketStep).where(TicketStep.kind_id == kind_id))
    await uow.session.delete(kind)
    audit(uow, "ticket_kind.deleted", "ticket_kind", kind_id, name=kind.name)


async def delete_state(uow: UnitOfWork, state_id: int) -> None:
    """Delete a state no ticket is in; raises Conflict otherwise, and for one that tickets begin in."""
    uow.actor.require(Role.ADMINISTRATOR)
    state = await state_of(uow, state_id)
    if state.starts or await _begins_a_kind(uow, state_id):
        raise Conflict("Tickets begin in {state}. Let them begin in another state before you delete it.", state=state.name)
    if count := await _count(uow, Ticket.state_id == state_id):
        raise Conflict(
            "Tickets are in the state {state} ({count}), so it cannot be deleted. Retire it instead.",
            count=count,
            state=state.name,
        )
    await uow.session.execute(delete(TicketState).where(TicketState.id == state_id))
    audit(uow, "ticket_state.deleted", "ticket_state", state_id, name=state.name)


async def move(uow: UnitOfWork, of: type[TicketKind] | type[TicketState], row_id: int, up: bool) -> None:
    """Change places with the one before, or after; at the end of the list nothing happens."""
    uow.actor.require(Role.ADMINISTRATOR)
    rows: list[Any] = [*await (list_kinds if of is TicketKind else list_states)(uow, retired=True)]
    at = next((n for n, each in enumerate(rows) if each.id == row_id), None)
    if at is None:
        raise NotFound("There is nothing at this address.")
    other = at - 1 if up else at + 1
    if 0 <= other < len(rows):
        rows[at], rows[other] = rows[other], rows[at]
    for place, each in enumerate(rows, 1):
        each.place = place


async def set_steps(uow: UnitOfWork, kind_id: int, data: TicketStepsInput) -> None:
    """Say which state may follow which, of every kind (EVERY_KIND) or of one; raises Invalid for a state that is not there."""
    uow.actor.require(Role.ADMINISTRATOR)
    if kind_id != EVERY_KIND:
        (await kind_of(uow, kind_id)).own_steps = data.own
    known = set(await uow.session.scalars(select(TicketState.id)))
    pairs = {(each.from_id, each.to_id) for each in data.steps if each.from_id != each.to_id} if data.own else set()
    if not {state for pair in pairs for state in pair} <= known:
        raise Invalid("There is no such state.", field="steps")
    await uow.session.execute(delete(TicketStep).where(TicketStep.kind_id == kind_id))
    if pairs:
        rows = [{"kind_id": kind_id, "from_id": one, "to_id": other} for one, other in sorted(pairs)]
        await uow.session.execute(insert(TicketStep), rows)
    audit(uow, "ticket_steps.set", "ticket_kind", kind_id, steps=len(pairs), own=data.own)


async def kind_of(uow: UnitOfWork, kind_id: int) -> TicketKind:
    """Return a kind; raises NotFound."""
    kind = await uow.session.get(TicketKind, kind_id)
    if kind is None:
        raise NotFound("There is no such kind of tickets.")
    return kind


async def state_of(uow: UnitOfWork, state_id: int) -> TicketState:
    """Return a state; raises NotFound."""
    state = await uow.session.get(TicketState, state_id)
    if state is None:
        raise NotFound("There is no such state.")
    return state


async def first_state(uow: UnitOfWork, kind: TicketKind) -> TicketState:
    """Return the state a new ticket of a kind begins in; raises Conflict while none is declared."""
    if kind.start_id is not None:
        return await state_of(uow, kind.start_id)
    state = await uow.session.scalar(select(TicketState).where(TicketState.starts).limit(1))
    if state is None:
        raise Conflict("Tickets have no states yet. An administrator declares them on the page Kinds and states of tickets.")
    return state


async def allowed(uow: UnitOfWork, kind: TicketKind, from_ids: Iterable[int]) -> set[tuple[int, int]]:
    """Return the steps (from, to) of a kind from these states into states that are not retired."""
    of = kind.id if kind.own_steps else EVERY_KIND
    query = select(TicketStep.from_id, TicketStep.to_id).join(TicketState, TicketState.id == TicketStep.to_id)
    query = query.where(TicketStep.kind_id == of, TicketStep.from_id.in_(list(from_ids)), TicketState.retired_at.is_(None))
    return {(one, other) for one, other in await uow.session.execute(query)}


def _state_out(state: TicketState) -> TicketStateOut:
    retired = state.retired_at is not None
    plain = {name: getattr(state, name) for name in ("id", "name", "colour", "ends", "starts")}
    return TicketStateOut(**plain, retired=retired)


async def _start(uow: UnitOfWork, state_id: int | None) -> int | None:
    """Check that tickets may begin in a state; raises Invalid."""
    if state_id is None:
        return None
    state = await uow.session.get(TicketState, state_id)
    if state is None or state.retired_at is not None:
        raise Invalid("There is no such state.", field="start_id")
    if state.ends:
        raise Invalid("{state} ends a ticket, so none can begin in it.", field="start_id", state=state.name)
    return state.id


async def _begins_a_kind(uow: UnitOfWork, state_id: int) -> bool:
    return await uow.session.scalar(select(TicketKind.id).where(TicketKind.start_id == state_id).limit(1)) is not None


async def _free_name(uow: UnitOfWork, of: type[TicketKind] | type[TicketState], name: str, own_id: int = 0) -> str:
    """Return the name folded; raises Invalid for none, Conflict for one that another has, or too many."""
    folded = text.fold(name)
    if not folded:
        raise Invalid("This needs a name.", field="name")
    if await uow.session.scalar(select(of.id).where(of.folded == folded, of.id != own_id)) is not None:
        raise Conflict("{name} is in the list already.", name=name)
    if not own_id and await uow.session.scalar(select(func.count()).select_from(of)) >= MOST:  # type: ignore[operator]  # a count
        raise Conflict("There are {most} already. Delete or rename one.", most=MOST)
    return folded


async def _end(uow: UnitOfWork, of: type[TicketKind] | type[TicketState]) -> int:
    return (await uow.session.scalar(select(func.max(of.place))) or 0) + 1


async def _count(uow: UnitOfWork, condition: object) -> int:
    return await uow.session.scalar(select(func.count()).select_from(Ticket).where(condition)) or 0  # type: ignore[arg-type]  # a column's


def _when(before: dt.datetime | None, retired: bool, now: dt.datetime) -> dt.datetime | None:
    return (before or now) if retired else None
