"""A demo customer on the phone over the peer: rings, speaks, then echoes, as those of the SIP carrier do."""

import asyncio
from collections.abc import Callable
from typing import Literal

import structlog

from callcenter import clock
from callcenter.phone_fake import Outcome
from telephony.lab import voice
from telephony.lab.audio import KEYS
from telephony.lab.customers import Behaviour, Customer
from tests.peers.twilio import sound
from tests.peers.twilio.call import PeerCall

log = structlog.get_logger(__name__)

OUTCOMES = {
    Behaviour.BUSY: Outcome.BUSY,
    Behaviour.TROUBLE: Outcome.CARRIER_DOWN,
}  # all others ring until the customer does something
_RING = {Behaviour.SLOW: 8.0, Behaviour.ANNOUNCEMENT: 4.0, Behaviour.MACHINE: 3.0, Behaviour.SILENT: 180.0}
_QUICK_RING = 1.5
_BRIEF_TALK = 10.0
_PATIENCE = 60.0  # seconds a customer lets it ring
_DEAF = 30.0  # seconds without a sound before a customer gives up: the product is gone
_ECHO_FRAMES = 25  # half a second
_LISTENED_FRAMES = 50  # a second is kept for `heard`


class Voice:
    """What a customer says: some words once or a tone for ever, then what was heard half a second ago (a machine: nothing)."""

    def __init__(self, call: PeerCall, customer: Customer, tone: int, *, machine: bool = False) -> None:
        self._call = call
        self._before = 0
        hum = sound.tone(tone) if tone else None
        self._tone = hum
        spoken = voice.machine if machine else voice.greeting
        self._words = [] if tone else list(voice.frames(spoken(customer.pitch), "pcmu"))[::-1]
        self._deaf = machine

    def next(self) -> bytes:
        """Return the next 20 ms."""
        if self._tone is not None:
            return self._tone()
        if self._words:
            return self._words.pop()
        if self._deaf:
            return sound.SILENCE
        heard, self._before = self._call.heard_frames - self._before, self._call.heard_frames
        return self._call.heard[-_ECHO_FRAMES] if heard and len(self._call.heard) >= _ECHO_FRAMES else sound.SILENCE


class DemoCall:
    """One call of one customer; `direction` as the product sees it: in when the customer calls it."""

    def __init__(self, call: PeerCall, customer: Customer, direction: Literal["in", "out"], tone: int = 0) -> None:
        self.call = call
        self.customer = customer
        self._direction = direction
        self._outcome = ""
        self._since = clock.monotonic()
        self._machine = customer.behaviour is Behaviour.MACHINE and direction == "out"
        call.mouth = Voice(call, customer, tone, machine=self._machine).next

    def view(self) -> dict[str, object]:
        """Return what the control connection tells of a call (callcenter/rehearsal.py)."""
        call = self.call
        samples = b"".join(voice.linear(each, "pcmu") for each in list(call.heard)[-_LISTENED_FRAMES:])
        return {
            "id": call.sid,
            "number": self.customer.number,
            "name": self.customer.name,
            "other": call.to if self._direction == "in" else call.from_,
            "direction": self._direction,
            "state": "ended" if call.ended else "talking" if call.answered else "ringing",
            "outcome": self._outcome,
            "status": call.sip_code or 0,
            "seconds": round(clock.monotonic() - self._since, 1),
            "law": "pcmu",
            "received": call.heard_frames,
            "sent": sum(each.sent for each in call.streams),
            "digits": call.digits,
            "heard": {"level": voice.level(samples), "hertz": voice.pitch_of(samples)},
        }

    def press(self, digits: str) -> None:
        """Press keys; raises ValueError for one no phone has."""
        if any(each not in KEYS for each in digits):
            raise ValueError(digits)
        self.call.press(digits)

    def hang_up(self, outcome: str = "hung_up") -> None:
        """Put the phone down, or decline."""
        self._outcome = self._outcome or outcome
        self.call.hang_up()

    async def live(self) -> None:
        """Play the customer until the call is over."""
        await (self._calls() if self._direction == "in" else self._called())
        if not self.call.ended:
            await self._talk()
        self._outcome = self._outcome or {"completed": "completed", "canceled": "cancelled"}.get(self.call.status, "refused")
        log.info("customer's call ended", number=self.customer.number, outcome=self._outcome, status=self.call.sip_code)

    async def _calls(self) -> None:
        if not await self._within(_PATIENCE, lambda: self.call.answered):
            self.hang_up("gave_up")

    async def _called(self) -> None:
        behaviour = self.customer.behaviour
        await self._within(_PATIENCE, lambda: self.call.status == "ringing")
        if await self._within(_RING.get(behaviour, _QUICK_RING), lambda: self.call.ended):
            return
        if behaviour is Behaviour.SILENT:
            self.call.end("no-answer", 480)
        elif behaviour is Behaviour.REJECTS:
            self.hang_up("refused")
        else:
            self.call.answer()
            await self._within(_PATIENCE, lambda: self.call.answered)

    async def _talk(self) -> None:
        if self.customer.behaviour is Behaviour.BRIEF:
            await self._within(_BRIEF_TALK, lambda: self.call.ended)
            self.hang_up()
        elif self._machine:
            await self._within(len(voice.machine(self.customer.pitch)) / 2 / voice.RATE + voice.RECORDS, lambda: self.call.ended)
            self.hang_up()
        elif self.customer.behaviour is Behaviour.PRESSES and self._direction == "out":
            await self._within(voice.LISTENS, lambda: self.call.ended)
            self.press("" if self.call.ended else self.customer.keys)
        while not self.call.ended:
            before = self.call.heard_frames
            await self._within(_DEAF, lambda: self.call.ended)
            if self.call.heard_frames == before and not self.call.ended:
                self.hang_up("silence")

    async def _within(self, seconds: float, happened: Callable[[], bool]) -> bool:
        """Wait until something happened, the call ended, or the time is over; returns whether the first."""
        until = clock.monotonic() + seconds
        while not happened() and not self.call.ended and clock.monotonic() < until:
            await asyncio.sleep(0.02)
        return happened()
