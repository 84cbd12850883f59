"""The SIP adapter in a process of its own: it answers whoever calls, dials at a rate, and takes down when what happened."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from callcenter import clock
from callcenter.config import Settings
from callcenter.phone import EndReason, LegOffered, Originate, TrunkConfig, TrunkState
from telephony.collect import collect
from telephony.legs import CarrierLeg
from telephony.media.rtp_port import RtpPorts
from telephony.sip.trunks import SipCarrier
from tests.peers.programs import Address

LEFT_SECONDS = 40.0  # for the last calls to end: longer than SIP repeats anything
TRUNK = 1


@dataclass
class Figures:
    """What happened since the last `figures`: times in ms, CPU in seconds, how the calls ended and by whom."""

    offered: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    processor: float = 0.0
    dialled_rate: float = 0.0


class Adapter:
    """A SipCarrier and its listener (telephony.legs.LegListener; bench.child.Part)."""

    def __init__(self) -> None:
        self._carrier = SipCarrier(Settings(sip="127.0.0.1:0"), RtpPorts(range(30000, 40000), "127.0.0.1"))
        self._dialled: dict[str, float] = {}
        self._figures = Figures()
        self._began = 0.0
        self._calls = 0  # how many `figures` waits for
        self._over = asyncio.Event()
        self._collecting: asyncio.Task[None] | None = None

    async def open(self, peer: Address) -> Address:
        """Start with `peer` as the only trunk; returns where it listens."""
        await self._carrier.start(self)
        self._carrier.configure([TrunkConfig(TRUNK, "peer", peer[0], peer[1])])
        self._collecting = asyncio.create_task(collect(lambda: False))
        return self._carrier.listening

    async def close(self) -> None:
        """Stop it."""
        await self._carrier.stop()
        if self._collecting is not None:
            self._collecting.cancel()
            with suppress(asyncio.CancelledError):
                await self._collecting

    async def begin(self) -> None:
        """Forget what happened so far."""
        self._figures, self._began, self._calls = Figures(), time.process_time(), 0
        self._over.clear()

    async def figures(self, calls: int) -> Figures:
        """Wait until `calls` calls have ended and return what happened."""
        self._calls = calls
        if self._figures.ended.total() < calls:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), LEFT_SECONDS)
        self._figures.processor = time.process_time() - self._began
        return self._figures

    async def dial(self, calls: int, rate: float) -> None:
        """Dial so many calls at a rate; each is hung up as soon as it is answered."""
        began = clock.monotonic()
        for n in range(calls):
            await asyncio.sleep(began + n / rate - clock.monotonic())
            leg_id = clock.new_id()
            self._dialled[leg_id] = clock.monotonic()
            self._carrier.originate(Originate(leg_id, leg_id, TRUNK, "+48600700800", "+48221234567"))
        self._figures.dialled_rate = (calls - 1) / (clock.monotonic() - began)

    # --- LegListener --------------------------------------------------------------------------------------------------

    def leg_offered(self, leg: CarrierLeg, offered: LegOffered) -> None:
        """Answer at once (LegListener)."""
        self._figures.offered.append((clock.monotonic() - offered.received) * 1000)
        leg.ring()
        leg.answer()

    def leg_ringing(self, leg: CarrierLeg, early_media: bool) -> None:
        """Nothing to do (LegListener)."""

    def leg_answered(self, leg: CarrierLeg) -> None:
        """Hang up what we dialled (LegListener)."""
        if leg.direction == "outbound":
            self._figures.answered.append((clock.monotonic() - self._dialled.pop(leg.leg_id)) * 1000)
            leg.hang_up(EndReason.COMPLETED)

    def leg_media(self, leg: CarrierLeg) -> None:
        """Nothing to do (LegListener)."""

    def leg_ended(
        self, leg: CarrierLeg, reason: EndReason, by: Literal["far", "near", "switch"], code: int | None, text: str
    ) -> None:
        """Take down how it ended (LegListener)."""
        self._figures.ended[reason.value, by] += 1
        if self._figures.ended.total() == self._calls:
            self._over.set()
        if leg.port is not None:
            leg.port.close()

    def trunk_changed(self, state: TrunkState) -> None:
        """Nothing to do (LegListener)."""
