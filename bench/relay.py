"""The switch's side of bridged calls, in a process of its own: a browser's port, an RTP port, the bridge between them."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

from bench.child import resident
from callcenter.phone import PortRole
from telephony.collect import collect
from telephony.legs import Port
from telephony.media.bridge import Bridge
from telephony.media.rtp_port import RtpPorts
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.media.webrtc import BrowserPort
from tests.peers.programs import Address


@dataclass(frozen=True, slots=True)
class Use:
    """What the process has used since its start: seconds of CPU and of the clock, MB of memory now, frames sent on."""

    processor: float
    clock: float
    memory: float
    forwarded: int


class Relay:
    """Bridged calls (bench.child.Part)."""

    def __init__(self) -> None:
        self._ticker, self._sounds = Ticker(), Sounds()
        self._ports = RtpPorts(range(30000, 40000), "127.0.0.1")
        self._calls: list[tuple[Bridge, BrowserPort, Port]] = []
        self._collecting = asyncio.create_task(collect(lambda: False))
        self._ticker.start()

    async def add(self, offers: list[tuple[str, Address]]) -> list[tuple[str, Address]]:
        """Bridge a call for each browser's offer and customer's address; returns the answers and where our audio is."""
        return [await self._add(offer, customer) for offer, customer in offers]

    async def _add(self, offer: str, customer: Address) -> tuple[str, Address]:
        browser = await BrowserPort.open(offer)
        trunk = self._ports.open("pcma")
        trunk.remote = customer
        bridge = Bridge(self._ticker, self._sounds)
        bridge.join("customer", PortRole.CUSTOMER, trunk)
        bridge.join("agent", PortRole.AGENT, browser)
        self._calls.append((bridge, browser, trunk))
        return browser.answer, trunk.local_address

    async def live(self) -> int:
        """Return how many browsers have their audio path."""
        return sum(browser.live for _, browser, _ in self._calls)

    async def use(self) -> Use:
        """Return what was used so far."""
        forwarded = sum(port.quality().sent for _, *ports in self._calls for port in ports)
        return Use(time.process_time(), time.monotonic(), resident(), forwarded)

    async def close(self) -> None:
        """End all calls."""
        for bridge, browser, trunk in self._calls:
            bridge.close()
            trunk.close()
            browser.close()
        await asyncio.gather(*(browser.closed() for _, browser, _ in self._calls))
        self._ticker.stop()
        self._collecting.cancel()
        with suppress(asyncio.CancelledError):
            await self._collecting
