"""The legs alive in the switch: what carriers say of them (legs.LegListener), and what becomes of their audio.

A leg is forgotten when it ends, so that nothing can follow its end.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from callcenter import phone
from callcenter.phone import EndReason, Event
from telephony.announcements import Announcements
from telephony.bridges import Bridges, End, Key
from telephony.legs import CarrierLeg, Port
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker

log = structlog.get_logger(__name__)

AWAY_SECONDS = 30.0  # how long a ringing caller is kept while no contact centre is there to decide
REMEMBERED = 10_000  # ended legs whose id may be originated no more


@dataclass(slots=True, eq=False)
class Leg:
    """A call at a carrier, as the switch knows it."""

    carrier: CarrierLeg
    number: str
    call_id: str | None = None
    answered: bool = False
    alone: asyncio.TimerHandle | None = None  # rejects a caller nobody decides about

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
        self.turned_away: set[str] = set()
        self.idle = asyncio.Event()
        self.idle.set()
        self._emit, self._counters, self._station_port = emit, counters, station_port
        self._present: dict[str, Leg] = {}
        self._ended: dict[str, None] = {}

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
        self._remember(leg_id)
        self._emit(phone.LegEnded(leg_id, EndReason.FAILED, "switch", 503, text))

    def web_present(self, present: bool) -> None:
        """Keep callers ringing for a while when nobody is there to decide."""
        self.web = present
        for leg in self:
            self.watch(leg)

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
            self.watch(mine)
            self.media(mine)
            self._emit(phone.LegAnswered(leg.leg_id))

    def leg_media(self, leg: CarrierLeg) -> None:
        """Put a leg's new port in the place of its old one (LegListener)."""
        if (mine := self._present.get(leg.leg_id)) is not None:
            self.media(mine)

    def leg_ended(
        self, leg: CarrierLeg, reason: EndReason, by: Literal["far", "near", "switch"], code: int | None, text: str
    ) -> None:
        """Forget a leg and tell its end, once (LegListener)."""
        port, leg_id = leg.port, leg.leg_id
        mine = self._present.pop(leg_id, None)
        self.turned_away.discard(leg_id)
        if mine is not None:
            self._remember(leg_id)
            if mine.alone is not None:
                mine.alone.cancel()
            self.bridges.forget(leg_id)
            quality = port.quality() if port is not None else None
            announced = self.announcements.end(leg_id)
            self._emit(phone.LegEnded(leg_id, reason, by, code, text, quality, announced=announced))
        if port is not None:
            port.on_digit = port.on_frame = None
            port.close()
        if not self._present:
            self.idle.set()

    def trunk_changed(self, state: phone.TrunkState) -> None:
        """Tell that a trunk changed (LegListener)."""
        self._emit(phone.TrunkChanged(state))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _remember(self, leg_id: str) -> None:
        self._ended[leg_id] = None
        if len(self._ended) > REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def _announced(self, leg_id: str) -> None:
        """Hang up: an announcement is over, or cannot be played."""
        if (leg := self._present.get(leg_id)) is not None:
            leg.carrier.hang_up(EndReason.COMPLETED)

    def media(self, leg: Leg) -> None:
        """Put a leg's present port where it belongs."""
        leg_id, port = leg.carrier.leg_id, leg.carrier.port
        if port is not None:
            port.on_digit = lambda digit, milliseconds: self._emit(phone.DtmfReceived(leg_id, digit, milliseconds))
        self.bridges.refresh(("leg", leg_id))

    def _end_of(self, key: Key) -> End:
        kind, id_ = key
        if kind == "station":
            return End(self._station_port(id_))
        leg = self._present.get(id_)
        port: Port | None = leg.carrier.port if leg is not None else None
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
