"""Text messages at the peer: those the app sends, and those customers send to our numbers."""

import asyncio
import enum
import uuid
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from tests.peers.twilio.resources import API, now
from tests.peers.twilio.webhooks import Outbox

if TYPE_CHECKING:
    from tests.peers.twilio.peer import TwilioPeer


# 3GPP TS 23.038: the default alphabet, and what takes two of its characters
_GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = "^{}\\[~]|€\f"


class TextOutcome(enum.Enum):
    """What becomes of a message to a number: the states after queued, and Twilio's error."""

    DELIVERED = ("sent", "delivered")
    SENT = ("sent",)
    UNDELIVERED = ("sent", "undelivered", 30003, "Unreachable destination handset")
    FAILED = ("failed", 30008, "Unknown error")
    UNSUBSCRIBED = (21610,)
    LANDLINE = (21614,)


class PeerMessage:
    """A message. `text` is its body, `number` the customer's."""

    def __init__(self, peer: "TwilioPeer", direction: str, from_: str, to: str, text: str, callback: str = "") -> None:
        self.peer = peer
        self.sid = "SM" + uuid.uuid4().hex
        self.account_sid = peer.account_sid
        self.direction = direction
        self.from_, self.to, self.text = from_, to, text
        self.number = from_ if direction == "inbound" else to
        self.status = "received" if direction == "inbound" else "queued"
        self.created = self.updated = now()
        self.sent = self.created if direction == "inbound" else None
        self.error_code: int | None = None
        self.error_message: str | None = None
        self.price: str | None = None
        self._callback = callback
        self._outbox = Outbox(peer.faults, peer.spawn, self.sid)

    @property
    def segments(self) -> int:
        """How many SMS it takes: 160 characters of the GSM alphabet, 70 of others; less when it is more than one."""
        if set(self.text) <= set(_GSM + _GSM_EXTENDED):
            length, one, part = len(self.text) + sum(self.text.count(each) for each in _GSM_EXTENDED), 160, 153
        else:
            length, one, part = len(self.text.encode("utf-16-be")) // 2, 70, 67
        return 1 if length <= one else -(-length // part)

    def go_out(self, outcome: TextOutcome) -> None:
        """Send it; the app is told of each state."""
        states = [each for each in outcome.value if isinstance(each, str) and " " not in each]
        for state in states:
            self.status, self.updated = state, now()
            if state == "sent":
                self.sent, self.price = now(), f"-{self.segments * self.peer.price_per_text:.5f}"
            if state in ("undelivered", "failed"):
                self.error_code, self.error_message = int(str(outcome.value[-2])), str(outcome.value[-1])
            self._tell(state, last=state == states[-1])

    async def settled(self, seconds: float = 5.0) -> None:
        """Wait until the app has been told."""
        for _ in range(int(seconds / 0.005)):
            if not self._outbox.waiting:
                return
            await asyncio.sleep(0.005)

    def _tell(self, state: str, *, last: bool) -> None:
        if not self._callback:
            return
        params = self._params() | {"MessageStatus": state, "SmsStatus": state}
        if self.error_code is not None:
            params["ErrorCode"] = str(self.error_code)
        self._outbox.put(lambda: self.peer.webhooks.request(state, self._callback, params), last=last)

    async def come_in(self) -> None:
        """Give it to the app; a <Message> in the answer is sent back."""
        ours = self.peer.numbers[self.to]
        if not ours["SmsUrl"]:
            return
        params = self._params() | {"Body": self.text, "SmsStatus": "received", "NumMedia": "0", "NumSegments": str(self.segments)}
        posted = await self.peer.webhooks.request("sms", ours["SmsUrl"], params, ours["SmsMethod"])
        if not posted.ok:
            self.peer.alert(11200, self.sid, f"HTTP retrieval failure: {posted.url} {posted.status} {posted.error}")
            return
        try:
            answer = ET.fromstring(posted.body) if posted.body.strip() else ET.Element("Response")
        except ET.ParseError as error:
            self.peer.alert(12100, self.sid, f"Document parse failure: {error}")
            return
        for each in answer.iter("Message"):
            text = "".join(each.itertext()).strip()
            self.peer.send_text(PeerMessage(self.peer, "outbound-reply", self.to, self.from_, text))

    def _params(self) -> dict[str, str]:
        return {
            "AccountSid": self.account_sid,
            "ApiVersion": API,
            "From": self.from_,
            "MessageSid": self.sid,
            "SmsMessageSid": self.sid,
            "SmsSid": self.sid,
            "To": self.to,
        }
