"""Settings of personal data: how long things are kept, and the do-not-call list."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts import suppressions
from callcenter.errors import CallCenterError, Invalid
from callcenter.privacy import service as privacy
from callcenter.privacy.models import RETAINED
from webui import views
from webui.pages import fields


async def show(request: Request) -> Response:
    """Show the rules."""
    return await _show(request)


async def _show(
    request: Request, refused: CallCenterError | None = None, listed: bool | None = None, number: str = ""
) -> Response:
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    async with request.app.state.database.reading(actor) as uow:
        rules = await privacy.rules(uow)
    return await views.render(
        request,
        "privacy.html",
        refused.status if refused else 200,
        rules=rules,
        listed=listed,
        number=number,
        error=views.translate(request, refused) if refused else "",
        fault=getattr(refused, "field", None) or "",
    )


async def keep(request: Request) -> Response:
    """Set how long things are kept, all or none."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    form = await views.form(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            for kind in RETAINED:
                await privacy.set_rule(uow, kind, fields.whole(form, kind))
    except Invalid as error:
        return await _show(request, error)
    return views.redirect("/privacy")


async def listing(request: Request) -> Response:
    """Put a number on the do-not-call list, take it off, or say whether it is there."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    form = await views.form(request)
    number, what = fields.text(form, "number")[:40], fields.text(form, "what")
    region = request.app.state.settings.region
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            if what in ("add", "remove"):
                await suppressions.do_not_call(uow, number, region, listed=what == "add")
            listed = await suppressions.is_listed(uow, number, region)
    except Invalid as error:
        return await _show(request, error, number=number)
    return await _show(request, listed=listed, number=number)


ROUTES = [
    Route("/privacy", show, methods=["GET"]),
    Route("/privacy/retention", keep, methods=["POST"]),
    Route("/privacy/do-not-call", listing, methods=["POST"]),
]
