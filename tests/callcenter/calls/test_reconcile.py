"""After a reconnect the rows and the switch agree again, whichever of the two was killed."""

import pytest

from callcenter.agents.models import Agent
from callcenter.calls import service as calls
from callcenter.calls.models import Call, Leg, Offer
from callcenter.events import CallAnswered, CallEnded, SwitchState
from callcenter.phone import (
    AnswerLeg,
    Bridge,
    ConfigureTrunks,
    EndReason,
    HangUpLeg,
    LegAnswered,
    LegState,
    LinkDown,
    LinkUp,
    Play,
    RingLeg,
    Snapshot,
    Sound,
    StationState,
    TrunkChanged,
    TrunkState,
)
from callcenter.trunks.models import Trunk
from tests.callcenter.calls.floor import CALLER, Floor


def leg(floor: Floor, leg_id: str, state: str = "ringing", direction: str = "inbound", call_id: str | None = None) -> LegState:
    return LegState(leg_id, call_id, floor.trunk_id, direction, state, CALLER)  # type: ignore[arg-type]


def station(floor: Floor, who: str) -> StationState:
    return StationState(str(floor.people[who].id), "tab1", True, None)


async def test_calls_that_died_with_the_switch_end_as_failed_and_free_their_agents(floor: Floor) -> None:
    await floor.ready("anna", "bob", "celia")
    _, talking = await floor.talk("anna")
    ringing = await floor.call_of(await floor.ring("+48601000001"))
    dialled = await floor.do("celia", calls.dial, CALLER)
    await floor.event(LinkDown())
    stations = tuple(station(floor, who) for who in ("anna", "bob", "celia"))
    await floor.event(LinkUp(Snapshot("new boot", stations=stations)))
    assert {call.end_reason for call in await floor.all(Call)} == {"failed"}
    assert await floor.states() == {"anna": "wrap_up", "bob": "ready", "celia": "wrap_up"}
    assert [missed.call_id for missed in await floor.call_backs()] == [ringing.id], "who waited is called back"
    assert {event.call_id for event in floor.said(CallEnded)} == {talking, dialled.id}
    assert await floor.results() == ["answered", "failed"]
    assert {row.state for row in await floor.all(Leg)} == {"ended"}


