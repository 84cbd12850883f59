"""The list of contacts with its filters (S22), and what is done to many of them at once."""

from typing import Any, cast
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Actor, Role
from callcenter.campaigns import queries as campaigns
from callcenter.campaigns.lead_columns import LeadMapping
from callcenter.contacts import bulk, exports, numbers, queries
from callcenter.contacts import service as contacts
from callcenter.contacts.bulk_models import ContactBulk
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.projects import service as projects
from callcenter.users import filters
from callcenter.users import service as users
from callcenter.users.models import User
from webui import contact_bulks, i18n, lead_files, views
from webui import exports as exporting
from webui.pages import contact_filter_words, contact_filters, fields, times
from webui.pages.contact_filters import Chosen, Offered
from webui.validation import LARGEST_ID

_PAGE = 50
_LONGEST_ADDRESS = 4000


async def listing(request: Request) -> Response:
    """Show the contacts that fit the address; an address that says nothing brings back what was filtered last."""
    actor, params = views.signed_in(request), request.query_params
    async with request.app.state.database.reading(actor) as uow:
        user = await uow.session.get_one(User, actor.id)
        kept = user.preferences.get("contact_filter", "")
        if not contact_filters.touched(params) and kept:
            return views.redirect(f"/contacts?{kept}")
        known = await contact_filters.offered(uow, params)
        chosen = await contact_filters.read(uow, params, known)
        context = await _rows(uow, chosen, "") | await _around(uow, known)
    now = chosen.query if chosen.count or chosen.q else ""
    if now != kept and len(now) <= _LONGEST_ADDRESS:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await users.set_preferences(uow, contact_filter=now or None)
    said = contact_filter_words.said(chosen, known)
    return await views.render(request, "contacts/list.html", chosen=chosen, known=known, said=said, **context)


async def rows(request: Request) -> Response:
    """Give more rows of the list, for search as you type and for `load more`."""
    actor = views.signed_in(request)
    async with request.app.state.database.reading(actor) as uow:
        chosen = await contact_filters.read(uow, request.query_params, await contact_filters.offered(uow, request.query_params))
        context = await _rows(uow, chosen, fields.query_text(request, "after", 1000))
    return await views.render(request, "contacts/rows.html", chosen=chosen, **context)


async def count(request: Request) -> Response:
    """Say how many fit; asked for after the list is there."""
    actor = views.signed_in(request)
    async with request.app.state.database.reading(actor) as uow:
        chosen = await contact_filters.read(uow, request.query_params, await contact_filters.offered(uow, request.query_params))
        found = await queries.count_contacts(uow, q=chosen.q, wanted=chosen.wanted)
    return await views.render(request, "contacts/count.html", count=found)


async def _rows(uow: UnitOfWork, chosen: Chosen, after: str) -> dict[str, Any]:
    page = await contacts.list_contacts(uow, q=chosen.q, wanted=chosen.wanted, after=after or None, limit=_PAGE)
    more = f"/contacts/rows?{chosen.query}&after={page.next}" if page.next else ""
    return {"contacts": page.items, "more": more, "first": not after, "show": numbers.show}


async def _around(uow: UnitOfWork, known: Offered) -> dict[str, Any]:
    supervisor = uow.actor.may(Role.SUPERVISOR)
    own = await (projects.list_projects(uow) if supervisor else projects.projects_of(uow))
    return {
        "saved_filters": await filters.list_filters(uow, "contacts"),
        "projects": [(each.id, each.name) for each in own],
        "tags": known.words["tag"],
        "stages": known.words["stage"],
        "may_export": exports.may_export(uow.actor),
        "campaigns": await campaigns.open_campaigns(uow) if supervisor else [],
    }


async def act(request: Request) -> Response:
    """Begin to do something to the chosen contacts, or to all that fit; deleting asks first."""
    actor, form = views.signed_in(request), await views.form(request)
    database = request.app.state.database
    action, everybody = fields.text(form, "action"), fields.flag(form, "all")
    params = QueryParams(parse_qsl(fields.text(form, "query")[:_LONGEST_ADDRESS]))
    async with database.reading(actor) as uow:
        chosen = await contact_filters.read(uow, params, await contact_filters.offered(uow, params))
        if action == "delete" and not fields.flag(form, "sure"):
            return await _confirm(request, uow, chosen, form)
    if action == "export":
        return await _export(request, actor, chosen, form)
    if action == "campaign":
        return await _to_campaign(request, actor, chosen, form)
    if action == "delete" and everybody:
        await _same_number(request, actor, chosen, form)
    async with database.unit_of_work(actor) as uow:
        made = await bulk.start(
            uow,
            contact_bulks.ACTS,
            action,
            _value(action, form),
            q=chosen.q,
            wanted=chosen.wanted,
            ids=None if everybody else _ids(form),
        )
    if made.state == "running":
        contact_bulks.start(request.app, actor, made.id)
    return views.redirect(f"/contacts/bulk/{made.id}")


