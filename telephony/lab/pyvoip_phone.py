"""pyVoIP 1.6.8 with the parts a handset misses: refusals seen and acknowledged, CANCEL both ways, Call-IDs that differ.

It is kept to PCMU (its PCMA is encoded as mu-law) and its audio to 8-bit samples, which is all it passes.
"""

import audioop
import secrets
import threading
from collections.abc import Callable
from typing import Any

import pyVoIP
from pyVoIP.RTP import PayloadType
from pyVoIP.SIP import SIPClient, SIPMessage, SIPMessageType
from pyVoIP.VoIP import CallState, VoIPCall, VoIPPhone

RING_STATUS = 180


class Sip(SIPClient):
    """pyVoIP's SIP client. `refused` holds status and reason of our INVITE's refusal, `rings` whether the far end rings."""

    refused: tuple[int, str] | None = None
    rings = False
    ended: set[str]

    def gen_call_id(self) -> str:
        """Return a Call-ID no earlier run had: the original counts from one each time."""
        return f"{secrets.token_hex(16)}@{self.myIP}:{self.myPort}"

    def parse_message(self, message: SIPMessage) -> None:
        """Take what pyVoIP leaves out, hand on the rest."""
        if message.type == SIPMessageType.RESPONSE and message.headers["CSeq"]["method"] == "INVITE":
            status = int(message.status)
            if status >= 300:
                self._refusal(message, status)
                return
            self.rings = self.rings or status in (RING_STATUS, 183)
            if 100 < status < 200:
                return
        elif message.type == SIPMessageType.RESPONSE and message.headers["CSeq"]["method"] != "REGISTER":
            return  # the answer to our BYE or CANCEL
        super().parse_message(message)
        if message.type == SIPMessageType.MESSAGE and message.method == "CANCEL":
            self._cancelled(message)

    def cancel(self, invite: SIPMessage) -> None:
        """Give up a call of ours that is not answered."""
        headers = invite.headers
        lines = [
            invite.heading.decode().replace("INVITE", "CANCEL", 1),
            self._gen_response_via_header(invite).rstrip(),
            "Max-Forwards: 70",
            f"From: {headers['From']['raw']};tag={headers['From']['tag']}",
            f"To: {headers['To']['raw']}",
            f"Call-ID: {headers['Call-ID']}",
            f"CSeq: {headers['CSeq']['check']} CANCEL",
            "Content-Length: 0",
        ]
        self._send("\r\n".join(lines) + "\r\n\r\n")

    def _refusal(self, message: SIPMessage, status: int) -> None:
        self.refused = (status, message.heading.decode(errors="replace").split(" ", 2)[-1])
        self._send(self.gen_ack(message))

    def _cancelled(self, message: SIPMessage) -> None:
        """End the call the far end gave up; the INVITE itself is answered 487 (RFC 3261 9.2), which pyVoIP does not."""
        call = self.phone.calls.get(message.headers["Call-ID"])
        if call is None or call.state != CallState.RINGING:
            return
        call.state = CallState.ENDED
        refusal = self.gen_busy(call.request).replace("486 Busy Here", "487 Request Terminated", 1)
        self._send(refusal)

    def _send(self, text: str) -> None:
        self.out.sendto(text.encode(), (self.server, self.port))


class Phone(VoIPPhone):
    """A phone that registers at `server` and calls or is called."""

    sip: Sip

    def __init__(self, server: tuple[str, int], number: str, password: str, own: tuple[str, int], rtp: range) -> None:
        pyVoIP.RTPCompatibleCodecs[:] = [PayloadType.PCMU, PayloadType.EVENT]
        self._taken: Callable[[VoIPCall], None] | None = None
        super().__init__(server[0], server[1], number, password, own[0], self._ringing, own[1], rtp.start, rtp.stop - 1)
        self.sip = Sip(
            server[0],
            server[1],
            number,
            password,
            phone=self,
            myIP=own[0],
            myPort=own[1],
            callCallback=self.callback,
            fatalCallback=self.fatal,
        )

    def on_call(self, taken: Callable[[VoIPCall], None]) -> None:
        """Let `taken` have each call that comes, in a thread of its own that lasts as long as the call."""
        self._taken = taken

    def _ringing(self, call: VoIPCall) -> None:
        if self._taken is not None:
            self._taken(call)

    def turn_down(self, call: VoIPCall) -> None:
        """Refuse a call with 486; pyVoIP's deny() sends it and then trips over audio that never started."""
        call.RTPClients.clear()
        call.deny()

    def _cleanup_dead_calls(self) -> None:
        """Leave calls alone: pyVoIP forgets those whose thread has ended, and here they last longer."""


def eight_bit(samples: bytes) -> bytes:
    """Turn 16-bit samples into pyVoIP's unsigned 8-bit ones."""
    return audioop.bias(audioop.lin2lin(samples, 2, 1), 1, 128)


def has_audio(call: VoIPCall) -> bool:
    """Whether an incoming call offered a law we take."""
    return any(PayloadType.PCMU in client.assoc.values() for client in call.RTPClients)


def quiet_threads() -> Callable[[], None]:
    """Silence what pyVoIP's threads raise while their sockets are being closed; returns what undoes it."""
    before = threading.excepthook

    def only_serious(args: Any) -> None:
        if not issubclass(args.exc_type, OSError):
            before(args)

    threading.excepthook = only_serious

    def undo() -> None:
        threading.excepthook = before

    return undo
