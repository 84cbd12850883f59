"""Tickets: the list with its filters and what is done to many at once, and the form of a new one."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.calls import ticketing
from callcenter.calls.service import get_call
from callcenter.contacts import service as contacts
from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.tickets import bulk, rows, settings
from callcenter.tickets import service as tickets
from callcenter.tickets.forms import TicketBulkReport, TicketInput
from callcenter.users import filters
from webui import i18n, views
from webui.pages import fields, ticket_filters, times

PAGE = 50
_FOUND = 8
_LAST_HOUR = "23:59"  # of a due day without an hour
Act = Callable[[Request, list[int], FormData], Awaitable[TicketBulkReport]]


async def listing(request: Request) -> Response:
    """Show the tickets that fit the address."""
    return await _list(request, "tickets/list.html")


async def more(request: Request) -> Response:
    """Give more rows of the list."""
    return await _list(request, "tickets/lines.html")


async def _list(request: Request, template: str) -> Response:
    actor = views.signed_in(request)
    chosen = ticket_filters.read(request, limit=PAGE)
    async with request.app.state.database.reading(actor) as uow:
        page = await tickets.list_tickets(uow, chosen.filter)
        context: dict[str, Any] = {}
        if template == "tickets/list.html":
            context = await ticket_filters.choices(uow, chosen)
            context["ready"] = (await settings.get_settings(uow)).ready
            context["saved_filters"] = await filters.list_filters(uow, "tickets")
    following = f"/tickets/rows?{chosen.query}&after={page.next}" if page.next else ""
    return await views.render(
        request, template, tickets=page.items, more=following, query=chosen.query, tab=_tab(chosen), mine_url=_MINE, **context
    )


_MINE = "/tickets?f=1&open=yes&assignee=me"
_TABS = {
    "open": {"open": "yes"},
    "mine": {"open": "yes", "assignee": "me"},
    "overdue": {"open": "yes", "due": "overdue"},
    "closed": {"open": "no"},
    "all": {},
}


def _tab(chosen: ticket_filters.Chosen) -> str:
    """Return which of the tabs is shown, "" for another choice."""
    given = {name: value for name, value in chosen.given.items() if value and name not in ("f", "sort")}
    return next((name for name, wanted in _TABS.items() if wanted == given), "")


async def set_state(request: Request) -> Response:
    """Put the selected tickets into a state, and say which could not be, and why (S20)."""
    return await _bulk(request, _set_state)


async def _set_state(request: Request, ids: list[int], form: FormData) -> TicketBulkReport:
    state_id = fields.whole(form, "state_id")
    if not state_id:
        raise Invalid("Choose a state.", field="state_id")
    return await bulk.set_state(request.app.state.database, views.signed_in(request), ids, state_id)


async def assign(request: Request) -> Response:
    """Give the selected tickets to somebody, or to nobody."""
    return await _bulk(request, _assign)


async def _assign(request: Request, ids: list[int], form: FormData) -> TicketBulkReport:
    user_id = fields.whole(form, "assignee_id")
    return await bulk.assign(request.app.state.database, views.signed_in(request), ids, user_id or None)


async def set_due(request: Request) -> Response:
    """Let the selected tickets be due at a time, or at none."""
    return await _bulk(request, _set_due)


async def _set_due(request: Request, ids: list[int], form: FormData) -> TicketBulkReport:
    return await bulk.set_due(request.app.state.database, views.signed_in(request), ids, due_of(form))


async def _bulk(request: Request, act: Act) -> Response:
    views.signed_in(request)
    form = await request.form(max_files=0, max_fields=bulk.MOST + 100)
    error, report = "", None
    try:
        report = await act(request, _ids(form), form)
    except (Invalid, Conflict) as refused:
        error = views.translate(request, refused)
    told = [(each.id, each.title, i18n.say(each.sentence, each.values)) for each in report.refused] if report else []
    return await views.render(request, "tickets/report.html", report=report, refused=told, error=error)


def _ids(form: FormData) -> list[int]:
    return [int(each) for each in fields.texts(form, "ids") if each.isascii() and each.isdigit() and len(each) < 10]


def due_of(form: FormData) -> Any:
    """Return the due time of a form, None for none; a day without an hour means its end. Raises Invalid (field due_at)."""
    day, hour = fields.text(form, "due_date"), fields.text(form, "due_time")
    return times.at(day, hour or _LAST_HOUR, "due_at") if day or hour else None


async def new(request: Request) -> Response:
    """Show the form of a new ticket; `from_contact`: whose page it is asked from, where it leads back to (S18); `call`: of it."""
    given = {"assignee_id": "", "priority": "normal", "call_id": fields.query_text(request, "call", 64)}
    return await _form(request, given, fields.query_id(request, "from_contact"))


async def create(request: Request) -> Response:
    """Make the ticket. From a contact's page: go back there to assign it, since making it there does not (S18)."""
    actor = views.signed_in(request)
    form = await views.form(request)
    given, back = typed(form), fields.whole(form, "from_contact")
    try:
        data = fields.validated(TicketInput, values(form) | {"call_id": given["call_id"] or None})
        async with request.app.state.database.unit_of_work(actor) as uow:
            made = await ticketing.create(uow, data)
    except (Invalid, Conflict) as error:
        return await _form(request, given, back, error)
    return views.redirect(
        f"/contacts/{back}/tickets?assign=1&made={made.id}&q=%23{made.id}" if back else f"/tickets/{made.id}?made=1"
    )


