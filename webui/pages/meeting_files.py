"""Phone meetings from and to files: upload, dry run, progress, rejected rows, planning; export of the list as it is filtered."""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.meetings import exports, import_steps, import_undo, imports
from callcenter.meetings.models import MeetingImport
from callcenter.users.models import User
from webui import meeting_columns, views
from webui import meeting_imports as background
from webui.i18n import say
from webui.pages import fields, meeting_filters

_SHOWN = 50  # rows of each kind on the page; all rejected ones are in the file


async def listing(request: Request) -> Response:
    """Show the form and the imports so far."""
    return await _listing(request)


async def _listing(request: Request, refused: CallCenterError | None = None) -> Response:
    actor = views.signed_in(request)
    async with request.app.state.database.reading(actor) as uow:
        found = await imports.list_imports(uow)
        people = {each.user_id: await _name(uow, each) for each in found}
    error = views.translate(request, refused) if refused else ""
    status = refused.status if refused else 200
    return await views.render(request, "meeting_files/list.html", status, imports=found, people=people, error=error)


async def _name(uow: UnitOfWork, each: MeetingImport) -> str:
    """Return who imported a file, "" for a command."""
    user = None if each.user_id is None else await uow.session.get(User, each.user_id)
    return user.name if user else ""


async def upload(request: Request) -> Response:
    """Take a file; it is read in the background."""
    actor = views.signed_in(request)
    try:
        created = await background.upload(request, actor, await views.form(request))
    except (Invalid, Conflict) as error:
        return await _listing(request, error)
    return views.redirect(f"/meetings/import/{created.id}")


async def show(request: Request) -> Response:
    """Show one import."""
    return await _show(request, "meeting_files/show.html")


async def progress(request: Request) -> Response:
    """Give how far an import is, anew every second while it moves."""
    return await _show(request, "meeting_files/progress.html")


async def _show(request: Request, template: str) -> Response:
    actor, import_id = views.signed_in(request), fields.path_id(request)
    before = fields.query_text(request, "before", 20)  # the state work that was just asked for will leave
    async with request.app.state.database.reading(actor) as uow:
        found = await imports.get_import(uow, import_id)
        rejected = await import_steps.rejected_rows(uow, import_id, _SHOWN)
        already = await import_undo.lines(uow, import_id, "already", limit=_SHOWN)
        kept = await import_undo.lines(uow, import_id, "kept", limit=_SHOWN)
        same = await imports.same_as(uow, found)
        by = await _name(uow, same) if same else ""
    waits = found.state == "checked" and imports.waits(found)
    return await views.render(
        request,
        template,
        each=found,
        error=say(found.error, found.error_values),
        rejected=[(row.line, imports.column_of(found, row.field), say(row.sentence, row.values)) for row in rejected],
        already=already,
        kept=kept,
        same=same,
        by=by,
        before=before,
        moving=found.state in {before, "reading", "planning", "undoing"} or (found.state == "checked" and not waits),
    )


async def rejected(request: Request) -> Response:
    """Download the rejected rows with column and reason."""
    actor, import_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        text = await imports.report(uow, import_id, meeting_columns.say)
    return _file(Response(text, media_type="text/csv; charset=utf-8"), f"meetings-{import_id}-rejected.csv")


async def plan(request: Request) -> Response:
    """Plan the good rows of a dry run, or of a file that came before."""
    actor, import_id = views.signed_in(request), fields.path_id(request)
    await background.plan(request, actor, import_id)
    return views.redirect(f"/meetings/import/{import_id}?before=checked")


async def undo(request: Request) -> Response:
    """Take back what an import planned."""
    actor, import_id = views.signed_in(request), fields.path_id(request)
    await background.undo(request, actor, import_id)
    return views.redirect(f"/meetings/import/{import_id}?before=done")


async def export(request: Request) -> Response:
    """Download the meetings the list shows, page after page while they are read."""
    actor = views.signed_in(request)
    chosen = meeting_filters.read(request, limit=exports.PAGE)
    header, words = meeting_columns.header(), meeting_columns.words()
    rows = exports.rows(request.app.state.database, actor, chosen.filter, header, words)
    return _file(StreamingResponse(rows, media_type="text/csv; charset=utf-8"), "meetings.csv")


def _file(response: Response, name: str) -> Response:
    response.headers["content-disposition"] = f'attachment; filename="{name}"'
    return response


ROUTES = [
    Route("/meetings/import", listing, methods=["GET"]),
    Route("/meetings/import", upload, methods=["POST"]),
    Route("/meetings/import/{id:int}", show, methods=["GET"]),
    Route("/meetings/import/{id:int}/progress", progress, methods=["GET"]),
    Route("/meetings/import/{id:int}/rejected.csv", rejected, methods=["GET"]),
    Route("/meetings/import/{id:int}/plan", plan, methods=["POST"]),
    Route("/meetings/import/{id:int}/undo", undo, methods=["POST"]),
    Route("/meetings/export.csv", export, methods=["GET"]),
]
