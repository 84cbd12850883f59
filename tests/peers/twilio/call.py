"""A call at the peer: its states, what the customer at its far end does and hears, and what the app is told of it."""

import asyncio
import datetime as dt
import math
import uuid
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from callcenter.phone_fake import Outcome
from tests.peers.twilio import sound
from tests.peers.twilio.resources import now
from tests.peers.twilio.stream import MediaStream
from tests.peers.twilio.told import AppSide, Callback, CallFailed
from tests.peers.twilio.verbs import Runner
from tests.telephony.scripted import in_ear

if TYPE_CHECKING:
    from tests.peers.twilio.peer import TwilioPeer

FINAL = ("completed", "busy", "no-answer", "failed", "canceled")
Direction = Literal["inbound", "outbound-api", "outbound-dial"]
_REFUSALS = {Outcome.BUSY: ("busy", 486), Outcome.UNREACHABLE: ("failed", 404), Outcome.CARRIER_DOWN: ("failed", 503)}
_GAP = 3  # frames missing before the ear notes silence


class PeerCall:
    """A call and the customer at its far end. `said` is what was said and played to them by verbs, `heard` the last frames."""

    def __init__(
        self,
        peer: "TwilioPeer",
        direction: Direction,
        from_: str,
        to: str,
        *,
        options: dict[str, Any] | None = None,
        callback: Callback | None = None,
        parent: "PeerCall | None" = None,
    ) -> None:
        self.peer = peer
        self.direction: Direction = direction
        self.from_, self.to = from_, to
        self.number = from_ if direction == "inbound" else to  # the customer's
        self.options = options or {}
        self.sid = "CA" + uuid.uuid4().hex
        self.account_sid = peer.account_sid
        self.parent_sid = parent.sid if parent else None
        ours = peer.numbers.get(to if direction == "inbound" else from_)
        self.number_sid = ours.sid if ours else None
        self.status = "ringing" if direction == "inbound" else "queued"
        self.created = self.updated = now()
        self.start_time = self.created if direction == "inbound" else None
        self.end_time: dt.datetime | None = None
        self.answered_by: str | None = None
        self.price: str | None = None
        self.queued_ms = self.duration = 0
        self.answered = False
        self.sip_code: int | None = None
        self.said: list[tuple[str, str]] = []
        self.streams: list[MediaStream] = []
        self.replays: list[MediaStream] = []
        self.children: list[PeerCall] = []
        self.stream: MediaStream | None = None
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.mouth: sound.Mouth = peer.mouth(self.number)
        self.on_audio: Callable[[bytes], None] | None = None  # what the app sends, as it comes, before it waits to be heard
        self.heard: deque[bytes] = deque(maxlen=3000)
        self.heard_frames = self._decoded = self._gap = 0
        self._ear = b""
        self._decoder = sound.KeysHeard()
        self._history = [(asyncio.get_running_loop().time(), self.status)]
        self.app = AppSide(self, callback)
        self._lifted = asyncio.Event()
        self._over = asyncio.Event()
        self._limit: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    # --- the customer (tests/telephony/rig.py) ------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.status in FINAL

    @property
    def digits(self) -> str:
        """The keys heard from the app: by verbs, and as tones in the audio."""
        new = min(self.heard_frames - self._decoded, len(self.heard))
        for frame in list(self.heard)[len(self.heard) - new :]:
            self._decoder.hear(frame)
        self._decoded = self.heard_frames
        return self._decoder.digits

    def hears(self) -> str:
        """What is in the ear now: nothing, silence, agent, announcement (both as the rigs know them) or music (else)."""
        if not self._ear:
            return "nothing"
        return {"sound": "music"}.get(in_ear(self._ear), in_ear(self._ear))

    def answer(self) -> None:
        """Lift the receiver of a telephone that rings."""
        self._lifted.set()

    def hang_up(self) -> None:
        """Hang up, give up, or decline."""
        if self.status == "in-progress":
            self.end("completed")
        elif self.direction == "inbound":
            self.end(self.peer.abandoned_status)
        else:
            self.end("busy", 603)

    def press(self, digits: str) -> None:
        """Press keys."""
        for digit in digits:
            self.keys.put_nowait(digit)
            if self.stream is not None:
                self.peer.spawn(self.stream.press(digit))

    def hear(self, frame: bytes | None) -> None:
        """Have 20 ms in the ear; None: there was nothing to hear."""
        if frame is None:
            self._gap += 1
            if self._gap >= _GAP:
                self._ear = sound.SILENCE
            return
        self._gap = 0
        self._ear = frame
        self.heard.append(frame)
        self.heard_frames += 1

    def hear_keys(self, digits: str) -> None:
        """Have keys pressed to it by a verb."""
        self._decoder.digits = self.digits + digits

    async def over(self) -> None:
        """Wait for the end."""
        await self._over.wait()

    @property
    def shown_status(self) -> str:
        """What REST shows: `status`, or an older one by the fault."""
        until = asyncio.get_running_loop().time() - self.peer.faults.stale_rest
        return next((status for at, status in reversed(self._history) if at <= until), self._history[0][1])

    async def settled(self, seconds: float = 5.0) -> None:
        """Wait until a dialled number has done what it does, and the app has been told."""
        for _ in range(int(seconds / 0.005)):
            rings = self.status == "ringing" and self.peer.outcome(self.to) is Outcome.RINGS
            if not self.app.waiting and (self.ended or self.answered or rings):
                return
            await asyncio.sleep(0.005)

    # --- its life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Let it begin."""
        self._go(self._inbound() if self.direction == "inbound" else self._outbound())

    def redirect(self, text: str, url: str, method: str) -> None:
        """Leave what is obeyed now and go on with `text`, or with what `url` answers."""
        self._go(self._instructed(text, url, method, {}))

    def pick_up(self) -> None:
        """Answer it: from now on it costs."""
        if self.ended or self.answered:
            return
        self.answered = True
        self._change("in-progress")
        self._answered_at = asyncio.get_running_loop().time()
        self.limit(self.options.get("TimeLimit", 14_400))
        self.sip_code = 200
        self.hear(sound.SILENCE)
        self.app.tell("answered")

    def limit(self, seconds: float) -> None:
        """End it after so long."""
        if self._limit is not None:
            self._limit.cancel()
        self._limit = asyncio.get_running_loop().call_later(seconds * self.peer.pace, self.end, "completed")

    def end(self, status: str, sip_code: int | None = None) -> None:
        """End it for good."""
        if self.ended:
            return
        self.sip_code = sip_code or self.sip_code
        self.end_time = now()
        if self.answered:
            self.duration = max(1, math.ceil(asyncio.get_running_loop().time() - self._answered_at))
            self.price = f"-{math.ceil(self.duration / 60) * self.peer.price_per_minute:.5f}"
        self._change(status)
        if self._limit is not None:
            self._limit.cancel()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        for child in self.children:
            child.end("completed" if child.answered else "canceled")
        self.app.tell("completed")
        self._over.set()

    def _go(self, life: Any) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = self.peer.spawn(life)

    def _change(self, status: str) -> None:
        self.status = status
        self._history.append((asyncio.get_running_loop().time(), status))
        self.updated = now()

    async def _inbound(self) -> None:
        ours = self.peer.numbers[self.to]
        fallback = ours["VoiceFallbackUrl"], ours["VoiceFallbackMethod"]
        if not ours["VoiceUrl"]:
            self.end("busy")
            return
        await self._instructed("", ours["VoiceUrl"], ours["VoiceMethod"], {}, fallback)

    async def _outbound(self) -> None:
        began = asyncio.get_running_loop().time()
        await self.peer.rate.turn()
        self.queued_ms = round((asyncio.get_running_loop().time() - began) * 1000)
        self.start_time = now()
        self.app.tell("initiated")
        if not await self._far_end():
            return
        self.pick_up()
        self.hear_keys(self.options.get("SendDigits", "").replace("w", "").replace("W", ""))
        if self.direction == "outbound-dial":
            await self.over()
        extra = await self._detect()
        text, url, method = (self.options.get(each, other) for each, other in (("Twiml", ""), ("Url", ""), ("Method", "POST")))
        fallback = self.options.get("FallbackUrl", ""), self.options.get("FallbackMethod", "POST")
        await self._instructed(text, url, method, extra, fallback)

    async def _far_end(self) -> bool:
        """Do what the number does; returns whether somebody answered."""
        outcome = self.peer.outcome(self.to)
        await asyncio.sleep(self.peer.ringing_seconds)
        if outcome in _REFUSALS:
            self.end(*_REFUSALS[outcome])
            return False
        self._change("ringing")
        self.app.tell("ringing")
        if outcome is Outcome.ANSWERS:
            await asyncio.sleep(self.peer.ringing_seconds)
        elif outcome is Outcome.REJECTED:
            self.end("busy", 603)
        elif outcome is Outcome.NO_ANSWER:
            self.end("no-answer", 480)
        else:
            try:
                async with asyncio.timeout(self.options.get("Timeout", 60) * self.peer.pace):
                    await self._lifted.wait()
            except TimeoutError:
                self.end("no-answer", 487)
        return not self.ended

    async def _detect(self) -> dict[str, str]:
        """Look for an answering machine; returns what the request for instructions says of it."""
        if self.options.get("MachineDetection") not in ("Enable", "DetectMessageEnd"):
            return {}
        found = self.peer.detected.get(self.to, "human")
        if not self.options.get("AsyncAmd"):
            await asyncio.sleep(self.peer.detection_seconds)
            self.answered_by = found
            return {"AnsweredBy": found}
        self.peer.spawn(self._detect_meanwhile(found))
        return {}

    async def _detect_meanwhile(self, found: str) -> None:
        await asyncio.sleep(self.peer.detection_seconds)
        self.answered_by = found
        url, method = self.options.get("AsyncAmdStatusCallback"), self.options.get("AsyncAmdStatusCallbackMethod", "POST")
        if url:
            duration = str(round(self.peer.detection_seconds * 1000))
            params = {"AnsweredBy": found, "MachineDetectionDuration": duration}
            await self.app.post("amd", url, params | {"CallSid": self.sid, "AccountSid": self.account_sid}, method, bare=True)

    async def _instructed(
        self, text: str, url: str, method: str, extra: dict[str, str], fallback: tuple[str, str] = ("", "POST")
    ) -> None:
        try:
            try:
                document = self.app.parse(text, "text/xml") if text else await self.app.fetch(url, method, extra)
            except CallFailed:
                if not fallback[0]:
                    raise
                document = await self.app.fetch(*fallback, extra)
            await Runner(self).run(document)
        except CallFailed:
            self.end("completed" if self.answered else "failed")
