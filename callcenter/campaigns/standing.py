"""What holds for a campaign today, for those who look at it."""

from typing import NamedTuple

from callcenter.actor import Role
from callcenter.campaigns import limits, permission
from callcenter.campaigns.models import Campaign
from callcenter.campaigns.rules import Standing
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.projects.models import Project


class Holds(NamedTuple):
    """The campaign, its project's name and purpose, its rules as it narrows them, the means that need a consent ("" for none)."""

    campaign: Campaign
    project: str
    purpose: str
    rules: Standing
    means: str


async def of_campaign(uow: UnitOfWork, campaign_id: int) -> Holds:
    """Return what holds for a campaign today by its own clock (supervisors); raises NotFound."""
    uow.actor.require(Role.SUPERVISOR)
    campaign = await uow.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    project = await uow.session.get_one(Project, campaign.project_id)
    means = permission.needs(campaign, project.purpose, uow.now)
    return Holds(campaign, project.name, project.purpose, limits.of(campaign, uow.now), means)
