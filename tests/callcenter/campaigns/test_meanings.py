"""What a disposition does to its lead: during the call, after it, and when it is corrected."""

import datetime as dt

import pytest
from sqlalchemy import select, update

from callcenter.calls import service as calls
from callcenter.calls.models import Call
from callcenter.campaigns import explaining
from callcenter.campaigns.lead_models import Lead
from callcenter.campaigns.models import CampaignDisposition
from callcenter.contacts import suppressions
from callcenter.contacts.consent_models import Consent, Suppression
from callcenter.db import Database
from callcenter.phone import EndReason, Originate
from callcenter.projects.models import Disposition
from callcenter.projects.service import set_dispositions
from tests.callcenter.campaigns.dialling import Room, invariants, open_room

NAMES = ("Sold", "Later", "Never", "Meeting", "Yes")


@pytest.fixture
async def room(database: Database) -> Room:
    """Open a room whose dispositions mean done, retry in an hour, do not call, a meeting, and a spoken yes."""
    found = await open_room(database)
    await found.add_leads(3, per_lead=2)
    async with database.unit_of_work(found.floor.people["sue"]) as uow:
        made = await set_dispositions(uow, found.floor.project_id, NAMES)
        for each, meaning in zip(made, ("done", "retry", "do_not_call", "meeting", "agreed"), strict=True):
            if meaning != "done":
                row = CampaignDisposition(campaign_id=found.campaign_id, disposition_id=each.id, meaning=meaning, minutes=60)
                uow.session.add(row)
    await found.floor.ready("anna")
    return found


async def talk(room: Room) -> Originate:
    (dialled,) = await room.tick()
    await room.answers(dialled)
    return dialled


async def say(room: Room, call_id: str, name: str) -> None:
    async with room.floor.database.reading() as uow:
        disposition_id = await uow.session.scalar(select(Disposition.id).where(Disposition.name == name))
    await room.floor.do("anna", calls.set_disposition, call_id, disposition_id, "")


@pytest.mark.parametrize("during", [True, False])
async def test_a_customer_who_asked_for_it_is_called_again(room: Room, during: bool) -> None:
    await room.change(attempts=1)
    dialled = await talk(room)
    if during:
        await say(room, dialled.call_id, "Later")
        assert (await room.lead()).state == "talking"
    await room.ends(dialled)
    if not during:
        assert (await room.lead()).state == "done"
        await say(room, dialled.call_id, "Later")
    lead = await room.lead()
    assert (lead.state, lead.refusal) == ("waiting", "disposition"), "attempts left or not"
    ended = (await room.attempt(dialled.call_id)).ended_at
    assert ended is not None
    assert abs(lead.next_at - ended - dt.timedelta(hours=1)) < dt.timedelta(seconds=5)
    await invariants(room)


async def test_never_again_is_for_all_numbers_and_the_contact(room: Room) -> None:
    contact_id = await room.floor.add_contact("Jan", "+48601000000")
    dialled = await talk(room)
    await room.ends(dialled)
    async with room.floor.database.unit_of_work() as uow:
        await uow.session.execute(update(Call).where(Call.id == dialled.call_id).values(contact_id=contact_id))
    await say(room, dialled.call_id, "Never")
    lead = await room.lead()
    assert (lead.state, lead.refusal) == ("refused", "do_not_call")
    assert [(each.contact_id, each.given) for each in await room.floor.all(Consent)] == [(contact_id, False)]
    async with room.floor.database.reading() as uow:
        tokens = {suppressions.number_token(uow, number) for number in ("+48601000000", "+48601000001")}
    assert {each.token for each in await room.floor.all(Suppression)} == tokens
    assert "consent" in [each.kind for each in await room.floor.timeline(contact_id)]


async def test_a_meeting_ends_the_lead_and_says_so(room: Room) -> None:
    dialled = await talk(room)
    await say(room, dialled.call_id, "Meeting")
    await room.ends(dialled)
    assert (await room.lead()).state == "done"
    assert (await room.decisions())[-1] == "disposition"


async def test_a_spoken_yes_awaits_durable_confirmation_until_the_call_is_given_another_disposition(room: Room) -> None:
    dialled = await talk(room)
    await say(room, dialled.call_id, "Yes")
    await room.ends(dialled)
    lead = await room.lead()
    assert (lead.state, lead.refusal) == ("done", "agreed")
    said = explaining.say(lead.refusal, lead.refusal_values)
    assert said.sentence.format(**said.values).startswith("The customer said yes (“Yes”): it is awaiting durable confirmation")
    await say(room, dialled.call_id, "Sold")
    assert ((await room.lead()).state, (await room.lead()).refusal) == ("done", "")
    await invariants(room)


async def test_a_correction_counts_until_the_lead_is_called_again(room: Room) -> None:
    dialled = await talk(room)
    await room.ends(dialled)
    await say(room, dialled.call_id, "Later")
    await say(room, dialled.call_id, "Sold")
    assert (await room.lead()).state == "done"
    await say(room, dialled.call_id, "Later")
    await room.floor.do("anna", calls.finish_wrap_up)
    await room.change(state="paused")
    await room.floor.later(3601)
    await room.change(state="running")
    async with room.floor.database.unit_of_work() as uow:
        await uow.session.execute(update(Lead).where(Lead.id > 1).values(state="removed"))
    await room.floor.ready("anna")
    (again,) = await room.tick()
    await say(room, dialled.call_id, "Sold")
    assert (await room.lead()).state == "dialling"
    await room.ends(again, EndReason.BUSY)
    await say(room, dialled.call_id, "Never")
    assert (await room.lead()).state == "waiting"
    await invariants(room)


async def test_one_that_is_retired_keeps_its_meaning(room: Room) -> None:
    dialled = await talk(room)
    await say(room, dialled.call_id, "Later")
    async with room.floor.database.unit_of_work(room.floor.people["sue"]) as uow:
        await set_dispositions(uow, room.floor.project_id, ["Sold"])
    await room.ends(dialled)
    assert (await room.lead()).state == "waiting"


async def test_a_lead_taken_off_the_list_meanwhile_stays_off(room: Room) -> None:
    dialled = await talk(room)
    await room.ends(dialled)
    async with room.floor.database.unit_of_work() as uow:
        await uow.session.execute(update(Lead).where(Lead.id == 1).values(state="removed"))
    await say(room, dialled.call_id, "Sold")
    assert (await room.lead()).state == "removed"
