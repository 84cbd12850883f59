"""What inbound and outbound calls share: audio, requests within the dialog, the end. Runs on the switch's loop."""

import asyncio
import re
import secrets
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import structlog

from callcenter.errors import Unavailable
from callcenter.phone import EndReason
from telephony.legs import Law, LegListener, Port
from telephony.sip import parsing, reasons, sdp
from telephony.sip.dialog import Dialog, Place
from telephony.sip.engine import ALLOW, SUPPORTED, Engine, Incoming
from telephony.sip.session_timer import MIN_SECONDS, SessionTimer, too_short

log = structlog.get_logger(__name__)

By = Literal["far", "near", "switch"]
_REFUSED_METHODS = ("REFER", "NOTIFY", "MESSAGE", "PRACK", "SUBSCRIBE", "PUBLISH", "REGISTER")
_SIGNAL = re.compile(r"^\s*(?:signal\s*=\s*)?([0-9*#A-Da-d])\s*$", re.IGNORECASE | re.MULTILINE)


class AudioPort(Port, Protocol):
    """A port on UDP (telephony.media.rtp_port.RtpPort)."""

    local_address: tuple[str, int]
    remote: tuple[str, int] | None
    sending: bool

    def relatch(self) -> None:
        """Latch the next source anew."""

    def set_law(self, law: Law, event_type: int | None = None) -> None:
        """Give and take frames of this law; events go out as this payload type."""


class AudioPorts(Protocol):
    """What gives out ports; raises Unavailable when none is left."""

    def open(self, law: Law = "pcma", event_type: int | None = None) -> AudioPort:
        """Return a bound port."""


class Legs(Protocol):
    """Who keeps the calls."""

    def leg_over(self, leg: "Leg") -> None:
        """The leg ended."""


