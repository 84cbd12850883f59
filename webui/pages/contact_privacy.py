"""The contact's tab Personal data: what they agreed to, where the data came from, all of it in one file, erasure."""

import asyncio
import datetime as dt
import io
import json
import zipfile
from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts import consents
from callcenter.contacts.consent_models import CHANNELS, MEANS, PURPOSES
from callcenter.contacts.consents import ConsentInput
from callcenter.contacts.models import Contact
from callcenter.contacts.visibility import may_change
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotPermitted
from callcenter.files import service as files
from callcenter.privacy import service as privacy
from callcenter.users.models import User
from webui import views
from webui.pages import fields, times
from webui.pages.contact_frame import frame

_STYLE = """body { font-family: sans-serif; margin: 2rem }
table { border-collapse: collapse; margin-bottom: 1.5rem }
td, th { border: 1px solid #bbb; padding: .25rem .5rem; text-align: left; vertical-align: top }
th { background: #eee }
"""
_EMPTY = {"channel": "call", "purpose": "", "means": "", "source": "", "wording": "", "given": False}


async def show(request: Request) -> Response:
    """Show the tab."""
    return await _show(request)


async def _show(request: Request, refused: CallCenterError | None = None, given: dict[str, Any] | None = None) -> Response:
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, contact_id, "privacy")
        said = await consents.history(uow, contact_id)
        change = await uow.session.scalar(select(Contact.id).where(Contact.id == contact_id, may_change(actor))) is not None
        context |= {
            "origin": await privacy.origin(uow, context["contact"]),
            "said": said,
            "stands": {each.id for each in consents.standing(said).values()},
            "objections": consents.objections(said),
            "people": await _people(uow, [each.user_id for each in said]),
            "may_record": change,
            "may_erase": change and actor.may(Role.SUPERVISOR),
        }
    return await views.render(
        request,
        "contacts/privacy.html",
        refused.status if refused else 200,
        error=views.translate(request, refused) if refused else "",
        fault=getattr(refused, "field", None) or "",
        given=_EMPTY | (given or {}),
        channels=CHANNELS,
        purposes=PURPOSES,
        means=MEANS,
        **context,
    )


async def _people(uow: UnitOfWork, ids: list[int | None]) -> dict[int, str]:
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    return {row.id: row.name for row in await uow.session.execute(select(User.id, User.name).where(User.id.in_(wanted)))}


async def record(request: Request) -> Response:
    """Write down what the customer said."""
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    given: dict[str, Any] = {name: fields.text(form, name) for name in ("channel", "purpose", "means", "source", "wording")}
    given["given"] = fields.flag(form, "given")
    try:
        data = fields.validated(ConsentInput, given | {"at": times.moment(form, "at", f"{times.today()}")})
        async with request.app.state.database.unit_of_work(actor) as uow:
            await consents.record(uow, contact_id, data)
    except (Invalid, NotPermitted) as error:
        return await _show(request, error, given)
    return views.redirect(f"/contacts/{contact_id}/personal-data")


async def export(request: Request) -> Response:
    """Give everything known of the person: data to read by people, data to read by programs, and the files."""
    actor, contact_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    database: Database = request.app.state.database
    async with database.unit_of_work(actor) as uow:
        told = await privacy.export(uow, contact_id)
    page = views.environment().get_template("contacts/everything.html").render(told=told)
    contents = {each["id"]: await files.whole(database, each["id"]) for each in told["data"].get("files", [])}
    body = await asyncio.to_thread(_packed, told, page, contents)
    name = f"personal-data-{contact_id}-{dt.datetime.now(dt.UTC):%Y-%m-%d}.zip"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(body, media_type="application/zip", headers=headers)


def _packed(told: dict[str, Any], page: str, contents: dict[int, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(told, ensure_ascii=False, indent=1, default=str))
        archive.writestr("data.html", page)
        archive.writestr("style.css", _STYLE)
        for each in told["data"].get("files", []):
            archive.writestr(f"files/{each['id']}-{each['name']}", contents[each["id"]])
    return packed.getvalue()


async def erase(request: Request) -> Response:
    """Erase the person, when the box was ticked."""
    actor, contact_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    if not fields.flag(form, "sure"):
        return await _show(request, Invalid("Tick the box to say that you are sure.", field="sure"))
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await privacy.erase(uow, contact_id)
    except (Invalid, Conflict, NotPermitted) as error:
        return await _show(request, error)
    return views.redirect("/contacts")


ROUTES = [
    Route("/contacts/{id:int}/personal-data", show, methods=["GET"]),
    Route("/contacts/{id:int}/personal-data/consents", record, methods=["POST"]),
    Route("/contacts/{id:int}/personal-data/export", export, methods=["POST"]),
    Route("/contacts/{id:int}/personal-data/erase", erase, methods=["POST"]),
]
