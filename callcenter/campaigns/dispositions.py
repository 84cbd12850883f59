"""What a disposition does to its lead, campaign by campaign (M7). One that is retired keeps its meaning for what was chosen."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import or_, select

from callcenter.actor import Role
from callcenter.campaigns import changes
from callcenter.campaigns.forms import MeaningInput
from callcenter.campaigns.models import Campaign, CampaignDisposition, Meaning
from callcenter.campaigns.views import MeaningOut
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.projects.models import Disposition

_MOST = 500
_RETRY = "retry"


class Meant(NamedTuple):
    """What becomes of a lead; `minutes` until a retry."""

    meaning: Meaning
    minutes: int = 0


async def meaning_of(uow: UnitOfWork, campaign_id: int, disposition_id: int) -> Meant:
    """Return what a disposition means in a campaign, retired or not; one nobody said anything of means done."""
    row = await uow.session.get(CampaignDisposition, (campaign_id, disposition_id))
    return Meant(Meaning.DONE) if row is None else Meant(Meaning(row.meaning), row.minutes)


async def name_of(uow: UnitOfWork, disposition_id: int) -> str:
    """Return what a disposition, retired or not, is called."""
    found = await uow.session.get(Disposition, disposition_id)
    return found.name if found else ""


async def list_meanings(uow: UnitOfWork, campaign_id: int) -> list[MeaningOut]:
    """Return the dispositions of the campaign's project and what each means here, the retired ones last (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    return await _meanings(uow, await changes.stored(uow, campaign_id))


async def set_meanings(uow: UnitOfWork, campaign_id: int, given: Sequence[MeaningInput]) -> list[MeaningOut]:
    """Say what dispositions mean from now on; those left out stay as they are (supervisors).

    Calls keep what was done for them. Raises Invalid for a disposition of another project, or a retry without a time.
    """
    uow.actor.require(Role.SUPERVISOR)
    campaign = await changes.locked(uow, campaign_id)
    known = {each.disposition_id: each for each in await _meanings(uow, campaign)}
    changed: dict[str, list[str]] = {}
    for each in given:
        before = known.get(each.disposition_id)
        if before is None:
            raise Invalid("This disposition does not belong to the campaign's project.", field="dispositions")
        if each.meaning == _RETRY and not each.minutes:
            raise Invalid("Say after how many minutes to call again after “{name}”.", field="dispositions", name=before.name)
        minutes = each.minutes if each.meaning == _RETRY else 0
        if (before.meaning, before.minutes) != (each.meaning, minutes):
            row = CampaignDisposition(
                campaign_id=campaign_id, disposition_id=each.disposition_id, meaning=each.meaning, minutes=minutes
            )
            await uow.session.merge(row)
            changed[before.name] = [f"{before.meaning} {before.minutes}", f"{each.meaning} {minutes}"]
    await uow.session.flush()
    if changed:
        await changes.record(uow, campaign, "campaign.dispositions_set", dispositions=changed)
    return await _meanings(uow, campaign)


async def _meanings(uow: UnitOfWork, campaign: Campaign) -> list[MeaningOut]:
    """Return those that can be chosen, and retired ones that mean something here."""
    ours = or_(Disposition.project_id.is_(None), Disposition.project_id == campaign.project_id)
    meant = (CampaignDisposition.disposition_id == Disposition.id) & (CampaignDisposition.campaign_id == campaign.id)
    query = select(Disposition, CampaignDisposition).outerjoin(CampaignDisposition, meant).where(ours)
    query = query.where(or_(Disposition.retired_at.is_(None), CampaignDisposition.meaning.is_not(None))).limit(_MOST)
    order = (Disposition.retired_at.is_not(None), Disposition.project_id.is_(None), Disposition.position, Disposition.id)
    return [
        MeaningOut.model_validate(
            {
                "disposition_id": disposition.id,
                "name": disposition.name,
                "common": disposition.project_id is None,
                "retired": disposition.retired_at is not None,
                "meaning": row.meaning if row else Meaning.DONE.value,
                "minutes": row.minutes if row else 0,
            }
        )
        for disposition, row in await uow.session.execute(query.order_by(*order))
    ]
