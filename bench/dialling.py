"""Calls dialled as fast as an account may, against the Twilio of the tests; each is hung up when it is answered."""

import asyncio
from collections import Counter
from pathlib import Path

from callcenter import clock
from callcenter.config import Settings
from callcenter.phone import EndReason, LegOffered, Originate, TextReceived, TextStatus, TrunkState, TwilioConfig
from telephony.legs import By, CarrierLeg, Found
from telephony.twilio.carrier import TwilioCarrier
from tests.peers.twilio import TwilioPeer
from tests.telephony.twilio.front import Front, free_port

SECONDS = 5.0
_LEEWAY = 1.05  # what the account lets through beyond its rate, for clocks that tick differently
_LONGEST_QUEUE = 3
_PATIENCE = 60.0
OURS = "+48221234567"


class Dialling:
    """A carrier that dials `rate` calls a second for a few seconds (CarrierListener)."""

    def __init__(self, folder: Path, rate: int) -> None:
        self.calls = max(3, round(rate * SECONDS))
        self.achieved = 0.0
        self.refused = 0
        self._rate = rate
        self._ended: Counter[str] = Counter()
        self._answered: set[str] = set()
        self._over, self._ready = asyncio.Event(), asyncio.Event()
        self._peer = TwilioPeer(calls_per_second=rate * _LEEWAY)
        self._peer.longest_queue = _LONGEST_QUEUE
        self._streams = f"127.0.0.1:{free_port()}"
        self._carrier = TwilioCarrier(Settings(data_dir=folder, streams=self._streams))
        straight = _Straight(self._carrier)
        self._front = Front(lambda: straight)  # type: ignore[arg-type,return-value]  # of a Phone it only asks

    async def run(self) -> Counter[str]:
        """Dial; returns how the calls ended: answered, or a reason."""
        await self._peer.start()
        await self._front.start()
        self._peer.own(OURS)
        await self._carrier.start(self)
        self._carrier.configure((self._config(),))
        async with asyncio.timeout(_PATIENCE + self.calls / self._rate):
            await self._ready.wait()
            for n in range(self.calls):
                leg_id = clock.new_id()
                self._carrier.originate(Originate(leg_id, leg_id, 1, f"+485020{n:05d}", OURS))
            await self._over.wait()
        self.refused = self._carrier.counters.get("twilio_too_fast", 0)
        seconds = (self._peer.calls[-1].created - self._peer.calls[0].created).total_seconds()
        self.achieved = (len(self._peer.calls) - 1) / seconds if seconds else 0.0
        return self._ended

    def _config(self) -> TwilioConfig:
        peer = self._peer
        return TwilioConfig(
            1,
            "bench",
            peer.account_sid,
            peer.auth_token,
            public_url=self._front.url,
            stream_url=f"ws://{self._streams}/streams",
            api_url=peer.url,
            numbers=(OURS,),
            calls_per_second=self._rate,
        )

    async def close(self) -> None:
        """Stop both ends."""
        await self._carrier.stop()
        await self._peer.stop()
        await self._front.stop()

    def leg_offered(self, leg: CarrierLeg, offered: LegOffered) -> None:
        """Nobody calls (LegListener)."""

    def leg_ringing(self, leg: CarrierLeg, early_media: bool) -> None:
        """Nothing to do (LegListener)."""

    def leg_answered(self, leg: CarrierLeg) -> None:
        """Hang up (LegListener)."""
        self._answered.add(leg.leg_id)
        leg.hang_up(EndReason.COMPLETED)

    def leg_media(self, leg: CarrierLeg) -> None:
        """Nothing to do (LegListener)."""

    def leg_ended(self, leg: CarrierLeg, reason: EndReason, by: By, code: int | None, text: str) -> None:
        """Take down how it ended (LegListener)."""
        self._ended["answered" if leg.leg_id in self._answered else reason.value] += 1
        if leg.port is not None:
            leg.port.close()
        if self._ended.total() == self.calls:
            self._over.set()

    def leg_lost(self, leg: CarrierLeg, code: int | None, text: str) -> None:
        """Take that down, too (CarrierListener)."""
        self.leg_ended(leg, EndReason.FAILED, "switch", code, text)

    def machine_detected(self, leg: CarrierLeg, found: Found) -> None:
        """Nobody looks for any (CarrierListener)."""

    def text_received(self, event: TextReceived) -> None:
        """None comes (CarrierListener)."""

    def text_status(self, event: TextStatus) -> None:
        """None is sent (CarrierListener)."""

    def trunk_changed(self, state: TrunkState) -> None:
        """Wait for the account (LegListener)."""
        if state.state == "ready":
            self._ready.set()


class _Straight:
    """The way of a webhook to the carrier, without the link."""

    def __init__(self, carrier: TwilioCarrier) -> None:
        self.ask = lambda webhook, timeout: carrier.webhook(webhook)
