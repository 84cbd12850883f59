"""The switch: legs, stations and bridges of the calls in progress, driven by commands, telling events.

It is one end of the link (link_server.SwitchEnd). switch_commands.py does what is asked, switch_legs.py hears carriers.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import structlog

from callcenter import clock, phone
from callcenter.phone import Command, EndReason, Event, Query, Reply, Snapshot
from telephony.legs import Carrier
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.stations import OpenBrowser, Station, Stations
from telephony.switch_commands import Commands
from telephony.switch_legs import Legs

log = structlog.get_logger(__name__)


class Switch:
    """The switch over one carrier. `emit` takes its events and is set by whoever listens before `start`.

    `announcements`: the folder they are read from; None: there are none.
    """

    def __init__(
        self, carrier: Carrier, open_browser: OpenBrowser, ticker: Ticker, sounds: Sounds, announcements: Path | None = None
    ) -> None:
        self.boot_id = clock.new_id()
        self.emit: Callable[[Event], None] = lambda event: log.warning("switch.unheard", event_kind=event.kind)
        self.counters: Counter[str] = Counter()
        self._carrier = carrier
        self._ticker = ticker
        self._stations = Stations(open_browser, self)
        self.legs = Legs(self._tell, self.counters, self._stations.port, ticker, sounds, announcements)
        self._commands = Commands(carrier, self.legs, self._stations, self.drain)
        self.idle = self.legs.idle  # set while no call is up

    async def start(self) -> None:
        """Start the clock of the audio and the carrier; raises Unavailable with a sentence."""
        self._ticker.start()
        await self._carrier.start(self.legs)

    async def stop(self) -> None:
        """End every call and close everything."""
        for leg in self.legs:
            leg.carrier.hang_up(EndReason.FAILED if leg.waits else EndReason.COMPLETED)
        self.legs.announcements.close()
        self._stations.close_all()
        await self._carrier.stop()
        self._ticker.stop()

    def _tell(self, event: Event) -> None:
        self.emit(event)

    # --- SwitchEnd ----------------------------------------------------------------------------------------------------

    def perform(self, command: Command) -> None:
        """Do a command; what makes no sense now does nothing (SwitchEnd)."""
        self._commands.perform(command)

    async def answer(self, query: Query) -> Reply:
        """Answer a query; raises CallCenterError with a sentence (SwitchEnd)."""
        match query:
            case phone.OpenStation():
                return await self._stations.open(query)
            case phone.TestTrunk():
                return await self._carrier.test(query.trunk_id)
            case phone.ReadTrace():
                return phone.TrunkTrace(self._carrier.trace(query.trunk_id))
            case phone.SetWebhooks():
                return await self._carrier.set_webhooks(query.trunk_id)
            case phone.Webhook():
                return await self._carrier.webhook(query)
        return self.snapshot()

    def snapshot(self) -> Snapshot:
        """Return all that lives now (SwitchEnd)."""
        call_of = self.legs.bridges.call_of
        return Snapshot(
            boot_id=self.boot_id,
            legs=tuple(leg.state for leg in self.legs),
            stations=tuple(
                phone.StationState(each.station_id, each.session, each.live, call_of(("station", each.station_id)))
                for each in self._stations
            ),
            trunks=self._carrier.states(),
            counters={**self._carrier.counters, **self.counters},
            draining=self.draining,
        )

    @property
    def draining(self) -> bool:
        """Whether it takes no new calls."""
        return self.legs.draining

    def drain(self, on: bool = True) -> None:
        """Take no new calls, let present ones finish, and tell; or take calls again."""
        if on != self.draining:
            log.info("switch.drain", on=on, calls=len(self.legs))
            self.legs.draining = on
            self.emit(phone.SwitchDraining(on))

    def web_present(self, present: bool) -> None:
        """Keep callers ringing for a while when nobody is there to decide (SwitchEnd)."""
        self.legs.web_present(present)

    # --- StationListener ----------------------------------------------------------------------------------------------

    def station_live(self, station: Station) -> None:
        """Plug a browser into the bridge its station is in, and tell (StationListener)."""
        self.legs.bridges.refresh(("station", station.station_id))
        self.emit(phone.StationLive(station.station_id, station.session))

    def station_away(self, station: Station) -> None:
        """Unplug it, without a word: the next browser is on its way (StationListener)."""
        self.legs.bridges.refresh(("station", station.station_id))

    def station_lost(self, station: Station) -> None:
        """Unplug it and tell (StationListener)."""
        self.legs.bridges.refresh(("station", station.station_id))
        self.emit(phone.StationLost(station.station_id, station.session))
