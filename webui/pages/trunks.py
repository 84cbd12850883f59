"""Trunks: the connections to carriers, with a test that says what works and a readable trace, for administrators."""

import datetime as dt
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.errors import CallCenterError, Conflict, Invalid, Unavailable
from callcenter.phone import ReadTrace, Refusal, TestTrunk, TrunkReport, TrunkTrace
from callcenter.trunks import service as trunks
from callcenter.trunks.fields import TrunkInput
from webui import views
from webui.i18n import say
from webui.pages import fields

_TEXTS = (
    "name",
    "host",
    "username",
    "auth_username",
    "domain",
    "outbound_proxy",
    "number_format",
    "external_address",
    "rtp_ports",
)
_FLAGS = ("enabled", "register", "trusted", "emergency")
_TEST_SECONDS = 20.0


async def listing(request: Request) -> Response:
    """Show the trunks and what the switch says of them."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    async with request.app.state.database.reading(actor) as uow:
        found = await trunks.list_trunks(uow)
    return await views.render(request, "trunks/list.html", trunks=found)


async def new(request: Request) -> Response:
    """Show the form of a new trunk."""
    views.signed_in(request, Role.ADMINISTRATOR)
    given = TrunkInput(name="-", host="localhost").model_dump() | {"name": "", "host": ""}
    return await _form(request, given)


async def show(request: Request) -> Response:
    """Show a trunk's settings."""
    actor, trunk_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        trunk = await trunks.get_trunk(uow, trunk_id)
    return await _form(request, trunk.model_dump(), trunk_id)


async def add(request: Request) -> Response:
    """Add a trunk."""
    return await _save(request, None)


async def update(request: Request) -> Response:
    """Change a trunk; an empty password keeps the stored one."""
    return await _save(request, fields.path_id(request))


async def _save(request: Request, trunk_id: int | None) -> Response:
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    form = await views.form(request)
    given = _given(form)
    try:
        given["port"] = fields.whole(form, "port") or 5060
        data = fields.validated(TrunkInput, given | {"password": _password(form)})
        async with request.app.state.database.unit_of_work(actor) as uow:
            saved = await (trunks.add_trunk(uow, data) if trunk_id is None else trunks.update_trunk(uow, trunk_id, data))
    except (Invalid, Conflict) as error:
        return await _form(request, given, trunk_id, error)
    return views.redirect(f"/trunks/{saved.id}?saved=1")


def _password(form: FormData) -> str | None:
    """Return the typed password; None keeps the stored one, "" forgets it."""
    if fields.flag(form, "forget_password"):
        return ""
    value = form.get("password", "")
    return value if isinstance(value, str) and value else None


def _given(form: FormData) -> dict[str, Any]:
    given: dict[str, Any] = {name: fields.text(form, name) for name in _TEXTS}
    given |= {name: fields.flag(form, name) for name in _FLAGS}
    given |= {name: fields.lines(form, name) for name in ("allow", "caller_ids")}
    given["number_from"] = fields.text(form, "number_from_header") or fields.text(form, "number_from")
    given["codecs"] = [each for each in fields.text(form, "codecs").split(",") if each]
    given["port"] = fields.text(form, "port")
    return given


async def delete(request: Request) -> Response:
    """Remove a trunk."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await trunks.delete_trunk(uow, fields.path_id(request))
    return views.redirect("/trunks")


async def test(request: Request) -> Response:
    """Try the trunk and list what works and what does not."""
    actor, trunk_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        await trunks.get_trunk(uow, trunk_id)
    checks, error = [], ""
    try:
        reply = await request.app.state.phone.ask(TestTrunk(trunk_id), _TEST_SECONDS)
        checks = list(reply.checks) if isinstance(reply, TrunkReport) else []
        error = _refusal(reply)
    except Unavailable as refused:
        error = views.translate(request, refused)
    return await views.render(request, "trunks/report.html", checks=checks, error=error)


async def trace(request: Request) -> Response:
    """Show the last SIP messages of a trunk (0: those no trunk claimed)."""
    actor, trunk_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    lines, error = [], ""
    try:
        reply = await request.app.state.phone.ask(ReadTrace(trunk_id))
        lines = list(reply.lines) if isinstance(reply, TrunkTrace) else []
        error = _refusal(reply)
    except Unavailable as refused:
        error = views.translate(request, refused)
    shown = [(dt.datetime.fromtimestamp(each.at, dt.UTC), each) for each in lines]
    return await views.render(request, "trunks/trace.html", lines=shown, error=error, trunk_id=trunk_id, actor_name=actor.name)


def _refusal(reply: object) -> str:
    return say(reply.sentence, reply.values) if isinstance(reply, Refusal) else ""


async def _form(
    request: Request, given: dict[str, Any], trunk_id: int | None = None, refused: CallCenterError | None = None
) -> Response:
    return await views.render(
        request,
        "trunks/form.html",
        refused.status if refused else 200,
        given={"has_password": False, "state": "unknown", "state_detail": "", "state_values": {}} | given,
        trunk_id=trunk_id,
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "").split(".")[0] if refused else "",
        saved=request.query_params.get("saved") == "1",
        sip=request.app.state.settings.sip,
        rtp_ports=request.app.state.settings.rtp_ports,
    )


ROUTES = [
    Route("/trunks", listing, methods=["GET"]),
    Route("/trunks", add, methods=["POST"]),
    Route("/trunks/new", new, methods=["GET"]),
    Route("/trunks/{id:int}", show, methods=["GET"]),
    Route("/trunks/{id:int}", update, methods=["POST"]),
    Route("/trunks/{id:int}/delete", delete, methods=["POST"]),
    Route("/trunks/{id:int}/test", test, methods=["POST"]),
    Route("/trunks/{id:int}/trace", trace, methods=["GET"]),
]
