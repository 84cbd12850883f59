"""The list of campaigns, and how far each is."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select

from callcenter.actor import Role
from callcenter.campaigns import changes, confirmation_queries, going, limits
from callcenter.campaigns.checks import ON_THEIR_WAY
from callcenter.campaigns.forms import StateName
from callcenter.campaigns.lead_models import Lead, LeadAttempt
from callcenter.campaigns.models import Campaign, CampaignState
from callcenter.campaigns.views import CampaignFigures, CampaignLine, Today
from callcenter.db import UnitOfWork
from callcenter.projects.models import Project

MOST = 500
_TALKED = ("talked", "confirmed", "do_not_call")  # the outcomes of attempts in which a person was reached
_ORDER = {state: place for place, state in enumerate(("running", "paused", "draft", "finished"))}


async def list_campaigns(
    uow: UnitOfWork, *, states: Sequence[StateName] = (), project_id: int | None = None
) -> list[CampaignLine]:
    """Return campaigns, those that run first, then by name (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    query = select(Campaign, Project.name).join(Project, Project.id == Campaign.project_id)
    if states:
        query = query.where(Campaign.state.in_(states))
    if project_id is not None:
        query = query.where(Campaign.project_id == project_id)
    query = query.order_by(case(_ORDER, value=Campaign.state, else_=9), Campaign.name).limit(MOST)
    found = [(campaign, project) for campaign, project in await uow.session.execute(query)]
    leads = await _leads(uow, [campaign.id for campaign, _ in found])
    awaiting = await confirmation_queries.awaiting(uow, [campaign.id for campaign, _ in found])
    today = await _today(uow, [campaign for campaign, _ in found if campaign.state != CampaignState.DRAFT])
    return [
        CampaignLine.model_validate(
            {
                **{
                    name: getattr(campaign, name) for name in ("id", "name", "project_id", "state", "mode", "priority", "version")
                },
                "project": project,
                "left": _left(leads.get(campaign.id, {})),
                "leads": sum(leads.get(campaign.id, {}).values()),
                "awaiting": awaiting.get(campaign.id, 0),
                "today": _told(today.get(campaign.id, {})),
            }
        )
        for campaign, project in found
    ]


async def open_campaigns(uow: UnitOfWork) -> list[tuple[int, str]]:
    """Return the campaigns that take more leads, id and name, by name (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    query = select(Campaign.id, Campaign.name).where(Campaign.state != CampaignState.FINISHED.value)
    return [(each, name) for each, name in await uow.session.execute(query.order_by(Campaign.name).limit(MOST))]


async def figures(uow: UnitOfWork, campaign_id: int) -> CampaignFigures:
    """Return how far a campaign is (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    campaign = await changes.stored(uow, campaign_id)
    leads = (await _leads(uow, [campaign_id])).get(campaign_id, {})
    outcomes = (await _today(uow, [campaign])).get(campaign_id, {})
    yeses = await confirmation_queries.counts(uow, campaign_id)
    return CampaignFigures(leads=leads, left=_left(leads), outcomes=outcomes, today=_told(outcomes), confirmations=yeses)


async def _leads(uow: UnitOfWork, campaign_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    query = select(Lead.campaign_id, Lead.state, func.count()).where(Lead.campaign_id.in_(list(campaign_ids)))
    found: dict[int, dict[str, int]] = {}
    for campaign_id, state, count in await uow.session.execute(query.group_by(Lead.campaign_id, Lead.state)):
        found.setdefault(campaign_id, {})[state] = count
    return found


async def _today(uow: UnitOfWork, campaigns: Iterable[Campaign]) -> dict[int, dict[str, int]]:
    """Return today's attempts by outcome, each campaign's day by its own clock."""
    by_day: dict[dt.datetime, list[int]] = {}
    for each in campaigns:
        zone = ZoneInfo(each.time_zone)
        by_day.setdefault(dt.datetime.combine(limits.today(each, uow.now), dt.time(), zone), []).append(each.id)
    found: dict[int, dict[str, int]] = {}
    for since, ids in by_day.items():
        query = select(LeadAttempt.campaign_id, LeadAttempt.outcome, func.count())
        query = query.where(LeadAttempt.campaign_id.in_(ids), LeadAttempt.started_at >= since, going.CALLED)
        for campaign_id, outcome, count in await uow.session.execute(
            query.group_by(LeadAttempt.campaign_id, LeadAttempt.outcome)
        ):
            found.setdefault(campaign_id, {})[outcome] = count
    return found


def _left(leads: dict[str, int]) -> int:
    return sum(leads.get(state, 0) for state in ON_THEIR_WAY)


def _told(outcomes: dict[str, int]) -> Today:
    counted = Counter(outcomes)
    return Today(dialled=sum(outcomes.values()), talked=sum(counted[each] for each in _TALKED), abandoned=counted["abandoned"])
