"""The switch: legs, stations and bridges of the calls in progress, driven by commands, telling events.

It listens to a carrier (legs.LegListener) and to stations, and is one end of the link (link_server.SwitchEnd). A leg
is forgotten when it ends, so that nothing can follow its end; a command for a leg that is not there does nothing.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from callcenter import clock, phone
from callcenter.errors import CallCenterError
from callcenter.phone import Command, EndReason, Event, Query, Reply, Snapshot
from telephony.announcements import Announcements
from telephony.bridges import Bridges, End, Key
from telephony.legs import Carrier, CarrierLeg, Port
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.stations import OpenBrowser, Station, Stations

log = structlog.get_logger(__name__)

AWAY_SECONDS = 30.0  # how long a ringing caller is kept while no contact centre is there to decide
REMEMBERED = 10_000  # ended legs whose id may be originated no more
_DIGITS = re.compile(r"[0-9*#A-D]+")


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


class Switch:
    """The switch over one carrier. `emit` takes its events and is set by whoever listens before `start`.

    `announcements`: the folder they are read from; None: there are none.
    """

    def __init__(
        self, carrier: Carrier, open_browser: OpenBrowser, ticker: Ticker, sounds: Sounds, announcements: Path | None = None
    ) -> None:
        self.boot_id = clock.new_id()
        self.emit: Callable[[Event], None] = lambda event: log.warning("switch.unheard", event_kind=event.kind)
        self.draining = False
        self.counters: Counter[str] = Counter()
        self._carrier = carrier
        self._ticker = ticker
        self._legs: dict[str, Leg] = {}
        self._ended: dict[str, None] = {}
        self._turned_away: set[str] = set()
        self._stations = Stations(open_browser, self)
        self._bridges = Bridges(ticker, sounds, self._end_of)
        self._announcements = Announcements(announcements, ticker, self._bridges.announce, self._announced)
        self._web = False
        self.idle = asyncio.Event()
        self.idle.set()

    async def start(self) -> None:
        """Start the clock of the audio and the carrier; raises Unavailable with a sentence."""
        self._ticker.start()
        await self._carrier.start(self)

    async def stop(self) -> None:
        """End every call and close everything."""
        for leg in list(self._legs.values()):
            leg.carrier.hang_up(EndReason.FAILED if leg.waits else EndReason.COMPLETED)
        self._announcements.close()
        self._stations.close_all()
        await self._carrier.stop()
        self._ticker.stop()

    # --- SwitchEnd ----------------------------------------------------------------------------------------------------

    def perform(self, command: Command) -> None:
        """Do a command; what makes no sense now does nothing (SwitchEnd)."""
        doing: dict[type[Command], Callable[..., None]] = {
            phone.ConfigureTrunks: self._configure,
            phone.Originate: self._originate,
            phone.RingLeg: self._ring,
            phone.AnswerLeg: self._answer,
            phone.RejectLeg: self._reject,
            phone.HangUpLeg: self._hang_up,
            phone.Bridge: self._bridge,
            phone.Play: self._play,
            phone.Announce: self._announce,
            phone.SendDtmf: self._send_dtmf,
            phone.CloseStation: self._close_station,
            phone.Drain: self._drain,
        }
        doing[type(command)](command)

    async def answer(self, query: Query) -> Reply:
        """Answer a query; raises CallCenterError with a sentence (SwitchEnd)."""
        match query:
            case phone.OpenStation():
                return await self._stations.open(query)
            case phone.TestTrunk():
                return await self._carrier.test(query.trunk_id)
            case phone.ReadTrace():
                return phone.TrunkTrace(self._carrier.trace(query.trunk_id))
        return self.snapshot()

    def snapshot(self) -> Snapshot:
        """Return all that lives now (SwitchEnd)."""
        return Snapshot(
            boot_id=self.boot_id,
            legs=tuple(_leg_state(leg) for leg in self._legs.values()),
            stations=tuple(
                phone.StationState(each.station_id, each.session, each.live, self._bridges.call_of(("station", each.station_id)))
                for each in self._stations
            ),
            trunks=self._carrier.states(),
            counters={**self._carrier.counters, **self.counters},
            draining=self.draining,
        )

    def drain(self, on: bool = True) -> None:
        """Take no new calls, let present ones finish, and tell; or take calls again."""
        if on != self.draining:
            log.info("switch.drain", on=on, calls=len(self._legs))
            self.draining = on
            self.emit(phone.SwitchDraining(on))

    def web_present(self, present: bool) -> None:
        """Keep callers ringing for a while when nobody is there to decide (SwitchEnd)."""
        self._web = present
        for leg in self._legs.values():
            self._watch(leg)

    # --- commands -----------------------------------------------------------------------------------------------------

    def _configure(self, command: phone.ConfigureTrunks) -> None:
        self._carrier.configure(command.trunks)

    def _originate(self, command: phone.Originate) -> None:
        if command.leg_id in self._legs or command.leg_id in self._ended:
            return
        if self.draining:
            self._never_was(command.leg_id, "The switch is stopping and takes no new calls.")
            return
        try:
            carrier_leg = self._carrier.originate(command)
        except CallCenterError as error:
            self._never_was(command.leg_id, str(error))
        except Exception:  # the dial must end for the one who waits, whatever failed
            log.exception("switch.originate_failed", leg=command.leg_id, trunk=command.trunk_id)
            self._never_was(command.leg_id, "The switch could not dial. Its log says why.")
        else:
            self._add(Leg(carrier_leg, command.number, command.call_id))

    def _never_was(self, leg_id: str, text: str) -> None:
        self._remember(leg_id)
        self.emit(phone.LegEnded(leg_id, EndReason.FAILED, "switch", 503, text))

    def _ring(self, command: phone.RingLeg) -> None:
        if (leg := self._legs.get(command.leg_id)) is not None and leg.waits:
            leg.carrier.ring()

    def _answer(self, command: phone.AnswerLeg) -> None:
        if (leg := self._legs.get(command.leg_id)) is not None and leg.waits:
            leg.carrier.answer()
            self._watch(leg)
            self._media(leg)

    def _reject(self, command: phone.RejectLeg) -> None:
        if (leg := self._legs.get(command.leg_id)) is not None and leg.waits:
            leg.carrier.hang_up(command.reason)

    def _hang_up(self, command: phone.HangUpLeg) -> None:
        if (leg := self._legs.get(command.leg_id)) is not None:
            leg.carrier.hang_up(command.reason)

    def _bridge(self, command: phone.Bridge) -> None:
        members = tuple(each for each in command.members if each.port == "station" or each.id in self._legs)
        for each in members:
            if each.port == "leg":
                self._legs[each.id].call_id = command.call_id
        self._bridges.set(command.call_id, members)

    def _play(self, command: phone.Play) -> None:
        if command.leg_id in self._legs:
            self._bridges.play(command.leg_id, command.sound)

    def _announce(self, command: phone.Announce) -> None:
        if (leg := self._legs.get(command.leg_id)) is not None and leg.answered:
            self._announcements.begin(command.leg_id, command.name)

    def _announced(self, leg_id: str) -> None:
        """Hang up: an announcement is over, or cannot be played."""
        if (leg := self._legs.get(leg_id)) is not None:
            leg.carrier.hang_up(EndReason.COMPLETED)

    def _send_dtmf(self, command: phone.SendDtmf) -> None:
        leg = self._legs.get(command.leg_id)
        if leg is not None and leg.carrier.port is not None and _DIGITS.fullmatch(command.digits):
            leg.carrier.port.send_digits(command.digits)

    def _close_station(self, command: phone.CloseStation) -> None:
        self._stations.close(command.station_id, command.session)

    def _drain(self, command: phone.Drain) -> None:
        self.drain(on=command.on)

    # --- LegListener --------------------------------------------------------------------------------------------------

    def leg_offered(self, leg: CarrierLeg, offered: phone.LegOffered) -> None:
        """Take a caller, or turn them away while draining (LegListener)."""
        if self.draining:
            self._turned_away.add(leg.leg_id)
            self.counters["calls_turned_away"] += 1
            leg.reject(503, "Service Unavailable")
            return
        mine = Leg(leg, offered.number)
        self._add(mine)
        self.emit(offered)
        self._watch(mine)
        if not self._web:
            leg.ring()  # nobody else will say so; a carrier that hears nothing gives up

    def leg_ringing(self, leg: CarrierLeg, early_media: bool) -> None:
        """Tell that an outbound leg rings (LegListener)."""
        mine = self._legs.get(leg.leg_id)
        if mine is not None and not mine.answered:
            self._media(mine)
            self.emit(phone.LegRinging(leg.leg_id, early_media))

    def leg_answered(self, leg: CarrierLeg) -> None:
        """Tell that a leg is answered (LegListener)."""
        mine = self._legs.get(leg.leg_id)
        if mine is not None and not mine.answered:
            mine.answered = True
            self._watch(mine)
            self._media(mine)
            self.emit(phone.LegAnswered(leg.leg_id))

    def leg_media(self, leg: CarrierLeg) -> None:
        """Put a leg's new port in the place of its old one (LegListener)."""
        if (mine := self._legs.get(leg.leg_id)) is not None:
            self._media(mine)

    def leg_ended(
        self, leg: CarrierLeg, reason: EndReason, by: Literal["far", "near", "switch"], code: int | None, text: str
    ) -> None:
        """Forget a leg and tell its end, once (LegListener)."""
        port, leg_id = leg.port, leg.leg_id
        mine = self._legs.pop(leg_id, None)
        self._turned_away.discard(leg_id)
        if mine is not None:
            self._remember(leg_id)
            if mine.alone is not None:
                mine.alone.cancel()
            self._bridges.forget(leg_id)
            quality = port.quality() if port is not None else None
            announced = self._announcements.end(leg_id)
            self.emit(phone.LegEnded(leg_id, reason, by, code, text, quality, announced=announced))
        if port is not None:
            port.on_digit = port.on_frame = None
            port.close()
        if not self._legs:
            self.idle.set()

    def trunk_changed(self, state: phone.TrunkState) -> None:
        """Tell that a trunk changed (LegListener)."""
        self.emit(phone.TrunkChanged(state))

    # --- StationListener ----------------------------------------------------------------------------------------------

    def station_live(self, station: Station) -> None:
        """Plug a browser into the bridge its station is in, and tell (StationListener)."""
        self._bridges.refresh(("station", station.station_id))
        self.emit(phone.StationLive(station.station_id, station.session))

    def station_away(self, station: Station) -> None:
        """Unplug it, without a word: the next browser is on its way (StationListener)."""
        self._bridges.refresh(("station", station.station_id))

    def station_lost(self, station: Station) -> None:
        """Unplug it and tell (StationListener)."""
        self._bridges.refresh(("station", station.station_id))
        self.emit(phone.StationLost(station.station_id, station.session))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _add(self, leg: Leg) -> None:
        self._legs[leg.carrier.leg_id] = leg
        self.idle.clear()
        self._media(leg)

    def _remember(self, leg_id: str) -> None:
        self._ended[leg_id] = None
        if len(self._ended) > REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def _media(self, leg: Leg) -> None:
        """Put a leg's present port where it belongs."""
        leg_id, port = leg.carrier.leg_id, leg.carrier.port
        if port is not None:
            port.on_digit = lambda digit, milliseconds: self.emit(phone.DtmfReceived(leg_id, digit, milliseconds))
        self._bridges.refresh(("leg", leg_id))

    def _end_of(self, key: Key) -> End:
        kind, id_ = key
        if kind == "station":
            return End(self._stations.port(id_))
        leg = self._legs.get(id_)
        port: Port | None = leg.carrier.port if leg is not None else None
        return End(port, rings=leg is not None and port is None)

    def _watch(self, leg: Leg) -> None:
        """Reject a caller who rings after AWAY_SECONDS without a contact centre; a restart of it drops nobody."""
        if leg.alone is not None:
            leg.alone.cancel()
            leg.alone = None
        if leg.waits and not self._web:
            leg.alone = asyncio.get_running_loop().call_later(AWAY_SECONDS, self._give_up, leg)

    def _give_up(self, leg: Leg) -> None:
        log.warning("switch.caller_undecided", leg=leg.carrier.leg_id)
        self.counters["callers_undecided"] += 1
        leg.carrier.hang_up(EndReason.FAILED)


def _leg_state(leg: Leg) -> phone.LegState:
    state: Literal["ringing", "answered"] = "answered" if leg.answered else "ringing"
    return phone.LegState(leg.carrier.leg_id, leg.call_id, leg.carrier.trunk_id, leg.carrier.direction, state, leg.number)
