"""A campaign's settings and the messages it plays, for supervisors; the administrator's ground for asking for consent."""

from typing import Any

from sqlalchemy import select
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Actor, Role
from callcenter.campaigns import messages, rule_packs, service
from callcenter.campaigns.forms import DELAYS, CampaignChange, DetectionSettings, MessageKind
from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.trunks.models import Trunk
from webui import views
from webui.pages import campaign_frame, fields

_TEXTS = ("name", "mode", "rule_pack", "time_zone", "caller_id", "detection")
_NUMBERS = ("priority", "ring_seconds", "attempts", "lines_per_agent", "most_lines", "preview_seconds")
_EMPTY_IS_NONE = ("starts_on", "ends_on", "trunk_id", "abandon_cap")
_KEYS = ("confirm", "agent", "do_not_call")
_RANGES = 2  # shown on each day, so that a break at noon fits
_LARGEST_FILE = 2_000_000


async def show(request: Request) -> Response:
    """Show the settings."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    return await _form(request, actor)


async def save(request: Request) -> Response:
    """Change the settings; opening and script stay as they are."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    before = campaign_frame.typed(await campaign_frame.read(request, actor, campaign_id))
    given = before | _given(form)
    version = fields.text(form, "version")
    if len(given["keys"]) < sum(bool(fields.text(form, f"key_{name}")) for name in _KEYS):
        twice = Invalid("One key cannot mean two things.", field="keys")
        return await _form(request, actor, given, twice, version=version)
    try:
        data = fields.validated(CampaignChange, given | {"version": version})
        async with request.app.state.database.unit_of_work(actor) as uow:
            await service.update_campaign(uow, campaign_id, data)
    except (Invalid, Conflict) as error:
        return await _form(request, actor, given, error, version=getattr(error, "version", version))
    return views.redirect(f"/campaigns/{campaign_id}/settings?saved=1")


async def set_message(request: Request) -> Response:
    """Keep a message, or take it away."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    kind: MessageKind = "abandoned" if request.url.path.endswith("/abandoned") else "message"
    form = await views.form(request)
    try:
        file = form.get("file")
        sound = await file.read(_LARGEST_FILE) if isinstance(file, UploadFile) and file.filename else None
        away = fields.flag(form, "away")
    finally:
        await form.close()
    if sound is None and not away:
        return await _form(request, actor, None, Invalid("Choose a WAV file.", field=kind))
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await messages.set_message(uow, campaign_id, kind, None if away else sound)
    except (Invalid, Conflict) as error:
        return await _form(request, actor, None, error)
    return views.redirect(f"/campaigns/{campaign_id}/settings?saved=1#messages")


def _given(form: FormData) -> dict[str, Any]:
    given: dict[str, Any] = {name: fields.text(form, name) for name in (*_TEXTS, *_NUMBERS)}
    given["lines_per_agent"] = given["lines_per_agent"].replace(",", ".")
    given |= {name: fields.text(form, name).replace(",", ".") or None for name in _EMPTY_IS_NONE}
    given["delays"] = {name: fields.text(form, f"delay_{name}") for name in DELAYS}
    given["detection_settings"] = {name: fields.text(form, name) for name in DetectionSettings.model_fields if name in form}
    given["keys"] = {key: name for name in _KEYS if (key := fields.text(form, f"key_{name}"))}
    hours: dict[str, list[tuple[str, str]]] = {}
    for day in "0123456":
        pairs = zip(fields.texts(form, f"hours_{day}_from"), fields.texts(form, f"hours_{day}_to"), strict=False)
        hours[day] = [(first, "24:00" if last == "00:00" and first else last) for first, last in pairs if first or last]
    return given | {"hours": {day: ranges for day, ranges in hours.items() if ranges}}


async def _form(
    request: Request,
    actor: Actor,
    given: dict[str, Any] | None = None,
    refused: CallCenterError | None = None,
    version: int | str | None = None,
) -> Response:
    async with request.app.state.database.reading(actor) as uow:
        campaign = await service.get_campaign(uow, fields.path_id(request))
        today = uow.now.date()
        trunks = [tuple(row) for row in await uow.session.execute(select(Trunk.id, Trunk.name).order_by(Trunk.name))]
    shown = given or campaign_frame.typed(campaign)
    return await campaign_frame.page(
        request,
        "campaigns/settings.html",
        "settings",
        campaign,
        refused,
        given=shown,
        version=version or campaign.version,
        trunks=trunks,
        packs=[(key, pack.at(today).cap) for key, pack in rule_packs.packs().items()],
        keys={meaning: key for key, meaning in shown["keys"].items()},
        ranges=_RANGES,
    )


ROUTES = [
    Route("/campaigns/{id:int}/settings", show, methods=["GET"]),
    Route("/campaigns/{id:int}/settings", save, methods=["POST"]),
    *(Route("/campaigns/{id:int}/messages/" + kind, set_message, methods=["POST"]) for kind in ("message", "abandoned")),
]
