"""Whether what was typed for a campaign can be meant, and what decides whether it can start."""

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from callcenter.campaigns import detecting, limits, members, rule_packs, scripts
from callcenter.campaigns.forms import CampaignInput
from callcenter.campaigns.lead_models import Lead, LeadState
from callcenter.campaigns.models import Campaign, CampaignMode, CampaignState, Detection
from callcenter.campaigns.states import Situation
from callcenter.contacts.consents import ASKING, MARKETING
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.meetings.rules import sorted_times
from callcenter.meetings.settings import check_trunk
from callcenter.projects.models import Project
from callcenter.projects.service import normalised
from callcenter.trunks.models import Trunk
from callcenter.users.preferences import is_time_zone

ON_THEIR_WAY = (LeadState.WAITING.value, LeadState.SHOWN.value, LeadState.DIALLING.value, LeadState.TALKING.value)


async def checked(uow: UnitOfWork, data: CampaignInput, campaign: Campaign | None = None) -> dict[str, Any]:
    """Return the columns of a campaign as typed; raises Invalid with the field at fault."""
    project = await uow.session.get(Project, data.project_id)
    if project is None:
        raise Invalid("There is no such project.", field="project_id")
    if campaign is not None and campaign.project_id != project.id:
        raise Invalid("A campaign stays with its project. Make another one for the other project.", field="project_id")
    await check_name(uow, data.name, campaign.id if campaign else None)
    _check_days(data)
    if campaign is not None:
        rule_packs.same(campaign.rule_pack, data.rule_pack, running=campaign.state == CampaignState.RUNNING)
    caller_id = normalised(data.caller_id, project.region) if data.caller_id else ""
    await check_trunk(uow, project, data.trunk_id, caller_id)
    if campaign is None or campaign.script != data.script:
        await scripts.check(uow, data.script)
    hours = {day: sorted_times(times) for day, times in sorted(data.hours.items()) if times}
    today = uow.now.astimezone(ZoneInfo(data.time_zone)).date()
    rule_packs.check(data.rule_pack, today, hours=hours, cap=data.abandon_cap, ring_seconds=data.ring_seconds)
    return {**data.model_dump(exclude={"version"}), "caller_id": caller_id, "hours": hours}


async def check_name(uow: UnitOfWork, name: str, own: int | None = None) -> None:
    """Raise Invalid for no name, or one that another campaign has."""
    if not name:
        raise Invalid("A campaign needs a name.", field="name")
    if await uow.session.scalar(select(Campaign.id).where(Campaign.name == name, Campaign.id != (own or 0))) is not None:
        raise Invalid("Another campaign is called {name}.", field="name", name=name)


async def situation(uow: UnitOfWork, campaign: Campaign, **otherwise: Any) -> Situation:
    """Return what decides whether a campaign can start."""
    project = await uow.session.get_one(Project, campaign.project_id)
    trunk, standing = await trunk_of(uow, campaign, project), limits.of(campaign, uow.now)
    verified = [str(each) for each in trunk.caller_ids] if trunk else []
    waiting = select(Lead.id).where(Lead.campaign_id == campaign.id, Lead.state.in_(ON_THEIR_WAY)).limit(1)
    given: dict[str, Any] = {
        "mode": CampaignMode(campaign.mode),
        "today": limits.today(campaign, uow.now),
        "project": project.name,
        "project_enabled": project.enabled,
        "trunk": trunk.name if trunk else None,
        "trunk_enabled": bool(trunk and trunk.enabled),
        "caller_id": campaign.caller_id or project.caller_id or next(iter(verified), ""),
        "verified": frozenset(verified),
        "marketing": project.purpose == MARKETING,
        "asking": project.purpose == ASKING and not campaign.asks_consent.strip(),
        "company": campaign.company,
        "about": campaign.about,
        "message": campaign.message,
        "abandoned_message": campaign.abandoned_message,
        "decide_ms": detecting.settings(campaign).decide_ms,
        "answer_seconds": standing.answer_seconds,
        "cap": standing.cap,
        "detection": Detection(campaign.detection),
        "hours": any(standing.hours),
        "keys": frozenset(campaign.keys.values()),
        "starts_on": campaign.starts_on,
        "ends_on": campaign.ends_on,
        "leads": await uow.session.scalar(waiting) is not None,
        "serving": len(await members.serving(uow, campaign)),
    }
    return Situation(**given | otherwise)


async def trunk_of(uow: UnitOfWork, campaign: Campaign, project: Project) -> Trunk | None:
    """Return the trunk a campaign's calls leave on: its own, its project's, else the only enabled one there is."""
    chosen = campaign.trunk_id or project.trunk_id
    if chosen is not None:
        return await uow.session.get(Trunk, chosen)
    enabled = list(await uow.session.scalars(select(Trunk).where(Trunk.enabled).order_by(Trunk.id).limit(2)))
    return enabled[0] if len(enabled) == 1 else None


def _check_days(data: CampaignInput) -> None:
    if not is_time_zone(data.time_zone):
        raise Invalid("There is no time zone {time_zone}.", field="time_zone", time_zone=data.time_zone)
    if data.starts_on is not None and data.ends_on is not None and data.ends_on < data.starts_on:
        raise Invalid("The last day comes before the first.", field="ends_on")
