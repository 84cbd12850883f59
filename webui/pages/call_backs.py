"""Missed calls that somebody owns until they are done."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.calls import service as calls
from webui import views
from webui.pages import fields


async def listing(request: Request) -> Response:
    """Show the open call-backs: one's own and free ones, or all for a supervisor; `?state=done` shows those done."""
    actor = views.signed_in(request)
    every = request.query_params.get("all") == "1" and actor.may(Role.SUPERVISOR)
    state = "done" if request.query_params.get("state") == "done" else "open"
    async with request.app.state.database.reading(actor) as uow:
        found = await calls.call_backs(uow, mine=not every, state=state)
    return await views.render(request, "call_backs.html", call_backs=found, every=every, state=state)


async def take(request: Request) -> Response:
    """Make a call-back one's own."""
    actor = views.signed_in(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await calls.take_call_back(uow, fields.path_id(request))
    return views.redirect("/call-backs")


async def done(request: Request) -> Response:
    """Close a call-back with a note."""
    actor = views.signed_in(request)
    form = await views.form(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await calls.finish_call_back(uow, fields.path_id(request), fields.text(form, "note"))
    return views.redirect("/call-backs")


ROUTES = [
    Route("/call-backs", listing, methods=["GET"]),
    Route("/call-backs/{id:int}/take", take, methods=["POST"]),
    Route("/call-backs/{id:int}/done", done, methods=["POST"]),
]
