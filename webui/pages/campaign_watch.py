"""A campaign as it is dialled now, for supervisors: its live page with the stop button, and every recorded decision."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from callcenter.actor import Actor, Role
from callcenter.campaigns import decisions, pacing_words, service
from callcenter.errors import CallCenterError, Conflict
from webui import views
from webui.boards import Boards
from webui.pages import campaign_frame, fields

REASONS = (
    *("one_each", "paced", "power", "preview", "nobody", "no_room", "trouble", "budget_spent", "agentless"),
    *pacing_words.STOPPED,
)


async def watch(request: Request) -> Response:
    """Show the campaign live."""
    return await _show(request, views.signed_in(request, Role.SUPERVISOR))


async def live(request: Request) -> Response:
    """Give the live part anew; it is the same for everybody who may see it."""
    views.signed_in(request, Role.SUPERVISOR)
    return HTMLResponse(await _boards(request).drawn(fields.path_id(request)), headers={"vary": "Cookie, Accept-Language"})


async def stop(request: Request) -> Response:
    """Begin no further call from now on; what rings may ring."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    refused: Conflict | None = None
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await service.pause(uow, campaign_id)
    except Conflict as error:
        refused = error
    _boards(request).forget(campaign_id)
    return await _show(request, actor, refused) if refused else views.redirect(f"/campaigns/{campaign_id}/watch")


async def _show(request: Request, actor: Actor, refused: CallCenterError | None = None) -> Response:
    campaign = await campaign_frame.read(request, actor, fields.path_id(request))
    drawn = await _boards(request).drawn(campaign.id)
    return await campaign_frame.page(request, "campaigns/watch.html", "watch", campaign, refused, live=drawn)


def _boards(request: Request) -> Boards:
    found: Boards = request.app.state.live.boards
    return found


async def decided(request: Request) -> Response:
    """Show the recorded decisions, the latest first."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    campaign = await campaign_frame.read(request, actor, campaign_id)
    return await campaign_frame.page(
        request, "campaigns/decisions.html", "watch", campaign, reasons=REASONS, **await _page(request, actor, campaign_id)
    )


async def more_decided(request: Request) -> Response:
    """Give more rows of them."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    return await views.render(request, "campaigns/decisions_rows.html", **await _page(request, actor, campaign_id))


async def _page(request: Request, actor: Actor, campaign_id: int) -> dict[str, Any]:
    why, before = fields.query_text(request, "why", 30), fields.query_id(request, "before") or 0
    async with request.app.state.database.reading(actor) as uow:
        found = await decisions.list_decisions(uow, campaign_id, before=before, why=why)
    asked = {"why": why} if why else {}
    more = f"/campaigns/{campaign_id}/watch/decisions/rows?{urlencode(asked | {'before': found.next})}" if found.next else ""
    return {"decisions": found.items, "more": more, "why": why}


_ONE = "/campaigns/{id:int}/watch"
ROUTES = [
    Route(_ONE, watch, methods=["GET"]),
    Route(f"{_ONE}/live", live, methods=["GET"]),
    Route(f"{_ONE}/stop", stop, methods=["POST"]),
    Route(f"{_ONE}/decisions", decided, methods=["GET"]),
    Route(f"{_ONE}/decisions/rows", more_decided, methods=["GET"]),
]
