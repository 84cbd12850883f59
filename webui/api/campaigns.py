"""Campaigns: made, changed, started and stopped, who serves them, their script, dispositions and messages (M7)."""

from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import FileResponse

from callcenter.actor import Actor, Role
from callcenter.campaigns import dispositions, members, messages, queries, scripts, service
from callcenter.campaigns.forms import CampaignChange, CampaignInput, MeaningInput, MessageKind, ModeChange, Opening, StateName
from callcenter.campaigns.views import CampaignFigures, CampaignLine, CampaignMemberOut, CampaignOut, MeaningOut
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from webui import i18n, sounds
from webui.openapi import operation, routes_of
from webui.validation import Id, In, Line

_ONE = "/campaigns/{campaign_id}"
_MESSAGE = "/campaigns/{campaign_id}/messages/{kind}"


class CampaignsQuery(In):
    """Which campaigns: everything given must fit."""

    state: StateName | None = None
    project_id: Id | None = None


class CampaignList(BaseModel):
    """Campaigns: those that run first, then by name."""

    items: list[CampaignLine]


class CopyIn(In):
    """What the copy is called; "": like the other, with a number."""

    name: Line = ""


class CampaignMembers(BaseModel):
    """The people of the campaign's project, and who of them serves it."""

    items: list[CampaignMemberOut]


class CampaignMembersIn(In):
    """Exactly these serve the campaign; none: everybody of the project."""

    user_ids: Annotated[list[Id], Field(max_length=1000)]


class MeaningList(BaseModel):
    """What each disposition means in the campaign."""

    items: list[MeaningOut]


class MeaningsIn(In):
    """What these dispositions mean from now on; those left out stay as they are."""

    items: Annotated[list[MeaningInput], Field(max_length=500)]


class ScriptOut(BaseModel):
    """A script as the consultant sees it, `html` being safe to show. `problem`: why the fields could not be filled in."""

    company: str
    on_behalf_of: str
    about: str
    html: str
    problem: str


@operation("GET", "/campaigns", "listCampaigns", role=Role.SUPERVISOR)
async def list_campaigns(uow: UnitOfWork, query: CampaignsQuery) -> CampaignList:
    """Campaigns with what is left of them and what today brought."""
    states = (query.state,) if query.state else ()
    return CampaignList(items=await queries.list_campaigns(uow, states=states, project_id=query.project_id))


@operation("POST", "/campaigns", "createCampaign", role=Role.SUPERVISOR, status=201)
async def create_campaign(uow: UnitOfWork, body: CampaignInput) -> CampaignOut:
    """Make a campaign; it calls nobody before it is started."""
    return await service.add_campaign(uow, body)


@operation("GET", _ONE, "getCampaign", role=Role.SUPERVISOR)
async def get_campaign(uow: UnitOfWork, campaign_id: Id) -> CampaignOut:
    """One campaign, with what hinders it and what to think of."""
    return await service.get_campaign(uow, campaign_id)


@operation("PUT", _ONE, "updateCampaign", role=Role.SUPERVISOR, errors=(Conflict,))
async def update_campaign(uow: UnitOfWork, campaign_id: Id, body: CampaignChange) -> CampaignOut:
    """Change a campaign, also while it runs. 409 with `differs` when somebody else changed it meanwhile."""
    return await service.update_campaign(uow, campaign_id, body)


@operation("DELETE", _ONE, "deleteCampaign", role=Role.SUPERVISOR, errors=(Conflict,))
async def delete_campaign(uow: UnitOfWork, campaign_id: Id) -> None:
    """Take a campaign that was never started away, with its leads."""
    await service.delete_campaign(uow, campaign_id)


@operation("GET", f"{_ONE}/figures", "getCampaignFigures", role=Role.SUPERVISOR)
async def get_figures(uow: UnitOfWork, campaign_id: Id) -> CampaignFigures:
    """Its leads by state and today's attempts by outcome."""
    return await queries.figures(uow, campaign_id)


@operation("POST", f"{_ONE}/start", "startCampaign", role=Role.SUPERVISOR, errors=(Conflict,))
async def start_campaign(uow: UnitOfWork, campaign_id: Id) -> CampaignOut:
    """Start a draft. 409 with the first of its `obstacles`."""
    return await service.start(uow, campaign_id)


@operation("POST", f"{_ONE}/pause", "pauseCampaign", role=Role.SUPERVISOR, errors=(Conflict,))
async def pause_campaign(uow: UnitOfWork, campaign_id: Id) -> CampaignOut:
    """Begin no further call; calls that ring or talk go on."""
    return await service.pause(uow, campaign_id)


