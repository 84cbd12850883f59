"""The legs alive in the switch: what carriers say of them (legs.CarrierListener), and what becomes of their audio.

A leg is forgotten when it ends, so that nothing can follow its end.
"""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import structlog

from callcenter import phone
from callcenter.phone import EndReason, Event
from telephony.announcements import Announcements
from telephony.bridges import Bridges, End, Key
from telephony.legs import By, CarrierLeg, Found, Port
from telephony.listening import Ears
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.remembered import Remembered

log = structlog.get_logger(__name__)

AWAY_SECONDS = 30.0  # how long a ringing caller is kept while no contact centre is there to decide


@dataclass(slots=True, eq=False)
class Leg:
    """A call at a carrier, as the switch knows it."""

    carrier: CarrierLeg
    number: str
    call_id: str | None = None
    answered: bool = False
    alone: asyncio.TimerHandle | None = None  # rejects a caller nobody decides about
    since: float = 0.0  # the loop's time when it was answered
    longest: asyncio.TimerHandle | None = None  # ends it when it has lasted as long as its trunk allows
    too_long: bool = False
    listening: phone.Listening | None = None  # who answers is found out by the sound

    @property
    def waits(self) -> bool:
        """Whether a caller rings and is not answered."""
        return self.carrier.direction == "inbound" and not self.answered

    @property
    def state(self) -> phone.LegState:
        """The leg as a snapshot shows it."""
        state: Literal["ringing", "answered"] = "answered" if self.answered else "ringing"
        carrier = self.carrier
        return phone.LegState(carrier.leg_id, self.call_id, carrier.trunk_id, carrier.direction, state, self.number)


