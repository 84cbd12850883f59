"""A demo customer on the phone: called by the product or a handset, or calling in."""

import asyncio
import contextlib
from typing import Literal, Self

import structlog

from callcenter import clock
from telephony.lab import sdp, voice
from telephony.lab.audio import KEYS, Audio, AudioClock
from telephony.lab.customers import Behaviour, Customer
from telephony.lab.leg import Leg
from telephony.lab.message import Message
from telephony.lab.transactions import ServerTransaction

log = structlog.get_logger(__name__)

PATIENCE = 60  # seconds a customer lets it ring
_RING = 1.5  # seconds before those who answer do
_SLOW_RING = 8
_BRIEF_TALK = 10
_ANNOUNCEMENT = 4
_MACHINE_RING = 3
_UNANSWERED = 180  # the carrier's own limit on ringing
_DEAF = 30  # seconds without a packet before a customer gives up: the product is gone
_REFUSALS = {
    Behaviour.BUSY: (486, "Busy Here"),
    Behaviour.TROUBLE: (503, "Service Unavailable"),
}


class CustomerCall:
    """One call of one customer. `state` goes calling or ringing, talking, ended; `outcome` says how it ended."""

    def __init__(self, customer: Customer, other: str, direction: Literal["in", "out"], audio: Audio) -> None:
        self.id = clock.new_id()
        self.customer = customer
        self.other = other  # the number at the other end
        self.direction = direction  # as the product sees it: "in" when the customer calls it
        self.state = "calling" if direction == "in" else "ringing"
        self.outcome = ""
        self.status = 0  # the SIP status that ended it
        self.audio = audio
        self.leg: Leg | None = None
        self.tone = 0  # say this tone (Hz) instead of words: for measurements
        self._since = clock.monotonic()
        self._answered = asyncio.Event()
        self._over = asyncio.Event()

    @classmethod
    async def prepare(cls, customer: Customer, other: str, direction: Literal["in", "out"], host: str, ticks: AudioClock) -> Self:
        """Make a call with an open audio socket; give it a leg next."""
        return cls(customer, other, direction, await Audio.open(host, ticks))

    def view(self) -> dict[str, object]:
        """Return what the control connection tells of a call."""
        return {
            "id": self.id,
            "number": self.customer.number,
            "name": self.customer.name,
            "other": self.other,
            "direction": self.direction,
            "state": self.state,
            "outcome": self.outcome,
            "status": self.status,
            "seconds": round(clock.monotonic() - self._since, 1),
            "law": self.audio.law,
            "received": self.audio.received,
            "sent": self.audio.sent,
            "digits": self.audio.digits,
            "heard": self.audio.heard(),
        }

    def offer(self, host: str) -> bytes:
        """Return the session description of a customer who calls."""
        return sdp.write(host, self.audio.port, self.customer.laws)

    def press(self, digits: str) -> None:
        """Press keys; raises ValueError for one no phone has."""
        if any(each not in KEYS for each in digits):
            raise ValueError(digits)
        self.audio.press(digits)

    def hang_up(self, outcome: str = "hung_up") -> None:
        """The customer puts the phone down."""
        if self.leg is not None:
            self.leg.hang_up()
        self._finish(outcome, 0)

    async def called(self, host: str) -> None:
        """Play the customer who is called, until the call is over. A leg that is ringing must be set."""
        leg, behaviour = self._leg(), self.customer.behaviour
        if behaviour in _REFUSALS:
            self._refuse(*_REFUSALS[behaviour])
            return
        media = sdp.read(leg.far_sdp)
        law = self.audio.join(media, self.customer.laws) if media else None
        if media is None or law is None:
            self._refuse(488, "Not Acceptable Here")
            return
        answer = sdp.write(host, self.audio.port, (law,), event=media.event, direction=sdp.mirrored(media.direction))
        await self._until_answer(leg, behaviour, answer)
        await self._talk()

    async def calls(self) -> None:
        """Play the customer who calls, until the call is over. A leg that is calling must be set."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._answered.wait(), PATIENCE)
        if not self._answered.is_set():
            self.hang_up("gave_up")
        await self._talk()

    async def _until_answer(self, leg: Leg, behaviour: Behaviour, answer: bytes) -> None:
        if behaviour is Behaviour.ANNOUNCEMENT:
            leg.ring(answer)
            self.audio.say(voice.announcement(), forever=True)
            await self._pause(_ANNOUNCEMENT)
        else:
            leg.ring()
            waits = {Behaviour.SILENT: _UNANSWERED, Behaviour.SLOW: _SLOW_RING, Behaviour.MACHINE: _MACHINE_RING}
            await self._pause(waits.get(behaviour, _RING))
        if self._over.is_set():
            return
        if behaviour is Behaviour.REJECTS:
            self._refuse(603, "Decline")
        elif behaviour is Behaviour.SILENT:
            self._refuse(480, "Temporarily Unavailable")
        else:
            leg.accept(answer)
            await self._either(self._answered)

    async def _talk(self) -> None:
        if not self._over.is_set():
            self.state = "talking"
            behaviour = self.customer.behaviour
            if behaviour is Behaviour.MACHINE and self.direction == "out":
                self.audio.say(voice.machine(self.customer.pitch))
                await self._pause(len(voice.machine(self.customer.pitch)) / 2 / voice.RATE + voice.RECORDS)
            else:
                await self._converse(behaviour)
            self.hang_up()
        self.audio.close()

    async def _converse(self, behaviour: Behaviour) -> None:
        self.audio.say(voice.tone(self.tone) if self.tone else voice.greeting(self.customer.pitch), forever=bool(self.tone))
        self.audio.echo()
        if behaviour is Behaviour.BRIEF:
            await self._pause(_BRIEF_TALK)
            return
        if behaviour is Behaviour.PRESSES and self.direction == "out":
            await self._pause(voice.LISTENS)
            self.press(self.customer.keys)
        await self._listen()

    async def _listen(self) -> None:
        """Stay until the call is over, or until nothing at all has come for a while although it should."""
        while not self._over.is_set():
            before = self.audio.received
            await self._pause(_DEAF)
            media = sdp.read(self._leg().far_sdp)
            expected = media is not None and media.direction in ("sendrecv", "sendonly")
            if expected and self.audio.received == before and not self._over.is_set():
                self.hang_up("silence")

    def _leg(self) -> Leg:
        if self.leg is None:
            raise RuntimeError("a customer's call has no leg")
        return self.leg

    def _refuse(self, status: int, reason: str) -> None:
        self._leg().refuse(status, reason)
        self._finish("refused", status)
        self.audio.close()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    async def _either(self, event: asyncio.Event) -> None:
        waits = [asyncio.create_task(event.wait()), asyncio.create_task(self._over.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def _finish(self, outcome: str, status: int) -> None:
        if not self.outcome:
            self.outcome, self.status = outcome, status
            self.state = "ended"
            log.info("customer's call ended", number=self.customer.number, outcome=outcome, status=status)
        self._over.set()
        self._answered.set()

    # --- what the leg tells ---------------------------------------------------------------------------------------

    def leg_progress(self, leg: Leg, response: Message) -> None:
        """The product rings."""
        self.state = "ringing"
        if response.is_sdp:
            self._join(leg)

    def leg_answered(self, leg: Leg, message: Message) -> None:
        """Somebody answered (or our answer is confirmed)."""
        if self.direction == "in" and not self._join(leg):
            self.hang_up("no_common_law")
            return
        self._answered.set()

    def leg_requested(self, leg: Leg, request: Message, transaction: ServerTransaction) -> None:
        """The other side changes the call (hold, another port) or asks whether we live."""
        if request.method in ("INVITE", "UPDATE") and request.is_sdp:
            media = sdp.read(request.body)
            law = self.audio.join(media, self.customer.laws) if media else None
            if media is None or law is None:
                leg.reply(transaction, 488, "Not Acceptable Here")
                return
            host = leg.contact.removeprefix("<sip:").rpartition(":")[0]
            direction = sdp.mirrored(media.direction)
            leg.reply(transaction, 200, "OK", sdp.write(host, self.audio.port, (law,), event=media.event, direction=direction))
        elif request.method in ("OPTIONS", "INFO", "UPDATE"):
            leg.reply(transaction, 200, "OK")
        else:
            leg.reply(transaction, 405, "Method Not Allowed")

    def leg_ended(self, leg: Leg, status: int, reason: str) -> None:
        """The other side ended it."""
        outcomes = {200: "completed", 487: "cancelled"}
        self._finish(outcomes.get(status, "refused"), status)

    def _join(self, leg: Leg) -> bool:
        media = sdp.read(leg.far_sdp)
        return media is not None and self.audio.join(media, self.customer.laws) is not None
