"""Commands and happenings in any order: the switch over a scripted carrier, and the fake, keep the port's promises.

Hypothesis invents the order. After every step the snapshot must agree with a model of what lives, and at the end every
leg must have been told about exactly as the port says: offered, answered, ended at most once, and nothing after.
"""

import asyncio
import random
from typing import Any, Literal, Protocol

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from callcenter.phone import (
    AnswerLeg,
    Bridge,
    CloseStation,
    Command,
    Drain,
    EndReason,
    Event,
    HangUpLeg,
    LegEnded,
    LinkUp,
    Member,
    OpenStation,
    Originate,
    Play,
    PortRole,
    RejectLeg,
    RingLeg,
    SendDtmf,
    Snapshot,
    Sound,
    SwitchDraining,
)
from callcenter.phone_fake import FakePhone, Outcome
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.switch import Switch
from tests.telephony.rig import check_order
from tests.telephony.scripted import ScriptedBrowser, ScriptedCarrier

NUMBER = "+48501234567"
SLOTS = 2  # legs each way a run plays with, so that orders collide
_SOUNDS = Sounds()

slots = st.integers(0, SLOTS - 1)
both = st.sampled_from(["in", "out"])


class World(Protocol):
    """A phone and what can happen behind it, without waiting."""

    @property
    def events(self) -> list[Event]: ...
    def send(self, command: Command) -> None: ...
    def customer_calls(self) -> str: ...
    def far_rings(self, leg_id: str) -> None: ...
    def far_answers(self, leg_id: str) -> None: ...
    def far_hangs_up(self, leg_id: str) -> None: ...
    def open_station(self, session: str) -> None: ...
    def browser_lost(self) -> None: ...
    def snapshot(self) -> Snapshot: ...
    def close(self) -> None: ...


class FakeWorld:
    """FakePhone; events are read out of its queue as they come."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.phone = FakePhone()
        self.phone.when_called(NUMBER, Outcome.RINGS)

    def send(self, command: Command) -> None:
        self.phone.send(command)

    @property
    def events(self) -> list[Event]:
        return [each for each in self.phone._queue if not isinstance(each, LinkUp | SwitchDraining)]

    def customer_calls(self) -> str:
        return self.phone.customer_calls(NUMBER, "+48221234567")

    def far_rings(self, leg_id: str) -> None:
        self.phone.customer_rings_out(leg_id)

    def far_answers(self, leg_id: str) -> None:
        self.phone.customer_answers(leg_id)

    def far_hangs_up(self, leg_id: str) -> None:
        self.phone.customer_hangs_up(leg_id)

    def open_station(self, session: str) -> None:
        self.loop.run_until_complete(self.phone.ask(OpenStation("7", session, "v=0")))

    def browser_lost(self) -> None:
        self.phone.browser_lost("7")

    def snapshot(self) -> Snapshot:
        return self.phone.snapshot()

    def close(self) -> None:
        self.loop.close()


class SwitchWorld:
    """The real switch; the carrier's callbacks run when the loop is turned."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.events: list[Event] = []
        self.carrier = ScriptedCarrier()
        self.browser = ScriptedBrowser()
        self.switch = Switch(self.carrier, self._open, Ticker(), _SOUNDS)
        self.switch.emit = self.events.append
        self.loop.run_until_complete(self.switch.start())
        self._do(self.switch.web_present, True)

    async def _open(self, sdp: str) -> ScriptedBrowser:
        self.browser = ScriptedBrowser()
        return self.browser

    def _do(self, function: Any, *arguments: Any) -> None:
        async def inside() -> None:
            function(*arguments)
            for _ in range(3):
                await asyncio.sleep(0)

        self.loop.run_until_complete(inside())

    def send(self, command: Command) -> None:
        self._do(self.switch.perform, command)

    def customer_calls(self) -> str:
        before = set(self.carrier.legs)
        self._do(self.carrier.call)
        [leg_id] = set(self.carrier.legs) - before
        return leg_id

    def far_rings(self, leg_id: str) -> None:
        if leg_id in self.carrier.legs and self.carrier.legs[leg_id].direction == "outbound":
            self._do(self.carrier.legs[leg_id].far_rings)

    def far_answers(self, leg_id: str) -> None:
        if leg_id in self.carrier.legs:
            self._do(self.carrier.legs[leg_id].far_answers)

    def far_hangs_up(self, leg_id: str) -> None:
        if leg_id in self.carrier.legs:
            self._do(self.carrier.legs[leg_id].far_hangs_up)

    def open_station(self, session: str) -> None:
        self.loop.run_until_complete(self.switch.answer(OpenStation("7", session, "v=0")))

    def browser_lost(self) -> None:
        self._do(self.browser.lose)

    def snapshot(self) -> Snapshot:
        return self.switch.snapshot()

    def close(self) -> None:
        self.loop.run_until_complete(self.switch.stop())
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()


