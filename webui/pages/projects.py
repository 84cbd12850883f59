"""Projects: their rules, numbers, people and dispositions, for supervisors."""

from typing import Any

from sqlalchemy import select
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Actor, Role
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotPermitted
from callcenter.projects import service as projects
from callcenter.projects.fields import ProjectInput
from callcenter.trunks.models import Trunk
from callcenter.users import service as users
from webui import views
from webui.pages import fields

_NUMBERS = ("offer_seconds", "wrap_up_seconds", "max_wait_seconds", "ring_seconds", "keep_ready")
_FLAGS = ("enabled", "identify", "answer_early", "allow_premium", "tell_listening")


async def listing(request: Request) -> Response:
    """Show the projects."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    async with request.app.state.database.reading(actor) as uow:
        found = await projects.list_projects(uow)
        common = await projects.dispositions(uow, None)
    return await views.render(request, "projects/list.html", projects=found, common=[each.name for each in common])


async def set_common(request: Request) -> Response:
    """Write the dispositions all projects share."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    form = await views.form(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await projects.set_dispositions(uow, None, fields.lines(form, "dispositions"))
    return views.redirect("/projects")


async def new(request: Request) -> Response:
    """Show the form of a new project."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    given = ProjectInput(name="-").model_dump() | {"name": "", "region": request.app.state.settings.region}
    return await _form(request, actor, given | {"members": [], "dispositions": []})


async def show(request: Request) -> Response:
    """Show a project's settings."""
    actor, project_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        project = await projects.get_project(uow, project_id)
        own = [each.name for each in await projects.dispositions(uow, project_id) if each.project_id == project_id]
    return await _form(request, actor, project.model_dump() | {"dispositions": own}, project_id)


async def add(request: Request) -> Response:
    """Add a project."""
    return await _save(request, None)


async def update(request: Request) -> Response:
    """Change a project."""
    return await _save(request, fields.path_id(request))


async def _save(request: Request, project_id: int | None) -> Response:
    actor = views.signed_in(request, Role.SUPERVISOR)
    form = await views.form(request)
    given = _given(form)
    try:
        given["trunk_id"] = fields.whole(form, "trunk_id")
        plain = {name: value for name, value in given.items() if name not in {"members", "dispositions"}}
        data = fields.validated(ProjectInput, plain)
        async with request.app.state.database.unit_of_work(actor) as uow:
            saved = await _write(uow, project_id, data, given)
    except (Invalid, Conflict, NotPermitted) as error:
        return await _form(request, actor, given, project_id, error)
    return views.redirect(f"/projects/{saved}?saved=1")


async def _write(uow: UnitOfWork, project_id: int | None, data: ProjectInput, given: dict[str, Any]) -> int:
    if project_id is None:
        project = await projects.add_project(uow, data)
    else:
        project = await projects.update_project(uow, project_id, data)
    await projects.set_members(uow, project.id, given["members"])
    await projects.set_dispositions(uow, project.id, given["dispositions"])
    return project.id


def _given(form: FormData) -> dict[str, Any]:
    given: dict[str, Any] = {name: fields.text(form, name) for name in ("name", "purpose", "region", "caller_id", *_NUMBERS)}
    given |= {name: fields.flag(form, name) for name in _FLAGS}
    given |= {name: fields.lines(form, name) for name in ("numbers", "foreign_countries", "dispositions")}
    given["members"] = [int(each) for each in fields.texts(form, "members") if each.isascii() and each.isdigit()]
    given["trunk_id"] = None
    return given


async def _form(
    request: Request, actor: Actor, given: dict[str, Any], project_id: int | None = None, refused: CallCenterError | None = None
) -> Response:
    async with request.app.state.database.reading(actor) as uow:
        people = [each for each in await users.list_users(uow) if each.disabled_at is None]
        trunks = [tuple(row) for row in await uow.session.execute(select(Trunk.id, Trunk.name).order_by(Trunk.name))]
    return await views.render(
        request,
        "projects/form.html",
        refused.status if refused else 200,
        given=given,
        project_id=project_id,
        people=people,
        trunks=trunks,
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "").split(".")[0] if refused else "",
        saved=request.query_params.get("saved") == "1",
    )


ROUTES = [
    Route("/projects", listing, methods=["GET"]),
    Route("/projects", add, methods=["POST"]),
    Route("/projects/dispositions", set_common, methods=["POST"]),
    Route("/projects/new", new, methods=["GET"]),
    Route("/projects/{id:int}", show, methods=["GET"]),
    Route("/projects/{id:int}", update, methods=["POST"]),
]
