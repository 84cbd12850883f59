"""Contacts out: a form, the files one asked for, and one contact at once."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.contacts import exports
from callcenter.contacts.exports import FORMATS, Format
from callcenter.errors import Invalid
from webui import exports as background
from webui import views
from webui.pages import fields

_FORMATS: dict[str, Format] = {"csv": "csv", "csv-excel": "csv-excel", "xlsx": "xlsx", "vcard": "vcard", "vcard3": "vcard3"}


async def listing(request: Request) -> Response:
    """Show the form and the files that are kept."""
    return await _list(request, "exports/list.html")


async def rows(request: Request) -> Response:
    """Give the files anew while one is written."""
    return await _list(request, "exports/rows.html")


async def _list(request: Request, template: str) -> Response:
    actor = views.signed_in(request)
    exports.require(actor)
    async with request.app.state.database.reading(actor) as uow:
        found = await exports.list_exports(uow)
    return await views.render(request, template, exports=found, writing=any(each.state == "writing" for each in found))


async def start(request: Request) -> Response:
    """Begin to write a file: of the contacts whose `id`s are sent, or of all one may see."""
    actor, form = views.signed_in(request), await views.form(request)
    ids = [int(each) for each in fields.texts(form, "id") if each.isascii() and each.isdigit() and len(each) < 10]
    await background.start(request, actor, ids or None, _kind(fields.text(form, "format")))
    return views.redirect("/contacts/exports")


def _kind(said: str) -> Format:
    if said not in FORMATS:
        raise Invalid("There is no such format.", field="format")
    return _FORMATS[said]


async def file(request: Request) -> Response:
    """Send a file."""
    return await background.download(request, views.signed_in(request), fields.path_id(request))


async def one(request: Request) -> Response:
    """Send one contact."""
    kind = _kind(fields.query_text(request, "format", 20) or "vcard")
    return await background.one(request, views.signed_in(request), fields.path_id(request), kind)


ROUTES = [
    Route("/contacts/exports", listing, methods=["GET"]),
    Route("/contacts/exports", start, methods=["POST"]),
    Route("/contacts/exports/rows", rows, methods=["GET"]),
    Route("/contacts/exports/{id:int}", file, methods=["GET"]),
    Route("/contacts/{id:int}/export", one, methods=["GET"]),
]
