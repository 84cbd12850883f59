"""The kinds and states tickets may have, and which state may follow which: read by everybody, kept by administrators."""

from typing import Literal

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.tickets import settings, usual
from callcenter.tickets.forms import TicketKindInput, TicketSettingsOut, TicketStateInput, TicketStepsInput
from callcenter.tickets.models import EVERY_KIND, TicketKind, TicketState
from webui.openapi import operation, routes_of
from webui.validation import Id, In

_ADMIN = Role.ADMINISTRATOR
_PATH = "/ticket-settings"


class TicketUsualIn(In):
    """In which language."""

    language: Literal["en", "pl"] = "en"


class TicketRetiredIn(In):
    """Whether it is offered no more."""

    retired: bool


class TicketMoveIn(In):
    """Change places with the one before, or after."""

    up: bool


@operation("GET", _PATH, "getTicketSettings")
async def get_ticket_settings(uow: UnitOfWork) -> TicketSettingsOut:
    """Kinds, states, and which state may follow which."""
    return await settings.get_settings(uow)


@operation("POST", f"{_PATH}/usual", "useUsualTicketStates", role=_ADMIN, errors=(Conflict,))
async def use_usual_ticket_states(uow: UnitOfWork, body: TicketUsualIn) -> TicketSettingsOut:
    """Declare the usual kinds and states where there are none."""
    await usual.put(uow, body.language)
    return await settings.get_settings(uow)


@operation("PUT", f"{_PATH}/steps", "setTicketSteps", role=_ADMIN)
async def set_ticket_steps(uow: UnitOfWork, body: TicketStepsInput) -> TicketSettingsOut:
    """Say which state may follow which, for kinds without steps of their own."""
    await settings.set_steps(uow, EVERY_KIND, body.model_copy(update={"own": True}))
    return await settings.get_settings(uow)


@operation("POST", f"{_PATH}/kinds", "addTicketKind", role=_ADMIN, errors=(Conflict,), status=201)
async def add_ticket_kind(uow: UnitOfWork, body: TicketKindInput) -> TicketSettingsOut:
    """Add a kind."""
    await settings.add_kind(uow, body)
    return await settings.get_settings(uow)


@operation("PUT", f"{_PATH}/kinds/{{kind_id}}", "updateTicketKind", role=_ADMIN, errors=(Conflict,))
async def update_ticket_kind(uow: UnitOfWork, kind_id: Id, body: TicketKindInput) -> TicketSettingsOut:
    """Change a kind."""
    await settings.update_kind(uow, kind_id, body)
    return await settings.get_settings(uow)


@operation("PUT", f"{_PATH}/kinds/{{kind_id}}/steps", "setTicketStepsOfKind", role=_ADMIN)
async def set_ticket_steps_of_kind(uow: UnitOfWork, kind_id: Id, body: TicketStepsInput) -> TicketSettingsOut:
    """Give a kind steps of its own, or (`own` false) those of every kind."""
    await settings.set_steps(uow, kind_id, body)
    return await settings.get_settings(uow)


@operation("PUT", f"{_PATH}/kinds/{{kind_id}}/retired", "retireTicketKind", role=_ADMIN)
async def retire_ticket_kind(uow: UnitOfWork, kind_id: Id, body: TicketRetiredIn) -> TicketSettingsOut:
    """Offer a kind no more, or again."""
    await settings.retire_kind(uow, kind_id, body.retired)
    return await settings.get_settings(uow)


@operation("POST", f"{_PATH}/kinds/{{kind_id}}/move", "moveTicketKind", role=_ADMIN)
async def move_ticket_kind(uow: UnitOfWork, kind_id: Id, body: TicketMoveIn) -> TicketSettingsOut:
    """Change the order."""
    await settings.move(uow, TicketKind, kind_id, body.up)
    return await settings.get_settings(uow)


@operation("DELETE", f"{_PATH}/kinds/{{kind_id}}", "deleteTicketKind", role=_ADMIN, errors=(Conflict,))
async def delete_ticket_kind(uow: UnitOfWork, kind_id: Id) -> None:
    """Delete a kind no ticket is of."""
    await settings.delete_kind(uow, kind_id)


@operation("POST", f"{_PATH}/states", "addTicketState", role=_ADMIN, errors=(Conflict,), status=201)
async def add_ticket_state(uow: UnitOfWork, body: TicketStateInput) -> TicketSettingsOut:
    """Add a state."""
    await settings.add_state(uow, body)
    return await settings.get_settings(uow)


@operation("PUT", f"{_PATH}/states/{{state_id}}", "updateTicketState", role=_ADMIN, errors=(Conflict,))
async def update_ticket_state(uow: UnitOfWork, state_id: Id, body: TicketStateInput) -> TicketSettingsOut:
    """Change a state; when it begins to end tickets those in it are over, when it ceases they are open again."""
    await settings.update_state(uow, state_id, body)
    return await settings.get_settings(uow)


@operation("PUT", f"{_PATH}/states/{{state_id}}/start", "startTicketsInState", role=_ADMIN, errors=(Invalid,))
async def start_tickets_in_state(uow: UnitOfWork, state_id: Id) -> TicketSettingsOut:
    """Let new tickets begin in this state."""
    await settings.start_in(uow, state_id)
    return await settings.get_settings(uow)


@operation("PUT", f"{_PATH}/states/{{state_id}}/retired", "retireTicketState", role=_ADMIN, errors=(Conflict,))
async def retire_ticket_state(uow: UnitOfWork, state_id: Id, body: TicketRetiredIn) -> TicketSettingsOut:
    """Let nothing move into a state any more, or again."""
    await settings.retire_state(uow, state_id, body.retired)
    return await settings.get_settings(uow)


@operation("POST", f"{_PATH}/states/{{state_id}}/move", "moveTicketState", role=_ADMIN)
async def move_ticket_state(uow: UnitOfWork, state_id: Id, body: TicketMoveIn) -> TicketSettingsOut:
    """Change the order."""
    await settings.move(uow, TicketState, state_id, body.up)
    return await settings.get_settings(uow)


@operation("DELETE", f"{_PATH}/states/{{state_id}}", "deleteTicketState", role=_ADMIN, errors=(Conflict,))
async def delete_ticket_state(uow: UnitOfWork, state_id: Id) -> None:
    """Delete a state no ticket is in."""
    await settings.delete_state(uow, state_id)


ROUTES = routes_of(__name__)
