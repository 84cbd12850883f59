"""What calls in and out share: the audio that comes with a one-time token, Twilio's words for their state, the end.

Everything may be told twice, late and in any order; what is over stays over, and a call that is over here is ended there.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import structlog

from callcenter import clock
from callcenter.phone import EndReason
from telephony.legs import By, CarrierListener, Port
from telephony.twilio import outcomes, twiml
from telephony.twilio.errors import Refused, TooFast, Uncertain, Unsent
from telephony.twilio.port import StreamPort
from telephony.twilio.streams import Streams

if TYPE_CHECKING:
    from telephony.twilio.account import Account

log = structlog.get_logger(__name__)


class Leg:
    """A call at Twilio. Its public part is telephony.legs.CarrierLeg."""

    direction: Literal["inbound", "outbound"]

    def __init__(self, leg_id: str, account: "Account", listener: CarrierListener, streams: Streams) -> None:
        self.leg_id, self.trunk_id = leg_id, account.config.trunk_id
        self.provider_ref = ""  # CallSid, once it is known
        self.port: Port | None = None
        self.account, self.listener, self.streams = account, listener, streams
        self.answered = False
        self.ended = False
        self.told = -1  # the furthest status heard (outcomes.ORDER)
        self.token = streams.expect(self._stream_began)
        self.last_words = twiml.hang_up()
        self._timer: asyncio.TimerHandle | None = None
        self._audio: StreamPort | None = None
        account.book.add(self)

    # --- what Twilio says ---------------------------------------------------------------------------------------------

    def called(self, sid: str) -> None:
        """Learn Twilio's id of this call; one that is over here already is ended."""
        if not sid or sid == self.provider_ref:
            return
        if self.provider_ref:
            log.warning("twilio.second_call", leg=self.leg_id, call=sid)  # the same leg was dialled twice: one too many
            self.account.end_call(sid)
            return
        self.provider_ref = sid
        if self.ended:
            self.account.book.over.note(sid, self.last_words)
            self.account.end_call(sid)
        else:
            self.account.book.named(self, sid)

    def told_status(self, status: str, params: Mapping[str, str]) -> None:
        """Take Twilio's word for the state; what is older than what is known changes nothing."""
        order = outcomes.ORDER.get(status, -1)
        if self.ended or order <= self.told:
            return
        self.told = order
        if status in outcomes.FINAL:
            self.account.book.final.note(self.provider_ref)
            self.far_ended(outcomes.of_call(status, params))
        else:
            self.progress(status)

    def progress(self, status: str) -> None:
        """A state before the end was reached for the first time."""

    def far_ended(self, outcome: outcomes.Outcome) -> None:
        """Twilio says it is over."""
        if self.answered:
            self.end(EndReason.COMPLETED, "far", None, "")
        else:
            self.end(outcome.reason, "far", outcome.code, outcome.text)

    # --- audio --------------------------------------------------------------------------------------------------------

    def _stream_began(self, port: StreamPort, sid: str) -> None:
        """A stream showed our token."""
        self.called(sid)
        if self.ended or self.port is not None:
            port.close()
            return
        port.on_stopped, port.on_lost = self._stream_stopped, self._stream_lost
        self.port = self._audio = port
        self.answered = True
        self.told = max(self.told, outcomes.ORDER["in-progress"])
        self.within(self.account.patience.silent, self._still_there)
        self.listener.leg_answered(self)

    def _stream_stopped(self) -> None:
        """Twilio ended the stream: the call is over, or at our <Hangup/>."""
        if not self.ended:
            self.end(EndReason.COMPLETED, "far", None, "")
            self.finish()

    def _stream_lost(self) -> None:
        """The socket broke: either the call is over, which we shall be told, or it stands silent at our <Hangup/>."""
        if not self.ended:
            self.within(self.account.patience.ended, self._never_told)

    def _never_told(self) -> None:
        self.account.spawn(self._look_last())

    async def _look_last(self) -> None:
        await self.look()
        self.give_up("The audio connection to Twilio was lost.")

    def _still_there(self) -> None:
        """Ask Twilio about a call whose audio has stopped coming, in case its end was not told."""
        quiet = clock.monotonic() - (self._audio.heard if self._audio is not None else 0.0)
        if quiet >= self.account.patience.silent:
            self.account.spawn(self.look())
        self.within(self.account.patience.silent, self._still_there)

    async def look(self) -> None:
        """Ask Twilio how the call is, and take its word."""
        try:
            found = await self.account.api.call(self.provider_ref)
        except (TooFast, Unsent, Uncertain) as error:
            log.info("twilio.look_failed", leg=self.leg_id, error=str(error))
        except Refused as error:
            if error.status == 404 and not self.ended:
                self.give_up("Twilio does not know this call any more.")
        else:
            self.told_status(str(found.status), {})

    # --- time ---------------------------------------------------------------------------------------------------------

    def within(self, seconds: float, late: Callable[[], None]) -> None:
        """Call `late` after so long; there is one such time at once."""
        self.in_time()
        self._timer = asyncio.get_running_loop().call_later(seconds, late)

    def in_time(self) -> None:
        """Call nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def no_audio(self) -> None:
        """It was picked up, and no stream came."""
        self.give_up("Twilio picked up, but its audio did not come. Check the address of the audio streams.")

    # --- telephony.legs.CarrierLeg: what makes no sense in a direction does nothing ------------------------------------

    def ring(self) -> None:
        """Inbound: the caller hears ringing anyway, until somebody decides."""

    def answer(self) -> None:
        """Inbound: pick up."""

    def reject(self, code: int, text: str) -> None:
        """Inbound: refuse."""

    def hang_up(self, reason: EndReason) -> None:
        """End an answered call; what is not answered yet ends as its direction says."""
        if not self.ended:
            self.end(EndReason.COMPLETED, "near", None, "")
            self.finish()

    # --- the end ------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """End the call at Twilio, too."""
        if self.provider_ref:
            self.account.end_call(self.provider_ref)

    def give_up(self, text: str) -> None:
        """End what went wrong, here and there."""
        if not self.ended:
            self.end(EndReason.FAILED, "switch", None, text)
            self.finish()

    def end(self, reason: EndReason, by: By, code: int | None, text: str) -> None:
        """Report the end, once, on the next turn of the loop."""
        if self._over():
            asyncio.get_running_loop().call_soon(self.listener.leg_ended, self, reason, by, code, text[:200])

    def lose(self, text: str) -> None:
        """Report, once, that nobody knows whether this call was made."""
        if self._over():
            asyncio.get_running_loop().call_soon(self.listener.leg_lost, self, None, text[:200])

    def _over(self) -> bool:
        if self.ended:
            return False
        self.ended = True
        self.in_time()
        self.streams.expect_no_more(self.token)
        if self._audio is not None:
            self._audio.on_stopped = self._audio.on_lost = None
        self._audio = None
        self.account.leg_over(self)
        return True
