"""A call that goes out: it waits for its turn, is asked for once, and is followed by Twilio's word."""

import asyncio
from typing import TYPE_CHECKING, Any, Literal

import structlog

from callcenter import clock
from callcenter.phone import EndReason, Originate
from telephony.legs import CarrierListener
from telephony.twilio import outcomes, signatures, twiml
from telephony.twilio.errors import Refused, TooFast, Uncertain, Unsent
from telephony.twilio.leg import Leg
from telephony.twilio.streams import Streams

if TYPE_CHECKING:
    from telephony.twilio.account import Account

log = structlog.get_logger(__name__)

_EVENTS = ["initiated", "ringing", "answered", "completed"]
_MOST_TRIES = 6  # of a call that certainly was not made
_LONGEST_RING = 600  # seconds, Twilio's own limit
_GRACE = 30  # seconds later than we, who say why, Twilio ends a call that is too long
_LOOKS = 3  # for a call nobody can say was made


class OutboundLeg(Leg):
    """A call of ours. States: queued, dialling (asked for, no word yet), ringing, answered, ended."""

    direction: Literal["inbound", "outbound"] = "outbound"

    def __init__(self, leg_id: str, account: "Account", listener: CarrierListener, streams: Streams, command: Originate) -> None:
        super().__init__(leg_id, account, listener, streams)
        self.command = command
        self._sender = command.caller_id or next(iter(account.config.numbers), "")
        self._tries = 0
        self._word = asyncio.Event()  # Twilio has told us of this call

    @property
    def asked(self) -> bool:
        """Whether a call was asked for that Twilio may know and we not yet."""
        return self._tries > 0 and not self.provider_ref

    # --- dialling -----------------------------------------------------------------------------------------------------

    def dial(self) -> None:
        """Ask for the call (dialling.Waiting)."""
        if not self.ended:
            self._tries += 1
            self.account.spawn(self._dial())

    async def _dial(self) -> None:
        asked_at = clock.now()
        try:
            made = await self.account.api.dial(**self._fields())
        except TooFast as error:
            self.account.count("twilio_too_fast")
            self._again(error.after, f"Twilio takes no more calls at present: {error.words}")
        except Unsent as error:
            self._again(0.0, f"Twilio cannot be reached: {error}")
        except Refused as error:
            self.account.refused(error)
            self.end(outcomes.of_refusal(error.code), "far", error.code, error.words)
        except Uncertain as error:
            self.account.count("twilio_uncertain")
            log.warning("twilio.uncertain", leg=self.leg_id, reason=str(error))
            await self._find(asked_at, str(error))
        else:
            self.called(made.sid or "")
            self._rings_for()
            self.told_status(str(made.status), {})

    def _fields(self) -> dict[str, Any]:
        config, command = self.account.config, self.command
        fields: dict[str, Any] = {
            "to": command.number,
            "from_": self._sender,
            "twiml": twiml.talk(config.stream_url, self.token),
            "status_callback": signatures.address(config, "status", f"leg={self.leg_id}"),
            "status_callback_event": _EVENTS,
            "timeout": max(1, min(command.ring_seconds, _LONGEST_RING)),
        }
        if config.longest_call_seconds > 0:
            fields["time_limit"] = config.longest_call_seconds + _GRACE
        if config.machine_detection:
            fields["machine_detection"] = "Enable"
            fields["async_amd"] = "true"
            fields["async_amd_status_callback"] = signatures.address(config, "machine", f"leg={self.leg_id}")
        return fields

    def _again(self, after: float, text: str) -> None:
        """Dial again later: this time it certainly was not dialled."""
        if self.ended:
            return
        if self._tries >= _MOST_TRIES:
            self.end(EndReason.FAILED, "switch", None, text)
            return
        self.account.queue.put_back(self, max(after, self.account.patience.retry * 2 ** (self._tries - 1)))

    async def _find(self, asked_at: Any, reason: str) -> None:
        """Wait for word of a call that may have been made, and look for it; it is never asked for again."""
        for _ in range(_LOOKS):
            try:
                async with asyncio.timeout(self.account.patience.uncertain):
                    await self._word.wait()
            except TimeoutError:
                await self._look_for(asked_at)
            if self.provider_ref:
                self._rings_for()
                return
        self.lose(f"Twilio may or may not have dialled: {reason}")

    async def _look_for(self, asked_at: Any) -> None:
        try:
            found = await self.account.api.dialled(self.command.number, self._sender, asked_at)
        except (Refused, Unsent, Uncertain) as error:
            log.info("twilio.look_failed", leg=self.leg_id, error=str(error))
            return
        for each in found:
            if each.sid and not self.account.book.knows(each.sid):
                log.info("twilio.found", leg=self.leg_id, call=each.sid)
                self.called(each.sid)
                self.told_status(str(each.status), {})
                return

    # --- what Twilio says ---------------------------------------------------------------------------------------------

    def called(self, sid: str) -> None:
        """Learn Twilio's id."""
        super().called(sid)
        if sid:
            self._word.set()

    def _rings_for(self) -> None:
        """Ask Twilio what became of the call when its ring time is long over, in case that was not told."""
        if not self.ended and not self.answered and self.told < outcomes.ORDER["in-progress"]:
            self.within(self.command.ring_seconds + self.account.patience.overdue, self._overdue)

    def _overdue(self) -> None:
        self.account.spawn(self._settle())

    async def _settle(self) -> None:
        await self.look()
        if not self.ended and not self.answered and self.told < outcomes.ORDER["in-progress"]:
            self.end(EndReason.NO_ANSWER, "switch", None, "")
            self.finish()

    def progress(self, status: str) -> None:
        """It rings, or was picked up: then its audio comes."""
        if status == "ringing":
            self.listener.leg_ringing(self, False)
        elif outcomes.ORDER[status] == outcomes.ORDER["in-progress"] and not self.answered:
            self.within(self.account.patience.stream, self.no_audio)

    # --- the end ------------------------------------------------------------------------------------------------------

    def hang_up(self, reason: EndReason) -> None:
        """Give up or hang up; what waits is never dialled."""
        if self.ended or self.answered:
            super().hang_up(reason)
            return
        self.account.queue.remove(self)
        self.end(EndReason.CANCELLED if reason is EndReason.COMPLETED else reason, "near", None, "")
        self.finish()
