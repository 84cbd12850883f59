"""One line for each ready agent, who is on it from its first ring: dialled, answered, over, and what is next for the lead."""

import datetime as dt

import pytest
from sqlalchemy import update

from callcenter.agents.models import Agent
from callcenter.calls import service as calls
from callcenter.campaigns import dialer, leasing, placing
from callcenter.campaigns.desk_events import LeadCalled
from callcenter.campaigns.dialer import Dialer
from callcenter.campaigns.lead_models import LeadNumber
from callcenter.campaigns.models import Campaign
from callcenter.db import Database
from callcenter.phone import EndReason, LinkDown, LinkUp, Originate, Snapshot, TrunkChanged, TrunkState
from tests.callcenter.campaigns.dialling import Room, invariants, open_room

MINUTE = 60.0


@pytest.fixture
async def room(database: Database) -> Room:
    """Open a room with three consultants, nobody ready, and five leads."""
    found = await open_room(database)
    await found.add_leads(5)
    return found


async def test_each_ready_agent_gets_one_line_and_is_on_it(room: Room) -> None:
    assert await room.tick() == []
    await room.floor.ready("anna", "bob")
    dialled = await room.tick()
    assert len(dialled) == 2
    assert await room.tick() == []
    states = await room.floor.states()
    assert (states["anna"], states["bob"]) == ("on_call", "on_call")
    attempts = await room.attempts()
    assert [(each.lead_id, each.mode, each.state) for each in attempts] == [
        (1, "progressive", "dialling"),
        (2, "progressive", "dialling"),
    ]
    assert {each.call_id for each in dialled} == {each.id for each in attempts}
    assert (await room.lead(1)).attempts == 1
    assert await room.decisions() == ["dialled"]
    assert len(room.floor.said(LeadCalled, "anna")) == 1
    assert dialled[0].ring_seconds == 25
    await invariants(room)


async def test_who_answers_talks_at_once_and_the_lead_is_done(room: Room) -> None:
    await room.floor.ready("anna")
    (dialled,) = await room.tick()
    await room.rings(dialled)
    await room.answers(dialled)
    await room.answers(dialled)
    attempt = await room.attempt(dialled.call_id)
    assert (attempt.state, attempt.user_id) == ("talking", room.floor.people["anna"].id)
    assert (await room.lead()).state == "talking"
    await room.floor.later(30)
    await room.ends(dialled)
    await room.ends(dialled)
    attempt, lead = await room.attempt(dialled.call_id), await room.lead()
    assert (attempt.state, attempt.outcome) == ("over", "talked")
    assert (lead.state, lead.outcome, lead.attempt_id) == ("done", "talked", None)
    assert await room.counts() == {"dialled": 1, "answered": 1, "connected": 1}
    await invariants(room)


@pytest.mark.parametrize(
    ("reason", "minutes", "counted"),
    [
        (EndReason.BUSY, 15, "busies"),
        (EndReason.NO_ANSWER, 120, "no_answers"),
        (EndReason.REJECTED, 120, "no_answers"),
        (EndReason.UNREACHABLE, 30, "failures"),
        (EndReason.FAILED, 30, "failures"),
    ],
)
async def test_who_is_not_reached_is_tried_again_later(room: Room, reason: EndReason, minutes: int, counted: str) -> None:
    await room.change(delays={"busy": 15})
    await room.floor.ready("anna")
    (dialled,) = await room.tick()
    await room.ends(dialled, reason, 486)
    lead, attempt = await room.lead(), await room.attempt(dialled.call_id)
    assert (lead.state, lead.outcome, lead.refusal) == ("waiting", reason.value, "delay")
    assert attempt.ended_at is not None
    assert abs(lead.next_at - attempt.ended_at - dt.timedelta(minutes=minutes)) < dt.timedelta(seconds=1)
    assert attempt.end_code == 486
    assert await room.counts() == {"dialled": 1, counted: 1}
    assert await room.decisions() == ["dialled", "delay"]


async def test_numbers_are_tried_in_turn_until_all_attempts_are_made(database: Database) -> None:
    room = await open_room(database, attempts=3, delays={"no_answer": 10})
    await room.add_leads(1, per_lead=2)
    await room.floor.ready("anna")
    numbers = []
    for _ in range(4):
        for dialled in await room.tick():
            numbers.append(dialled.number[-1])
            await room.ends(dialled, EndReason.NO_ANSWER)
        await room.floor.do("anna", calls.finish_wrap_up)
        await room.floor.later(11 * MINUTE)
    assert numbers == ["0", "1", "0"]
    lead = await room.lead()
    assert (lead.state, lead.attempts, lead.refusal) == ("exhausted", 3, "attempts_made")
    await invariants(room)


