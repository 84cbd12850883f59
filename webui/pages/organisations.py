"""Organisations: the list with its search, a new one, and one's fields, changed in place."""

from typing import Any, get_args
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.contacts import numbers, organisation_lists, organisations
from callcenter.contacts.forms import AccountType, OrganisationInput
from callcenter.contacts.models import ACCOUNT_TYPES, NUMBER_TYPES, Organisation
from callcenter.contacts.rights import creatable_type, extent
from callcenter.errors import CallCenterError, Conflict, Invalid, NotPermitted
from webui import views
from webui.pages import fields
from webui.pages.organisation_frame import countries, frame

_PAGE = 50
PLAIN = ("name", "type", *organisations.PLAIN)


async def listing(request: Request) -> Response:
    """Show organisations, or those who fit what was typed."""
    return await _list(request, "organisations/list.html")


async def rows(request: Request) -> Response:
    """Give more rows of the list, for search as you type and for `load more`."""
    return await _list(request, "organisations/rows.html")


async def _list(request: Request, template: str) -> Response:
    actor = views.signed_in(request)
    q, after = fields.query_text(request, "q"), fields.query_text(request, "after", 2000)
    kind = fields.query_text(request, "type", 20)
    kind = kind if kind in get_args(AccountType) else ""
    async with request.app.state.database.reading(actor) as uow:
        page = await organisation_lists.page(uow, q=q, type_=kind or None, after=after or None, limit=_PAGE)
    more = f"/organisations/rows?{urlencode({'q': q, 'type': kind, 'after': page.next})}" if page.next else ""
    return await views.render(
        request,
        template,
        organisations=page.items,
        q=q,
        kind=kind,
        more=more,
        first=not after,
        show=numbers.show,
        may_add=any(extent(actor, each, change=True) for each in ACCOUNT_TYPES),
    )


async def new(request: Request) -> Response:
    """Show the form of a new organisation."""
    actor = views.signed_in(request)
    given = {"name": fields.query_text(request, "name", 254), "type": creatable_type(actor)}
    return await _new_form(request, given)


async def create(request: Request) -> Response:
    """Add the organisation."""
    actor = views.signed_in(request)
    given = read(await views.form(request))
    try:
        data = fields.validated(OrganisationInput, given)
        async with request.app.state.database.unit_of_work(actor) as uow:
            made = await organisations.create_organisation(uow, data, request.app.state.settings.region)
            organisation_id = made.id
    except (Invalid, Conflict, NotPermitted) as error:
        return await _new_form(request, given, error)
    return views.redirect(f"/organisations/{organisation_id}")


async def _new_form(request: Request, given: dict[str, Any], refused: CallCenterError | None = None) -> Response:
    context = form_context(request, given, refused)
    return await views.render(request, "organisations/new.html", refused.status if refused else 200, **context)


async def show(request: Request) -> Response:
    """Show an organisation's fields, as a form to whom may change them."""
    return await _show(request)


async def update(request: Request) -> Response:
    """Change the organisation, unless somebody did so meanwhile: then both versions are shown, and saving again decides."""
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    given = read(form)
    try:
        data, version = fields.validated(OrganisationInput, given), fields.whole(form, "version") or 0
        async with request.app.state.database.unit_of_work(actor) as uow:
            await organisations.update_organisation(uow, organisation_id, data, version, request.app.state.settings.region)
    except (Invalid, Conflict, NotPermitted) as error:
        return await _show(request, given, error, version=fields.whole(form, "version"))
    return views.redirect(f"/organisations/{organisation_id}?saved=1")


async def _show(
    request: Request, given: dict[str, Any] | None = None, refused: CallCenterError | None = None, *, version: int | None = None
) -> Response:
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, organisation_id, "general")
    organisation = context["organisation"]
    stored = stored_fields(organisation)
    context |= form_context(request, given or stored, refused)
    # Of two who save, the second sees both; the version goes up, so that saving again is a decision.
    stale = refused is not None and version is not None and version != organisation.version
    context["theirs"] = {name: stored[name] for name in stored if given and stored[name] != given[name]} if stale else {}
    context |= {"version": organisation.version, "saved": fields.query_text(request, "saved", 1) == "1"}
    return await views.render(request, "organisations/show.html", refused.status if refused else 200, **context)


def stored_fields(organisation: Organisation) -> dict[str, Any]:
    """Return an organisation as its form sends it."""
    plain = {name: getattr(organisation, name) for name in PLAIN}
    return plain | {"numbers": [{"type": each.type, "number": each.raw} for each in organisation.numbers]}


def read(form: FormData) -> dict[str, Any]:
    """Return the form as OrganisationInput takes it; number rows left empty are no numbers."""
    plain: dict[str, Any] = {name: fields.text(form, name) for name in PLAIN}
    plain["note"] = plain["note"].replace("\r\n", "\n")
    pairs = zip(fields.texts(form, "number_type"), fields.texts(form, "number"), strict=False)
    plain["type"] = plain["type"] or None
    return plain | {"numbers": [{"type": kind, "number": number} for kind, number in pairs if number]}


def form_context(request: Request, given: dict[str, Any], refused: CallCenterError | None) -> dict[str, Any]:
    """Return what organisations/fields.html needs."""
    actor = views.signed_in(request)
    return {
        "given": given,
        "error": views.translate(request, refused) if refused else "",
        "fault": (getattr(refused, "field", None) or "") if refused else "",
        "number_types": NUMBER_TYPES,
        "account_types": [each for each in ACCOUNT_TYPES if each == given.get("type") or extent(actor, each, change=True)],
        "countries": countries(),
    }


ROUTES = [
    Route("/organisations", listing, methods=["GET"]),
    Route("/organisations", create, methods=["POST"]),
    Route("/organisations/rows", rows, methods=["GET"]),
    Route("/organisations/new", new, methods=["GET"]),
    Route("/organisations/{id:int}", show, methods=["GET"]),
    Route("/organisations/{id:int}", update, methods=["POST"]),
]
