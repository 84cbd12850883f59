"""The calendar of phone meetings: everybody's days beside each other for supervisors, one's own for a consultant."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.projects import service as projects
from webui import views


async def show(request: Request) -> Response:
    """Show the frame; the page's script reads the days asked for (`?date=`, `?view=`, `?project=`) from the API."""
    actor = views.signed_in(request)
    everybody = actor.may(Role.SUPERVISOR)
    async with request.app.state.database.reading(actor) as uow:
        known = await projects.list_projects(uow) if everybody else []
    return await views.render(
        request, "calendar/show.html", everybody=everybody, projects=[(each.id, each.name) for each in known]
    )


ROUTES = [Route("/meetings/calendar", show, methods=["GET"])]