async def test_agents_on_a_break_or_without_audio_get_nothing(room: Room) -> None:
    await room.floor.ready("anna", "bob", "celia")
    await room.floor.do("anna", calls.set_agent_state, "break")
    await room.floor.lost("bob")
    async with room.floor.database.unit_of_work() as uow:
        kept = {"reserved_from": uow.now, "reserved_until": uow.now + dt.timedelta(hours=1)}
        await uow.session.execute(update(Agent).where(Agent.user_id == room.floor.people["celia"].id).values(kept))
    assert await room.tick() == []


async def test_nothing_is_dialled_once_it_is_paused_and_what_rings_may_ring(room: Room) -> None:
    await room.floor.ready("anna")
    (dialled,) = await room.tick()
    await room.rings(dialled)
    await room.change(state="paused")
    await room.floor.ready("bob")
    assert await room.tick() == []
    assert not [each for each in room.floor.commands if each.kind == "hang_up_leg"]
    await room.answers(dialled)
    assert (await room.attempt(dialled.call_id)).state == "talking"
    await room.change(state="running")
    assert len(await room.tick()) == 1
    await invariants(room)


async def test_a_pause_between_the_look_and_the_dial_counts(room: Room) -> None:
    await room.floor.ready("anna")
    place = room.dialer._place

    async def paused_meanwhile(*given: object, **more: object) -> int:
        await room.change(state="paused")
        return await place(*given, **more)  # type: ignore[arg-type]

    room.dialer._place = paused_meanwhile  # type: ignore[method-assign]
    assert await room.tick() == []
    assert (await room.lead()).state == "waiting"


async def test_all_agents_leave_at_once(room: Room) -> None:
    await room.floor.ready("anna", "bob", "celia")
    assert len(await room.tick()) == 3
    await room.floor.ready("anna", "bob", "celia")
    for who in ("anna", "bob", "celia"):
        await room.floor.do(who, calls.set_agent_state, "offline")
    for dialled in room.floor.sent(Originate):
        await room.ends(dialled, EndReason.NO_ANSWER)
    for _ in range(5):
        assert await room.tick(31) == []
    assert set((await room.floor.states()).values()) == {"offline"}
    await invariants(room)


@pytest.mark.parametrize("state", ["failed", "away"])
async def test_nothing_is_dialled_while_the_trunk_is_down(room: Room, state: str) -> None:
    await room.floor.ready("anna")
    if state == "away":
        await room.floor.event(LinkDown())
    else:
        await room.floor.event(TrunkChanged(TrunkState(room.floor.trunk_id, "failed")))
    for _ in range(3):
        assert await room.tick() == []
    assert await room.whys() == ["trunk_down"]
    assert (await room.lead()).state == "waiting"
    await room.floor.event(TrunkChanged(TrunkState(room.floor.trunk_id, "ready")))
    if state == "away":
        await room.floor.event(LinkUp(Snapshot("boot")))
        await room.floor.ready("anna")
    assert len(await room.tick()) == 1


async def test_a_switch_that_is_lost_leaves_uncertain_leads_to_people(room: Room) -> None:
    await room.floor.ready("anna")
    (dialled,) = await room.tick()
    await room.floor.event(LinkDown())
    await room.floor.event(LinkUp(Snapshot("another")))
    attempt, lead = await room.attempt(dialled.call_id), await room.lead()
    assert (attempt.state, attempt.outcome, lead.state) == ("over", "uncertain", "uncertain")
    for _ in range(3):
        await room.floor.ready("anna")
        await room.tick(MINUTE * 200)
    assert (await room.lead()).attempts == 1, "never dialled again by itself"
    await invariants(room)


async def test_of_two_diallers_only_one_ticks_until_its_lease_is_over(room: Room) -> None:
    other = Dialer(room.floor.database)
    await room.floor.ready("anna")
    assert len(await room.tick()) == 1
    await room.floor.ready("bob")
    await other.tick()
    assert len(room.floor.sent(Originate)) == 1
    held = await room.campaign()
    assert (held.dialer, held.fence) == (room.dialer.name, 1)
    await room.floor.later(11)
    await other.tick()
    assert len(room.floor.sent(Originate)) == 2
    assert (await room.campaign()).dialer == other.name
    await room.floor.ready("celia")
    assert await room.tick() == [], "the first one sees that it is another's"
    await invariants(room)


