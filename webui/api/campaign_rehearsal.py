"""A day of a campaign rehearsed in a model: begun, and what came of it so far."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request

from callcenter.actor import Actor, Role
from callcenter.campaigns import rehearsal_plan, service
from callcenter.campaigns.rehearsing import SEEDS, Plan, Range, RehearsedDay, ranges
from callcenter.errors import Conflict, NotFound
from webui.openapi import operation, routes_of
from webui.rehearsals import Rehearsal, Rehearsals
from webui.validation import Id, In

_PATH = "/campaigns/{campaign_id}/rehearsal"


class RehearsalIn(In):
    """With how many consultants (null: all who serve it), and how many days."""

    agents: Annotated[int, Field(ge=1, le=rehearsal_plan.MOST_AGENTS)] | None = None
    days: Annotated[int, Field(ge=1, le=20)] = SEEDS


class RehearsalOut(BaseModel):
    """The plan with the sources of its numbers, the days so far of those wanted, and each figure's range over them.

    `state`: running, done, stopped (two minutes were up; the days until then count), failed.
    """

    state: Literal["running", "done", "stopped", "failed"]
    wanted: int
    plan: Plan
    days: list[RehearsedDay]
    ranges: dict[str, Range]


@operation("GET", _PATH, "getCampaignRehearsal", role=Role.SUPERVISOR)
async def get_rehearsal(request: Request, actor: Actor, campaign_id: Id) -> RehearsalOut:
    """The campaign's last rehearsal, which may still go on; 404 without one."""
    async with request.app.state.database.reading(actor) as uow:
        await service.get_campaign(uow, campaign_id)
    found = _rehearsals(request).of(campaign_id)
    if found is None:
        raise NotFound("This campaign was not rehearsed, or that was before the last start of the system.")
    return _out(found)


@operation("POST", _PATH, "rehearseCampaign", role=Role.SUPERVISOR, status=202, dry_run=False, errors=(Conflict,))
async def rehearse(request: Request, actor: Actor, campaign_id: Id, body: RehearsalIn) -> RehearsalOut:
    """Begin to live through days of it in the model, in the background; nobody is called. 409 while another goes on."""
    async with request.app.state.database.reading(actor) as uow:
        plan = await rehearsal_plan.plan(uow, campaign_id, body.agents)
    return _out(_rehearsals(request).start(plan, body.days))


def _rehearsals(request: Request) -> Rehearsals:
    found: Rehearsals = request.app.state.rehearsals
    return found


def _out(found: Rehearsal) -> RehearsalOut:
    values = {"state": found.state, "wanted": found.wanted, "plan": found.plan, "days": found.days}
    return RehearsalOut.model_validate(values | {"ranges": ranges(found.days)})


ROUTES = routes_of(__name__)
