"""A day of a campaign rehearsed in a model, for supervisors: what it rests on, the button, and what came of it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.campaigns import rehearsal_plan
from callcenter.campaigns.rehearsing import Plan, ranges
from callcenter.errors import CallCenterError, Conflict, Invalid
from webui import views
from webui.pages import campaign_frame, fields


async def show(request: Request) -> Response:
    """Show what a rehearsal rests on, and the last one."""
    views.signed_in(request, Role.SUPERVISOR)
    return await _show(request)


async def _show(request: Request, refused: CallCenterError | None = None) -> Response:
    actor = views.signed_in(request, Role.SUPERVISOR)
    campaign = await campaign_frame.read(request, actor, fields.path_id(request))
    plan: Plan | None = None
    if refused is None:
        try:
            async with request.app.state.database.reading(actor) as uow:
                plan = await rehearsal_plan.plan(uow, campaign.id)
        except Conflict as error:
            refused = error
    return await campaign_frame.page(
        request, "campaigns/rehearsal.html", "rehearsal", campaign, refused, plan=plan, **_found(request, campaign.id)
    )


async def result(request: Request) -> Response:
    """Give anew what came of it so far."""
    views.signed_in(request, Role.SUPERVISOR)
    campaign_id = fields.path_id(request)
    return await views.render(request, "campaigns/rehearsal_result.html", campaign_id=campaign_id, **_found(request, campaign_id))


async def begin(request: Request) -> Response:
    """Begin a rehearsal in the background."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    try:
        agents = fields.whole(form, "agents")
        async with request.app.state.database.reading(actor) as uow:
            plan = await rehearsal_plan.plan(uow, campaign_id, agents)
        request.app.state.rehearsals.start(plan)
    except (Invalid, Conflict) as error:
        return await _show(request, error)
    return views.redirect(f"/campaigns/{campaign_id}/rehearsal")


def _found(request: Request, campaign_id: int) -> dict[str, Any]:
    found = request.app.state.rehearsals.of(campaign_id)
    return {"found": found, "figures": ranges(found.days) if found else {}}


_ONE = "/campaigns/{id:int}/rehearsal"
ROUTES = [
    Route(_ONE, show, methods=["GET"]),
    Route(_ONE, begin, methods=["POST"]),
    Route(f"{_ONE}/result", result, methods=["GET"]),
]
