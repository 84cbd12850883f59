"""A call that goes out."""

import asyncio
import secrets
from typing import Any, Literal

from callcenter.errors import Unavailable
from callcenter.phone import EndReason, Originate
from telephony.sip import digest, parsing, reasons, sdp
from telephony.sip.dialog import Dialog, Peer, from_answer
from telephony.sip.engine import ALLOW, SUPPORTED, Outgoing
from telephony.sip.leg import Leg
from telephony.sip.numbers import dialled_form
from telephony.sip.trunk import Trunk

_MOST_TRIES = 3  # the first, one with credentials, one more when the nonce was stale
_CHALLENGES = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}
SILENT = 8.0  # seconds without any response: a carrier says 100 at once, and the fifth copy of the INVITE went out by then
_GRACE = 32  # seconds the transaction outlives our own ring time-out, so that CANCEL is ours to send


class OutboundLeg(Leg):
    """An INVITE of ours. States: calling, ringing, answered, ended."""

    direction: Literal["inbound", "outbound"] = "outbound"

    def prepare(self, command: Originate, trunk: Trunk) -> None:
        """Take the command; nothing is sent yet."""
        self.command, self.trunk = command, trunk
        self._sending: Outgoing | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._tries = 0
        self._nonce = ""
        self._heard = False  # any response at all
        self._ringing = self._early = False
        self._hung_up: set[str] = set()  # tags of forks we hung up
        self.provider_ref = secrets.token_hex(16)

    async def dial(self) -> None:
        """Resolve the trunk, bind audio and send the INVITE; failures end the leg."""
        try:
            await self.trunk.ready()
            if self.ended:
                return
            place = self.trunk.place()
            self.open_audio(place)
        except Unavailable as error:
            self.end(EndReason.FAILED, "switch", None, str(error))
            return
        self.dialog = Dialog(
            call_id=self.provider_ref,
            local=self.trunk.from_value(self.command.caller_id, anonymous=self.command.anonymous),
            local_tag=secrets.token_hex(8),
            remote=f"<{self._uri()}>",
            remote_tag="",
            target=self._uri(),
            place=place,
            contact=self.trunk.contact(),
            peer=self.trunk.hop,
            routes=self.trunk.routes(),
            sequence=secrets.randbelow(10_000),
        )
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.command.ring_seconds, self._rung_out)
        self._silence = loop.call_later(SILENT, self._unheard)
        self._invite([])

    def _uri(self) -> str:
        config = self.trunk.config
        number = dialled_form(self.command.number, config.number_format, config.region)
        return self.trunk.uri(number)

    def _invite(self, credentials: list[str]) -> None:
        if self.dialog is None:
            return
        self._tries += 1
        headers = [
            f"Allow: {ALLOW}",
            f"Supported: {SUPPORTED}",
            f"Expires: {self.command.ring_seconds + _GRACE}",
            *self.trunk.identity(self.command.caller_id, anonymous=self.command.anonymous),
            *credentials,
        ]
        request, _ = self.dialog.request("INVITE", headers, self.offer())
        self._sending = self.engine.send(request, self.trunk.hop, self._response)

    # --- responses --------------------------------------------------------------------------------------------------

    def _response(self, response: Any) -> None:
        code, phrase = response.getSCode()
        self._heard = self._heard or response.source is not None
        if code >= 300:
            self._refused(response, code, str(phrase))
        elif code >= 200:
            self._accepted(response)
        elif not self.ended and not self.answered:
            self._progress(response, code)

    def _progress(self, response: Any, code: int) -> None:
        body = parsing.body_of(response)
        if body is not None and not self._early and self._take_answer(body, response.getSource()):
            self._early = self._ringing = True
            self.listener.leg_ringing(self, True)
        elif code == 180 and not self._ringing:
            self._ringing = True
            self.listener.leg_ringing(self, False)

    def _take_answer(self, body: str, peer: Peer) -> bool:
        try:
            self.apply(sdp.agree(sdp.parse(body), self.laws), peer)
        except sdp.Unusable:
            return False
        return True

    def _accepted(self, response: Any) -> None:
        if self.dialog is None:
            return
        if self.ended or self.answered:
            self.extra_answer(response)
            return
        self.dialog = from_answer(response, self.dialog, response.getSource())
        self.acknowledge(response)
        body = parsing.body_of(response)
        if not (self._take_answer(body, response.getSource()) if body is not None else self._early):
            self._give_up(488, "the answer has no audio we can use")
            return
        self._stop_ringing()
        self.answered = True
        self.far_allows(response)
        self.session.agreed(response)
        self.listener.leg_answered(self)

    def extra_answer(self, response: Any) -> None:
        """Take a 2xx that comes again, from another fork, or after the end: acknowledge it; hang up what is not our call."""
        if self.dialog is None:
            return
        other = from_answer(response, self.dialog, response.getSource())
        ack, hop = other.request("ACK", sequence=response.getHFBody("cseq").getCSeqNum())
        self.engine.send_ack(ack, hop)
        if self.ended_before_answer or other.remote_tag != self.dialog.remote_tag:
            tag = other.remote_tag
            if tag not in self._hung_up:
                self._hung_up.add(tag)
                bye, hop = other.request("BYE")
                self.engine.send(bye, hop)

    @property
    def ended_before_answer(self) -> bool:
        """Whether the call was over before anybody answered it."""
        return self.ended and not self.answered

    def _refused(self, response: Any, code: int, phrase: str) -> None:
        if self.ended or self.answered:
            return
        if code in _CHALLENGES and response.source is not None:
            credentials = self._credentials(response, code)
            if credentials:
                self._invite(credentials)
                return
        text = reasons.reason_text(parsing.values(response, "reason")) or phrase
        if code in _CHALLENGES:
            self.end(EndReason.FAILED, "far", code, "The carrier does not accept the user name or password of the trunk.")
        elif not self._heard:
            self.end(EndReason.FAILED, "far", 408, "The carrier does not answer.")
        else:
            self.end(reasons.outcome(code), "far", code, text)

    def _credentials(self, response: Any, code: int) -> list[str]:
        challenge_name, answer_name = _CHALLENGES[code]
        challenge = digest.strongest(parsing.values(response, challenge_name))
        config = self.trunk.config
        if challenge is None or not config.password or self._tries >= _MOST_TRIES or self.dialog is None:
            return []
        if self._nonce and (not challenge.stale or challenge.nonce == self._nonce):
            return []  # our credentials were read and refused
        self._nonce = challenge.nonce
        user = config.auth_username or config.username
        value = digest.credentials(challenge, user, config.password, "INVITE", self.dialog.target)
        return [f"{answer_name}: {value}"]

    # --- the end ----------------------------------------------------------------------------------------------------

    def _rung_out(self) -> None:
        if not self._heard:
            self._unheard()
        elif not self.answered and not self.ended:
            self._cancel()
            self.end(EndReason.NO_ANSWER, "switch", 408, "")

    def _unheard(self) -> None:
        """Give up a call the carrier said nothing to: it rang nowhere, and is no customer who does not answer."""
        if not self._heard and not self.ended:
            self._cancel()
            self.end(EndReason.FAILED, "switch", 408, "The carrier does not answer.")

    def _cancel(self) -> None:
        if self._sending is not None:
            self._sending.cancel()

    def hang_up(self, reason: EndReason) -> None:
        """CANCEL or BYE."""
        if self.answered:
            super().hang_up(reason)
        elif not self.ended:
            self._cancel()
            self.end(EndReason.CANCELLED if reason is EndReason.COMPLETED else reason, "near", None, "")

    def _stop_ringing(self) -> None:
        for each in (self._timer, self._silence):
            if each is not None:
                each.cancel()
        self._timer = self._silence = None

    def cleared(self) -> None:
        """Stop the ring timer. The transaction keeps us until its last response: an answer may still come."""
        super().cleared()
        self._stop_ringing()
