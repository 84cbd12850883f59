"""The peer: one Twilio account on this machine, its numbers, and the customers who call them and are called."""

import asyncio
import secrets
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from aiohttp import web

from callcenter.phone_fake import Outcome
from tests.peers.twilio import sound
from tests.peers.twilio.api import application
from tests.peers.twilio.call import PeerCall
from tests.peers.twilio.faults import Faults
from tests.peers.twilio.resources import PeerNumber, Requested, now
from tests.peers.twilio.texts import PeerMessage, TextOutcome
from tests.peers.twilio.told import Callback
from tests.peers.twilio.twiml import Verb
from tests.peers.twilio.webhooks import Webhooks

T = TypeVar("T")


@dataclass(frozen=True)
class Alert:
    """What Twilio's debugger would show: an error or warning code, the call or message, a sentence."""

    code: int
    sid: str
    sentence: str


class Rate:
    """Lets calls out at so many a second, in turn; 0: as they come."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self.waiting = 0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for one's turn."""
        if not self.per_second:
            return
        time = asyncio.get_running_loop().time
        at = max(self._next, time())
        self._next = at + 1 / self.per_second
        self.waiting += 1
        try:
            await asyncio.sleep(at - time())
        finally:
            self.waiting -= 1


class TwilioPeer:
    """One account. `calls`, `messages`, `requests`, `webhooks.posted` and `alerts` keep what happened, oldest first.

    What can be set at any time: `faults`; `ringing_seconds` (of dialled numbers), `detection_seconds` (of answering
    machines), `pace` (1: the pauses and time-outs of the app are as long as it says; 0.1: a tenth), `rate.per_second`
    (calls let out; more wait), `longest_queue` (of them; more get 429; 0: any), `concurrency` (REST requests at once;
    more get 429; 0: any), `abandoned_status` (of a caller who hung up while it rang), `redirect_picks_up` (whether
    a <Redirect> counts as picking up; Twilio does not document it).
    """

    def __init__(
        self,
        *,
        account_sid: str = "",
        auth_token: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
        calls_per_second: float = 0.0,
    ) -> None:
        self.account_sid = account_sid or "AC" + uuid.uuid4().hex
        self.auth_token = auth_token or secrets.token_hex(16)
        self.api_keys: dict[str, str] = {}
        self.created = now()
        self.faults = Faults()
        self.webhooks = Webhooks(self.auth_token, self.faults)
        self.numbers: dict[str, PeerNumber] = {}
        self.calls: list[PeerCall] = []
        self.messages: list[PeerMessage] = []
        self.requests: list[Requested] = []
        self.alerts: list[Alert] = []
        self.detected: dict[str, str] = {}
        self.rate = Rate(calls_per_second)
        self.ringing_seconds = 0.05
        self.detection_seconds = 0.05
        self.pace = 1.0
        self.longest_queue = self.concurrency = 0
        self.abandoned_status = "no-answer"
        self.redirect_picks_up = False
        self.price_per_minute = 0.0140
        self.price_per_text = 0.0430
        self._outcomes: dict[str, Outcome] = {}
        self._text_outcomes: dict[str, TextOutcome] = {}
        self._mouths: dict[str, sound.Mouth] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._address = host, port
        self._runner: web.AppRunner | None = None

    # --- running ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen."""
        self._runner = web.AppRunner(application(self), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, *self._address)
        await site.start()
        self._address = self._runner.addresses[0][:2]

    async def stop(self) -> None:
        """End all calls without a word, and stop listening."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.webhooks.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Its address, for TwilioConfig.api_url."""
        return f"http://{self._address[0]}:{self._address[1]}"

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do something beside; its fault is an alert, not a loss."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.alert(0, "", f"fault of the peer: {error!r}")

    def alert(self, code: int, sid: str, sentence: str) -> None:
        """Note an error or a warning."""
        self.alerts.append(Alert(code, sid, sentence))

    # --- the account --------------------------------------------------------------------------------------------------

    def add_api_key(self) -> tuple[str, str]:
        """Make a standard API key; returns its SID and secret."""
        sid, secret = "SK" + uuid.uuid4().hex, secrets.token_hex(16)
        self.api_keys[sid] = secret
        return sid, secret

    def own(self, number: str, *, voice_url: str = "", status_callback: str = "", sms_url: str = "") -> PeerNumber:
        """Make a number (E.164) ours, an IncomingPhoneNumber."""
        ours = PeerNumber("PN" + uuid.uuid4().hex, self.account_sid, number, number)
        ours.settings = {"VoiceUrl": voice_url, "StatusCallback": status_callback, "SmsUrl": sms_url}
        self.numbers[number] = ours
        return ours

    # --- the world outside --------------------------------------------------------------------------------------------

    def when_called(self, number: str, outcome: Outcome) -> None:
        """Script what a number does when it is dialled; unscripted ones ring and answer."""
        self._outcomes[number] = outcome

    def outcome(self, number: str) -> Outcome:
        """Return what a number does when it is dialled."""
        return self._outcomes.get(number, Outcome.ANSWERS)

    def when_texted(self, number: str, outcome: TextOutcome) -> None:
        """Script what becomes of a text to a number; unscripted: it is delivered."""
        self._text_outcomes[number] = outcome

    def text_outcome(self, number: str) -> TextOutcome:
        """Return what becomes of a text to a number."""
        return self._text_outcomes.get(number, TextOutcome.DELIVERED)

    def when_detected(self, number: str, found: str) -> None:
        """Script who is found to answer: human (unscripted), machine_start, machine_end_beep, fax, unknown."""
        self.detected[number] = found

    def speaks(self, number: str, mouth: sound.Mouth) -> None:
        """Let the customer of a number say something in the calls to come; unscripted: silence."""
        self._mouths[number] = mouth

    def mouth(self, number: str) -> sound.Mouth:
        """Return what a customer says."""
        return self._mouths.get(number, sound.silence)

    def customer_calls(self, number: str, dialled: str) -> PeerCall:
        """Let somebody ring one of our numbers; "+266696687" or "anonymous" hides the own. Raises KeyError for none of ours."""
        if dialled not in self.numbers:
            raise KeyError(dialled)
        call = PeerCall(self, "inbound", number, dialled)
        self.calls.append(call)
        call.start()
        return call

    def customer_texts(self, number: str, dialled: str, text: str) -> str:
        """Let somebody send a text to one of our numbers; returns its SID. Raises KeyError for none of ours."""
        if dialled not in self.numbers:
            raise KeyError(dialled)
        message = PeerMessage(self, "inbound", number, dialled, text)
        self.messages.append(message)
        self.spawn(message.come_in())
        return message.sid

    def frames(self) -> dict[str, int]:
        """Return the 20 ms frames of all streams so far: sent, late (of those), received, underruns (see MediaStream)."""
        streams = [each for call in self.calls for each in call.streams]
        return {name: sum(getattr(each, name) for each in streams) for name in ("sent", "late", "received", "underruns")}

    # --- what the API asks for ----------------------------------------------------------------------------------------

    def dial(self, options: dict[str, Any], callback: Callback | None) -> PeerCall:
        """Make a call the app asked for."""
        call = PeerCall(self, "outbound-api", options["From"], options["To"], options=options, callback=callback)
        self.calls.append(call)
        call.start()
        return call

    def dial_child(self, parent: PeerCall, noun: Verb, verb: Verb) -> PeerCall:
        """Make a call a <Dial> asked for."""
        caller = verb.get("callerId", parent.from_)
        options = {"Timeout": verb.seconds("timeout", 30), "SendDigits": noun.get("sendDigits")}
        options["TimeLimit"] = verb.seconds("timeLimit", 14_400)
        events = tuple(noun.get("statusCallbackEvent", "completed").split())
        url = noun.get("statusCallback")
        callback = Callback(url, noun.get("statusCallbackMethod", "POST"), events) if url else None
        call = PeerCall(self, "outbound-dial", caller, noun.text, options=options, callback=callback, parent=parent)
        self.calls.append(call)
        call.start()
        return call

    def send_text(self, message: PeerMessage) -> None:
        """Send a message out."""
        self.messages.append(message)
        message.go_out(self.text_outcome(message.to))

    def call(self, sid: str) -> PeerCall:
        """Return a call; raises KeyError."""
        return next((each for each in self.calls if each.sid == sid), None) or _missing(sid)

    def dialled(self, number: str) -> PeerCall:
        """Return the last call to a number; raises KeyError."""
        return next((each for each in reversed(self.calls) if each.to == number), None) or _missing(number)


def _missing(name: str) -> Any:
    raise KeyError(name)
