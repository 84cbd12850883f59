"""Text messages that came: those nobody has dealt with first; answered, marked, or given to a contact from here."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts import service as contacts
from callcenter.errors import NotFound
from callcenter.projects import service as projects
from callcenter.texts import service as texts
from webui import views
from webui.pages import fields

_PAGE = 50
_MOST_FOUND = 6


async def listing(request: Request) -> Response:
    """Show the messages of one's projects, or (`?show=all`) all one may see; `?project=` only those to a project."""
    return await _list(request, "texts/list.html")


async def rows(request: Request) -> Response:
    """Give more rows of the list."""
    return await _list(request, "texts/lines.html")


async def _list(request: Request, template: str) -> Response:
    actor = views.signed_in(request)
    every = request.query_params.get("show") == "all"
    project_id = fields.query_id(request, "project")
    after = fields.query_text(request, "after", 40)
    async with request.app.state.database.reading(actor) as uow:
        page = await texts.inbox(uow, project_id=project_id, mine=not every, after=after or None, limit=_PAGE)
        supervisor = actor.may(Role.SUPERVISOR)
        named = await (projects.list_projects(uow) if supervisor else projects.projects_of(uow))
        possible = await texts.can_send(uow)
    chosen = {"show": "all" if every else "", "project": project_id or ""}
    address = urlencode({name: value for name, value in chosen.items() if value})
    more = f"/texts/rows?{urlencode({**chosen, 'after': page.next})}" if page.next else ""
    return await views.render(
        request,
        template,
        texts=page.items,
        more=more,
        every=every,
        project_id=project_id,
        projects=named,
        possible=possible,
        here=f"/texts?{address}" if address else "/texts",
    )


async def seen(request: Request) -> Response:
    """Note that a message needs nothing more."""
    actor = views.signed_in(request)
    form = await views.form(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await texts.mark_seen(uow, text_id(request.path_params["id"]))
    return _back(fields.text(form, "next"))


async def attach(request: Request) -> Response:
    """Give a message to a contact, with the number if it is to be theirs; no contact: to nobody."""
    actor = views.signed_in(request)
    form = await views.form(request)
    contact_id, keep = fields.whole(form, "contact_id"), fields.flag(form, "keep_number")
    async with request.app.state.database.unit_of_work(actor) as uow:
        await texts.attach(uow, text_id(request.path_params["id"]), contact_id, keep_number=keep)
    return _back(fields.text(form, "next"))


async def candidates(request: Request) -> Response:
    """Give contacts that fit what was typed, to be picked as whose message it was."""
    actor = views.signed_in(request)
    q = fields.query_text(request, "q", 100)
    async with request.app.state.database.reading(actor) as uow:
        text = await texts.get_text(uow, text_id(request.path_params["id"]))
        found = (await contacts.list_contacts(uow, q=q, limit=_MOST_FOUND)).items if q else []
    here = views.local_path(fields.query_text(request, "next", 300)) or "/texts"
    return await views.render(request, "texts/candidates.html", text=text, contacts=found, q=q, here=here)


def _back(path: str) -> Response:
    """Send the browser back to the list it came from."""
    local = views.local_path(path)
    if not local.startswith("/texts"):
        local = "/texts"
    return views.redirect(local)


def text_id(value: str) -> str:
    """Return an id from an address or a form; raises NotFound for what none can be."""
    if len(value) != 32 or not all(each in "0123456789abcdef" for each in value):
        raise NotFound("There is no such text message.")
    return value


ROUTES = [
    Route("/texts", listing, methods=["GET"]),
    Route("/texts/rows", rows, methods=["GET"]),
    Route("/texts/{id:str}/seen", seen, methods=["POST"]),
    Route("/texts/{id:str}/contact", attach, methods=["POST"]),
    Route("/texts/{id:str}/candidates", candidates, methods=["GET"]),
]
