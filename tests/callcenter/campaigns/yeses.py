"""Spoken yeses for tests: a room in which customers say it, and the steps that follow as people record them."""

import datetime as dt
from typing import Any

from sqlalchemy import select

from callcenter.calls import service as calls
from callcenter.campaigns import confirmations, limits
from callcenter.campaigns.confirmation_models import Confirmation
from callcenter.campaigns.confirmation_steps import RefusalInput, StatementInput, TermsInput
from callcenter.campaigns.models import CampaignDisposition
from callcenter.db import Database
from callcenter.phone import Originate
from callcenter.projects.models import Disposition
from callcenter.projects.service import set_dispositions
from tests.callcenter.campaigns.dialling import Room, open_room

DAY = 24 * 3600


async def open_yes_room(database: Database) -> Room:
    """Open a room whose dispositions mean done, again in an hour, and a spoken yes; its leads are a contact's and nobody's."""
    found = await open_room(database)
    contact_id = await found.floor.add_contact("Jan", "+48601000000")
    await found.add_leads(1, contact_id=contact_id)
    await found.add_leads(2, first=1)
    async with database.unit_of_work(found.floor.people["sue"]) as uow:
        made = await set_dispositions(uow, found.floor.project_id, ("Sold", "Later", "Yes"))
        for each, meaning in ((made[1], "retry"), (made[2], "agreed")):
            row = CampaignDisposition(campaign_id=found.campaign_id, disposition_id=each.id, meaning=meaning, minutes=60)
            uow.session.add(row)
    await found.floor.ready("anna")
    return found


async def talk(room: Room, name: str = "Yes") -> str:
    """Let anna talk to the next customer and give the call a disposition; returns its id."""
    dialled: Originate
    (dialled,) = await room.tick()
    await room.answers(dialled)
    await room.ends(dialled)
    await say(room, dialled.call_id, name)
    await room.floor.do("anna", calls.finish_wrap_up)
    return dialled.call_id


async def say(room: Room, call_id: str, name: str) -> None:
    async with room.floor.database.reading() as uow:
        disposition_id = await uow.session.scalar(select(Disposition.id).where(Disposition.name == name))
    await room.floor.do("anna", calls.set_disposition, call_id, disposition_id, "")


async def today(room: Room) -> dt.date:
    campaign = await room.campaign()
    async with room.floor.database.reading() as uow:
        return limits.today(campaign, uow.now)


async def terms(room: Room, call_id: str, who: str = "anna", **more: Any) -> None:
    given = {"day": await today(room), "how": "email", "note": "version 3", **more}
    await room.floor.do(who, confirmations.terms_sent, call_id, TermsInput.model_validate(given))


async def statement(room: Room, call_id: str, who: str = "anna", **more: Any) -> None:
    given = {"day": await today(room), "how": "letter", "note": "binder 7", **more}
    await room.floor.do(who, confirmations.confirmed, call_id, StatementInput.model_validate(given))


async def refusal(room: Room, call_id: str, why: str = "declined", note: str = "too dear") -> None:
    await room.floor.do("anna", confirmations.not_confirmed, call_id, RefusalInput.model_validate({"why": why, "note": note}))


async def one(room: Room, call_id: str) -> Confirmation:
    async with room.floor.database.reading() as uow:
        return await uow.session.get_one(Confirmation, call_id)
