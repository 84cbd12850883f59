"""A campaign as it is dialled now, and every recorded decision about its lines (M7, B6)."""

from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request

from callcenter.actor import Role
from callcenter.campaigns import decisions
from callcenter.campaigns.board_views import Board, PacingDecisionOut
from callcenter.db import UnitOfWork
from webui.openapi import operation, routes_of
from webui.validation import Id, In


class PacingDecisionsQuery(In):
    """Decisions made before the one with the id `before`, for the reason `why`."""

    before: Id | None = None
    why: Annotated[str, Field(max_length=30, pattern="^[a-z_]*$")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = decisions.PAGE


class PacingDecisionList(BaseModel):
    """Decisions, the latest first. `next`: what to pass as `before`, null: these are the first that were made."""

    items: list[PacingDecisionOut]
    next: int | None


@operation("GET", "/campaigns/{campaign_id}/watch", "watchCampaign", role=Role.SUPERVISOR)
async def watch(request: Request, campaign_id: Id) -> Board:
    """Who does what, the lines, the abandon cap, the last decision and today by hour; read once a second at most for everybody.

    `/live` tells when it changed (`campaign.board`) after a look: {"type": "look", "campaign_id": 1}.
    """
    found: Board = await request.app.state.live.boards.board(campaign_id)
    return found


@operation("GET", "/campaigns/{campaign_id}/decisions", "listPacingDecisions", role=Role.SUPERVISOR)
async def list_decisions(uow: UnitOfWork, campaign_id: Id, query: PacingDecisionsQuery) -> PacingDecisionList:
    """How many lines were begun at a time and why, each worked out again from its inputs."""
    found = await decisions.list_decisions(uow, campaign_id, before=query.before or 0, why=query.why, limit=query.limit)
    return PacingDecisionList(items=found.items, next=found.next)


ROUTES = routes_of(__name__)
