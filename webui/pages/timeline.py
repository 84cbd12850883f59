"""Parts of a contact's page that are drawn anew by themselves: lines of its timeline, and the tags to choose from."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.contacts import dictionaries, timeline_pages
from callcenter.contacts import service as contacts
from callcenter.contacts.timeline_pages import Of
from webui import timeline_view, views
from webui.pages import fields


async def lines(request: Request) -> Response:
    """Give lines of a contact's timeline: the newest, those before a place, or the newest down to one."""
    contact_id = fields.path_id(request)
    return await lines_of(request, Of(contact_id=contact_id), f"/contacts/{contact_id}/timeline")


async def line(request: Request) -> Response:
    """Give one line anew; nothing when it is not on this timeline any more."""
    contact_id = fields.path_id(request)
    return await line_of(request, Of(contact_id=contact_id), f"/contacts/{contact_id}/timeline")


async def lines_of(request: Request, of: Of, path: str) -> Response:
    """Give lines of a timeline whose lines are read at `path`."""
    actor = views.signed_in(request)
    kinds = timeline_pages.wanted(fields.query_text(request, "kind", 100).split(","))
    before, until = (fields.query_text(request, name, 60) for name in ("before", "until"))
    async with request.app.state.database.reading(actor) as uow:
        found = await timeline_view.view(
            uow,
            of,
            path,
            kinds=kinds,
            before=timeline_pages.place(before) if before else None,
            until=timeline_pages.place(until) if until else None,
            limit=fields.query_id(request, "limit") or timeline_view.PAGE,
        )
    return await views.render(request, "contacts/timeline.html", timeline=found)


async def line_of(request: Request, of: Of, path: str) -> Response:
    """Give one line of such a timeline."""
    actor = views.signed_in(request)
    async with request.app.state.database.reading(actor) as uow:
        found = await timeline_view.single(uow, of, path, fields.path_id(request, "entry"))
    return await views.render(request, "contacts/timeline.html", timeline=found)


async def tags(request: Request) -> Response:
    """Give the tags to choose from; those of the contact first, retired ones too."""
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        contact = await contacts.changeable(uow, contact_id)
        known = await dictionaries.list_entries(uow, "tag")
    own = {each.id for each in contact.tags}
    offered = [*contact.tags, *(each for each in known if each.id not in own)]
    return await views.render(request, "contacts/tags.html", contact=contact, offered=offered, own=own)


ROUTES = [
    Route("/contacts/{id:int}/timeline", lines, methods=["GET"]),
    Route("/contacts/{id:int}/timeline/{entry:int}", line, methods=["GET"]),
    Route("/contacts/{id:int}/tags", tags, methods=["GET"]),
]
