"""The demo's customers, for the button that lets one of them call."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter import rehearsal
from callcenter.errors import NotFound, Unavailable
from webui import views


async def customers(request: Request) -> Response:
    """Give the demo customers as options; none while the built-in carrier is away."""
    views.signed_in(request)
    settings = request.app.state.settings
    if not settings.demo:
        raise NotFound("There is nothing at this address.")
    try:
        found = await rehearsal.customers(settings)
    except Unavailable:
        found = []
    return await views.render(request, "rehearsal_options.html", customers=found)


ROUTES = [Route("/rehearsal/customers", customers, methods=["GET"])]
