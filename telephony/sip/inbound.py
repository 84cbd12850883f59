"""A call that comes in."""

from typing import Any, Literal

from callcenter.errors import Unavailable
from callcenter.phone import EndReason
from telephony.sip import parsing, reasons, sdp
from telephony.sip.dialog import from_invite
from telephony.sip.engine import ALLOW, SUPPORTED, Incoming
from telephony.sip.leg import Leg


class InboundLeg(Leg):
    """An INVITE we answer. States: ringing, answering (200 sent, no ACK yet), answered, ended."""

    direction: Literal["inbound", "outbound"] = "inbound"

    def invited(self, incoming: Incoming, place: Any, contact: str) -> None:
        """Take an INVITE that was found good; raises sdp.Unusable."""
        body = parsing.body_of(incoming.request)
        self._offered = sdp.parse(body) if body is not None else None
        if self._offered is not None:
            sdp.agree(self._offered, self.laws)
        self._incoming: Incoming | None = incoming
        self._answering = False
        self.dialog = from_invite(incoming.request, incoming.tag, incoming.source, place, contact)
        self.provider_ref = self.dialog.call_id
        self.far_allows(incoming.request)
        incoming.on_cancel = self._cancelled
        incoming.on_silence = self._never_acknowledged
        incoming.on_ack = self._acknowledged

    def ring(self) -> None:
        """Send 180."""
        if self._incoming is not None and self.dialog is not None and not self._answering:
            self._incoming.respond(180, "Ringing", [f"Contact: {self.dialog.contact}", f"Allow: {ALLOW}"])

    def answer(self) -> None:
        """Send 200 with SDP; the switch hears of it when the ACK has come."""
        if self._incoming is None or self.dialog is None or self._answering:
            return
        self._answering = True
        try:
            self.open_audio(self.dialog.place)
            ours = self.offer() if self._offered is None else self.answer_to(self._offered, self.dialog.peer)
        except Unavailable as error:
            self._incoming.respond(503, "Service Unavailable")
            self.end(EndReason.FAILED, "switch", 503, str(error))
            return
        headers = [f"Contact: {self.dialog.contact}", f"Allow: {ALLOW}", f"Supported: {SUPPORTED}"]
        self._incoming.respond(200, "OK", [*headers, *self.session.answer(self._incoming.request)], ours)

    def _acknowledged(self, ack: Any) -> None:
        if self.ended or self.answered:
            return
        if self._offered is None and self.dialog is not None:  # delayed offer: their answer is in the ACK
            try:
                body = parsing.body_of(ack)
                self.apply(sdp.agree(sdp.parse(body or ""), self.laws), self.dialog.peer)
            except sdp.Unusable as error:
                self._give_up(488, str(error))
                return
        self.answered = True
        if self._incoming is not None:
            self._incoming.forget()
            self._incoming = None
        self.listener.leg_answered(self)

    def _cancelled(self, values: list[str]) -> None:
        self.end(EndReason.CANCELLED, "far", 487, reasons.reason_text(values))

    def far_bye(self, incoming: Incoming) -> None:
        """The caller hung up, perhaps before our 200 was acknowledged."""
        if self._incoming is not None and not self._answering:
            self._incoming.respond(487, "Request Terminated")
        super().far_bye(incoming)

    def reject(self, code: int, text: str) -> None:
        """Refuse the call, unless it is answered."""
        self._refuse(code, text, reasons.outcome(code))

    def _refuse(self, code: int, text: str, reason: EndReason) -> None:
        if self._incoming is None or self._answering or self.ended:
            return
        self._incoming.respond(code, text)
        self.end(reason, "near", code, text)

    def hang_up(self, reason: EndReason) -> None:
        """End the call in whatever state."""
        if self.ended:
            return
        if self._incoming is not None and not self._answering:
            code, text = reasons.refusal(reason)
            self._refuse(code, text, EndReason.REJECTED if reason is EndReason.COMPLETED else reason)
            return
        # RFC 3261 15: a UAS sends no BYE before its 2xx is acknowledged; carriers take it, and waiting would keep a ghost.
        super().hang_up(reason)

    def cleared(self) -> None:
        """Drop what refers back to us."""
        super().cleared()
        if self._incoming is not None:
            self._incoming.forget()
            self._incoming = None
