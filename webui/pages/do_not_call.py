"""Do-not-call lists, everybody's and each project's: one number, and files of them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts import number_lists as lists
from callcenter.contacts import suppressions
from callcenter.errors import CallCenterError, Invalid, NotFound
from callcenter.projects import service as projects
from webui import number_lists, views
from webui.pages import fields


async def show(request: Request) -> Response:
    """Show the forms and the files that were read."""
    return await _show(request)


async def rows(request: Request) -> Response:
    """Give the files anew while one is read."""
    return await _show(request, template="do_not_call/rows.html")


async def _show(
    request: Request, refused: CallCenterError | None = None, template: str = "do_not_call/show.html", **given: Any
) -> Response:
    actor = views.signed_in(request, Role.SUPERVISOR)
    async with request.app.state.database.reading(actor) as uow:
        found = [(each, lists.state(each, uow.now)) for each in await lists.list_lists(uow)]
        names = {each.id: each.name for each in await projects.list_projects(uow)}
    return await views.render(
        request,
        template,
        refused.status if refused else 200,
        lists=found,
        reading=any(state == "reading" for _, state in found),
        projects=names,
        given={"number": "", "project_id": "", "listed": None} | given,
        error=views.translate(request, refused) if refused else "",
        fault=getattr(refused, "field", None) or "",
    )


async def one(request: Request) -> Response:
    """Put a number on a list, take it off, or say whether it is there."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    form = await views.form(request)
    number, what = fields.text(form, "number")[:40], fields.text(form, "what")
    region = request.app.state.settings.region
    given: dict[str, Any] = {"number": number, "project_id": fields.text(form, "project_id")[:10]}
    try:
        project_id = fields.whole(form, "project_id")
        async with request.app.state.database.unit_of_work(actor) as uow:
            if project_id is not None:
                region = (await projects.get_project(uow, project_id)).region
            if what in ("add", "remove"):
                await suppressions.do_not_call(uow, number, region, listed=what == "add", project_id=project_id)
            listed = await suppressions.is_listed(uow, number, region, project_id=project_id)
    except (Invalid, NotFound) as error:
        return await _show(request, error, **given)
    return await _show(request, **given, listed=listed)


async def upload(request: Request) -> Response:
    """Read a file onto a list."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    form = await views.form(request)
    given = {"project_id": fields.text(form, "project_id")[:10]}
    try:
        await number_lists.upload(request, actor, form)
    except Invalid as error:
        return await _show(request, error, **given)
    return views.redirect("/do-not-call")


ROUTES = [
    Route("/do-not-call", show, methods=["GET"]),
    Route("/do-not-call", one, methods=["POST"]),
    Route("/do-not-call/rows", rows, methods=["GET"]),
    Route("/do-not-call/lists", upload, methods=["POST"]),
]
