"""Importing contacts: upload, dry run, progress, rejected rows, apply, undo, for supervisors."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts import import_queries as imports
from callcenter.errors import CallCenterError, Conflict, Invalid
from webui import imports as background
from webui import views
from webui.i18n import gettext, say
from webui.pages import fields

_SHOWN = 50  # rows of each kind; the report has all


async def listing(request: Request) -> Response:
    """Show the form and the imports so far."""
    return await _listing(request)


async def _listing(request: Request, refused: CallCenterError | None = None) -> Response:
    actor = views.signed_in(request, Role.SUPERVISOR)
    async with request.app.state.database.reading(actor) as uow:
        found = await imports.list_imports(uow)
    error = views.translate(request, refused) if refused else ""
    return await views.render(request, "imports/list.html", refused.status if refused else 200, imports=found, error=error)


async def upload(request: Request) -> Response:
    """Take a file; it is read in the background."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    try:
        created = await background.upload(request, actor, await views.form(request), wait=True)
    except (Invalid, Conflict) as error:
        return await _listing(request, error)
    return views.redirect(f"/imports/{created.id}/mapping")


async def show(request: Request) -> Response:
    """Show one import."""
    return await _show(request, "imports/show.html")


async def progress(request: Request) -> Response:
    """Give how far an import is, anew every second while it moves."""
    return await _show(request, "imports/progress.html")


async def _show(request: Request, template: str) -> Response:
    actor, import_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    before = fields.query_text(request, "before", 20)  # the state work that was just asked for will leave
    async with request.app.state.database.reading(actor) as uow:
        found = await imports.get_import(uow, import_id)
        noticed = await imports.notices(uow, import_id, say, _SHOWN)
        rejections = await imports.rejections(uow, import_id, say, _SHOWN)
    return await views.render(
        request,
        template,
        each=found,
        error=say(found.error, found.error_values),
        notices=noticed,
        remap=found.state in {"checked", "failed"} and not found.applied and background.kept_file(request, import_id).is_file(),
        rejections=rejections,
        before=before,
        moving=found.state == before
        or found.state in {"staging", "applying", "indexing", "undoing"}
        or (found.state == "checked" and not found.dry_run),
    )


async def rejected(request: Request) -> Response:
    """Download the rejected rows with their reasons."""
    actor, import_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    return await background.rejected(request, actor, import_id, say, (gettext("Line"), gettext("Reason")))


async def apply(request: Request) -> Response:
    """Make contacts of the good rows of a dry run."""
    actor, import_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    await background.apply(request, actor, import_id)
    return views.redirect(f"/imports/{import_id}?before=checked")


async def undo(request: Request) -> Response:
    """Take away all that an import made."""
    actor, import_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    await background.undo(request, actor, import_id)
    return views.redirect(f"/imports/{import_id}?before=done")


ROUTES = [
    Route("/imports", listing, methods=["GET"]),
    Route("/imports", upload, methods=["POST"]),
    Route("/imports/{id:int}", show, methods=["GET"]),
    Route("/imports/{id:int}/progress", progress, methods=["GET"]),
    Route("/imports/{id:int}/rejected.csv", rejected, methods=["GET"]),
    Route("/imports/{id:int}/apply", apply, methods=["POST"]),
    Route("/imports/{id:int}/undo", undo, methods=["POST"]),
]
