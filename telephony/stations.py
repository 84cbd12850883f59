"""Stations: the consultants' places in the switch, into which browsers are plugged.

A station outlives its browser. The newest session is the current one as soon as its offer is answered; the older
browser stays plugged in, so that a customer hears no gap, until the newer one's audio path stands or fails.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from callcenter.errors import Conflict
from callcenter.phone import OpenStation, StationAnswer
from telephony.legs import Port

log = structlog.get_logger(__name__)


class Browser(Port, Protocol):
    """A browser's audio end (telephony.media.webrtc.BrowserPort)."""

    answer: str  # SDP
    on_live: Callable[[], None] | None
    on_lost: Callable[[], None] | None

    @property
    def live(self) -> bool:
        """Whether its audio path stands."""


OpenBrowser = Callable[[str], Awaitable[Browser]]  # from an SDP offer; raises CallCenterError


class StationListener(Protocol):
    """The switch, as its stations call it."""

    def station_live(self, station: "Station") -> None:
        """The current session's audio path stands: `station.port` is another one."""

    def station_away(self, station: "Station") -> None:
        """The station has no port until the current session's stands."""

    def station_lost(self, station: "Station") -> None:
        """The current session is gone, for good; so is the station's port."""


@dataclass(slots=True, eq=False)
class Station:
    """A consultant's place. `port` is what is plugged in and can be heard now."""

    station_id: str
    session: str = ""
    port: Browser | None = None
    coming: Browser | None = None  # the current session's, while its audio path does not stand yet
    openings: int = 0

    @property
    def live(self) -> bool:
        """Whether the current session's audio path stands."""
        return self.port is not None and self.coming is None


class Stations:
    """All stations, by id."""

    def __init__(self, open_browser: OpenBrowser, listener: StationListener) -> None:
        self._open_browser = open_browser
        self._listener = listener
        self._stations: dict[str, Station] = {}

    def __iter__(self) -> Iterator[Station]:
        """Yield the stations that have a session."""
        return (each for each in self._stations.values() if each.session)

    def port(self, station_id: str) -> Browser | None:
        """Return what is plugged into a station, None while it is away."""
        station = self._stations.get(station_id)
        return station.port if station is not None else None

    async def open(self, query: OpenStation) -> StationAnswer:
        """Answer a browser's offer and make its session the current one; raises Invalid, Unavailable, or Conflict
        when a newer one came while this was being answered.
        """
        station = self._stations.setdefault(query.station_id, Station(query.station_id))
        station.openings += 1
        mine = station.openings
        browser = await self._open_browser(query.sdp)
        if station.openings != mine:
            browser.close()
            raise Conflict("Another tab or window has taken over the call. Close one of them.")
        if station.coming is not None:
            station.coming.close()
        station.session, station.coming = query.session, browser
        browser.on_live = lambda: self._live(station, browser)
        browser.on_lost = lambda: self._lost(station, browser)
        log.info("station.opened", station=station.station_id, session=station.session)
        if browser.live:
            self._live(station, browser)
        return StationAnswer(sdp=browser.answer)

    def close(self, station_id: str, session: str = "") -> None:
        """Unplug a station's browser, if `session` is the current one or empty."""
        station = self._stations.get(station_id)
        if station is not None and station.session and session in ("", station.session):
            self._end(station)

    def close_all(self) -> None:
        """Unplug every browser."""
        for station in list(self):
            self._end(station)

    def _live(self, station: Station, browser: Browser) -> None:
        if station.coming is not browser:
            return
        older, station.port, station.coming = station.port, browser, None
        self._listener.station_live(station)
        if older is not None:
            older.close()

    def _lost(self, station: Station, browser: Browser) -> None:
        if browser is station.coming or (browser is station.port and station.coming is None):
            self._end(station)
        elif browser is station.port:  # the older of two: the newer one is on its way
            station.port = None
            browser.close()
            self._listener.station_away(station)

    def _end(self, station: Station) -> None:
        ports = [each for each in (station.port, station.coming) if each is not None]
        station.port = station.coming = None
        self._listener.station_lost(station)
        station.session = ""
        for each in ports:
            each.close()
