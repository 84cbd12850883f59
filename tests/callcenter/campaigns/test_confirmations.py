"""What follows a spoken yes: recorded step by step, by whom, and when the call is given another disposition."""

import asyncio
import datetime as dt

import pytest
from sqlalchemy import update

from callcenter.actor import AccountRole
from callcenter.campaigns import confirmation_queries, confirmations, explaining
from callcenter.campaigns.confirmation_models import Confirmation
from callcenter.campaigns.lead_models import Lead
from callcenter.contacts.models import TimelineEntry
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.users.models import AuditEntry
from tests.callcenter.campaigns.dialling import Room, invariants
from tests.callcenter.campaigns.yeses import DAY, one, open_yes_room, refusal, say, statement, talk, terms, today


@pytest.fixture
async def room(database: Database) -> Room:
    return await open_yes_room(database)


def standing(lead: Lead) -> str:
    said = explaining.say(lead.refusal, lead.refusal_values)
    return said.sentence.format(**said.values)


async def test_a_yes_is_confirmed_step_by_step_and_all_of_it_is_written_down(room: Room) -> None:
    call_id = await talk(room)
    made, attempt = await one(room, call_id), await room.attempt(call_id)
    assert (made.state, made.lead_id, made.said_at) == ("awaiting", 1, attempt.bridged_at)
    assert made.taken_by == room.floor.people["anna"].user_id
    room.floor.shift(2 * DAY)
    await terms(room, call_id)
    assert (await one(room, call_id)).state == "terms_sent"
    assert (await room.lead()).refusal == "agreed", "it awaits its confirmation until the statement is there"
    await statement(room, call_id, "sue")
    found, lead = await one(room, call_id), await room.lead()
    assert (found.state, found.end_how, found.end_note) == ("confirmed", "letter", "binder 7")
    assert (found.terms_by, found.end_by) == (room.floor.people["anna"].user_id, room.floor.people["sue"].user_id)
    assert (lead.state, lead.refusal) == ("done", "yes_confirmed")
    assert "the spoken yes is confirmed" in standing(lead)
    assert (await room.decisions())[-3:] == ["agreed", "terms_sent", "yes_confirmed"]
    lines = [each for each in await room.floor.timeline(1) if each.kind == "confirmation"]
    assert [(each.data["event"], each.text, each.call_id) for each in lines] == [
        ("agreed", "", call_id),
        ("terms_sent", "version 3", call_id),
        ("yes_confirmed", "binder 7", call_id),
    ]
    trail = [each for each in await room.floor.all(AuditEntry) if each.action.startswith("confirmation.")]
    assert [(each.action, each.subject, each.subject_id) for each in trail] == [
        ("confirmation.terms_sent", "lead", "1"),
        ("confirmation.confirmed", "lead", "1"),
    ]
    assert not [each for each in trail if "binder" in str(each.detail) or "version" in str(each.detail)], "notes are forgotten"
    await invariants(room)


async def test_asked_twice_nothing_is_done_twice(room: Room) -> None:
    call_id = await talk(room)
    for step in (terms, statement):
        await step(room, call_id)
        before = (await room.decisions(), len(await room.floor.all(AuditEntry)), len(await room.floor.all(TimelineEntry)))
        await step(room, call_id)
        assert (await room.decisions(), len(await room.floor.all(AuditEntry)), len(await room.floor.all(TimelineEntry))) == before
    await terms(room, call_id)
    assert (await one(room, call_id)).state == "confirmed", "the first request, come late"
    await say(room, call_id, "Yes")
    assert len(await room.floor.all(Confirmation)) == 1


async def test_two_who_record_at_once_leave_one_end(room: Room) -> None:
    call_id = await talk(room)
    await terms(room, call_id)
    found = await asyncio.gather(statement(room, call_id), refusal(room, call_id), return_exceptions=True)
    assert len([each for each in found if isinstance(each, Conflict)]) == 1
    assert len([each for each in await room.decisions() if each in ("yes_confirmed", "yes_not_confirmed")]) == 1


async def test_a_wrong_order_is_refused_and_leaves_nothing(room: Room) -> None:
    call_id = await talk(room)
    with pytest.raises(Conflict, match="terms were sent"):
        await statement(room, call_id)
    with pytest.raises(Invalid, match="before the call"):
        await terms(room, call_id, day=await today(room) - dt.timedelta(days=1))
    with pytest.raises(Invalid, match="not come"):
        await terms(room, call_id, day=await today(room) + dt.timedelta(days=1))
    assert (await one(room, call_id)).state == "awaiting"
    assert (await room.decisions())[-1] == "agreed"