async def test_a_dialler_that_slept_through_its_lease_dials_nothing(room: Room) -> None:
    await room.tick()
    await room.floor.ready("anna")
    ((campaign_id, fence),) = (await leasing.hold(room.floor.database, room.dialer.name)).items()
    await room.floor.later(11)
    other = Dialer(room.floor.database)
    await other.tick()
    await room.dialer._look(campaign_id, fence)
    assert len(room.floor.sent(Originate)) == 1
    await invariants(room)


async def test_its_own_dates_hold_it_back(room: Room) -> None:
    await room.floor.ready("anna")
    today = (await room.campaign()).created_at.date()
    await room.change(starts_on=today + dt.timedelta(days=2))
    assert await room.tick() == []
    await room.change(starts_on=None, ends_on=today - dt.timedelta(days=2))
    assert await room.tick() == []
    assert await room.whys() == ["not_started", "ended"]


async def test_a_number_on_another_line_waits(room: Room) -> None:
    await room.floor.ready("anna")
    await room.tick()
    await room.change(state="paused")
    async with room.floor.database.unit_of_work() as uow:
        second = Campaign(
            project_id=room.floor.project_id,
            name="Second",
            mode="progressive",
            state="running",
            created_at=uow.now,
            updated_at=uow.now,
        )
        uow.session.add(second)
        await uow.session.flush()
        room.campaign_id = second.id
    (same,) = await room.add_leads(1)
    await room.floor.ready("bob")
    assert await room.tick() == []
    lead = await room.lead(same)
    assert (lead.state, lead.refusal) == ("waiting", "lead_busy")
    assert (await room.floor.states())["bob"] == "ready"


async def test_a_lead_that_may_not_be_called_keeps_nobody_from_the_next(room: Room) -> None:
    async with room.floor.database.unit_of_work() as uow:
        await uow.session.execute(update(LeadNumber).where(LeadNumber.lead_id == 1).values(number="112"))
    await room.floor.ready("anna")
    await room.tick()
    await room.tick()
    refused = await room.lead(1)
    assert (refused.state, refused.refusal) == ("refused", "emergency")
    assert (await room.lead(2)).state == "dialling"
    assert await room.decisions(1) == ["emergency"], "said once, not for the number and for the lead"
    assert refused.refusal_values["number"] == "112"
    await invariants(room)


async def test_of_several_numbers_each_that_may_not_be_called_is_said_once(database: Database) -> None:
    room = await open_room(database)
    (lead_id,) = await room.add_leads(1, per_lead=3)
    async with database.unit_of_work() as uow:
        for position, number in enumerate(("112", "+48700123456", "+48601")):
            one = (LeadNumber.lead_id == lead_id, LeadNumber.position == position)
            await uow.session.execute(update(LeadNumber).where(*one).values(number=number))
    await room.floor.ready("anna")
    await room.tick()
    assert await room.decisions(lead_id) == ["emergency", "premium", "invalid"]
    refused = await room.lead(lead_id)
    assert (refused.state, refused.refusal, refused.refusal_values["number"]) == ("refused", "invalid", "+48601")


async def test_a_number_that_no_call_can_leave_for_is_said_to_be_none(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_way(*_: object) -> None:
        return None

    monkeypatch.setattr(placing, "_way", no_way)
    await room.floor.ready("anna")
    await room.tick()
    assert await room.decisions(1) == ["invalid"]
    assert (await room.lead(1)).refusal_values == {"number": "+48601000000"}


async def test_nobody_is_called_at_night(room: Room) -> None:
    await room.floor.ready("anna")
    assert await room.tick(11 * 3600) == []
    lead = await room.lead()
    assert (lead.state, lead.refusal) == ("waiting", "hours")
    assert (await room.floor.states())["anna"] == "ready"
    await room.tick(10 * 3600)
    assert len(room.floor.sent(Originate)) == 1


async def test_leads_that_may_not_be_called_now_do_not_keep_other_campaigns_waiting(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialer, "MOST_BATCHES", 2)
    await room.floor.ready("anna")
    for seconds, put_off in ((11 * 3600, 2), (1, 4)):
        assert await room.tick(seconds) == []
        assert sum([(await room.lead(each)).refusal == "hours" for each in range(1, 6)]) == put_off
