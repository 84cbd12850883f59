"""Preview: a lead is shown to a ready consultant, who presses Call or Skip, or lets the timer run out."""

from typing import Any

import pytest
from sqlalchemy import update

from callcenter.calls import service as calls
from callcenter.calls.models import Call, Leg
from callcenter.campaigns import board, desk, previews
from callcenter.campaigns.desk_events import LeadShown, LeadWithdrawn
from callcenter.campaigns.lead_models import Lead
from callcenter.contacts import suppressions
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.events import AgentStateChanged
from callcenter.jobs import Job
from callcenter.phone import EndReason, Originate, TrunkChanged, TrunkState
from callcenter.trunks.models import Trunk
from tests.callcenter.campaigns.dialling import Room, invariants, open_room


async def room_of(database: Database, **campaign: Any) -> Room:
    given: dict[str, Any] = {
        "mode": "preview",
        "company": "Acme",
        "about": "Offer",
        "script": "Hello {{ lead.name }}",
        **campaign,
    }
    room = await open_room(database, **given)
    await room.add_leads(3)
    return room


async def shown(room: Room, who: str = "anna") -> str:
    """Show a consultant a lead; returns the attempt."""
    await room.floor.ready(who)
    assert await room.tick() == []
    return str(room.floor.said(LeadShown, who)[-1].attempt_id)


async def test_a_ready_consultant_is_shown_a_lead_and_calls(database: Database) -> None:
    room = await room_of(database)
    floor = room.floor
    attempt_id = await shown(room)
    assert (await floor.states())["anna"] == "offered"
    assert floor.said(AgentStateChanged, "anna")[-1].reason == "lead", "nothing rings yet"
    assert (await room.lead()).state == "shown"
    card = await floor.do("anna", desk.current)
    assert (card.state, card.name, card.fields, card.company, card.until) == ("shown", "Lead 0", {"Town": "Łódź"}, "Acme", None)
    assert "Hello Lead 0" in card.script
    await room.tick(60)
    assert len(floor.said(LeadShown)) == 1
    assert await floor.do("anna", previews.call_now, attempt_id)
    assert await floor.do("anna", previews.call_now, attempt_id), "pressed twice"
    (dialled,) = floor.sent(Originate)
    assert dialled.call_id == attempt_id
    assert (await floor.states())["anna"] == "on_call"
    assert floor.said(AgentStateChanged, "anna")[-1].reason == ""
    await room.answers(dialled)
    assert (await floor.do("anna", desk.current)).state == "talking"
    await room.ends(dialled)
    assert (await floor.do("anna", desk.current)).state == "over", "while she wraps up"
    await floor.do("anna", calls.finish_wrap_up)
    assert await floor.do("anna", desk.current) is None
    assert (await room.lead()).state == "done"
    assert await room.counts() == {"dialled": 1, "answered": 1, "connected": 1}
    await invariants(room)


async def test_two_consultants_see_two_leads(database: Database) -> None:
    room = await room_of(database)
    await room.floor.ready("anna", "bob")
    await room.tick()
    assert {(await room.lead(n)).user_id for n in (1, 2)} == {room.floor.people[who].id for who in ("anna", "bob")}
    with pytest.raises(NotFound):
        await room.floor.do("bob", previews.call_now, room.floor.said(LeadShown, "anna")[0].attempt_id)
    await invariants(room)


async def test_skipping_needs_a_reason_and_brings_the_next(database: Database) -> None:
    room = await room_of(database)
    attempt_id = await shown(room)
    with pytest.raises(Invalid):
        await room.floor.do("anna", previews.skip, attempt_id, " ")
    await room.floor.do("anna", previews.skip, attempt_id, "no time")
    await room.floor.do("anna", previews.skip, attempt_id, "no time")
    lead = await room.lead()
    assert (lead.state, lead.refusal, lead.refusal_values["note"], lead.attempts) == ("waiting", "skipped", "no time", 0)
    assert (await room.floor.states())["anna"] == "ready"
    await room.tick()
    assert room.floor.said(LeadShown, "anna")[-1].lead_id == 2
    with pytest.raises(Conflict):
        await room.floor.do("anna", previews.call_now, attempt_id)
    assert await room.counts() == {}
    await invariants(room)


async def test_leads_that_are_only_looked_at_do_not_count_into_the_pace(database: Database) -> None:
    room = await open_room(database, mode="preview")
    await room.add_leads(30)
    await room.floor.ready("anna")
    for _ in range(12):
        await room.tick(40)
        await room.floor.do("anna", previews.skip, room.floor.said(LeadShown, "anna")[-1].attempt_id, "no time")
    async with database.reading(room.floor.people["sue"]) as uow:
        assert await board._pace(uow, await room.campaign()) == 0.0, "nobody was called"
    assert (await room.attempts())[0].outcome == "skipped"