async def test_legs_whose_call_is_over_are_hung_up(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id, call_id = await floor.talk("anna")
    await floor.do("anna", calls.hang_up, call_id)
    floor.commands.clear()
    await floor.event(LinkUp(Snapshot("boot", legs=(leg(floor, leg_id, "answered"), leg(floor, "ghost", "ringing", "outbound")))))
    assert {command.leg_id for command in floor.sent(HangUpLeg)} == {leg_id, "ghost"}


async def test_an_unknown_ringing_caller_is_hung_up_only_if_nobody_tells_of_it(floor: Floor) -> None:
    snapshot = Snapshot("boot", legs=(leg(floor, "told"), leg(floor, "silent")))
    await floor.event(LinkUp(snapshot))
    await floor.ring(leg_id="told")
    await floor.later(16)
    assert [command.leg_id for command in floor.sent(HangUpLeg)] == ["silent"]


async def test_what_was_answered_meanwhile_is_answered(floor: Floor) -> None:
    await floor.ready("anna")
    made = await floor.do("anna", calls.dial, CALLER)
    leg_id = (await floor.all(Leg))[0].id
    there = (station(floor, "anna"),)
    await floor.event(LinkUp(Snapshot("boot", legs=(leg(floor, leg_id, "answered", "outbound", made.id),), stations=there)))
    assert (await floor.call(made.id)).state == "talking"
    assert len(floor.said(CallAnswered, "anna")) == 1


async def test_commands_lost_with_the_web_process_are_said_again(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id = await floor.ring()
    other = await floor.ring("+48601000002")
    call_id = (await floor.call_of(leg_id)).id
    await floor.do("anna", calls.answer, call_id)
    floor.commands.clear()
    there = (station(floor, "anna"),)
    await floor.event(LinkUp(Snapshot("boot", legs=(leg(floor, leg_id), leg(floor, other)), stations=there)))
    assert isinstance(floor.commands[0], ConfigureTrunks)
    assert AnswerLeg(leg_id) in floor.commands
    assert RingLeg(other) in floor.commands
    assert [command.call_id for command in floor.sent(Bridge)] == [call_id]


async def test_the_end_of_a_leg_that_was_hung_up_as_the_switch_died_is_noted(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id, call_id = await floor.talk("anna")
    await floor.do("anna", calls.hang_up, call_id)
    assert [each.state for each in await floor.all(Leg)] == ["answered"], "until the switch says that it is over"
    await floor.event(LinkUp(Snapshot("boot", legs=(leg(floor, leg_id, "answered"),))))
    assert [each.state for each in await floor.all(Leg)] == ["answered"], "it is being hung up"
    await floor.event(LinkUp(Snapshot("new boot")))
    assert [(each.state, each.ended_by, each.ended_at is not None) for each in await floor.all(Leg)] == [
        ("ended", "switch", True)
    ]


async def test_a_customer_on_hold_stays_there_through_the_reconnect(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id = await floor.ring()
    call_id = (await floor.call_of(leg_id)).id
    await floor.do("anna", calls.answer, call_id)
    await floor.event(LegAnswered(leg_id))
    await floor.do("anna", calls.hold, call_id, True)
    floor.commands.clear()
    await floor.event(LinkUp(Snapshot("boot", legs=(leg(floor, leg_id, "answered"),), stations=(station(floor, "anna"),))))
    assert floor.sent(Bridge) == [Bridge(call_id, ())]
    assert Play(leg_id, Sound.MUSIC) in floor.commands


async def test_stations_and_trunks_are_taken_from_the_snapshot(floor: Floor) -> None:
    await floor.ready("anna")
    await floor.event(LinkDown())
    assert (await floor.all(Trunk))[0].state == "away"
    trunks = (TrunkState(floor.trunk_id, "registered", "until 12:00"),)
    await floor.event(LinkUp(Snapshot("boot", stations=(station(floor, "bob"),), trunks=trunks)))
    assert {agent.user_id: agent.station_live for agent in await floor.all(Agent)} == {
        floor.people["anna"].id: False,
        floor.people["bob"].id: True,
    }
    assert (await floor.all(Trunk))[0].state == "registered"
    await floor.event(TrunkChanged(TrunkState(floor.trunk_id, "failed", "403 Forbidden")))
    await floor.event(TrunkChanged(TrunkState(999, "failed")))
    assert (await floor.all(Trunk))[0].state_detail == "403 Forbidden"
    assert [event.up for event in floor.said(SwitchState)] == [False, True]
    await floor.later(21)
    assert (await floor.states())["anna"] == "offline"


async def test_a_caller_waiting_through_the_reconnect_is_offered_then(floor: Floor) -> None:
    leg_id = await floor.ring()
    await floor.ready("bob")
    await floor.event(LinkUp(Snapshot("boot", legs=(leg(floor, leg_id),), stations=(station(floor, "bob"),))))
    assert (await floor.states())["bob"] == "offered"
    assert len(floor.offers()) == 1


@pytest.mark.parametrize("damage", ["agent", "offer", "call", "agent_on_call"])
async def test_the_sweep_mends_what_should_never_be(floor: Floor, damage: str) -> None:
    await floor.ready("anna")
    leg_id = await floor.ring()
    call_id = (await floor.call_of(leg_id)).id
    async with floor.database.unit_of_work() as uow:
        agent = await uow.session.get_one(Agent, floor.people["anna"].id)
        call = await uow.session.get_one(Call, call_id)
        if damage in ("agent", "offer"):
            call.state = "ended"
        if damage == "call":
            agent.state, agent.call_id = "ready", None
            for offer in await floor.all(Offer):
                (await uow.session.get_one(Offer, offer.id)).result = "failed"
        if damage == "agent_on_call":
            agent.state, agent.call_id = "on_call", "gone"
    async with floor.database.unit_of_work() as uow:
        await calls.sweep(uow, {})
    states = await floor.states()
    if damage == "call":
        assert states["anna"] == "offered", "the lone call went back to the queue and to the ready agent"
    else:
        assert states["anna"] == "ready"
    open_now = [offer for offer in await floor.all(Offer) if offer.result == "open" and offer.call_id == call_id]
    assert len(open_now) <= 1


async def test_the_sweep_comes_again_by_itself(floor: Floor) -> None:
    await floor.event(LinkUp(Snapshot("boot")))
    for _ in range(3):
        assert await floor.later(31) == 1


async def test_a_leg_that_ended_reason_completed_is_kept_as_the_switch_said(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id, call_id = await floor.talk("anna")
    await floor.leaves(leg_id, EndReason.FAILED)
    assert (await floor.call(call_id)).end_reason == "failed"
