"""Adding leads to a campaign: a file with what its columns mean and a preview, or contacts; progress and the report."""

from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.campaigns import lead_imports, lead_reports
from callcenter.campaigns.lead_columns import MEANINGS, LeadMapping
from callcenter.campaigns.lead_sources import Look
from callcenter.contacts import csv_file, queries
from callcenter.contacts.import_mapping import MAXIMUM_COLUMNS
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.users import filters
from webui import lead_files, lead_words, views
from webui.i18n import gettext, say
from webui.pages import campaign_frame, contact_filters, fields
from webui.validation import invalid

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}  # a tab would not come through a form
_MORE_FIELDS = 20
_SHOWN = 50


async def add(request: Request) -> Response:
    """Show how leads can be added, and what was added so far."""
    return await _add(request)


async def _add(request: Request, refused: CallCenterError | None = None) -> Response:
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    campaign = await campaign_frame.read(request, actor, campaign_id)
    async with request.app.state.database.reading(actor) as uow:
        found = await lead_imports.list_imports(uow, campaign_id)
    return await campaign_frame.page(
        request, "campaigns/leads_add.html", "leads", campaign, refused, imports=found, path=f"/campaigns/{campaign_id}/leads"
    )


async def upload(request: Request) -> Response:
    """Take a file, and ask what its columns mean."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    try:
        made = await lead_files.upload(request, actor, campaign_id, await views.form(request))
    except (Invalid, Conflict) as error:
        return await _add(request, error)
    return views.redirect(f"/campaigns/{campaign_id}/leads/imports/{made.id}/mapping")


async def mapping(request: Request) -> Response:
    """Show what the columns may mean; `encoding`, `delimiter` and `sheet` of the query read the file otherwise."""
    given = {name: fields.query_text(request, name, 100) for name in ("encoding", "delimiter", "sheet")}
    return await _mapping(request, _validated(given | {"delimiter": _DELIMITERS.get(given["delimiter"], "")}))


async def _mapping(request: Request, chosen: LeadMapping, refused: CallCenterError | None = None) -> Response:
    actor, campaign_id, import_id = _of(request)
    campaign, looked = await campaign_frame.read(request, actor, campaign_id), None
    try:
        looked = await lead_imports.look(request.app.state.database, actor, campaign_id, import_id, chosen)
    except (Invalid, Conflict, NotFound) as error:
        refused = error
    async with request.app.state.database.reading(actor) as uow:
        found = await lead_imports.get_import(uow, campaign_id, import_id)
        same = await lead_imports.same_file(uow, found)
    return await campaign_frame.page(
        request,
        "campaigns/leads_mapping.html",
        "leads",
        campaign,
        refused,
        each=found,
        same=same,
        mapping=looked.mapping if looked else chosen,
        meanings=MEANINGS,
        encodings=csv_file.ENCODINGS,
        delimiters={mark: name for name, mark in _DELIMITERS.items()},
        path=f"/campaigns/{campaign_id}/leads",
        **_looked(looked),
    )


def _looked(looked: Look | None) -> dict[str, Any]:
    if looked is None:
        return {"look": None, "problem": "", "code": lead_words.code}
    problem = say(looked.problem.sentence, looked.problem.values) if looked.problem else ""
    return {"look": looked, "problem": problem, "code": lead_words.code}


async def preview(request: Request) -> Response:
    """Give the first leads that the form as it stands would make."""
    actor, campaign_id, import_id = _of(request)
    problem, looked = "", None
    try:
        chosen = _given(await _form(request))
        looked = await lead_imports.look(request.app.state.database, actor, campaign_id, import_id, chosen)
    except (Invalid, Conflict) as error:
        problem = views.translate(request, error)
    context = _looked(looked)
    return await views.render(request, "campaigns/leads_preview.html", **context | {"problem": problem or context["problem"]})


async def begin(request: Request) -> Response:
    """Add the leads of the file."""
    actor, campaign_id, import_id = _of(request)
    chosen = LeadMapping()
    try:
        chosen = _given(await _form(request))
        await lead_files.begin(request, actor, campaign_id, import_id, chosen)
    except (Invalid, Conflict) as error:
        return await _mapping(request, chosen, error)
    return views.redirect(f"/campaigns/{campaign_id}/leads/imports/{import_id}")


async def show(request: Request) -> Response:
    """Show how far it is, and the report."""
    return await _show(request, "campaigns/leads_import.html")


async def progress(request: Request) -> Response:
    """Give that alone, anew every second while it moves."""
    return await _show(request, "campaigns/leads_progress.html")


async def _show(request: Request, template: str) -> Response:
    actor, campaign_id, import_id = _of(request)
    campaign = await campaign_frame.read(request, actor, campaign_id)
    async with request.app.state.database.reading(actor) as uow:
        found = await lead_imports.get_import(uow, campaign_id, import_id)
        rows = await lead_reports.reported(uow, import_id, limit=_SHOWN)
        names = await lead_reports.named(uow, found, rows)
    report: dict[str, Any] = {"rows": 0, "added": 0, "refused": {}, "noted": {}} | found.report
    return await campaign_frame.page(
        request,
        template,
        "leads",
        campaign,
        each=found,
        failure=say(found.error, found.error_values),
        report=report,
        refused=[(lead_words.title(code), count) for code, count in report["refused"].items()],
        noted=[(lead_words.title(code), count) for code, count in report["noted"].items()],
        rows=[(row.line, names.get(row.line, ""), lead_words.code(row.code, row.values)) for row in rows],
        path=f"/campaigns/{campaign_id}/leads",
    )


async def report(request: Request) -> Response:
    """Download the rows that were not added as they were."""
    actor, campaign_id, import_id = _of(request)
    titles = (gettext("Line"), gettext("Reason"), gettext("Name"))
    return await lead_files.report(request, actor, campaign_id, import_id, titles)


async def stop(request: Request) -> Response:
    """Add no more of them."""
    actor, campaign_id, import_id = _of(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await lead_imports.stop(uow, campaign_id, import_id)
    return views.redirect(f"/campaigns/{campaign_id}/leads/imports/{import_id}")


async def contacts(request: Request) -> Response:
    """Show which contacts fit what was chosen, and how many they are."""
    return await _contacts(request)


async def _contacts(request: Request, refused: CallCenterError | None = None) -> Response:
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    campaign = await campaign_frame.read(request, actor, campaign_id)
    async with request.app.state.database.reading(actor) as uow:
        saved = await filters.list_filters(uow, "contacts")
        chosen = await contact_filters.read(uow, request.query_params, await contact_filters.offered(uow, request.query_params))
        asked = bool(request.query_params)
        count = await queries.count_contacts(uow, q=chosen.q, wanted=chosen.wanted) if asked else None
    return await campaign_frame.page(
        request,
        "campaigns/leads_contacts.html",
        "leads",
        campaign,
        refused,
        saved_filters=saved,
        chosen=chosen,
        count=count,
        path=f"/campaigns/{campaign_id}/leads",
    )


async def add_contacts(request: Request) -> Response:
    """Add the contacts that fit the address."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    try:
        given = {"priority": fields.whole(form, "priority") or 3, "others": fields.text(form, "others") or "skip"}
        async with request.app.state.database.reading(actor) as uow:
            chosen = await contact_filters.read(
                uow, request.query_params, await contact_filters.offered(uow, request.query_params)
            )
        made = await lead_files.add_contacts(request, actor, campaign_id, chosen.wanted, chosen.q, _validated(given))
    except (Invalid, Conflict) as error:
        return await _contacts(request, error)
    return views.redirect(f"/campaigns/{campaign_id}/leads/imports/{made.id}")


