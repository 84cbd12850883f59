"""Campaigns for tests: a floor's project, a campaign that can start, leads in it."""

import io
import wave
from typing import Any

from callcenter.campaigns import service
from callcenter.campaigns.forms import CampaignChange, CampaignInput
from callcenter.campaigns.lead_models import Lead, LeadNumber
from callcenter.campaigns.views import CampaignOut
from callcenter.contacts.consents import MARKETING
from callcenter.projects.models import Project
from tests.callcenter.calls.floor import Floor

OFFICE: dict[str, list[tuple[str, str]]] = {str(day): [("09:00", "17:00")] for day in range(5)}


def given(floor: Floor, **fields: Any) -> CampaignInput:
    """Return what is typed for a campaign that can start."""
    usual = {"project_id": floor.project_id, "name": "Autumn", "company": "Acme", "about": "solar panels", "hours": OFFICE}
    return CampaignInput.model_validate({**usual, **fields})


async def drafted(floor: Floor, **fields: Any) -> CampaignOut:
    """Make a campaign as the supervisor."""
    made = await floor.do("sue", service.add_campaign, given(floor, **fields))
    assert isinstance(made, CampaignOut)
    return made


async def changed(floor: Floor, campaign: CampaignOut, who: str = "sue", /, **fields: Any) -> CampaignOut:
    """Change some fields of a campaign, upon it as it was seen."""
    whole = {name: getattr(campaign, name) for name in CampaignInput.model_fields}
    data = CampaignChange.model_validate({**whole, "version": campaign.version, **fields})
    made = await floor.do(who, service.update_campaign, campaign.id, data)
    assert isinstance(made, CampaignOut)
    return made


async def lead(floor: Floor, campaign_id: int, number: str = "+48601000001", **fields: Any) -> int:
    """Put a lead into a campaign; returns its id."""
    async with floor.database.unit_of_work() as uow:
        usual = {
            "campaign_id": campaign_id,
            "name": "Jan Nowak",
            "next_at": uow.now,
            "created_at": uow.now,
            "changed_at": uow.now,
        }
        row = Lead(**{**usual, **fields})
        uow.session.add(row)
        await uow.session.flush()
        uow.session.add(LeadNumber(lead_id=row.id, position=0, campaign_id=campaign_id, number=number))
        return row.id


def sound(seconds: float = 1, rate: int = 8000, channels: int = 1) -> bytes:
    """Return a WAV file of silence."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(int(seconds * rate) * 2 * channels))
    return held.getvalue()


async def marketing(floor: Floor) -> None:
    """Let the floor's project be one of marketing: customers must have agreed, and the opening be said."""
    async with floor.database.unit_of_work() as uow:
        (await uow.session.get_one(Project, floor.project_id)).purpose = MARKETING
