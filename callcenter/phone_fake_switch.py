"""The switch inside FakePhone: legs, stations and bridges in memory, with the state rules of telephony/switch.py."""

import enum
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from callcenter import clock
from callcenter.phone import (
    Announce,
    Announced,
    AnswerLeg,
    AnyTrunk,
    Bridge,
    CloseStation,
    Command,
    ConfigureTrunks,
    Drain,
    EndReason,
    Event,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LegRinging,
    LegState,
    Member,
    Originate,
    Play,
    Quality,
    RejectLeg,
    RingLeg,
    SendDtmf,
    SendText,
    Snapshot,
    Sound,
    StationLost,
    StationState,
    SwitchDraining,
    TextStatus,
    TrunkChanged,
    TrunkConfig,
    TrunkState,
)


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
    announcement: str | None = None  # the file it hears
    lingers: bool = False  # it gives way to Bridge and Play
    heard: str | None = None  # the file it heard until then
    played_ms: int = 0
    digits: str = ""  # what SendDtmf sent to its far end

    def give_way(self) -> None:
        """Hear other things than the announcement."""
        self.heard, self.announcement = self.heard if self.announcement is None else self.announcement, None


@dataclass(slots=True)
class FakeStation:
    """A consultant's place in the fake."""

    station_id: str
    session: str = ""
    live: bool = False


class FakeSwitch:
    """What lives in the fake, and what the commands do to it. `legs`, `stations`, `bridges` and
    `texts` (what SendText sent, by id) are there to look at.

    `announcements`: the files that can be played, by name, with their milliseconds.
    """

    def __init__(self, happened: Callable[[Event], None]) -> None:
        self._happened = happened
        self.boot_id = clock.new_id()
        self.legs: dict[str, FakeLeg] = {}
        self.stations: dict[str, FakeStation] = {}
        self.bridges: dict[str, tuple[Member, ...]] = {}
        self.trunks: dict[int, AnyTrunk] = {}
        self.texts: dict[str, SendText] = {}
        self.announcements: dict[str, int] = {}
        self.draining = False
        self.counters: Counter[str] = Counter()
        self._known: set[str] = set()
        self._outcomes: dict[str, Outcome] = {}

    def perform(self, command: Command) -> None:
        """Do a command; what makes no sense now does nothing."""
        doing: dict[type[Command], Callable[..., None]] = {
            ConfigureTrunks: self._configure,
            Originate: self._originate,
            RingLeg: self._ring,
            AnswerLeg: self._answer,
            RejectLeg: self._reject,
            HangUpLeg: self._hang_up,
            Bridge: self._bridge,
            Play: self._play,
            Announce: self._announce,
            SendDtmf: self._send_dtmf,
            SendText: self._send_text,
            CloseStation: self._close_station,
            Drain: self._drain,
        }
        doing[type(command)](command)

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
            self._answered(leg)

    def _ring(self, command: RingLeg) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is not None and leg.direction == "inbound":
            leg.rung = True

    def _answer(self, command: AnswerLeg) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is not None and leg.direction == "inbound" and leg.state == "ringing":
            self._answered(leg)

    def _answered(self, leg: FakeLeg) -> None:
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
        members = tuple(each for each in command.members if each.port == "station" or self._joins(each.id))
        taken = {(each.port, each.id) for each in members}
        for call_id, others in list(self.bridges.items()):
            self._set_bridge(call_id, tuple(each for each in others if (each.port, each.id) not in taken))
        self._set_bridge(command.call_id, members)
        for each in members:
            if each.port == "leg":
                self.legs[each.id].give_way()
                self.legs[each.id].call_id = command.call_id
                self.legs[each.id].sound = Sound.SILENCE

    def _joins(self, leg_id: str) -> bool:
        return leg_id in self.legs and (self.legs[leg_id].announcement is None or self.legs[leg_id].lingers)

    def _set_bridge(self, call_id: str, members: tuple[Member, ...]) -> None:
        if members:
            self.bridges[call_id] = members
        else:
            self.bridges.pop(call_id, None)

    def _play(self, command: Play) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is not None and self._bridge_of("leg", leg.leg_id) is None and self._joins(leg.leg_id):
            leg.give_way()
            leg.sound = command.sound

    def _announce(self, command: Announce) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is None or leg.state != "answered" or leg.announcement is not None:
            return
        leg.announcement, leg.lingers = command.name, command.linger_ms > 0
        if command.name not in self.announcements:
            self._end(leg.leg_id, EndReason.COMPLETED, "near")
        else:
            self._leave_bridges(leg.leg_id)

    def _send_dtmf(self, command: SendDtmf) -> None:
        leg = self.legs.get(command.leg_id)
        if leg is not None:
            leg.digits += command.digits

    def _send_text(self, command: SendText) -> None:
        """Send it, as a trunk that can; one over SIP cannot."""
        if command.message_id in self.texts:
            return
        self.texts[command.message_id] = command
        if isinstance(self.trunks.get(command.trunk_id), TrunkConfig):
            self._happened(TextStatus(command.message_id, "failed", words="This trunk sends no text messages."))
        else:
            self._happened(TextStatus(command.message_id, "sent", provider_ref=f"fake-{command.message_id}"))

    def _close_station(self, command: CloseStation) -> None:
        station = self.stations.get(command.station_id)
        if station is not None and command.session in ("", station.session):
            self._lose(station)

    def _lose(self, station: FakeStation) -> None:
        del self.stations[station.station_id]
        self._happened(StationLost(station.station_id, station.session))

    def _drain(self, command: Drain) -> None:
        if command.on != self.draining:
            self.draining = command.on
            self._happened(SwitchDraining(command.on))

    def snapshot(self) -> Snapshot:
        """Return all that lives now."""
        legs = (LegState(x.leg_id, x.call_id, x.trunk_id, x.direction, x.state, x.number) for x in self.legs.values())
        stations = (
            StationState(x.station_id, x.session, x.live, self._bridge_of("station", x.station_id))
            for x in self.stations.values()
        )
        trunks = (self._trunk_state(trunk) for trunk in self.trunks.values())
        return Snapshot(self.boot_id, tuple(legs), tuple(stations), tuple(trunks), dict(self.counters), self.draining)

    def _trunk_state(self, trunk: AnyTrunk) -> TrunkState:
        return TrunkState(trunk.trunk_id, "registered" if isinstance(trunk, TrunkConfig) and trunk.register else "ready")

    def _bridge_of(self, port: str, id_: str) -> str | None:
        for call_id, members in self.bridges.items():
            if any(each.port == port and each.id == id_ for each in members):
                return call_id
        return None

    def _end(
        self, leg_id: str, reason: EndReason, by: Literal["far", "near", "switch"], code: int | None = None, text: str = ""
    ) -> None:
        leg = self.legs.pop(leg_id)
        self._leave_bridges(leg_id)
        quality = Quality(law="pcma") if leg.state == "answered" else None
        name = leg.heard if leg.announcement is None else leg.announcement
        announced = None if name is None else Announced(leg.played_ms, self.announcements.get(name, 0))
        self._happened(LegEnded(leg_id, reason, by, code, text, quality, announced=announced))

    def _leave_bridges(self, leg_id: str) -> None:
        for call_id, members in list(self.bridges.items()):
            self._set_bridge(call_id, tuple(each for each in members if (each.port, each.id) != ("leg", leg_id)))
