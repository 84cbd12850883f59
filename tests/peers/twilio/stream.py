"""A media stream (<Connect><Stream>): the socket to the app, 20 ms frames both ways in real time."""

import asyncio
import binascii
import contextlib
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from tests.peers.twilio.sound import FRAME, SILENCE

if TYPE_CHECKING:
    from tests.peers.twilio.call import PeerCall

HANDSHAKE_ERROR, CLOSE_ERROR, PROTOCOL_ERROR = 31920, 31921, 31951
_TICK = FRAME / 8000
_LATE = 0.02  # seconds behind its time from which a frame counts as late
_ASLEEP = 1.0  # seconds behind from which the clock starts anew
_PATIENCE = 10.0


class Playback:
    """What the app sent and the caller has not heard yet, with its marks."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._marks: deque[tuple[int, str]] = deque()  # after how many bytes, name
        self._received = self._played = 0

    def add(self, audio: bytes) -> None:
        """Take audio of any length."""
        self._buffer += audio
        self._received += len(audio)

    def mark(self, name: str) -> None:
        """Note a mark behind the audio so far."""
        self._marks.append((self._received, name))

    def clear(self) -> None:
        """Forget what is not heard yet; its marks are reached."""
        self._buffer.clear()
        self._played = self._received

    def next(self) -> bytes | None:
        """Return the next 20 ms, None when there is nothing."""
        if not self._buffer:
            return None
        frame = bytes(self._buffer[:FRAME])
        del self._buffer[:FRAME]
        self._played += len(frame)
        return frame + SILENCE[len(frame) :]

    def reached(self) -> list[str]:
        """Take the marks whose audio has been heard."""
        names = []
        while self._marks and self._marks[0][0] <= self._played:
            names.append(self._marks.popleft()[1])
        return names

    @property
    def milliseconds(self) -> int:
        """How much waits to be heard."""
        return len(self._buffer) // 8


class MediaStream:
    """One stream. `sent`, `late`, `received`, `underruns` count frames: sent to the app, sent over 20 ms late, heard
    from it, and the 20 ms in which there was nothing to hear after something had been.
    """

    def __init__(self, call: "PeerCall", url: str, parameters: dict[str, str], *, replay: "MediaStream | None" = None) -> None:
        self.call = call
        self.url = url
        self.parameters = parameters
        self.sid: str = replay.sid if replay else "MZ" + uuid.uuid4().hex
        self.playback = Playback()
        self.sent = self.late = self.received = self.underruns = 0
        self.opened = False
        self.close_code: int | None = None
        self.messages: list[str] = []  # what the app sent, but media: mark, clear
        self._sequence = 0
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._replay = replay is not None
        self._cut_after = None if self._replay else call.peer.faults.cut_stream_after

    async def run(self) -> None:
        """Connect, and stream until the app closes, the socket breaks, or this is cancelled (the call does something else)."""
        hooks = self.call.peer.webhooks
        headers = {"X-Twilio-Signature": hooks.signature(self.url, {}), "User-Agent": "Twilio.TmeWs/1.0"}
        try:
            async with asyncio.timeout(_PATIENCE):
                socket = await hooks.session.ws_connect(self.url, headers=headers, compress=0, max_msg_size=2**22)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._alert(HANDSHAKE_ERROR, f"Stream - WebSocket - Handshake Error: {error}")
            return
        self._socket = socket
        self.opened = True
        speaking: asyncio.Task[None] | None = None
        try:
            await self._begin()
            speaking = asyncio.create_task(self._speak())
            await self._listen(socket)
        finally:
            if speaking is not None:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)
            await self._finish(socket)

    async def press(self, digit: str) -> None:
        """Tell the app of a key."""
        await self._tell("dtmf", {"track": "inbound_track", "digit": digit})

    def cut(self) -> None:
        """Break the connection without a word."""
        if self._socket is not None:
            connection = self._socket._conn  # aiohttp offers no other way to break a socket
            if connection is not None and connection.transport is not None:
                connection.transport.abort()

    async def _begin(self) -> None:
        await self._send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        await self._tell(
            "start",
            {
                "accountSid": self.call.account_sid,
                "streamSid": self.sid,
                "callSid": self.call.sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": self.parameters,
            },
        )

    async def _finish(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        if not socket.closed:
            with contextlib.suppress(ConnectionError, aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._tell("stop", {"accountSid": self.call.account_sid, "callSid": self.call.sid})
                    await socket.close()
        self.close_code = socket.close_code
        self._socket = None

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                self._alert(PROTOCOL_ERROR, "Stream - Protocol - Invalid Message: not text")
                continue
            try:
                await self._take(orjson.loads(message.data))
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, binascii.Error) as error:
                self._alert(PROTOCOL_ERROR, f"Stream - Protocol - Invalid Message: {error!r}")
        self.close_code = socket.close_code
        if socket.close_code not in (1000, 1001):
            self._alert(CLOSE_ERROR, f"Stream - WebSocket - Close Error: {socket.close_code}")

    async def _take(self, message: dict[str, Any]) -> None:
        if message["streamSid"] != self.sid:
            self._alert(PROTOCOL_ERROR, f"Stream - Protocol - Invalid Message: streamSid {message['streamSid']}")
            return
        match message["event"]:
            case "media":
                audio = binascii.a2b_base64(message["media"]["payload"], strict_mode=True)
                self.playback.add(audio)
                if self.call.on_audio is not None:
                    self.call.on_audio(audio)
            case "mark":
                self.messages.append(f"mark {message['mark']['name']}")
                self.playback.mark(message["mark"]["name"])
                await self._tell_marks()
            case "clear":
                self.messages.append("clear")
                self.playback.clear()
                await self._tell_marks()
            case other:
                self._alert(PROTOCOL_ERROR, f"Stream - Protocol - Invalid Message: event {other}")

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        start = due = loop.time()
        while self._socket is not None and not self._socket.closed:
            due += _TICK
            wait = due - loop.time()
            if wait < -_ASLEEP:
                start, due = start - wait, loop.time()
            self.late += wait < -_LATE
            await asyncio.sleep(max(0.0, wait))
            await self._tick(round((due - start) * 1000))
            if self._cut_after is not None and self.sent >= self._cut_after:
                self.cut()
                return

    async def _tick(self, milliseconds: int) -> None:
        if not self._replay:
            frame = self.playback.next()
            if frame is not None:
                self.received += 1
            elif self.received:
                self.underruns += 1
            self.call.hear(frame)
            await self._tell_marks()
        said = SILENCE if self._replay else self.call.mouth()
        payload = binascii.b2a_base64(said, newline=False).decode()
        self.sent += 1
        self._sequence += 1
        await self._send(
            f'{{"event":"media","sequenceNumber":"{self._sequence}","media":{{"track":"inbound","chunk":"{self.sent}",'
            f'"timestamp":"{milliseconds}","payload":"{payload}"}},"streamSid":"{self.sid}"}}'
        )

    async def _tell_marks(self) -> None:
        for name in self.playback.reached():
            await self._tell("mark", {"name": name})

    async def _tell(self, event: str, what: dict[str, Any]) -> None:
        self._sequence += 1
        body = {"event": event, "sequenceNumber": str(self._sequence), event: what, "streamSid": self.sid}
        await self._send(orjson.dumps(body).decode())

    async def _send(self, text: str) -> None:
        """Send a message; to a socket that is gone nothing is sent, whoever listens to it learns of that."""
        if self._socket is not None and not self._socket.closed:
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                await self._socket.send_str(text)

    def _alert(self, code: int, sentence: str) -> None:
        if not self._replay:
            self.call.peer.alert(code, self.call.sid, sentence)