@operation("POST", f"{_ONE}/resume", "resumeCampaign", role=Role.SUPERVISOR, errors=(Conflict,))
async def resume_campaign(uow: UnitOfWork, campaign_id: Id) -> CampaignOut:
    """Go on calling. 409 with the first of its `obstacles`."""
    return await service.resume(uow, campaign_id)


@operation("POST", f"{_ONE}/finish", "finishCampaign", role=Role.SUPERVISOR, errors=(Conflict,))
async def finish_campaign(uow: UnitOfWork, campaign_id: Id) -> CampaignOut:
    """End it for good; its leads stay to be read."""
    return await service.finish(uow, campaign_id)


@operation("PUT", f"{_ONE}/mode", "setCampaignMode", role=Role.SUPERVISOR, errors=(Conflict,))
async def set_mode(uow: UnitOfWork, campaign_id: Id, body: ModeChange) -> CampaignOut:
    """Dial in another way from now on, also while it runs."""
    return await service.set_mode(uow, campaign_id, body)


@operation("POST", f"{_ONE}/copy", "copyCampaign", role=Role.SUPERVISOR, status=201)
async def copy_campaign(uow: UnitOfWork, campaign_id: Id, body: CopyIn) -> CampaignOut:
    """Make a draft like it, without its leads and days."""
    return await service.copy_campaign(uow, campaign_id, body.name)


@operation("GET", f"{_ONE}/members", "listCampaignMembers", role=Role.SUPERVISOR)
async def list_members(uow: UnitOfWork, campaign_id: Id) -> CampaignMembers:
    """Who could serve it, and who does."""
    return CampaignMembers(items=await members.list_members(uow, campaign_id))


@operation("PUT", f"{_ONE}/members", "setCampaignMembers", role=Role.SUPERVISOR, errors=(Conflict,))
async def set_members(uow: UnitOfWork, campaign_id: Id, body: CampaignMembersIn) -> CampaignMembers:
    """Let exactly these serve it, also while it runs; none: everybody of the project."""
    return CampaignMembers(items=await members.set_members(uow, campaign_id, body.user_ids))


@operation("GET", f"{_ONE}/dispositions", "listCampaignDispositions", role=Role.SUPERVISOR)
async def list_meanings(uow: UnitOfWork, campaign_id: Id) -> MeaningList:
    """What each disposition does to its lead; retired ones keep their meaning."""
    return MeaningList(items=await dispositions.list_meanings(uow, campaign_id))


@operation("PUT", f"{_ONE}/dispositions", "setCampaignDispositions", role=Role.SUPERVISOR, errors=(Conflict,))
async def set_meanings(uow: UnitOfWork, campaign_id: Id, body: MeaningsIn) -> MeaningList:
    """Say what dispositions do to their leads from now on."""
    return MeaningList(items=await dispositions.set_meanings(uow, campaign_id, body.items))


@operation("POST", f"{_ONE}/script/preview", "previewScript", role=Role.SUPERVISOR)
async def preview_script(uow: UnitOfWork, campaign_id: Id, body: Opening) -> ScriptOut:
    """Show how an opening and a script would look for one of its leads, or somebody made up; nothing is saved."""
    shown = await scripts.preview(uow, campaign_id, body)
    problem = i18n.say(shown.problem, shown.values) if shown.problem else ""
    return ScriptOut(**shown.opening._asdict(), html=shown.html, problem=problem)


@operation("GET", _MESSAGE, "readCampaignMessage", role=Role.SUPERVISOR, media_type="audio/wav")
async def read_message(uow: UnitOfWork, campaign_id: Id, kind: MessageKind) -> bytes:
    """What is played, as a WAV file: to machines and in agentless calls, or (`abandoned`) when no agent was free."""
    file = await messages.message_file(uow, campaign_id, kind)
    return FileResponse(file, media_type="audio/wav")  # type: ignore[return-value]  # sent as it is


@operation("PUT", _MESSAGE, "setCampaignMessage", role=Role.SUPERVISOR, upload=True, dry_run=False, errors=(Conflict,))
async def set_message(request: Request, actor: Actor, campaign_id: Id, kind: MessageKind) -> CampaignOut:
    """Keep another one: WAV, 8000 samples a second, 16 bit, mono, at most a minute. Calls that go on keep theirs."""
    sound = await sounds.sent(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        return await messages.set_message(uow, campaign_id, kind, sound)


@operation("DELETE", _MESSAGE, "deleteCampaignMessage", role=Role.SUPERVISOR, errors=(Conflict,))
async def delete_message(uow: UnitOfWork, campaign_id: Id, kind: MessageKind) -> None:
    """Take it away; 409 while the running campaign needs it."""
    await messages.set_message(uow, campaign_id, kind, None)


ROUTES = routes_of(__name__)