async def test_the_timer_dials(database: Database) -> None:
    room = await room_of(database, preview_seconds=20)
    attempt_id = await shown(room)
    assert (await room.floor.do("anna", desk.current)).until is not None
    await room.floor.later(19)
    assert room.floor.sent(Originate) == []
    await room.floor.later(2)
    assert [each.call_id for each in room.floor.sent(Originate)] == [attempt_id]
    with pytest.raises(Conflict):
        await room.floor.do("anna", previews.skip, attempt_id, "too late")
    await invariants(room)


async def test_nobody_is_called_who_was_shown_as_the_campaign_paused(database: Database) -> None:
    room = await room_of(database, preview_seconds=20)
    attempt_id = await shown(room)
    await room.change(state="paused")
    with pytest.raises(Conflict):
        await room.floor.do("anna", previews.call_now, attempt_id)
    await room.floor.later(21)
    assert room.floor.sent(Originate) == []
    assert (await room.lead()).state == "waiting"
    assert (await room.floor.states())["anna"] == "ready"
    assert [each.reason for each in room.floor.said(LeadWithdrawn, "anna")] == ["paused"]
    await invariants(room)


@pytest.mark.parametrize("what", ["break", "audio"])
async def test_a_break_or_lost_audio_takes_it_back(database: Database, what: str) -> None:
    room = await room_of(database)
    await shown(room)
    if what == "break":
        await room.floor.do("anna", calls.set_agent_state, "break")
    else:
        await room.floor.lost("anna")
    assert (await room.lead()).state == "waiting"
    assert len(room.floor.said(LeadWithdrawn, "anna")) == 1
    await room.floor.ready("bob")
    await room.tick()
    assert room.floor.said(LeadShown, "bob")[-1].lead_id == 1
    await invariants(room)


async def test_who_looks_at_a_lead_for_half_an_hour_is_not_there(database: Database) -> None:
    room = await room_of(database)
    await shown(room)
    for _ in range(59):
        await room.floor.later(30)
    assert (await room.floor.states())["anna"] == "offered", "the sweep leaves it"
    await room.floor.later(60)
    assert (await room.floor.states())["anna"] == "break"
    assert (await room.lead()).state == "waiting"
    await invariants(room)


async def test_what_may_not_be_called_any_more_is_not(database: Database) -> None:
    room = await room_of(database)
    attempt_id = await shown(room)
    async with room.floor.database.unit_of_work() as uow:
        await suppressions.refuse(uow, "+48601000000", None)
    assert not await room.floor.do("anna", previews.call_now, attempt_id)
    assert (await room.lead()).state == "refused"
    assert (await room.floor.states())["anna"] == "ready"
    assert room.floor.sent(Originate) == []
    await invariants(room)


async def test_a_trunk_that_is_down_says_so_and_the_lead_stays(database: Database) -> None:
    room = await room_of(database)
    attempt_id = await shown(room)
    await room.floor.event(TrunkChanged(TrunkState(room.floor.trunk_id, "failed")))
    with pytest.raises(Exception, match="cannot be reached"):
        await room.floor.do("anna", previews.call_now, attempt_id)
    assert (await room.lead()).state == "shown"
    await invariants(room)


async def test_earlier_tries_are_told(database: Database) -> None:
    room = await room_of(database, delays={"busy": 1})
    attempt_id = await shown(room)
    await room.floor.do("anna", previews.call_now, attempt_id)
    await room.ends(room.floor.sent(Originate)[-1], EndReason.BUSY)
    async with room.floor.database.unit_of_work() as uow:
        await uow.session.execute(update(Lead).where(Lead.id > 1).values(state="removed"))
    await room.floor.do("anna", calls.finish_wrap_up)
    await room.tick(61)
    card = await room.floor.do("anna", desk.current)
    assert [(each.outcome, each.user) for each in card.tries] == [("busy", "Anna")]
    await invariants(room)


async def test_a_lead_is_not_lost_when_nothing_can_leave(database: Database) -> None:
    room = await room_of(database)
    async with database.unit_of_work() as uow:
        await uow.session.execute(update(Trunk).values(daily_spend=1, minute_price=1000))
        uow.session.add(Call(id="c", direction="outbound", state="ended", started_at=uow.now, number="", match=[]))
        await uow.session.flush()
        spent = Leg(id="l", call_id="c", trunk_id=room.floor.trunk_id, direction="outbound", state="ended", started_at=uow.now)
        spent.answered_at, spent.ended_at, spent.minutes = uow.now, uow.now, 1
        uow.session.add(spent)
    await room.floor.ready("anna")
    await room.tick()
    await room.tick()
    assert (await room.lead()).state == "waiting"
    assert (await room.whys())[-1] == "spent"
    assert (await room.floor.states())["anna"] == "ready"
    await invariants(room)


async def test_a_clock_that_is_put_back_dials_nobody_early(database: Database) -> None:
    room = await room_of(database, preview_seconds=20)
    attempt_id = await shown(room)
    async with database.unit_of_work() as uow:
        job = await uow.session.get_one(Job, f"countdown:{attempt_id}")
        await previews.time_over(uow, job.payload)
    assert room.floor.sent(Originate) == []
    await room.floor.later(21)
    assert len(room.floor.sent(Originate)) == 1
