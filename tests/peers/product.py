"""The product's own switch for peer tests: telephony.serve on free ports, a script over SwitchLink for a contact centre."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from callcenter import clock
from callcenter.config import Settings
from callcenter.phone import (
    AnswerLeg,
    Bridge,
    Command,
    ConfigureTrunks,
    Event,
    LegAnswered,
    LegEnded,
    LegOffered,
    LinkUp,
    Member,
    OpenStation,
    Originate,
    PortRole,
    ReadSnapshot,
    RingLeg,
    StationAnswer,
    StationLive,
    TrunkConfig,
    TrunkState,
)
from telephony.lab.customers import DEMO_NUMBER
from telephony.link import SwitchLink
from telephony.serve import serve
from tests.peers import labs, tones
from tests.peers.programs import Address, free_udp_port
from tests.telephony.media.browser import Browser

E = TypeVar("E", bound=Event)

TRUNK = 1
STATION = "7"


class Product:
    """A switch with one trunk and a script for a contact centre. `events` are all that came, in order."""

    def __init__(self, settings: Settings, address: Address) -> None:
        self.address = address
        self.events: list[Event] = []
        self.phone = SwitchLink(settings.socket_path("link"))
        self._tasks = [asyncio.create_task(self.phone.run()), asyncio.create_task(self._take())]

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind, in order."""
        return [each for each in self.events if isinstance(each, kind)]

    async def event(self, kind: type[E], leg_id: str = "", *, seconds: float = 60) -> E:
        """Wait for the first event of a kind (of a leg) and return it."""

        async def find() -> E | None:
            return next((each for each in self.of(kind) if not leg_id or getattr(each, "leg_id", "") == leg_id), None)

        return await labs.until_found(find, f"{kind.__name__} among {self.events}", seconds=seconds)

    def send(self, *commands: Command) -> None:
        """Send commands to the switch."""
        for each in commands:
            self.phone.send(each)

    async def configure(self, trunk: TrunkConfig) -> None:
        """Give the switch its trunk and wait until it has it."""
        await self.event(LinkUp)
        self.send(ConfigureTrunks((trunk,)))
        await self.phone.ask(ReadSnapshot(), timeout=30)

    async def trunk_is(self, state: str) -> TrunkState:
        """Wait for the trunk's state."""

        async def find() -> TrunkState | None:
            snapshot = await self.phone.ask(ReadSnapshot(), timeout=30)
            return next((each for each in getattr(snapshot, "trunks", ()) if each.state == state), None)

        return await labs.until_found(find, f"the trunk is {state}")

    async def sit_down(self, browser: Browser) -> None:
        """Plug a browser into the station."""
        reply = await self.phone.ask(OpenStation(STATION, clock.new_id(), await browser.offer()), timeout=30)
        assert isinstance(reply, StationAnswer), reply
        await browser.take(reply.sdp)
        await self.event(StationLive)

    async def take_call(self) -> LegOffered:
        """Take the call that comes: ring, answer, bridge to the station."""
        offered = await self.event(LegOffered)
        self.send(RingLeg(offered.leg_id), AnswerLeg(offered.leg_id), self.bridged(offered.leg_id))
        await self.event(LegAnswered, offered.leg_id)
        return offered

    def bridged(self, leg_id: str) -> Bridge:
        """Return the command that joins a leg and the station."""
        return Bridge("call", (Member("leg", leg_id, PortRole.CUSTOMER), Member("station", STATION, PortRole.AGENT)))

    def dial(self, number: str, *, ring_seconds: int = 60) -> str:
        """Dial a number; returns the leg's id."""
        leg_id = clock.new_id()
        self.send(Originate(leg_id, "call", TRUNK, number, DEMO_NUMBER, ring_seconds))
        return leg_id

    async def dialled(self, number: str, *, ring_seconds: int = 60, seconds: float = 60) -> LegEnded:
        """Dial a number that does not answer; returns how it ended."""
        return await self.event(LegEnded, self.dial(number, ring_seconds=ring_seconds), seconds=seconds)

    async def close(self) -> None:
        """Leave the link."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self) -> None:
        async for event in self.phone.events():
            self.events.append(event)


@asynccontextmanager
async def running(folder: Path, *, port: int = 0) -> AsyncIterator[Product]:
    """Run the switch in this loop, on `port` for SIP."""
    port, first = port or free_udp_port(), free_udp_port()
    ports = f"{first}-{min(first + 200, 65_534)}"
    settings = Settings(data_dir=folder, sip=f"127.0.0.1:{port}", rtp_ports=ports, drain_seconds=0)
    folder.mkdir(parents=True, exist_ok=True)
    stop = asyncio.Event()
    task = asyncio.create_task(serve(settings, stop))
    product = Product(settings, ("127.0.0.1", port))
    try:
        await product.event(LinkUp)
        yield product
    finally:
        await product.close()
        stop.set()
        await task
        gc.unfreeze()  # what a switch does when it starts


@asynccontextmanager
async def consultant(product: Product, hertz: float) -> AsyncIterator[Browser]:
    """Seat a consultant who hums `hertz` and listens."""
    browser = Browser(hertz)
    try:
        await product.sit_down(browser)
        yield browser
    finally:
        await browser.close()


async def hears(browser: Browser, hertz: float) -> None:
    """Wait until the last second in a browser's loudspeaker is a tone of `hertz`."""

    def tone_is_there() -> bool:
        samples = np.frombuffer(browser.samples(), np.int16)[-tones.RATE :].astype(np.float64) / 32768
        return len(samples) == tones.RATE and abs(tones.strongest(samples) - hertz) <= hertz / 100

    await labs.until(tone_is_there, f"the browser hears {hertz:g} Hz", seconds=60)
