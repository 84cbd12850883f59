"""A call that comes in: a voice webhook that is answered when somebody has decided, or asked again while nobody has."""

import asyncio
from typing import TYPE_CHECKING, Literal

from callcenter.phone import EndReason
from telephony.legs import By, CarrierListener
from telephony.sip import reasons
from telephony.twilio import outcomes, signatures, twiml
from telephony.twilio.leg import Leg
from telephony.twilio.streams import Streams

if TYPE_CHECKING:
    from telephony.twilio.account import Account

# What stands for a caller who hides or is not known: words, and the numbers that spell them on a telephone's keys.
_HIDDEN = frozenset({"anonymous", "restricted", "private", "blocked", "+266696687", "+7378742833", "+2562533"})
_UNKNOWN = frozenset({"", "unknown", "unavailable", "+8656696", "+86282452253"})


def caller(number: str) -> tuple[str, bool]:
    """Return a caller's number, "" where there is none, and whether they hide."""
    plain = number.strip().lower()
    if plain in _HIDDEN or plain in _UNKNOWN:
        return "", plain in _HIDDEN
    return number.strip(), False


class InboundLeg(Leg):
    """A caller. States: ringing, answering (told to stream, no stream yet), answered, ended."""

    direction: Literal["inbound", "outbound"] = "inbound"

    def __init__(self, leg_id: str, account: "Account", listener: CarrierListener, streams: Streams) -> None:
        super().__init__(leg_id, account, listener, streams)
        self._document = ""  # what the caller's call is to do, once that is decided
        self._decided = asyncio.Event()

    async def instructions(self) -> str:
        """Return what the call is to do now; waits a while for somebody to decide."""
        if not self._decided.is_set():
            self.in_time()
        try:
            async with asyncio.timeout(self.account.patience.webhook):
                await self._decided.wait()
        except TimeoutError:
            if not self.ended:
                self.within(self.account.patience.asking, self._asks_no_more)
            return twiml.wait(signatures.address(self.account.config, "ringing"))
        self.account.book.refused.discard(self)
        return self.last_words if self.ended else self._document

    def _asks_no_more(self) -> None:
        """The caller's call should have asked again: perhaps it is over, and we were not told."""
        self.account.spawn(self.look())
        self.within(self.account.patience.asking, self._asks_no_more)

    def _decide(self, document: str) -> None:
        self._document = document
        self._decided.set()

    def answer(self) -> None:
        """Have Twilio pick up and stream; the switch hears of it when the stream has begun."""
        if self.ended or self._decided.is_set():
            return
        self._decide(twiml.talk(self.account.config.stream_url, self.token))
        self.within(self.account.patience.stream, self.no_audio)

    def far_ended(self, outcome: outcomes.Outcome) -> None:
        """The caller hung up, or gave up."""
        if self.answered or outcome.reason is EndReason.FAILED:
            super().far_ended(outcome)
        else:
            self.end(EndReason.CANCELLED, "far", outcome.code, outcome.text)

    def reject(self, code: int, text: str) -> None:
        """Refuse the call, unless it is answered."""
        if not self.answered:
            self.hang_up(reasons.outcome(code))

    def hang_up(self, reason: EndReason) -> None:
        """End the call in whatever state."""
        if self.ended or self._decided.is_set():
            super().hang_up(reason)
            return
        self.last_words = twiml.refuse(reason)
        self.end(EndReason.REJECTED if reason is EndReason.COMPLETED else reason, "near", None, "")
        self.account.book.refused.add(self)
        asyncio.get_running_loop().call_later(self.account.patience.refusal, self._refuse_anyway)

    def _refuse_anyway(self) -> None:
        """End a call that did not come for its refusal."""
        if self in self.account.book.refused:
            self.account.book.refused.discard(self)
            self.finish()

    def end(self, reason: EndReason, by: By, code: int | None, text: str) -> None:
        """Report the end, and let no webhook wait for a decision any more."""
        super().end(reason, by, code, text)
        self._decided.set()
