"""Operations: how fast pop-ups are, what lives in the switch, its counters, what e-mails wait, for administrators."""

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter import clock
from callcenter.actor import Role
from callcenter.calls import service as calls
from callcenter.calls import spending
from callcenter.errors import Unavailable
from callcenter.messages import service as messages
from callcenter.phone import ReadSnapshot, Snapshot
from callcenter.trunks import service as trunks
from webui import views

_SPANS = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1), "week": dt.timedelta(days=7)}


async def operations(request: Request) -> Response:
    """Show the page."""
    return await _show(request, "operations.html")


async def figures(request: Request) -> Response:
    """Give the figures anew."""
    return await _show(request, "operations_figures.html")


async def _show(request: Request, template: str) -> Response:
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    span = request.query_params.get("span", "day")
    span = span if span in _SPANS else "day"
    async with request.app.state.database.reading(actor) as uow:
        latency = await calls.latency(uow, clock.now() - _SPANS[span])
        known = await trunks.list_trunks(uow)
        mails = await messages.counts(uow)
        costs = {each.trunk_id: each for each in await spending.today(uow)}
    snapshot: Snapshot | None = None
    try:
        reply = await request.app.state.phone.ask(ReadSnapshot())
        snapshot = reply if isinstance(reply, Snapshot) else None
    except Unavailable:
        snapshot = None  # the page says that the switch is away
    found = {"latency": latency, "snapshot": snapshot, "trunks": known, "mails": mails, "spending": costs, "span": span}
    return await views.render(request, template, **found)


ROUTES = [
    Route("/operations", operations, methods=["GET"]),
    Route("/operations/figures", figures, methods=["GET"]),
]
