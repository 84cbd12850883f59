"""Campaigns with leads for tests: written as rows."""

import datetime as dt
from typing import Any

from sqlalchemy import select

from callcenter.campaigns.lead_models import Lead, LeadDecision, LeadNumber, LeadState
from callcenter.campaigns.models import Campaign, CampaignState
from callcenter.contacts import text
from tests.callcenter.calls.floor import Floor

HOUR = dt.timedelta(hours=1)


async def campaign(floor: Floor, name: str = "Spring", **fields: Any) -> int:
    """Write a campaign of the floor's project that runs; returns its id."""
    async with floor.database.unit_of_work() as uow:
        given = {"state": CampaignState.RUNNING.value, "project_id": floor.project_id, **fields}
        made = Campaign(name=name, created_at=uow.now, updated_at=uow.now, **given)
        uow.session.add(made)
        await uow.session.flush()
        return made.id


async def lead(floor: Floor, campaign_id: int, number: str | None = "+48601000001", *more: str, **fields: Any) -> int:
    """Write a lead with its numbers, due a moment ago unless told otherwise; returns its id."""
    async with floor.database.unit_of_work() as uow:
        given = {"name": "Jan Kowalski", "state": LeadState.WAITING.value, "next_at": uow.now, **fields}
        made = Lead(campaign_id=campaign_id, created_at=uow.now, changed_at=uow.now, folded=text.fold(given["name"]), **given)
        uow.session.add(made)
        await uow.session.flush()
        for at, each in enumerate((number, *more) if number else ()):
            uow.session.add(LeadNumber(lead_id=made.id, position=at, campaign_id=campaign_id, number=each))
        return made.id


async def row(floor: Floor, lead_id: int) -> Lead:
    async with floor.database.reading() as uow:
        return await uow.session.get_one(Lead, lead_id)


async def decisions(floor: Floor, lead_id: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the decisions about a lead in order, (code, values)."""
    async with floor.database.reading() as uow:
        found = await uow.session.scalars(select(LeadDecision).where(LeadDecision.lead_id == lead_id).order_by(LeadDecision.id))
        return [(each.code, each.values) for each in found]
