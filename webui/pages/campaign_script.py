"""What a campaign's consultants read out: the opening and the script, tried on a lead before it is saved."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Actor, Role
from callcenter.campaigns import changes, scripts, service
from callcenter.campaigns.forms import CampaignChange, Opening
from callcenter.campaigns.views import CampaignOut
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid
from webui import i18n, views
from webui.pages import campaign_frame, fields

_FIELDS = ("company", "on_behalf_of", "about", "script")


async def show(request: Request) -> Response:
    """Show the opening and the script, and how they look for a lead."""
    return await _form(request, views.signed_in(request, Role.SUPERVISOR))


async def save(request: Request) -> Response:
    """Change the opening and the script, or (`try`) only show how they would look."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    given = {name: fields.text(form, name) for name in _FIELDS}
    version = fields.text(form, "version")
    if fields.flag(form, "try"):
        return await _form(request, actor, given, version=version)
    before = campaign_frame.typed(await campaign_frame.read(request, actor, campaign_id))
    try:
        data = fields.validated(CampaignChange, before | given | {"version": version})
        async with request.app.state.database.unit_of_work(actor) as uow:
            await service.update_campaign(uow, campaign_id, data)
    except (Invalid, Conflict) as error:
        return await _form(request, actor, given, error, version=getattr(error, "version", version))
    return views.redirect(f"/campaigns/{campaign_id}/script?saved=1")


async def _form(
    request: Request,
    actor: Actor,
    given: dict[str, str] | None = None,
    refused: CallCenterError | None = None,
    version: int | str | None = None,
) -> Response:
    campaign_id = fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        campaign = await service.get_campaign(uow, campaign_id)
        stored = await changes.stored(uow, campaign_id)
        known, unknown = await scripts.known_fields(uow, stored), await scripts.unknown_fields(uow, stored)
        shown, error = await _tried(uow, campaign, given)
    return await campaign_frame.page(
        request,
        "campaigns/script.html",
        "script",
        campaign,
        refused or error,
        given=given or {name: getattr(campaign, name) for name in _FIELDS},
        version=version or campaign.version,
        known=known,
        unknown=unknown,
        shown=shown,
        why=i18n.say(shown.problem, shown.values) if shown and shown.problem else "",
        failed=i18n.say(campaign.script_problem, campaign.script_problem_values) if campaign.script_problem else "",
        unsaved=given is not None,
    )


async def _tried(
    uow: UnitOfWork, campaign: CampaignOut, given: dict[str, str] | None
) -> tuple[scripts.Script | None, CallCenterError | None]:
    """Return the script as it looks; None with the reason for what cannot be a script at all."""
    values: dict[str, Any] = dict(given) if given else {name: getattr(campaign, name) for name in _FIELDS}
    try:
        shown = await scripts.preview(uow, campaign.id, fields.validated(Opening, values))
    except Invalid as error:
        return None, error
    failed = given is not None and shown.problem
    return shown, Invalid(shown.problem, field="script", **shown.values) if failed else None


ROUTES = [
    Route("/campaigns/{id:int}/script", show, methods=["GET"]),
    Route("/campaigns/{id:int}/script", save, methods=["POST"]),
]
