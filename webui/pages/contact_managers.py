"""The tab Managers of a contact: who of the company manages it, ticked in a list (S16)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.contacts import managers
from callcenter.contacts import service as contacts
from callcenter.contacts.visibility import hidden
from callcenter.errors import Invalid
from webui import views
from webui.pages import fields, manager_form
from webui.pages.contact_frame import frame


async def show(request: Request) -> Response:
    """Show the tab."""
    return await _show(request)


async def _show(request: Request, refused: Invalid | None = None) -> Response:
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, contact_id, "managers")
        found = await managers.of_contact(uow, contact_id)
        organisation = context["contact"].organisation
        firm = organisation.id if organisation else None
        seen = firm is not None and not (await hidden(uow, organisations=[firm])).covers(None, firm)
        above = await managers.of_organisation(uow, firm) if firm is not None and seen else None
    return await manager_form.draw(request, "contacts/managers.html", found, refused, above=above, **context)


async def save(request: Request) -> Response:
    """Make those who are ticked the managers."""
    try:
        return await manager_form.save(request, "/contacts", managers.set_of_contact, contacts.is_visible)
    except Invalid as error:
        return await _show(request, error)


ROUTES = [
    Route("/contacts/{id:int}/managers", show, methods=["GET"]),
    Route("/contacts/{id:int}/managers", save, methods=["POST"]),
]