def typed(form: FormData) -> dict[str, str]:
    """Return the form as it was typed."""
    names = ("title", "description", "kind_id", "priority", "assignee_id", "due_date", "due_time", "version", "call_id")
    return {name: fields.text(form, name) for name in names}


def values(form: FormData) -> dict[str, Any]:
    """Return the form as the models of a ticket take it; raises Invalid."""
    if not (kind_id := fields.whole(form, "kind_id")):
        raise Invalid("Choose a kind.", field="kind_id")
    return {
        "title": fields.text(form, "title"),
        "description": fields.text(form, "description"),
        "kind_id": kind_id,
        "priority": fields.text(form, "priority"),
        "assignee_id": fields.whole(form, "assignee_id"),
        "due_at": due_of(form),
    }


async def _form(
    request: Request, given: dict[str, str], from_contact: int | None, refused: CallCenterError | None = None
) -> Response:
    async with request.app.state.database.reading(views.signed_in(request)) as uow:
        ready = (await settings.get_settings(uow)).ready
        kinds, people = await settings.list_kinds(uow), await rows.people(uow)
        contact = await rows.contact_of(uow, from_contact) if from_contact else None
        call = await get_call(uow, given["call_id"]) if given.get("call_id") else None
    return await views.render(
        request,
        "tickets/new.html",
        refused.status if refused else 200,
        given=given,
        ready=ready,
        kinds=kinds,
        people=people,
        from_contact=contact,
        call=call,
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "") if refused else "",
    )


async def find_organisations(request: Request) -> Response:
    """Give organisations to choose from, as typed."""
    from_contacts = fields.query_text(request, "organisation_q", 100)
    async with request.app.state.database.reading(views.signed_in(request)) as uow:
        found = await contacts.list_organisations(uow, from_contacts, _FOUND) if from_contacts else []
    return await views.render(request, "tickets/organisations.html", organisations=found, q=from_contacts)


async def find(request: Request) -> Response:
    """Give tickets to choose from for a phone meeting: as typed, the contact's own before; nothing typed: the contact's."""
    actor, q, contact_id = (
        views.signed_in(request),
        fields.query_text(request, "ticket_q", 100),
        fields.query_id(request, "contact_id"),
    )
    async with request.app.state.database.reading(actor) as uow:
        own = await tickets.of_contact(uow, contact_id, _FOUND) if contact_id else []
        found = await tickets.search(uow, q, _FOUND) if q else []
    known = {each.id for each in own}
    matching = [each for each in found if each.id in known] + [each for each in found if each.id not in known]
    shown = matching if q else [each for each in own if each.open]
    return await views.render(request, "tickets/found.html", tickets=shown, own=known, q=q)


ROUTES = [
    Route("/tickets", listing, methods=["GET"]),
    Route("/tickets", create, methods=["POST"]),
    Route("/tickets/rows", more, methods=["GET"]),
    Route("/tickets/new", new, methods=["GET"]),
    Route("/tickets/find", find, methods=["GET"]),
    Route("/tickets/organisations", find_organisations, methods=["GET"]),
    Route("/tickets/state", set_state, methods=["POST"]),
    Route("/tickets/assignee", assign, methods=["POST"]),
    Route("/tickets/due", set_due, methods=["POST"]),
]
