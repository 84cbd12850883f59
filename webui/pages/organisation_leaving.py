"""An organisation goes away: what deletion does, said before it happens, and two that become one, chosen field by field."""

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.contacts import leaving, organisations
from callcenter.contacts.forms import OrganisationInput
from callcenter.contacts.models import Organisation
from callcenter.errors import CallCenterError, Conflict, Invalid, NotPermitted
from webui import views
from webui.pages import fields
from webui.pages.organisation_frame import frame
from webui.pages.organisations import stored_fields

ADDRESS = ("address1", "address2", "postcode", "city", "province", "country")
CHOICES = ("name", "type", "email", "website", "address", "note")  # the address goes as one
_FOUND = 10


async def ask(request: Request) -> Response:
    """Say what goes and what stays, and ask."""
    return await _ask(request)


async def _ask(request: Request, refused: CallCenterError | None = None) -> Response:
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        await organisations.changeable(uow, organisation_id)
        context = await frame(uow, organisation_id, "general")
        context["own"] = await leaving.own_entries(uow, organisation_id)
    context["error"] = views.translate(request, refused) if refused else ""
    return await views.render(request, "organisations/delete.html", refused.status if refused else 200, **context)


async def delete(request: Request) -> Response:
    """Delete it; its contacts stay."""
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            version, too = fields.whole(form, "version") or 0, fields.flag(form, "timeline")
            await leaving.delete_organisation(uow, organisation_id, version, entries_too=too)
    except (Invalid, Conflict) as error:
        return await _ask(request, error)
    return views.redirect("/organisations")


async def choose(request: Request) -> Response:
    """Find the other organisation, then choose for each field whose value stays."""
    return await _choose(request)


async def _choose(request: Request, refused: CallCenterError | None = None, other_id: int | None = None) -> Response:
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    other_id = other_id or fields.query_id(request, "other")
    q = fields.query_text(request, "q")
    async with request.app.state.database.reading(actor) as uow:
        await organisations.changeable(uow, organisation_id)
        context = await frame(uow, organisation_id, "general")
        other = await organisations.changeable(uow, other_id) if other_id and other_id != organisation_id else None
        found = await organisations.list_organisations(uow, q, _FOUND) if q and other is None else []
        count = await organisations.count_members(uow, other.id) if other else 0
    context |= {
        "other": other,
        "other_members": count,
        "found": [each for each in found if each.id != organisation_id],
        "q": q,
        "differs": _differs(context["organisation"], other) if other else [],
        "error": views.translate(request, refused) if refused else "",
    }
    return await views.render(request, "organisations/merge.html", refused.status if refused else 200, **context)


def _differs(one: Organisation, two: Organisation) -> list[tuple[str, str, str]]:
    """Return the fields in which two organisations differ, each with both values as text."""
    pairs = [(name, _value(one, name), _value(two, name)) for name in CHOICES]
    return [each for each in pairs if each[1] != each[2]]


def _value(organisation: Organisation, name: str) -> str:
    if name == "address":
        return ", ".join(value for each in ADDRESS if (value := getattr(organisation, each)))
    return str(getattr(organisation, name))


async def merge(request: Request) -> Response:
    """Make one of both."""
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    other_id = None
    try:
        other_id = fields.whole(form, "other_id") or 0
        versions = (fields.whole(form, "version") or 0, fields.whole(form, "other_version") or 0)
        async with request.app.state.database.unit_of_work(actor) as uow:
            one = await organisations.changeable(uow, organisation_id)
            two = await organisations.changeable(uow, other_id)
            data = fields.validated(OrganisationInput, _picked(form, stored_fields(one), stored_fields(two)))
            await leaving.merge(uow, organisation_id, other_id, data, versions, request.app.state.settings.region)
    except (Invalid, Conflict, NotPermitted) as error:
        return await _choose(request, error, other_id)
    return views.redirect(f"/organisations/{organisation_id}?saved=1")


def _picked(form: FormData, one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    """Return the first organisation's fields with those of the second where that was chosen; both notes for `both`."""
    picked = dict(one)
    for name in CHOICES:
        wanted = fields.text(form, f"pick_{name}")
        if wanted == "other":
            picked |= {each: two[each] for each in (ADDRESS if name == "address" else (name,))}
        elif wanted == "both" and name == "note":
            picked["note"] = f"{one['note']}\n\n{two['note']}".strip()
    return picked


ROUTES = [
    Route("/organisations/{id:int}/delete", ask, methods=["GET"]),
    Route("/organisations/{id:int}/delete", delete, methods=["POST"]),
    Route("/organisations/{id:int}/merge", choose, methods=["GET"]),
    Route("/organisations/{id:int}/merge", merge, methods=["POST"]),
]
