"""What the columns of an uploaded file mean: the guess, a select for each, a preview of what it makes, then check or import."""

from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts import csv_file
from callcenter.contacts.import_mapping import FIELDS, MAXIMUM_COLUMNS, Mapping
from callcenter.contacts.import_preview import Look
from callcenter.contacts.import_queries import get_import, said
from callcenter.contacts.models import ACCOUNT_TYPES
from callcenter.contacts.rights import extent
from callcenter.errors import CallCenterError, Conflict, Invalid
from webui import imports as background
from webui import views
from webui.i18n import say
from webui.pages import fields
from webui.validation import invalid

_CHOICES = ("words", "duplicates", "type", "region", "encoding", "delimiter", "sheet")
_MORE_FIELDS = 20  # beside one for each column
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}  # a tab would not come through a form


async def show(request: Request) -> Response:
    """Show what the columns may mean; `encoding`, `delimiter` and `sheet` of the query read the file otherwise."""
    given = {name: fields.query_text(request, name, 100) for name in ("encoding", "delimiter", "sheet")}
    return await _show(request, _validated(given | {"delimiter": _DELIMITERS.get(given["delimiter"], "")}))


async def _show(request: Request, mapping: Mapping, refused: CallCenterError | None = None) -> Response:
    actor, import_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    looked: Look | None = None
    try:
        looked = await background.look(request, actor, import_id, mapping)
    except (Invalid, Conflict) as error:
        refused = error
    async with request.app.state.database.reading(actor) as uow:
        found = await get_import(uow, import_id)
    return await views.render(
        request,
        "imports/mapping.html",
        refused.status if refused else 200,
        each=found,
        error=views.translate(request, refused) if refused else "",
        mapping=looked.mapping if looked else mapping,
        fields=FIELDS,
        encodings=csv_file.ENCODINGS,
        delimiters={mark: name for name, mark in _DELIMITERS.items()},
        types=[kind for kind in ACCOUNT_TYPES if extent(actor, kind, change=True)],
        may_add=actor.may(Role.ADMINISTRATOR),
        region=request.app.state.settings.region,
        **_looked(looked),
    )


def _looked(looked: Look | None) -> dict[str, Any]:
    """Return what the page shows of a look: nothing of one that failed."""
    if looked is None:
        return {"look": None, "results": [], "problem": ""}
    problem = say(looked.problem.sentence, looked.problem.values) if looked.problem else ""
    return {"look": looked, "results": [_result(row) for row in looked.results], "problem": problem}


def _result(row: dict[str, Any]) -> dict[str, Any]:
    data = row["data"]
    plain = data.get("plain", {})
    return {
        "line": row["line"],
        "error": say(row["error"], row["error_values"]) if row["error"] else "",
        "notice": said(row["notice"], row["notice_values"], say) if row["notice"] else "",
        "skipped": bool(row.get("skipped")),
        "filled": "fill" in data or "twin" in data,
        "name": f"{plain.get('first_name', '')} {plain.get('last_name', '')}".strip(),
        "organisation": data.get("organisation", ""),
        "email": plain.get("email", ""),
        "numbers": [number[3] or number[1] for number in data.get("numbers", ())],
        "city": plain.get("city", ""),
    }


async def preview(request: Request) -> Response:
    """Give the first contacts that the form as it stands would make."""
    actor, import_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await _form(request)
    problem, looked = "", None
    try:
        looked = await background.look(request, actor, import_id, _given(form))
    except (Invalid, Conflict) as error:
        problem = views.translate(request, error)
    context = _looked(looked)
    return await views.render(request, "imports/mapping_preview.html", **(context | {"problem": problem or context["problem"]}))


async def begin(request: Request) -> Response:
    """Check the whole file, or import it."""
    actor, import_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await _form(request)
    mapping = Mapping()
    try:
        mapping = _given(form)
        await background.begin(request, actor, import_id, mapping, dry_run=fields.text(form, "do") != "import")
    except (Invalid, Conflict) as error:
        return await _show(request, mapping, error)
    return views.redirect(f"/imports/{import_id}?before=mapping")


async def _form(request: Request) -> FormData:
    form = await request.form(max_files=0, max_fields=MAXIMUM_COLUMNS + _MORE_FIELDS)
    if any("\x00" in name or "\x00" in str(value) for name, value in form.multi_items()):
        raise Invalid("The text holds a character that cannot be kept.", field="mapping")
    return form


def _given(form: FormData) -> Mapping:
    given: dict[str, object] = {name: fields.text(form, name) for name in _CHOICES if fields.text(form, name)}
    given["delimiter"] = _DELIMITERS.get(str(given.get("delimiter", "")), "")
    return _validated(given | {"columns": fields.texts(form, "column")})


def _validated(given: dict[str, Any]) -> Mapping:
    try:
        return Mapping(**given)
    except ValidationError as error:
        raise invalid(error) from error


ROUTES = [
    Route("/imports/{id:int}/mapping", show, methods=["GET"]),
    Route("/imports/{id:int}/mapping", begin, methods=["POST"]),
    Route("/imports/{id:int}/mapping/preview", preview, methods=["POST"]),
]
