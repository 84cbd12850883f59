"""Trunks: the connections to carriers, with a test that says what works and a readable trace, for administrators."""

import datetime as dt
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Actor, Role
from callcenter.calls import spending
from callcenter.errors import CallCenterError, Conflict, Invalid, Unavailable
from callcenter.phone import Query, ReadTrace, Refusal, SetWebhooks, TestTrunk, TrunkReport, TrunkTrace
from callcenter.trunks import service as trunks
from webui import views
from webui.i18n import say
from webui.pages import fields, trunk_forms

_TEST_SECONDS = 20.0
_ABOUT_NUMBERS = frozenset({"number", "webhooks"})  # names of checks that setting the webhooks may mend


async def listing(request: Request) -> Response:
    """Show the trunks, what the switch says of them, and what their calls cost today."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    async with request.app.state.database.reading(actor) as uow:
        found = await trunks.list_trunks(uow)
        spent = {each.trunk_id: each for each in await spending.today(uow)}
    return await views.render(request, "trunks/list.html", trunks=found, spending=spent)


async def new(request: Request) -> Response:
    """Show the form of a new trunk: SIP, or (`kind`) Twilio."""
    views.signed_in(request, Role.ADMINISTRATOR)
    public_url = request.app.state.settings.public_url
    return await _form(request, trunk_forms.fresh(request.query_params.get("kind", ""), public_url))


async def show(request: Request) -> Response:
    """Show a trunk's settings."""
    actor, trunk_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        trunk = await trunks.get_trunk(uow, trunk_id)
    return await _form(request, trunk.model_dump(), trunk_id)


async def state(request: Request) -> Response:
    """Give a trunk's state and what it has spent anew."""
    actor, trunk_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        trunk = await trunks.get_trunk(uow, trunk_id)
    spent = await _spending(request, actor, trunk_id)
    return await views.render(request, "trunks/standing.html", given=trunk.model_dump(), spending=spent)


async def add(request: Request) -> Response:
    """Add a trunk."""
    return await _save(request, None)


async def update(request: Request) -> Response:
    """Change a trunk; an empty password or other secret keeps the stored one."""
    return await _save(request, fields.path_id(request))


async def _save(request: Request, trunk_id: int | None) -> Response:
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    form = await views.form(request)
    given = trunk_forms.given(form)
    try:
        data = trunk_forms.model(form, given)
        async with request.app.state.database.unit_of_work(actor) as uow:
            saved = await (trunks.add_trunk(uow, data) if trunk_id is None else trunks.update_trunk(uow, trunk_id, data))
    except (Invalid, Conflict) as error:
        return await _form(request, given, trunk_id, error)
    return views.redirect(f"/trunks/{saved.id}?saved=1")


async def delete(request: Request) -> Response:
    """Remove a trunk."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await trunks.delete_trunk(uow, fields.path_id(request))
    return views.redirect("/trunks")


async def test(request: Request) -> Response:
    """Try the trunk and list what works and what does not; offers to set webhooks that lead elsewhere."""
    actor, trunk_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        trunk = await trunks.get_trunk(uow, trunk_id)
    return await _report(request, TestTrunk(trunk_id), trunk_id, may_offer=trunk.kind == "twilio")


async def webhooks(request: Request) -> Response:
    """Tell the carrier that calls and messages to the trunk's numbers come to us, and list what came of it."""
    actor, trunk_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await trunks.webhooks_asked_for(uow, trunk_id)
    return await _report(request, SetWebhooks(trunk_id), trunk_id, may_offer=True)


async def _report(request: Request, query: Query, trunk_id: int, *, may_offer: bool) -> Response:
    checks, error = [], ""
    try:
        reply = await request.app.state.phone.ask(query, _TEST_SECONDS)
        checks = list(reply.checks) if isinstance(reply, TrunkReport) else []
        error = _refusal(reply)
    except CallCenterError as refused:  # the switch is away, or says why not
        error = views.translate(request, refused)
    wrong = any(not each.ok and each.name in _ABOUT_NUMBERS for each in checks)
    return await views.render(
        request, "trunks/report.html", checks=checks, error=error, trunk_id=trunk_id, offer=may_offer and wrong
    )


async def trace(request: Request) -> Response:
    """Show the last messages of a trunk (0: those no trunk claimed)."""
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
    settings, actor = request.app.state.settings, views.signed_in(request)
    if trunk_id is not None and refused is not None:  # what was typed, beside what is stored
        async with request.app.state.database.reading(actor) as uow:
            given = (await trunks.get_trunk(uow, trunk_id)).model_dump() | given
    shown = trunk_forms.shown(given)
    return await views.render(
        request,
        "trunks/twilio.html" if shown["kind"] == "twilio" else "trunks/form.html",
        refused.status if refused else 200,
        given=shown,
        trunk_id=trunk_id,
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "").split(".")[0] if refused else "",
        saved=request.query_params.get("saved") == "1",
        spending=None if trunk_id is None else await _spending(request, actor, trunk_id),
        webhook_url=shown["webhook_url"],
        streams=settings.streams,
        sip=settings.sip,
        rtp_ports=settings.rtp_ports,
    )


async def _spending(request: Request, actor: Actor, trunk_id: int) -> spending.SpendingOut | None:
    async with request.app.state.database.reading(actor) as uow:
        return next((each for each in await spending.today(uow) if each.trunk_id == trunk_id), None)


ROUTES = [
    Route("/trunks", listing, methods=["GET"]),
    Route("/trunks", add, methods=["POST"]),
    Route("/trunks/new", new, methods=["GET"]),
    Route("/trunks/{id:int}", show, methods=["GET"]),
    Route("/trunks/{id:int}", update, methods=["POST"]),
    Route("/trunks/{id:int}/delete", delete, methods=["POST"]),
    Route("/trunks/{id:int}/test", test, methods=["POST"]),
    Route("/trunks/{id:int}/webhooks", webhooks, methods=["POST"]),
    Route("/trunks/{id:int}/state", state, methods=["GET"]),
    Route("/trunks/{id:int}/trace", trace, methods=["GET"]),
]
