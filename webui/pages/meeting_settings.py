"""A project's rules for phone meetings (S15), on the project's page, for supervisors."""

from typing import Any

from sqlalchemy import select
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Actor, Role
from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.meetings import settings as rules
from callcenter.meetings.forms import SettingsInput
from callcenter.projects import service as projects
from callcenter.trunks.models import Trunk
from webui import views
from webui.pages import fields

_NUMBERS = ("window_minutes", "ring_seconds", "attempts", "retry_minutes", "protection_seconds", "escalation_minutes")
_TEXTS = ("default_mode", "time_zone", "caller_id")
_LARGEST_FILE = 2_000_000
_OFFICE = {str(day): [("09:00", "17:00")] for day in range(5)}
_RANGES = 2  # shown on each day, so that a break at noon fits


async def show(request: Request) -> Response:
    """Show the rules; for a project without any, what would be sensible."""
    actor, project_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        stored = await rules.get_settings(uow, project_id)
    given = stored.model_dump() if stored else SettingsInput(hours=_OFFICE).model_dump() | {"time_zone": actor.time_zone}
    return await _form(request, actor, given, announcement=stored.announcement if stored else "", new=stored is None)


async def save(request: Request) -> Response:
    """Change the rules, and the announcement when one came along."""
    actor, project_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    try:
        given, sound = _given(form), await _sound(form)
    finally:
        await form.close()
    async with request.app.state.database.reading(actor) as uow:
        before = await rules.get_settings(uow, project_id)
    announcement = before.announcement if before else ""
    try:
        given["trunk_id"] = fields.whole(form, "trunk_id")
        data = fields.validated(SettingsInput, given)
        async with request.app.state.database.unit_of_work(actor) as uow:
            await rules.set_settings(uow, project_id, data)
            if sound is not None or (announcement and fields.flag(form, "no_announcement")):
                await rules.set_announcement(uow, project_id, sound)
    except (Invalid, Conflict) as error:
        return await _form(request, actor, given, announcement=announcement, new=before is None, refused=error)
    return views.redirect(f"/projects/{project_id}/meetings?saved=1")


async def _sound(form: FormData) -> bytes | None:
    """Return the file that was chosen, cut to what is surely too large for an announcement; None when there was none."""
    file = form.get("announcement")
    if not isinstance(file, UploadFile) or not file.filename:
        return None
    return await file.read(_LARGEST_FILE)


def _given(form: FormData) -> dict[str, Any]:
    given: dict[str, Any] = {name: fields.text(form, name) for name in (*_NUMBERS, *_TEXTS)}
    given["served_by"] = [int(each) for each in fields.texts(form, "served_by") if each.isascii() and each.isdigit()]
    hours: dict[str, list[tuple[str, str]]] = {}
    for day in "0123456":
        pairs = zip(fields.texts(form, f"hours_{day}_from"), fields.texts(form, f"hours_{day}_to"), strict=False)
        hours[day] = [(first, "24:00" if last == "00:00" and first else last) for first, last in pairs if first or last]
    return given | {"hours": {day: ranges for day, ranges in hours.items() if ranges}, "trunk_id": None}


async def _form(
    request: Request,
    actor: Actor,
    given: dict[str, Any],
    *,
    announcement: str,
    new: bool,
    refused: CallCenterError | None = None,
) -> Response:
    project_id = fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        project = await projects.get_project(uow, project_id)
        people = await projects.members(uow, project_id)
        trunks = [tuple(row) for row in await uow.session.execute(select(Trunk.id, Trunk.name).order_by(Trunk.name))]
    return await views.render(
        request,
        "projects/meetings.html",
        refused.status if refused else 200,
        given=given,
        project=project,
        people=people,
        trunks=trunks,
        announcement=announcement,
        ranges=_RANGES,
        new=new,
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "").split(".")[0] if refused else "",
        saved=request.query_params.get("saved") == "1",
    )


ROUTES = [
    Route("/projects/{id:int}/meetings", show, methods=["GET"]),
    Route("/projects/{id:int}/meetings", save, methods=["POST"]),
]
