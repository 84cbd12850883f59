"""Where an administrator keeps the kinds and states of tickets, and says which state may follow which."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.tickets import settings, usual
from callcenter.tickets.forms import TicketKindInput, TicketStateInput, TicketStepsInput
from callcenter.tickets.models import COLOURS, EVERY_KIND, TicketKind, TicketState
from webui import views
from webui.i18n import current
from webui.pages import fields

_PATH = "/settings/tickets"
_MOST_FIELDS = 3000  # a matrix of fifty states
Act = Callable[[UnitOfWork, FormData], Awaitable[object]]


async def show(request: Request) -> Response:
    """Show kinds, states and steps."""
    return await _show(request)


async def _show(request: Request, refused: CallCenterError | None = None, typed: FormData | None = None) -> Response:
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    kind_id = fields.query_id(request, "kind") or EVERY_KIND
    async with request.app.state.database.reading(actor) as uow:
        found = await settings.get_settings(uow)
    kind = next((each for each in found.kinds if each.id == kind_id), None)
    own = kind is not None and kind.steps is not None
    steps = kind.steps if kind is not None and kind.steps is not None else found.steps
    return await views.render(
        request,
        "tickets/settings.html",
        refused.status if refused else 200,
        found=found,
        kind=kind,
        own=own,
        steps={(each.from_id, each.to_id) for each in steps},
        colours=COLOURS,
        typed={name: value for name, value in (typed or {}).items() if isinstance(value, str)},
        error=views.translate(request, refused) if refused else "",
        said=request.query_params.get("said") == "1",
    )


async def _act(request: Request, act: Act, back: str = _PATH) -> Response:
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await act(uow, form)
    except (Invalid, Conflict) as error:
        return await _show(request, error, form)
    return views.redirect(f"{back}{'&' if '?' in back else '?'}said=1")


async def use_usual(request: Request) -> Response:
    """Declare the usual kinds and states in the language of the page."""
    return await _act(request, lambda uow, _form: usual.put(uow, current().language))


async def kinds(request: Request) -> Response:
    """Add a kind, or change one: rename, retire, bring back, delete, move."""
    return await _act(request, _kinds)


async def _kinds(uow: UnitOfWork, form: FormData) -> None:
    kind_id, what = fields.whole(form, "id"), fields.text(form, "what")
    if kind_id is None:
        await settings.add_kind(uow, _kind(form))
    elif what in ("up", "down"):
        await settings.move(uow, TicketKind, kind_id, what == "up")
    elif what in ("retire", "return"):
        await settings.retire_kind(uow, kind_id, what == "retire")
    elif what == "delete":
        await settings.delete_kind(uow, kind_id)
    else:
        await settings.update_kind(uow, kind_id, _kind(form))


def _kind(form: FormData) -> TicketKindInput:
    return fields.validated(TicketKindInput, {"name": fields.text(form, "name"), "start_id": fields.whole(form, "start_id")})


async def states(request: Request) -> Response:
    """Add a state, or change one."""
    return await _act(request, _states)


async def _states(uow: UnitOfWork, form: FormData) -> None:
    state_id, what = fields.whole(form, "id"), fields.text(form, "what")
    if state_id is None:
        await settings.add_state(uow, _state(form))
    elif what in ("up", "down"):
        await settings.move(uow, TicketState, state_id, what == "up")
    elif what in ("retire", "return"):
        await settings.retire_state(uow, state_id, what == "retire")
    elif what == "start":
        await settings.start_in(uow, state_id)
    elif what == "delete":
        await settings.delete_state(uow, state_id)
    else:
        await settings.update_state(uow, state_id, _state(form))


def _state(form: FormData) -> TicketStateInput:
    given: dict[str, Any] = {"name": fields.text(form, "name"), "ends": fields.flag(form, "ends")}
    return fields.validated(TicketStateInput, given | {"colour": fields.text(form, "colour") or "grey"})


async def steps(request: Request) -> Response:
    """Say which state may follow which, for every kind or for one (`kind` in the address)."""
    kind_id = fields.query_id(request, "kind") or EVERY_KIND
    return await _act(request, lambda uow, form: _steps(uow, kind_id, form), f"{_PATH}?kind={kind_id}" if kind_id else _PATH)


async def _steps(uow: UnitOfWork, kind_id: int, form: FormData) -> None:
    pairs = [each.partition("-") for each in fields.texts(form, "step")]
    if not all(one.isascii() and one.isdigit() and other.isascii() and other.isdigit() for one, _, other in pairs):
        raise NotFound("There is nothing at this address.")
    wanted = [{"from_id": int(one[:10]), "to_id": int(other[:10])} for one, _, other in pairs]
    own = kind_id == EVERY_KIND or fields.text(form, "own") == "1"
    await settings.set_steps(uow, kind_id, fields.validated(TicketStepsInput, {"steps": wanted, "own": own}))


async def back(request: Request) -> Response:
    """Lead from the address a form was sent to back to the page."""
    views.signed_in(request, Role.ADMINISTRATOR)
    return views.redirect(_PATH)


ROUTES = [
    Route(_PATH, show, methods=["GET"]),
    Route(f"{_PATH}/usual", use_usual, methods=["POST"]),
    Route(f"{_PATH}/kinds", kinds, methods=["POST"]),
    Route(f"{_PATH}/states", states, methods=["POST"]),
    Route(f"{_PATH}/steps", steps, methods=["POST"]),
    *(Route(f"{_PATH}/{part}", back, methods=["GET"]) for part in ("usual", "kinds", "states", "steps")),
]