def _of(request: Request) -> tuple[Any, int, int]:
    return views.signed_in(request, Role.SUPERVISOR), fields.path_id(request), fields.path_id(request, "import")


async def _form(request: Request) -> FormData:
    form = await request.form(max_files=0, max_fields=MAXIMUM_COLUMNS + _MORE_FIELDS)
    if any("\x00" in name or "\x00" in str(value) for name, value in form.multi_items()):
        raise Invalid("The text holds a character that cannot be kept.", field="mapping")
    return form


def _given(form: FormData) -> LeadMapping:
    names = ("encoding", "sheet", "region", "priority", "others")
    given: dict[str, Any] = {name: fields.text(form, name) for name in names if fields.text(form, name)}
    given["delimiter"] = _DELIMITERS.get(fields.text(form, "delimiter"), "")
    return _validated(given | {"columns": fields.texts(form, "column")})


def _validated(given: dict[str, Any]) -> LeadMapping:
    try:
        return LeadMapping.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from error


_PATH = "/campaigns/{id:int}/leads/imports"
_ONE = f"{_PATH}/{{import:int}}"
ROUTES = [
    Route(_PATH, add, methods=["GET"]),
    Route(_PATH, upload, methods=["POST"]),
    Route(f"{_ONE}/mapping", mapping, methods=["GET"]),
    Route(f"{_ONE}/mapping", begin, methods=["POST"]),
    Route(f"{_ONE}/mapping/preview", preview, methods=["POST"]),
    Route(_ONE, show, methods=["GET"]),
    Route(f"{_ONE}/progress", progress, methods=["GET"]),
    Route(f"{_ONE}/report.csv", report, methods=["GET"]),
    Route(f"{_ONE}/stop", stop, methods=["POST"]),
    Route("/campaigns/{id:int}/leads/contacts", contacts, methods=["GET"]),
    Route("/campaigns/{id:int}/leads/contacts", add_contacts, methods=["POST"]),
]