async def _export(request: Request, actor: Actor, chosen: Chosen, form: FormData) -> Response:
    """Begin to write the chosen contacts, or all that fit, into a file."""
    kind = fields.text(form, "format")
    if kind not in exports.FORMATS:
        raise Invalid("There is no such kind of file.", field="format")
    ids = _ids(form)
    if fields.flag(form, "all"):
        async with request.app.state.database.reading(actor) as uow:
            ids = await queries.matching(uow, q=chosen.q, wanted=chosen.wanted)
    if not ids:
        raise Invalid("Choose at least one contact.", field="ids")
    await exporting.start(request, actor, ids, cast("exports.Format", kind), filter_said=chosen.query)
    return views.redirect("/contacts/exports")


async def _to_campaign(request: Request, actor: Actor, chosen: Chosen, form: FormData) -> Response:
    """Begin to add the chosen contacts, or all that fit, to a campaign as leads; its report says who was left out and why."""
    campaign_id = fields.whole(form, "campaign_id")
    if not campaign_id:
        raise Invalid("Choose a campaign.", field="campaign_id")
    ids = None if fields.flag(form, "all") else _ids(form)
    made = await lead_files.add_contacts(request, actor, campaign_id, chosen.wanted, chosen.q, LeadMapping(), ids)
    return views.redirect(f"/campaigns/{campaign_id}/leads/imports/{made.id}")


async def _same_number(request: Request, actor: Actor, chosen: Chosen, form: FormData) -> None:
    """Raise Conflict when other than the confirmed number would be deleted."""
    async with request.app.state.database.reading(actor) as uow:
        now = len(await queries.matching(uow, q=chosen.q, wanted=chosen.wanted))
    if now != fields.whole(form, "number"):
        raise Conflict("There are {number} contacts that fit now. Look at them again before you delete them.", number=now)


async def _confirm(request: Request, uow: UnitOfWork, chosen: Chosen, form: FormData) -> Response:
    ids = None if fields.flag(form, "all") else _ids(form)
    number = len(ids) if ids is not None else len(await queries.matching(uow, q=chosen.q, wanted=chosen.wanted))
    if not number:
        raise Invalid("Choose at least one contact.", field="ids")
    return await views.render(request, "contacts/delete.html", number=number, ids=ids or [], everybody=ids is None, chosen=chosen)


def _ids(form: FormData) -> list[int]:
    typed = (each for some in fields.texts(form, "ids") for each in some.split(","))  # the page's script sends them as one field
    found = [each for each in typed if each.isascii() and each.isdigit() and len(each) < 11]
    return [int(each) for each in found if 0 < int(each) <= LARGEST_ID]


def _value(action: str, form: FormData) -> dict[str, Any]:
    if action in ("tag", "untag"):
        return {"id": fields.whole(form, "tag_id")}
    if action == "stage":
        return {"id": fields.whole(form, "stage_id")}
    if action.endswith("_manager"):
        return {"id": fields.whole(form, "manager_id")}
    if action == "meetings":
        start, end = times.moment(form, "from"), times.moment(form, "to", fields.text(form, "from_date"))
        if start is None:
            raise Invalid("Choose a day and a time.", field="from_at")
        return {
            "project_id": fields.whole(form, "project_id"),
            "mode": fields.text(form, "mode") or None,
            "user_id": fields.whole(form, "user_id"),
            "from_at": start.isoformat(),
            "to_at": end.isoformat() if end else None,
            "information": fields.text(form, "information")[:10_000],
        }
    return {}


async def show_bulk(request: Request) -> Response:
    """Show how far it is, and what could not be done and why."""
    return await _bulk(request, "contacts/bulk.html")


async def bulk_progress(request: Request) -> Response:
    """Give the part of it that moves."""
    return await _bulk(request, "contacts/bulk_progress.html")


async def _bulk(request: Request, template: str) -> Response:
    actor, bulk_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        found: ContactBulk = await bulk.get(uow, bulk_id)
        refused = await bulk.refusals(uow, bulk_id) if found.refused else []
        why = await bulk.reasons(uow, bulk_id) if found.refused else []
    said = [(each, i18n.say(each.sentence, each.values)) for each in refused]
    reasons = [(i18n.gettext(text), number) for text, number in why if "{" not in text]
    return await views.render(request, template, bulk=found, refused=said, reasons=reasons)


ROUTES = [
    Route("/contacts", listing, methods=["GET"]),
    Route("/contacts/rows", rows, methods=["GET"]),
    Route("/contacts/count", count, methods=["GET"]),
    Route("/contacts/bulk", act, methods=["POST"]),
    Route("/contacts/bulk/{id:int}", show_bulk, methods=["GET"]),
    Route("/contacts/bulk/{id:int}/progress", bulk_progress, methods=["GET"]),
]