async def test_an_end_is_taken_back_and_corrected(room: Room) -> None:
    call_id = await talk(room)
    await refusal(room, call_id)
    assert (await room.lead()).refusal == "yes_not_confirmed"
    with pytest.raises(Conflict, match="Take that back first"):
        await terms(room, call_id)
    await room.floor.do("anna", confirmations.reopen, call_id)
    found = await one(room, call_id)
    assert (found.state, found.end_how, found.end_note, found.end_by) == ("awaiting", "", "", None)
    assert (await room.lead()).refusal == "agreed"
    await room.floor.do("anna", confirmations.reopen, call_id)
    await terms(room, call_id)
    await statement(room, call_id)
    await room.floor.do("sue", confirmations.reopen, call_id)
    assert (await one(room, call_id)).state == "terms_sent"
    trail = [each for each in await room.floor.all(AuditEntry) if each.action == "confirmation.reopened"]
    assert [(each.detail["was"], each.detail["was_how"]) for each in trail] == [
        ("not_confirmed", "declined"),
        ("confirmed", "letter"),
    ]


async def test_another_disposition_takes_a_yes_back_and_the_yes_again_lets_it_await(room: Room) -> None:
    call_id = await talk(room)
    await terms(room, call_id)
    await say(room, call_id, "Sold")
    assert ((await one(room, call_id)).state, (await room.lead()).refusal) == ("withdrawn", "")
    assert (await room.decisions())[-2:] == ["disposition", "yes_withdrawn"]
    with pytest.raises(Conflict, match="another disposition"):
        await statement(room, call_id)
    await say(room, call_id, "Yes")
    found = await one(room, call_id)
    assert (found.state, found.terms_how) == ("terms_sent", "email"), "the terms were sent all the same"
    assert (await room.lead()).refusal == "agreed"
    await statement(room, call_id)
    await invariants(room)


async def test_a_confirmed_yes_stays_confirmed(room: Room) -> None:
    call_id = await talk(room)
    await terms(room, call_id)
    await statement(room, call_id)
    await say(room, call_id, "Sold")
    assert (await one(room, call_id)).state == "confirmed"
    assert (await room.decisions())[-2:] == ["disposition", "yes_stays"]
    await say(room, call_id, "Yes")
    assert (await room.lead()).refusal == "yes_confirmed", "nothing is awaited any more"
    await say(room, call_id, "Sold")
    await room.floor.do("sue", confirmations.reopen, call_id)
    assert (await one(room, call_id)).state == "withdrawn", "without its end there is no yes to be confirmed"


async def test_what_follows_a_yes_goes_with_its_call_when_the_lead_went_on(room: Room) -> None:
    call_id = await talk(room)
    async with room.floor.database.unit_of_work() as uow:
        await uow.session.execute(update(Lead).where(Lead.id == 1).values(state="shown"))
    await say(room, call_id, "Sold")
    assert ((await one(room, call_id)).state, (await room.lead()).state) == ("withdrawn", "shown")
    await say(room, call_id, "Yes")
    assert ((await one(room, call_id)).state, (await room.lead()).state) == ("awaiting", "shown")
    assert (await room.decisions())[-2:] == ["yes_withdrawn", "agreed"]


async def test_other_calls_have_no_yes(room: Room) -> None:
    call_id = await talk(room, "Sold")
    with pytest.raises(NotFound, match="spoken yes"):
        await terms(room, call_id)
    assert await room.floor.do("anna", confirmation_queries.of_call, call_id) is None


async def test_whose_call_it_was_and_supervisors_may_and_nobody_else(room: Room) -> None:
    call_id = await talk(room)
    for door in (terms, statement):
        with pytest.raises(NotFound):
            await door(room, call_id, "bob")
    with pytest.raises(NotFound):
        await room.floor.do("bob", confirmation_queries.get, call_id)
    with pytest.raises(NotPermitted):
        await room.floor.do("anna", confirmation_queries.counts, room.campaign_id)
    await room.floor.give("sue", AccountRole.PARTNER_READER)  # the contact is a customer
    with pytest.raises(NotFound):
        await terms(room, call_id, "sue")
    await terms(room, call_id, "anna")
    seen = await room.floor.do("sue", confirmation_queries.get, call_id)
    assert (seen.hidden, seen.terms_note) == (True, "")
    await room.floor.give("anna", AccountRole.PARTNER_READER)
    assert (await room.floor.do("anna", confirmation_queries.get, call_id)).terms_note == "version 3", "it is her call"
