"""A contact's tab with its tickets (S18, S19): one made here is not assigned by that alone; existing ones are, one at a time."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.tickets import service as tickets
from callcenter.tickets import settings
from callcenter.tickets.forms import TicketAccountChange
from callcenter.tickets.service import BelongsToAnother
from webui import views
from webui.pages import fields, ticket_filters
from webui.pages.contact_frame import frame

_PICKED_FROM = 20  # tickets in a page of the picker


async def show(request: Request) -> Response:
    """Show the tickets of a contact; with `assign=1` the picker of existing ones."""
    return await _show(request)


async def _show(request: Request, refused: CallCenterError | None = None, form: FormData | None = None) -> Response:
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    picking = request.query_params.get("assign") == "1" or refused is not None
    chosen = ticket_filters.read(request, limit=_PICKED_FROM)
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, contact_id, "tickets")
        context |= {"own": await tickets.of_contact(uow, contact_id), "ready": (await settings.get_settings(uow)).ready}
        if picking:
            page = await tickets.list_tickets(uow, chosen.filter)
            context |= await ticket_filters.choices(uow, chosen) | {"found": page.items, "query": chosen.query}
            context["more"] = f"/contacts/{contact_id}/tickets?assign=1&{chosen.query}&after={page.next}" if page.next else ""
    asked = isinstance(refused, BelongsToAnother)
    return await views.render(
        request,
        "contacts/tickets.html",
        refused.status if refused else 200,
        picking=picking,
        made=fields.query_id(request, "made"),
        picked=fields.text(form, "ticket_id") if form else str(fields.query_id(request, "made") or ""),
        asked=asked,
        whose=refused.whose if isinstance(refused, BelongsToAnother) else "",
        error=views.translate(request, refused) if refused and not asked else "",
        **context,
    )


async def assign(request: Request) -> Response:
    """Assign the picked ticket, exactly one, to the contact; another contact's only once that was said."""
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    try:
        ticket_id = _picked(form)
        async with request.app.state.database.unit_of_work(actor) as uow:
            await tickets.set_account(uow, ticket_id, TicketAccountChange(contact_id=contact_id, move=fields.flag(form, "move")))
    except (Invalid, Conflict) as error:
        return await _show(request, error, form)
    return views.redirect(f"/contacts/{contact_id}/tickets")


def _picked(form: FormData) -> int:
    """Return the one ticket chosen; raises Invalid for none, and for several."""
    ticket_id = fields.whole(form, "ticket_id")
    if not ticket_id or len(fields.texts(form, "ticket_id")) > 1:
        raise Invalid("Choose exactly one ticket.", field="ticket_id")
    return ticket_id


async def unassign(request: Request) -> Response:
    """Let a ticket of the contact be nobody's again."""
    actor, contact_id, ticket_id = views.signed_in(request), fields.path_id(request), fields.path_id(request, "ticket")
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            if (await tickets.get(uow, ticket_id)).contact_id == contact_id:
                await tickets.set_account(uow, ticket_id, TicketAccountChange())
    except (Invalid, Conflict) as error:
        return await _show(request, error)
    return views.redirect(f"/contacts/{contact_id}/tickets")


async def back(request: Request) -> Response:
    """Lead from the address a form was sent to back to the tab."""
    views.signed_in(request)
    return views.redirect(f"/contacts/{fields.path_id(request)}/tickets")


ROUTES = [
    Route("/contacts/{id:int}/tickets", show, methods=["GET"]),
    Route("/contacts/{id:int}/tickets", assign, methods=["POST"]),
    Route("/contacts/{id:int}/tickets/{ticket:int}/unassign", unassign, methods=["POST"]),
    Route("/contacts/{id:int}/tickets/{ticket:int}/unassign", back, methods=["GET"]),
]
