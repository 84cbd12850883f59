"""Campaigns for supervisors: the list, a new one, how one stands, and its buttons."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Actor, Role
from callcenter.campaigns import members, queries, rule_packs, service
from callcenter.campaigns.forms import CampaignInput, ModeChange, StateName
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.projects import service as projects
from webui import views
from webui.pages import campaign_frame, fields

_OFFICE = {str(day): [("09:00", "17:00")] for day in range(5)}
_GOING: tuple[StateName, ...] = ("running", "paused", "draft")
_ACTIONS = {"start": service.start, "pause": service.pause, "resume": service.resume, "finish": service.finish}
_TYPED = ("name", "mode", "company", "on_behalf_of", "about")


async def listing(request: Request) -> Response:
    """Show the campaigns that are not finished, or also those."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    every = request.query_params.get("finished") == "1"
    async with request.app.state.database.reading(actor) as uow:
        found = await queries.list_campaigns(uow, states=() if every else _GOING)
        finished = len(await queries.list_campaigns(uow, states=("finished",))) if not every else 0
    return await views.render(request, "campaigns/list.html", campaigns=found, every=every, finished=finished)


async def new(request: Request) -> Response:
    """Show the form of a new campaign."""
    return await _form(request, views.signed_in(request, Role.SUPERVISOR), dict.fromkeys(_TYPED, "") | {"mode": "preview"})


async def add(request: Request) -> Response:
    """Make a campaign, and go on to what is still missing."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    form = await views.form(request)
    given: dict[str, Any] = {name: fields.text(form, name) for name in _TYPED} | {"project_id": None}
    try:
        given["project_id"] = fields.whole(form, "project_id")
        async with request.app.state.database.unit_of_work(actor) as uow:
            project = await projects.get_project(uow, given["project_id"] or 0)
            known = list(rule_packs.packs())
            pack = project.region if project.region in known else known[0]
            more = {"rule_pack": pack, "hours": _OFFICE, "time_zone": actor.time_zone}
            made = await service.add_campaign(uow, fields.validated(CampaignInput, given | more))
    except NotFound:
        return await _form(request, actor, given, Invalid("Choose a project.", field="project_id"))
    except (Invalid, Conflict) as error:
        return await _form(request, actor, given, error)
    return views.redirect(f"/campaigns/{made.id}")


async def show(request: Request) -> Response:
    """Show how a campaign stands and what is still missing."""
    return await _overview(request, views.signed_in(request, Role.SUPERVISOR))


async def act(request: Request) -> Response:
    """Start, pause, resume or finish a campaign: the address's last word says which."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await _ACTIONS[request.url.path.rpartition("/")[2]](uow, campaign_id)
    except Conflict as error:
        return await _overview(request, actor, error)
    return views.redirect(f"/campaigns/{campaign_id}")


async def set_mode(request: Request) -> Response:
    """Dial in another way from now on."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    try:
        data = fields.validated(ModeChange, {"mode": fields.text(form, "mode"), "version": fields.text(form, "version")})
        async with request.app.state.database.unit_of_work(actor) as uow:
            await service.set_mode(uow, campaign_id, data)
    except (Invalid, Conflict) as error:
        return await _overview(request, actor, error)
    return views.redirect(f"/campaigns/{campaign_id}")


async def copy(request: Request) -> Response:
    """Make a draft like it."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        made = await service.copy_campaign(uow, campaign_id)
    return views.redirect(f"/campaigns/{made.id}")


async def delete(request: Request) -> Response:
    """Take a draft away."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await service.delete_campaign(uow, campaign_id)
    except Conflict as error:
        return await _overview(request, actor, error)
    return views.redirect("/campaigns")


async def _overview(request: Request, actor: Actor, refused: CallCenterError | None = None) -> Response:
    campaign_id = fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        campaign = await service.get_campaign(uow, campaign_id)
        figures = await queries.figures(uow, campaign_id)
        people = await members.list_members(uow, campaign_id)
    serving = [each.name for each in people if each.serves]
    return await campaign_frame.page(
        request, "campaigns/overview.html", "overview", campaign, refused, figures=figures, serving=serving
    )


async def _form(request: Request, actor: Actor, given: dict[str, Any], refused: CallCenterError | None = None) -> Response:
    async with request.app.state.database.reading(actor) as uow:
        found = [(each.id, each.name) for each in await projects.list_projects(uow) if each.enabled]
    given = {"project_id": found[0][0] if len(found) == 1 else None} | given
    return await views.render(
        request,
        "campaigns/new.html",
        refused.status if refused else 200,
        given=given,
        projects=found,
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "") if refused else "",
    )


ROUTES = [
    Route("/campaigns", listing, methods=["GET"]),
    Route("/campaigns", add, methods=["POST"]),
    Route("/campaigns/new", new, methods=["GET"]),
    Route("/campaigns/{id:int}", show, methods=["GET"]),
    Route("/campaigns/{id:int}/mode", set_mode, methods=["POST"]),
    Route("/campaigns/{id:int}/copy", copy, methods=["POST"]),
    Route("/campaigns/{id:int}/delete", delete, methods=["POST"]),
    *(Route(f"/campaigns/{{id:int}}/{action}", act, methods=["POST"]) for action in _ACTIONS),
]
