"""The two sounds of a campaign: what machines and agentless calls hear, and what a person hears whom nobody was free for."""

import asyncio
from pathlib import Path

from callcenter.actor import Role
from callcenter.campaigns import changes, service
from callcenter.campaigns.forms import MessageKind
from callcenter.campaigns.models import Campaign
from callcenter.campaigns.views import CampaignOut
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.files import announcements


async def set_message(uow: UnitOfWork, campaign_id: int, kind: MessageKind, sound: bytes | None) -> CampaignOut:
    """Keep a message, a WAV file of 8 kHz, 16 bit, mono; None: take it away (supervisors). Calls that go on keep theirs.

    Raises Invalid (field: the kind) for what is no such file, Conflict when the running campaign needs what is taken away.
    """
    uow.actor.require(Role.SUPERVISOR)
    campaign = await changes.locked(uow, campaign_id)
    column = _column(kind)
    before = getattr(campaign, column)
    setattr(campaign, column, "" if sound is None else await announcements.keep(uow, sound, kind))
    await service.refuse_if_it_could_not_run(uow, campaign)
    await changes.record(uow, campaign, "campaign.message_set", kind=kind, before=before, after=getattr(campaign, column))
    return await service.shown(uow, campaign)


async def message_file(uow: UnitOfWork, campaign_id: int, kind: MessageKind) -> Path:
    """Return the file of a message (supervisors); raises NotFound when there is none."""
    uow.actor.require(Role.SUPERVISOR)
    name = _name(await changes.stored(uow, campaign_id), kind)
    path = uow.database.settings.announcements / name
    if not name or not await asyncio.to_thread(path.is_file):
        raise NotFound("This campaign has no such message.")
    return path


def _column(kind: MessageKind) -> str:
    return "message" if kind == "message" else "abandoned_message"


def _name(campaign: Campaign, kind: MessageKind) -> str:
    return str(getattr(campaign, _column(kind)))
