"""Phone in memory: the switch, the carriers and the customers of tests and of demonstrations, without time or sound.

The first half is Phone, with the state rules of the real switch (telephony/switch.py; both pass the stories of
tests/telephony/test_phone_contract.py). The second half is what the outside world does: `customer_calls` and so on.
Nothing sleeps: what a number does is scripted by `when_called`, and follows at once.
"""

import asyncio
import enum
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from callcenter import clock
from callcenter.errors import CallCenterError, Unavailable
from callcenter.phone import (
    AnswerLeg,
    Bridge,
    Check,
    CloseStation,
    Command,
    ConfigureTrunks,
    Drain,
    DtmfReceived,
    EndReason,
    Event,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LegOffered,
    LegRinging,
    LegState,
    LinkDown,
    LinkUp,
    Member,
    OpenStation,
    Originate,
    Play,
    Quality,
    Query,
    ReadTrace,
    RejectLeg,
    Reply,
    RingLeg,
    SendDtmf,
    Snapshot,
    Sound,
    StationAnswer,
    StationLive,
    StationLost,
    StationState,
    TestTrunk,
    TrunkChanged,
    TrunkConfig,
    TrunkReport,
    TrunkState,
    TrunkTrace,
)

SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\n"


class Outcome(enum.StrEnum):
    """What a number does when it is dialled."""

    ANSWERS = "answers"
    RINGS = "rings"  # until customer_answers or the ring time-out (ring_time_out)
    EARLY_MEDIA = "early_media"  # the same, with the carrier's own sound
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    CARRIER_DOWN = "carrier_down"


class _End(NamedTuple):
    reason: EndReason
    code: int
    text: str
    rings: bool


_ENDS = {
    Outcome.BUSY: _End(EndReason.BUSY, 486, "Busy Here", rings=False),
    Outcome.NO_ANSWER: _End(EndReason.NO_ANSWER, 480, "Temporarily Unavailable", rings=True),
    Outcome.REJECTED: _End(EndReason.REJECTED, 603, "Decline", rings=True),
    Outcome.UNREACHABLE: _End(EndReason.UNREACHABLE, 404, "Not Found", rings=False),
    Outcome.CARRIER_DOWN: _End(EndReason.FAILED, 503, "Service Unavailable", rings=False),
}


@dataclass(slots=True)
class FakeLeg:
    """A leg alive in the fake."""

    leg_id: str
    trunk_id: int
    direction: Literal["inbound", "outbound"]
    number: str
    call_id: str | None = None
    state: Literal["ringing", "answered"] = "ringing"
    rung: bool = False
    sound: Sound = Sound.SILENCE
    digits: str = ""  # what SendDtmf sent to its far end


@dataclass(slots=True)
class FakeStation:
    """A consultant's place in the fake."""

    station_id: str
    session: str = ""
    live: bool = False


