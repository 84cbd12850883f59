"""What the app is asked and told of a call: instructions, status callbacks."""

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from tests.peers.twilio import twiml
from tests.peers.twilio.resources import API, now, rfc2822
from tests.peers.twilio.webhooks import Outbox, Posted

if TYPE_CHECKING:
    from tests.peers.twilio.call import PeerCall

RETRIEVAL_FAILURE = 11200


class CallFailed(Exception):
    """The app gave no instructions that can be obeyed."""


@dataclass
class Callback:
    """Where the app wants to be told of a call, and of what."""

    url: str
    method: str = "POST"
    events: tuple[str, ...] = ("completed",)


class AppSide:
    """The app's end of one call. `callback`: of a call it made itself."""

    def __init__(self, call: "PeerCall", callback: Callback | None) -> None:
        self._call = call
        self._callback = callback
        self._base = ""  # address of the document that is obeyed
        self._sequence = 0
        self._outbox = Outbox(call.peer.faults, call.peer.spawn, call.number)

    @property
    def waiting(self) -> int:
        """How many callbacks are on their way."""
        return self._outbox.waiting

    async def fetch(self, url: str, method: str, extra: dict[str, str]) -> list[twiml.Verb]:
        """Ask the app what to do; raises CallFailed, with an alert, when it says nothing of use."""
        url = urljoin(self._base, url)
        posted = await self.post("voice", url, extra, method)
        if not posted.ok:
            self._call.peer.alert(
                RETRIEVAL_FAILURE, self._call.sid, f"HTTP retrieval failure: {url} {posted.status} {posted.error}"
            )
            raise CallFailed
        self._base = url
        return self.parse(posted.body, posted.content_type)

    def parse(self, text: str, content_type: str) -> list[twiml.Verb]:
        """Read a document; raises CallFailed, with an alert."""
        try:
            verbs, warnings = twiml.parse(text, content_type)
        except twiml.TwimlError as error:
            self._call.peer.alert(error.code, self._call.sid, error.sentence)
            raise CallFailed from error
        for warning in warnings:
            self._call.peer.alert(twiml.SCHEMA_WARNING, self._call.sid, warning)
        return verbs

    async def post(self, name: str, url: str, extra: dict[str, str], method: str = "POST", *, bare: bool = False) -> Posted:
        """Make a request of the app; it is not taken back when the call ends meanwhile."""
        params = extra if bare else self._params() | extra
        return await asyncio.shield(self._call.peer.spawn(self._call.peer.webhooks.request(name, url, params, method)))

    def _params(self) -> dict[str, str]:
        return {
            "AccountSid": self._call.account_sid,
            "ApiVersion": API,
            "CallSid": self._call.sid,
            "CallStatus": self._call.status,
            "Called": self._call.to,
            "Caller": self._call.from_,
            "Direction": self._call.direction,
            "From": self._call.from_,
            "To": self._call.to,
        }

    def tell(self, event: str) -> None:
        """Send a status callback, if the app wants it."""
        callback, name = self._callback, event
        ours = self._call.peer.numbers.get(self._call.to) if self._call.direction == "inbound" else None
        if ours is not None and ours["StatusCallback"]:
            callback, name = Callback(ours["StatusCallback"], ours["StatusCallbackMethod"]), "number"
        if callback is None or event not in callback.events:
            return
        params = self._params() | {
            "Timestamp": rfc2822(now()) or "",
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sequence),
        }
        self._sequence += 1
        if event == "initiated":
            params["CallStatus"] = "initiated"
        if event == "completed":
            params |= self._sums()
        url, method, last = callback.url, callback.method, event == "completed"
        self._outbox.put(lambda: self.post(name, url, params, method, bare=True), last=last)

    def _sums(self) -> dict[str, str]:
        given = {"CallDuration": str(self._call.duration), "Duration": str(math.ceil(self._call.duration / 60))}
        if self._call.sip_code is not None and self._call.direction != "inbound":
            given["SipResponseCode"] = str(self._call.sip_code)
        if self._call.answered_by is not None:
            given["AnsweredBy"] = self._call.answered_by
        return given