class Legs:
    """Every leg by id, their bridges and announcements. `emit` is told what happens, `station_port` gives a station's audio."""

    def __init__(
        self,
        emit: Callable[[Event], None],
        counters: Counter[str],
        station_port: Callable[[str], Port | None],
        ticker: Ticker,
        sounds: Sounds,
        announcements: Path | None,
    ) -> None:
        self.draining = False
        self.web = False  # a contact centre is there to decide
        self.bridges = Bridges(ticker, sounds, self._end_of)
        self.announcements = Announcements(announcements, ticker, self.bridges.announce, self._announced)
        self.ears = Ears(ticker, self._heard)
        self.told: frozenset[int] = frozenset()  # trunks whose carrier says who answered
        self.turned_away: set[str] = set()
        self.idle = asyncio.Event()
        self.idle.set()
        self._emit, self._counters, self._station_port = emit, counters, station_port
        self._present: dict[str, Leg] = {}
        self._ended = Remembered()
        self._longest: dict[int, int] = {}  # seconds a call on a trunk may last, 0 for ever

    def __iter__(self) -> Iterator[Leg]:
        """Yield those alive; they may end meanwhile."""
        return iter(list(self._present.values()))

    def __len__(self) -> int:
        return len(self._present)

    def __contains__(self, leg_id: str) -> bool:
        return leg_id in self._present

    def get(self, leg_id: str) -> Leg | None:
        """Return a leg alive."""
        return self._present.get(leg_id)

    def waiting(self, leg_id: str) -> Leg | None:
        """Return a leg of a caller who rings."""
        leg = self._present.get(leg_id)
        return leg if leg is not None and leg.waits else None

    def was(self, leg_id: str) -> bool:
        """Tell whether a leg of this id is or was there."""
        return leg_id in self._present or leg_id in self._ended

    def add(self, leg: Leg) -> None:
        """Take a new leg."""
        self._present[leg.carrier.leg_id] = leg
        self.idle.clear()
        self.media(leg)

    def never_was(self, leg_id: str, text: str) -> None:
        """Tell the end of a leg that could not begin."""
        self._ended.new(leg_id)
        self._emit(phone.LegEnded(leg_id, EndReason.FAILED, "switch", 503, text))

    def limit(self, longest: dict[int, int]) -> None:
        """Set how many seconds an answered call of a trunk may last (0: for ever), for those in progress, too."""
        self._longest = longest
        for leg in self:
            self._limit(leg)

    def web_present(self, present: bool) -> None:
        """Keep callers ringing for a while when nobody is there to decide."""
        self.web = present
        for leg in self:
            self.watch(leg)

    def announce(self, leg: Leg, command: phone.Announce) -> None:
        """Let an answered leg hear an announcement, at once or after the beep of the machine that answered."""
        leg_id, port = command.leg_id, leg.carrier.port
        begin = partial(self.announcements.begin, leg_id, command.name, command.linger_ms)
        if command.after == "now" or port is None:
            begin()
        elif leg_id not in self.announcements:
            self.bridges.leave(("leg", leg_id))
            self.ears.after_beep(leg_id, port, begin, partial(self._announced, leg_id))

    def give_way(self, leg_id: str) -> None:
        """Let a leg hear other things than its announcement, if that may be; one that would begin after a beep does not."""
        self.ears.no_beep(leg_id)
        if self.announcements.give_way(leg_id):
            self.bridges.give_way(leg_id)

    # --- LegListener --------------------------------------------------------------------------------------------------

    def leg_offered(self, leg: CarrierLeg, offered: phone.LegOffered) -> None:
        """Take a caller, or turn them away while draining (LegListener)."""
        if self.draining:
            self.turned_away.add(leg.leg_id)
            self._counters["calls_turned_away"] += 1
            leg.reject(503, "Service Unavailable")
            return
        mine = Leg(leg, offered.number)
        self.add(mine)
        self._emit(offered)
        self.watch(mine)
        if not self.web:
            leg.ring()  # nobody else will say so; a carrier that hears nothing gives up

    def leg_ringing(self, leg: CarrierLeg, early_media: bool) -> None:
        """Tell that an outbound leg rings (LegListener)."""
        mine = self._present.get(leg.leg_id)
        if mine is not None and not mine.answered:
            self.media(mine)
            self._emit(phone.LegRinging(leg.leg_id, early_media))

    def leg_answered(self, leg: CarrierLeg) -> None:
        """Tell that a leg is answered (LegListener)."""
        mine = self._present.get(leg.leg_id)
        if mine is not None and not mine.answered:
            mine.answered = True
            mine.since = asyncio.get_running_loop().time()
            self.watch(mine)
            self._limit(mine)
            self.media(mine)
            if mine.listening is not None and leg.trunk_id not in self.told and leg.port is not None:
                self.ears.begin(leg.leg_id, leg.port, mine.listening)
            self._emit(phone.LegAnswered(leg.leg_id))

    def leg_media(self, leg: CarrierLeg) -> None:
        """Put a leg's new port in the place of its old one (LegListener)."""
        if (mine := self._present.get(leg.leg_id)) is not None:
            self.media(mine)

    def leg_ended(self, leg: CarrierLeg, reason: EndReason, by: By, code: int | None, text: str) -> None:
        """Forget a leg and tell its end, once (LegListener)."""
        self._end(leg, phone.LegEnded(leg.leg_id, reason, by, code, text))

    def leg_lost(self, leg: CarrierLeg, code: int | None, text: str) -> None:
        """Forget a leg of which nobody knows whether it was dialled (CarrierListener)."""
        self._end(leg, phone.LegEnded(leg.leg_id, EndReason.FAILED, "switch", code, text, lost=True))

    def machine_detected(self, leg: CarrierLeg, found: Found) -> None:
        """Tell what picked an outbound call up (CarrierListener)."""
        self._heard(leg.leg_id, found)

    def text_received(self, event: phone.TextReceived) -> None:
        """Tell that an SMS came in (CarrierListener)."""
        self._emit(event)

    def text_status(self, event: phone.TextStatus) -> None:
        """Tell what became of an SMS (CarrierListener)."""
        self._emit(event)

    def trunk_changed(self, state: phone.TrunkState) -> None:
        """Tell that a trunk changed (LegListener)."""
        self._emit(phone.TrunkChanged(state))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _end(self, leg: CarrierLeg, ended: phone.LegEnded) -> None:
        port, leg_id = leg.port, leg.leg_id
        mine = self._present.pop(leg_id, None)
        self.turned_away.discard(leg_id)
        if mine is not None:
            self._ended.new(leg_id)
            for timer in filter(None, (mine.alone, mine.longest)):
                timer.cancel()
            self.bridges.forget(leg_id)
            self.ears.end(leg_id)
            if mine.too_long and ended.by == "near":
                text = "The call had lasted as long as calls on this trunk may."
                ended = dataclasses.replace(ended, by="switch", text=text)
            quality = port.quality() if port is not None else None
            self._emit(dataclasses.replace(ended, quality=quality, announced=self.announcements.end(leg_id)))
        if port is not None:
            port.on_digit = port.on_frame = port.tap = None
            port.close()
        if not self._present:
            self.idle.set()

    def _limit(self, leg: Leg) -> None:
        """End a call when it has lasted as long as its trunk allows, whatever the carrier does about it."""
        if leg.longest is not None:
            leg.longest.cancel()
            leg.longest = None
        seconds = self._longest.get(leg.carrier.trunk_id, 0)
        if leg.answered and seconds > 0:
            leg.longest = asyncio.get_running_loop().call_at(leg.since + seconds, self._too_long, leg)

    def _too_long(self, leg: Leg) -> None:
        log.warning("switch.call_too_long", leg=leg.carrier.leg_id, trunk=leg.carrier.trunk_id)
        self._counters["calls_too_long"] += 1
        leg.too_long = True
        leg.carrier.hang_up(EndReason.COMPLETED)

    def _heard(self, leg_id: str, found: Found) -> None:
        if leg_id in self._present:
            self._emit(phone.MachineDetected(leg_id, found))

    def _announced(self, leg_id: str) -> None:
        """Hang up: an announcement is over, or cannot be played."""
        if (leg := self._present.get(leg_id)) is not None:
            leg.carrier.hang_up(EndReason.COMPLETED)

    def media(self, leg: Leg) -> None:
        """Put a leg's present port where it belongs."""
        leg_id, port = leg.carrier.leg_id, leg.carrier.port
        if port is not None:
            port.on_digit = lambda digit, milliseconds: self._emit(phone.DtmfReceived(leg_id, digit, milliseconds))
            self.ears.plug(leg_id, port)
        self.bridges.refresh(("leg", leg_id))

    def _end_of(self, key: Key) -> End:
        kind, id_ = key
        if kind == "station":
            return End(self._station_port(id_))
        leg = self._present.get(id_)
        port = leg.carrier.port if leg is not None else None
        return End(port, rings=leg is not None and port is None)

    def watch(self, leg: Leg) -> None:
        """Reject a caller who rings after AWAY_SECONDS without a contact centre; a restart of it drops nobody."""
        if leg.alone is not None:
            leg.alone.cancel()
            leg.alone = None
        if leg.waits and not self.web:
            leg.alone = asyncio.get_running_loop().call_later(AWAY_SECONDS, self._give_up, leg)

    def _give_up(self, leg: Leg) -> None:
        log.warning("switch.caller_undecided", leg=leg.carrier.leg_id)
        self._counters["callers_undecided"] += 1
        leg.carrier.hang_up(EndReason.FAILED)