class Orders(RuleBasedStateMachine):
    """The model: which legs live, and in which state."""

    world_type: type[FakeWorld] | type[SwitchWorld]

    def __init__(self) -> None:
        super().__init__()
        self.world: World = self.world_type()
        self.legs: dict[tuple[str, int], str] = {}
        self.alive: dict[str, Literal["ringing", "answered"]] = {}
        self.ends: dict[str, EndReason] = {}
        self.draining = False
        self.session = ""
        self.calls = 0

    def leg(self, way: str, slot: int) -> str:
        return self.legs.get((way, slot), f"never-{way}-{slot}")

    def over(self, leg_id: str, reason: EndReason) -> None:
        del self.alive[leg_id]
        self.ends[leg_id] = reason

    @rule(slot=slots)
    def customer_calls(self, slot: int) -> None:
        leg_id = self.world.customer_calls()
        self.legs["in", slot] = leg_id
        if not self.draining:
            self.alive[leg_id] = "ringing"

    @rule(slot=slots)
    def originate(self, slot: int) -> None:
        leg_id = f"out-{slot}"
        fresh = ("out", slot) not in self.legs
        self.legs["out", slot] = leg_id
        self.world.send(Originate(leg_id=leg_id, call_id=f"call-{slot}", trunk_id=1, number=NUMBER, caller_id=""))
        if fresh and self.draining:
            self.ends[leg_id] = EndReason.FAILED
        elif fresh:
            self.alive[leg_id] = "ringing"

    @rule(way=both, slot=slots)
    def answer(self, way: str, slot: int) -> None:
        leg_id = self.leg(way, slot)
        self.world.send(AnswerLeg(leg_id))
        if way == "in" and self.alive.get(leg_id) == "ringing":
            self.alive[leg_id] = "answered"

    @rule(way=both, slot=slots)
    def reject(self, way: str, slot: int) -> None:
        leg_id = self.leg(way, slot)
        self.world.send(RejectLeg(leg_id, EndReason.BUSY))
        if way == "in" and self.alive.get(leg_id) == "ringing":
            self.over(leg_id, EndReason.BUSY)

    @rule(way=both, slot=slots)
    def hang_up(self, way: str, slot: int) -> None:
        leg_id = self.leg(way, slot)
        self.world.send(HangUpLeg(leg_id))
        if leg_id in self.alive:
            unanswered = EndReason.REJECTED if way == "in" else EndReason.CANCELLED
            self.over(leg_id, EndReason.COMPLETED if self.alive[leg_id] == "answered" else unanswered)

    @rule(slot=slots)
    def far_rings(self, slot: int) -> None:
        self.world.far_rings(self.leg("out", slot))

    @rule(slot=slots)
    def far_answers(self, slot: int) -> None:
        leg_id = self.leg("out", slot)
        self.world.far_answers(leg_id)
        if leg_id in self.alive:
            self.alive[leg_id] = "answered"

    @rule(way=both, slot=slots)
    def far_hangs_up(self, way: str, slot: int) -> None:
        leg_id = self.leg(way, slot)
        self.world.far_hangs_up(leg_id)
        if leg_id in self.alive:
            unanswered = EndReason.CANCELLED if way == "in" else EndReason.REJECTED
            self.over(leg_id, EndReason.COMPLETED if self.alive[leg_id] == "answered" else unanswered)

    @rule(way=both, slot=slots, call=slots, station=st.booleans())
    def bridge(self, way: str, slot: int, call: int, station: bool) -> None:
        members = [Member("leg", self.leg(way, slot), PortRole.CUSTOMER)]
        if station:
            members.append(Member("station", "7", PortRole.AGENT))
        self.world.send(Bridge(f"call-{call}", tuple(members)))

    @rule(call=slots)
    def unbridge(self, call: int) -> None:
        self.world.send(Bridge(f"call-{call}", ()))

    @rule(way=both, slot=slots, sound=st.sampled_from(Sound))
    def play(self, way: str, slot: int, sound: Sound) -> None:
        self.world.send(Play(self.leg(way, slot), sound))
        self.world.send(RingLeg(self.leg(way, slot)))
        self.world.send(SendDtmf(self.leg(way, slot), "1"))

    @rule(on=st.booleans())
    def drain(self, on: bool) -> None:
        self.world.send(Drain(on=on))
        self.draining = on

    @rule()
    def open_station(self) -> None:
        self.calls += 1
        self.session = f"s{self.calls}"
        self.world.open_station(self.session)

    @rule()
    def browser_lost(self) -> None:
        self.world.browser_lost()
        self.session = ""

    @rule(old=st.booleans())
    def close_station(self, old: bool) -> None:
        self.world.send(CloseStation("7", "s0" if old else self.session))
        if not old:
            self.session = ""

    @invariant()
    def the_snapshot_tells_what_lives(self) -> None:
        snapshot = self.world.snapshot()
        assert {each.leg_id: each.state for each in snapshot.legs} == self.alive
        assert [each.session for each in snapshot.stations if each.live] == ([self.session] if self.session else [])

    @invariant()
    def every_end_is_told_once_and_last(self) -> None:
        check_order(self.world.events)
        assert {each.leg_id: each.reason for each in self.world.events if isinstance(each, LegEnded)} == self.ends

    def teardown(self) -> None:
        self.world.close()


@pytest.mark.parametrize("world", [FakeWorld, SwitchWorld])
def test_any_order_of_commands_and_happenings_keeps_the_promises(world: type[FakeWorld] | type[SwitchWorld]) -> None:
    machine = type("Orders", (Orders,), {"world_type": world})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
        ),
    )


async def test_the_fake_can_repeat_and_disorder_its_events_without_losing_one() -> None:
    phone = FakePhone(repeat=True, disorder=random.Random(7))
    legs = [phone.customer_calls(NUMBER, "+48221234567") for _ in range(5)]
    for leg_id in legs:
        phone.send(AnswerLeg(leg_id))
        phone.customer_hangs_up(leg_id)
    taken: list[Event] = []
    async for event in phone.events():
        taken.append(event)
        if len(taken) == 32:
            break
    assert sorted({each.leg_id for each in taken if isinstance(each, LegEnded)}) == sorted(legs)
    assert all(taken.count(each) == 2 for each in taken)
    with pytest.raises(AssertionError):
        check_order(taken)