class Leg:
    """A call on a trunk. Its public part is telephony.legs.CarrierLeg."""

    direction: Literal["inbound", "outbound"]

    def __init__(
        self,
        leg_id: str,
        trunk_id: int,
        engine: Engine,
        legs: Legs,
        listener: LegListener,
        ports: AudioPorts,
        laws: tuple[Law, ...],
    ) -> None:
        self.leg_id, self.trunk_id = leg_id, trunk_id
        self.provider_ref = ""
        self.port: Port | None = None
        self.engine, self.legs, self.listener, self.ports, self.laws = engine, legs, listener, ports, laws
        self.dialog: Dialog | None = None
        self.answered = False
        self.ended = False
        self.audio: AudioPort | None = None  # bound before anything is negotiated; `port` is set with it
        self.local: sdp.Local | None = None
        self.session = SessionTimer(self._refresh, self._session_expired)
        self._sent_sdp = ""
        self._far: sdp.Agreed | None = None
        self._refreshing = False
        self._far_allows_update = False

    # --- audio ------------------------------------------------------------------------------------------------------

    def open_audio(self, place: Place) -> None:
        """Bind a port; raises Unavailable."""
        self.audio = self.ports.open(self.laws[0])
        self.local = sdp.Local(place.host, self.audio.local_address[1], secrets.randbits(31))

    def offer(self) -> str:
        """Return our offer."""
        if self.local is None:
            raise Unavailable("The call has no audio port.")
        self._sent_sdp = self.local.offer(self.laws)
        return self._sent_sdp

    def apply(self, agreed: sdp.Agreed, peer: tuple[str, int]) -> None:
        """Point our port at what was agreed; tells the switch when a running call changes its law."""
        if self.audio is None:
            return
        before, self._far = self._far, agreed
        self.audio.set_law(agreed.law, agreed.dtmf)
        self.audio.sending = agreed.direction in ("sendrecv", "sendonly")
        if before is None or agreed.address:
            self.audio.remote = (agreed.address or peer[0], agreed.port)
        if before is not None and (before.address, before.port) != (agreed.address, agreed.port) and agreed.address:
            self.audio.relatch()
        self.port = self.audio
        if before is not None and before.law != agreed.law and self.answered:
            self.listener.leg_media(self)

    def answer_to(self, offered: list[sdp.Media], peer: tuple[str, int]) -> str:
        """Agree to an offer and return our answer; raises sdp.Unusable."""
        if self.local is None:
            raise sdp.Unusable("the call has no audio port")
        agreed = sdp.agree(offered, self.laws)
        if self._far is not None and self._far != agreed:
            self.local.version += 1
        self.apply(agreed, peer)
        self._sent_sdp = self.local.answer(offered, agreed)
        return self._sent_sdp

    # --- requests within the dialog ---------------------------------------------------------------------------------

    def request_arrived(self, incoming: Incoming) -> None:
        """Answer a request of the far end within the dialog."""
        dialog = self.dialog
        if dialog is None:
            incoming.respond(481, "Call/Transaction Does Not Exist")
            return
        sequence = incoming.request.getHFBody("cseq").getCSeqNum()
        if sequence <= dialog.remote_sequence:
            incoming.respond(500, "Server Internal Error", ["Retry-After: 1"])  # RFC 3261 12.2.2: out of order
            return
        dialog.remote_sequence = sequence
        match incoming.method:
            case "BYE":
                incoming.respond(200, "OK")
                self.far_bye(incoming)
            case "INVITE" | "UPDATE":
                self._change(incoming, dialog)
            case "INFO":
                self._info(incoming)
            case "OPTIONS":
                incoming.respond(200, "OK", [f"Allow: {ALLOW}", f"Supported: {SUPPORTED}", "Accept: application/sdp"])
            case _:
                known = incoming.method in _REFUSED_METHODS
                incoming.respond(405 if known else 501, "Method Not Allowed" if known else "Not Implemented", [f"Allow: {ALLOW}"])

    def far_bye(self, incoming: Incoming) -> None:
        """The far end hung up."""
        text = reasons.reason_text(parsing.values(incoming.request, "reason"))
        self.end(EndReason.COMPLETED if self.answered else EndReason.CANCELLED, "far", None, text)

    def _info(self, incoming: Incoming) -> None:
        body = incoming.request.getBody()
        kind = str(body.mtype).partition(";")[0].strip().lower() if body is not None else ""
        if body is not None and not kind.startswith("application/dtmf"):
            incoming.respond(415, "Unsupported Media Type", ["Accept: application/sdp, application/dtmf-relay"])
            return
        incoming.respond(200, "OK")
        digit = _SIGNAL.search(str(body.content)) if body is not None else None
        if digit and self.port is not None and self.port.on_digit is not None:
            self.port.on_digit(digit[1].upper(), 160)

    def _change(self, incoming: Incoming, dialog: Dialog) -> None:
        """Answer re-INVITE and UPDATE: a refresh, hold, another address or another law."""
        request, body = incoming.request, parsing.body_of(incoming.request)
        if not self.answered and (incoming.method == "INVITE" or body is not None):
            incoming.respond(491, "Request Pending", ["Retry-After: 1"])
            return
        if self._refreshing and body is not None:
            incoming.respond(491, "Request Pending")
            return
        if too_short(request):
            incoming.respond(422, "Session Interval Too Small", [f"Min-SE: {MIN_SECONDS}"])
            return
        try:
            ours = self._new_description(incoming, body)
        except sdp.Unusable as error:
            incoming.respond(488, "Not Acceptable Here", [f'Warning: 399 callcenter "{error}"'])
            return
        dialog.learn(request, incoming.source)
        incoming.on_silence = self._never_acknowledged
        headers = [f"Contact: {dialog.contact}", f"Allow: {ALLOW}", f"Supported: {SUPPORTED}", *self.session.answer(request)]
        incoming.respond(200, "OK", headers, ours)

    def _new_description(self, incoming: Incoming, body: str | None) -> str | None:
        if body is not None:
            return self.answer_to(sdp.parse(body), incoming.source)
        if incoming.method == "UPDATE":
            return None
        incoming.on_ack = self._late_answer  # re-INVITE without SDP: our offer, their answer in the ACK
        return self.offer()

    def _late_answer(self, ack: Any) -> None:
        body = parsing.body_of(ack)
        try:
            if body is not None and self.dialog is not None:
                self.apply(sdp.agree(sdp.parse(body), self.laws), self.dialog.peer)
        except sdp.Unusable as error:
            self._give_up(488, str(error))

    # --- session timer ----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if self.dialog is None or self.ended:
            return
        headers = [f"Supported: {SUPPORTED}", f"Session-Expires: {self.session.seconds};refresher=uac"]
        self._refreshing = True
        if self._far_allows_update:
            request, hop = self.dialog.request("UPDATE", headers)
        else:
            request, hop = self.dialog.request("INVITE", headers, self._sent_sdp)
        self.engine.send(request, hop, self._refreshed)

    def _refreshed(self, response: Any) -> None:
        code, method = response.getSCode()[0], response.getHFBody("cseq").getCSeq()[1]
        if code < 200 or self.dialog is None:
            return
        self._refreshing = False
        if code < 300:
            if method == "INVITE":
                self.acknowledge(response)
            self.session.agreed(response)
        elif code in (408, 481):
            self._give_up(code, "the far end lost the call")

    def acknowledge(self, response: Any) -> None:
        """Send the ACK of a 2xx to our INVITE, again for each repetition."""
        if self.dialog is not None:
            ack, hop = self.dialog.request("ACK", sequence=response.getHFBody("cseq").getCSeqNum())
            self.engine.send_ack(ack, hop)

    def _session_expired(self) -> None:
        self._give_up(408, "session timer expired")

    def _never_acknowledged(self) -> None:
        self._give_up(408, "our answer was never acknowledged")

    def _give_up(self, code: int, text: str) -> None:
        if not self.ended:
            self.bye(["Reason: SIP;cause=" + str(code)])
            self.end(EndReason.FAILED, "switch", code, text)

    # --- telephony.legs.CarrierLeg: what makes no sense in a direction does nothing ----------------------------------

    def ring(self) -> None:
        """Inbound: 180."""

    def answer(self) -> None:
        """Inbound: 200."""

    def reject(self, code: int, text: str) -> None:
        """Inbound: a final refusal."""

    def hang_up(self, reason: EndReason) -> None:
        """End an answered call; what is not answered yet ends as its direction says."""
        if not self.ended:
            self.bye()
            self.end(EndReason.COMPLETED, "near", None, "")

    # --- the end ----------------------------------------------------------------------------------------------------

    def bye(self, headers: Sequence[str] = ()) -> None:
        """Send BYE."""
        if self.dialog is not None:
            request, hop = self.dialog.request("BYE", headers)
            self.engine.send(request, hop)

    def far_allows(self, message: Any) -> None:
        """Remember whether the far end takes UPDATE."""
        self._far_allows_update = "update" in parsing.tokens(message, "allow")

    def end(self, reason: EndReason, by: By, code: int | None, text: str) -> None:
        """Report the end, once, on the next turn of the loop."""
        if self.ended:
            return
        self.ended = True
        self.session.close()
        if self.port is None and self.audio is not None:
            self.audio.close()  # the switch never saw it
        self.audio = None
        self.cleared()
        self.legs.leg_over(self)
        asyncio.get_running_loop().call_soon(self.listener.leg_ended, self, reason, by, code, text[:200])

    def cleared(self) -> None:
        """Drop what refers back to us; each direction has more."""
        self._far = None
