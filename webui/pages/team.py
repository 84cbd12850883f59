"""The team: what every agent does now, for supervisors."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.agents import service as agents
from callcenter.calls import service as calls
from callcenter.calls import spending
from callcenter.errors import Invalid
from webui import views
from webui.pages import fields


async def team(request: Request) -> Response:
    """Show the team."""
    return await _show(request, "team.html")


async def rows(request: Request) -> Response:
    """Give the team's rows anew, after somebody's state changed."""
    return await _show(request, "team_rows.html")


async def spent(request: Request) -> Response:
    """Give anew what calls cost today."""
    return await _show(request, "team_spending.html")


async def _show(request: Request, template: str) -> Response:
    actor = views.signed_in(request, Role.SUPERVISOR)
    async with request.app.state.database.reading(actor) as uow:
        found = await agents.list_agents(uow)
        costs = await spending.today(uow)
        talks = {each.user_id: each for each in await calls.talks(uow)}
    return await views.render(request, template, agents=found, spending=costs, talks=talks)


async def set_state(request: Request) -> Response:
    """Put an agent on break or offline (somebody went home and left the page open)."""
    actor, user_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    state = fields.text(form, "state")
    if state not in {"break", "offline"}:
        raise Invalid("A supervisor may put people on break or offline.", field="state")
    async with request.app.state.database.unit_of_work(actor) as uow:
        await calls.set_agent_state(uow, state, user_id=user_id)
    return views.redirect("/team")


ROUTES = [
    Route("/team", team, methods=["GET"]),
    Route("/team/rows", rows, methods=["GET"]),
    Route("/team/spending", spent, methods=["GET"]),
    Route("/team/{id:int}/state", set_state, methods=["POST"]),
]
