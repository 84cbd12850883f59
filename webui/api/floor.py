"""Projects, their people and dispositions, and the agents."""

from typing import Annotated

from pydantic import BaseModel, Field

from callcenter.actor import Role
from callcenter.agents import service as agents
from callcenter.agents.views import AgentOut
from callcenter.calls import service as calls
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.projects import service as projects
from callcenter.projects.service import DispositionOut, MemberOut, ProjectInput, ProjectOut
from webui.api.me import StateIn
from webui.openapi import operation, routes_of
from webui.validation import Id, In, Word


class ProjectList(BaseModel):
    """Projects by name."""

    items: list[ProjectOut]


class MemberList(BaseModel):
    """Who serves a project."""

    items: list[MemberOut]


class MembersIn(In):
    """Exactly these people serve the project."""

    user_ids: Annotated[list[Id], Field(max_length=10_000)]


class DispositionList(BaseModel):
    """Codes for calls."""

    items: list[DispositionOut]


class DispositionsIn(In):
    """Exactly these codes, in this order."""

    names: Annotated[list[Word], Field(max_length=200)]


class AgentList(BaseModel):
    """Agents as routing sees them."""

    items: list[AgentOut]


@operation("GET", "/projects", "listProjects")
async def list_projects(uow: UnitOfWork) -> ProjectList:
    """One's own projects; all of them for supervisors."""
    found = await projects.list_projects(uow) if uow.actor.may(Role.SUPERVISOR) else await projects.projects_of(uow)
    return ProjectList(items=found)


@operation("POST", "/projects", "createProject", role=Role.SUPERVISOR, errors=(Conflict,), status=201)
async def create_project(uow: UnitOfWork, body: ProjectInput) -> ProjectOut:
    """Add a project."""
    return await projects.add_project(uow, body)


@operation("GET", "/projects/{project_id}", "getProject")
async def get_project(uow: UnitOfWork, project_id: Id) -> ProjectOut:
    """One project."""
    return await projects.get_project(uow, project_id)


@operation("PUT", "/projects/{project_id}", "updateProject", role=Role.SUPERVISOR, errors=(Conflict,))
async def update_project(uow: UnitOfWork, project_id: Id, body: ProjectInput) -> ProjectOut:
    """Change a project's rules and numbers."""
    return await projects.update_project(uow, project_id, body)


@operation("GET", "/projects/{project_id}/members", "listMembers", role=Role.SUPERVISOR)
async def list_members(uow: UnitOfWork, project_id: Id) -> MemberList:
    """Who serves the project."""
    return MemberList(items=await projects.members(uow, project_id))


@operation("PUT", "/projects/{project_id}/members", "setMembers", role=Role.SUPERVISOR)
async def set_members(uow: UnitOfWork, project_id: Id, body: MembersIn) -> MemberList:
    """Make exactly these people serve the project."""
    return MemberList(items=await projects.set_members(uow, project_id, body.user_ids))


@operation("GET", "/projects/{project_id}/dispositions", "listDispositions")
async def list_dispositions(uow: UnitOfWork, project_id: Id) -> DispositionList:
    """The codes for the project's calls, common ones included."""
    await projects.get_project(uow, project_id)
    return DispositionList(items=await projects.dispositions(uow, project_id))


@operation("PUT", "/projects/{project_id}/dispositions", "setDispositions", role=Role.SUPERVISOR)
async def set_dispositions(uow: UnitOfWork, project_id: Id, body: DispositionsIn) -> DispositionList:
    """Make exactly these the project's own codes."""
    return DispositionList(items=await projects.set_dispositions(uow, project_id, body.names))


@operation("GET", "/dispositions", "listCommonDispositions")
async def list_common_dispositions(uow: UnitOfWork) -> DispositionList:
    """The codes common to all projects."""
    return DispositionList(items=await projects.dispositions(uow, None))


@operation("PUT", "/dispositions", "setCommonDispositions", role=Role.SUPERVISOR)
async def set_common_dispositions(uow: UnitOfWork, body: DispositionsIn) -> DispositionList:
    """Make exactly these the codes common to all projects."""
    return DispositionList(items=await projects.set_dispositions(uow, None, body.names))


@operation("GET", "/agents", "listAgents", role=Role.SUPERVISOR)
async def list_agents(uow: UnitOfWork) -> AgentList:
    """Everybody's state."""
    return AgentList(items=await agents.list_agents(uow))


@operation("PUT", "/agents/{user_id}/state", "setStateOfAgent", role=Role.SUPERVISOR, errors=(Conflict,))
async def set_state_of_agent(uow: UnitOfWork, user_id: Id, body: StateIn) -> AgentOut:
    """Put somebody into another state."""
    return await calls.set_agent_state(uow, body.state, body.reason, user_id=user_id)


ROUTES = routes_of(__name__)