class FakePhone:
    """Phone whose far end is a script. `commands` and `queries` keep what was asked, oldest first.

    `repeat` delivers every event twice. `disorder`, a seeded random.Random, puts every new event anywhere among those
    not yet taken: worse than the port promises, for those who must withstand it.
    """

    def __init__(self, *, repeat: bool = False, disorder: random.Random | None = None) -> None:
        self.repeat = repeat
        self.disorder = disorder
        self.up = True
        self.boot_id = clock.new_id()
        self.commands: list[Command] = []
        self.queries: list[Query] = []
        self.legs: dict[str, FakeLeg] = {}
        self.stations: dict[str, FakeStation] = {}
        self.bridges: dict[str, tuple[Member, ...]] = {}
        self.trunks: dict[int, TrunkConfig] = {}
        self.draining = False
        self.counters: Counter[str] = Counter()
        self._known: set[str] = set()
        self._outcomes: dict[str, Outcome] = {}
        self._refusals: dict[str, CallCenterError] = {}
        self._queue: deque[Event] = deque()
        self._held: list[Event] = []  # happened while the link was down
        self._filled = asyncio.Event()
        self._put(LinkUp(self.snapshot()))

    # --- Phone --------------------------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Do a command at once (Phone)."""
        if not self.up:
            if isinstance(command, Originate):
                text = "The telephone switch could not be reached."
                self._put(LegEnded(command.leg_id, EndReason.FAILED, "switch", text=text))
            return
        self.commands.append(command)
        doing: dict[type[Command], Callable[..., None]] = {
            ConfigureTrunks: self._configure,
            Originate: self._originate,
            RingLeg: self._ring,
            AnswerLeg: self._answer,
            RejectLeg: self._reject,
            HangUpLeg: self._hang_up,
            Bridge: self._bridge,
            Play: self._play,
            SendDtmf: self._send_dtmf,
            CloseStation: self._close_station,
            Drain: self._drain,
        }
        doing[type(command)](command)

    async def ask(self, query: Query, timeout: float = 5.0) -> Reply:  # noqa: ASYNC109 - as Phone says
        """Answer a query at once (Phone)."""
        if not self.up:
            raise Unavailable("The telephone switch cannot be reached. Try again in a moment.")
        self.queries.append(query)
        if query.kind in self._refusals:
            raise self._refusals[query.kind]
        match query:
            case OpenStation():
                self.stations[query.station_id] = FakeStation(query.station_id, query.session, live=True)
                self._happened(StationLive(query.station_id, query.session))
                return StationAnswer(SDP)
            case TestTrunk():
                return TrunkReport((Check("trunk", query.trunk_id in self.trunks, "The trunk is a scripted one."),))
            case ReadTrace():
                return TrunkTrace(())
        return self.snapshot()

    async def events(self) -> AsyncIterator[Event]:
        """Yield events in order; asking for the next one takes the last (Phone)."""
        while True:
            while not self._queue:
                self._filled.clear()
                await self._filled.wait()
            event = self._queue[0]
            yield event
            if self._queue and self._queue[0] is event:
                self._queue.popleft()

    # --- what the commands do -----------------------------------------------------------------------------------------

    def _configure(self, command: ConfigureTrunks) -> None:
        self.trunks = {trunk.trunk_id: trunk for trunk in command.trunks}
        for trunk in command.trunks:
            self._happened(TrunkChanged(self._trunk_state(trunk)))

    def _originate(self, command: Originate) -> None:
        if command.leg_id in self._known:
            return
        self._known.add(command.leg_id)
        if self.draining:
            self._happened(LegEnded(command.leg_id, EndReason.FAILED, "switch", 503, "The switch is stopping."))
            return
        leg = FakeLeg(command.leg_id, command.trunk_id, "outbound", command.number, command.call_id)
        self.legs[leg.leg_id] = leg
        outcome = self._outcomes.get(command.number, Outcome.ANSWERS)
        if outcome in _ENDS:
            end = _ENDS[outcome]
            if end.rings:
                self._happened(LegRinging(leg.leg_id, early_media=False))
            self._end(leg.leg_id, end.reason, "far", end.code, end.text)
            return
        self._happened(LegRinging(leg.leg_id, early_media=outcome is Outcome.EARLY_MEDIA))
        if outcome is Outcome.ANSWERS:
            self.customer_answers(leg.leg_id)

    def _ring(self, command: RingLeg) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is not None and leg.direction == "inbound":
            leg.rung = True

    def _answer(self, command: AnswerLeg) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is not None and leg.direction == "inbound" and leg.state == "ringing":
            leg.state = "answered"
            self._happened(LegAnswered(leg.leg_id))

    def _reject(self, command: RejectLeg) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is not None and leg.direction == "inbound" and leg.state == "ringing":
            self._end(leg.leg_id, command.reason, "near")

    def _hang_up(self, command: HangUpLeg) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is None:
            return
        reason = command.reason
        if leg.state == "answered":
            reason = EndReason.COMPLETED
        elif reason is EndReason.COMPLETED:
            reason = EndReason.CANCELLED if leg.direction == "outbound" else EndReason.REJECTED
        self._end(leg.leg_id, reason, "near")

    def _bridge(self, command: Bridge) -> None:
        members = tuple(each for each in command.members if each.port == "station" or each.id in self.legs)
        taken = {(each.port, each.id) for each in members}
        for call_id, others in list(self.bridges.items()):
            self._set_bridge(call_id, tuple(each for each in others if (each.port, each.id) not in taken))
        self._set_bridge(command.call_id, members)
        for each in members:
            if each.port == "leg":
                self.legs[each.id].call_id = command.call_id
                self.legs[each.id].sound = Sound.SILENCE

    def _set_bridge(self, call_id: str, members: tuple[Member, ...]) -> None:
        if members:
            self.bridges[call_id] = members
        else:
            self.bridges.pop(call_id, None)

    def _play(self, command: Play) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is not None and self._bridge_of("leg", leg.leg_id) is None:
            leg.sound = command.sound

    def _send_dtmf(self, command: SendDtmf) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is not None:
            leg.digits += command.digits

    def _close_station(self, command: CloseStation) -> None:
        station = self.stations.get(command.station_id)
        if station is not None and command.session in ("", station.session):
            self.browser_lost(command.station_id)

    def _drain(self, command: Drain) -> None:
        self.draining = command.on

    # --- the world outside --------------------------------------------------------------------------------------------

    def when_called(self, number: str, outcome: Outcome) -> None:
        """Script what `number` does when it is dialled; unscripted numbers ring and answer."""
        self._outcomes[number] = outcome

    def refuse(self, kind: str, error: CallCenterError | None) -> None:
        """Let queries of `kind` raise `error`; None: answer them again."""
        self._refusals.pop(kind, None)
        if error is not None:
            self._refusals[kind] = error

    def customer_calls(
        self, number: str, dialled: str, *, trunk_id: int = 1, name: str = "", withheld: bool = False, provider_ref: str = ""
    ) -> str:
        """Let a customer ring; returns the leg's id. A draining switch refuses, without an event."""
        leg_id = clock.new_id()
        self._known.add(leg_id)
        if not self.draining:
            self.legs[leg_id] = FakeLeg(leg_id, trunk_id, "inbound", number)
            reference = provider_ref or f"fake-{leg_id}"
            received = clock.monotonic()
            self._happened(LegOffered(leg_id, trunk_id, number, name, dialled, withheld, reference, received))
        return leg_id

    def customer_rings_out(self, leg_id: str, *, early_media: bool = False) -> None:
        """Let a dialled phone ring (again)."""
        if leg_id in self.legs and self.legs[leg_id].state == "ringing":
            self._happened(LegRinging(leg_id, early_media))

    def customer_answers(self, leg_id: str) -> None:
        """Let the dialled customer answer."""
        leg = self.legs.get(leg_id)
        if leg is not None and leg.direction == "outbound" and leg.state == "ringing":
            leg.state = "answered"
            self._happened(LegAnswered(leg_id))

    def customer_hangs_up(self, leg_id: str) -> None:
        """Let the customer hang up, give up, or (dialled and not answered) decline."""
        leg = self.legs.get(leg_id)
        if leg is None:
            return
        if leg.state == "answered":
            self._end(leg_id, EndReason.COMPLETED, "far")
        elif leg.direction == "inbound":
            self._end(leg_id, EndReason.CANCELLED, "far", 487, "Request Terminated")
        else:
            self._end(leg_id, EndReason.REJECTED, "far", 603, "Decline")

    def customer_presses(self, leg_id: str, digits: str) -> None:
        """Let the customer press keys."""
        if leg_id in self.legs:
            for digit in digits:
                self._happened(DtmfReceived(leg_id, digit, 100))

    def ring_time_out(self, leg_id: str) -> None:
        """Let the ring time of an outbound leg be over."""
        leg = self.legs.get(leg_id)
        if leg is not None and leg.direction == "outbound" and leg.state == "ringing":
            self._end(leg_id, EndReason.NO_ANSWER, "switch", 408, "Request Timeout")

    def browser_lost(self, station_id: str) -> None:
        """Let a station's browser go away."""
        station = self.stations.pop(station_id, None)
        if station is not None:
            self._happened(StationLost(station_id, station.session))

    def link_down(self) -> None:
        """Break the link; the switch goes on."""
        if self.up:
            self._put(LinkDown())
            self.up = False

    def link_up(self) -> None:
        """Join again: what happened meanwhile comes first, then the snapshot."""
        if not self.up:
            self.up = True
            held, self._held = self._held, []
            for event in held:
                self._put(event)
            self._put(LinkUp(self.snapshot()))

    def lose_events(self) -> None:
        """Forget the events that wait for the link, as a switch does that kept too many."""
        self._held.clear()

    def restart(self) -> None:
        """Kill the switch and start it again: all that lived is gone, without a word."""
        self.link_down()
        self._held.clear()
        self.legs.clear()
        self.stations.clear()
        self.bridges.clear()
        self.trunks.clear()
        self._known.clear()
        self.draining = False
        self.boot_id = clock.new_id()
        self.link_up()

    def snapshot(self) -> Snapshot:
        """Return all that lives now."""
        legs = (LegState(x.leg_id, x.call_id, x.trunk_id, x.direction, x.state, x.number) for x in self.legs.values())
        stations = (
            StationState(x.station_id, x.session, x.live, self._bridge_of("station", x.station_id))
            for x in self.stations.values()
        )
        trunks = (self._trunk_state(trunk) for trunk in self.trunks.values())
        return Snapshot(self.boot_id, tuple(legs), tuple(stations), tuple(trunks), dict(self.counters))

    def _trunk_state(self, trunk: TrunkConfig) -> TrunkState:
        return TrunkState(trunk.trunk_id, "registered" if trunk.register else "ready")

    def _bridge_of(self, port: str, id_: str) -> str | None:
        for call_id, members in self.bridges.items():
            if any(each.port == port and each.id == id_ for each in members):
                return call_id
        return None

    def _end(
        self, leg_id: str, reason: EndReason, by: Literal["far", "near", "switch"], code: int | None = None, text: str = ""
    ) -> None:
        answered = self.legs.pop(leg_id).state == "answered"
        for call_id, members in list(self.bridges.items()):
            self._set_bridge(call_id, tuple(each for each in members if (each.port, each.id) != ("leg", leg_id)))
        self._happened(LegEnded(leg_id, reason, by, code, text, Quality(law="pcma") if answered else None))

    def _happened(self, event: Event) -> None:
        if self.up:
            self._put(event)
        else:
            self._held.append(event)

    def _put(self, event: Event) -> None:
        for _ in range(2 if self.repeat else 1):
            self._queue.insert(self._place(event), event)
        self._filled.set()

    def _place(self, event: Event) -> int:
        if self.disorder is None or isinstance(event, LinkUp | LinkDown):
            return len(self._queue)
        first = 1  # the head may be in the consumer's hands
        for index, queued in enumerate(self._queue):
            if isinstance(queued, LinkUp | LinkDown):
                first = index + 1
        return self.disorder.randint(min(first, len(self._queue)), len(self._queue))
