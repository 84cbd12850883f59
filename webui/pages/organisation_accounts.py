"""Tabs of an organisation: the tickets of it and of its contacts, and who manages it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.contacts import managers, organisations
from callcenter.errors import Invalid
from callcenter.tickets import service as tickets
from webui import views
from webui.pages import fields, manager_form
from webui.pages.organisation_frame import frame


async def of_tickets(request: Request) -> Response:
    """Show the tickets of the organisation and of its contacts."""
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, organisation_id, "tickets")
        found = await tickets.of_organisation(uow, organisation_id)
    return await views.render(request, "organisations/tickets.html", own=found, **context)


async def of_managers(request: Request) -> Response:
    """Show who manages the organisation, and with it its contacts."""
    return await _managers(request)


async def _managers(request: Request, refused: Invalid | None = None) -> Response:
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, organisation_id, "managers")
        found = await managers.of_organisation(uow, organisation_id)
    return await manager_form.draw(request, "organisations/managers.html", found, refused, **context)


async def save_managers(request: Request) -> Response:
    """Make those who are ticked the managers."""
    try:
        return await manager_form.save(request, "/organisations", managers.set_of_organisation, organisations.is_visible)
    except Invalid as error:
        return await _managers(request, error)


ROUTES = [
    Route("/organisations/{id:int}/tickets", of_tickets, methods=["GET"]),
    Route("/organisations/{id:int}/managers", of_managers, methods=["GET"]),
    Route("/organisations/{id:int}/managers", save_managers, methods=["POST"]),
]
