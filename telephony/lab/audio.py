"""RTP of demo customers: they say something, then echo what they hear half a second later (RFC 3550, RFC 4733)."""

import asyncio
import secrets
import struct
from collections import deque
from typing import Self, cast

import structlog

from telephony.lab import voice
from telephony.lab.sdp import EVENT, PAYLOAD_TYPES, Law, Media

log = structlog.get_logger(__name__)

KEYS = "0123456789*#ABCD"  # RFC 4733 3.2
_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_ECHO_FRAMES = 25  # half a second
_LISTENED_FRAMES = 50  # a second is kept for `heard`
_END_REPEATS = 3  # RFC 4733 2.5.1.4
_PRESS_FRAMES = 5  # a key is held for 100 ms
_LATE_FRAMES = 50  # further behind than this, the clock starts anew


class Audio(asyncio.DatagramProtocol):
    """One customer's audio socket. `received` and `sent` count packets, `digits` what the far end pressed."""

    def __init__(self, clock: "AudioClock") -> None:
        self.port = 0
        self.received = 0
        self.sent = 0
        self.foreign = 0
        self.digits = ""
        self.law: Law = "pcma"
        self._clock = clock
        self._transport: asyncio.DatagramTransport | None = None
        self._remote: tuple[str, int] | None = None
        self._event_type = EVENT
        self._talking = True
        self._saying: deque[bytes] = deque()
        self._repeating: tuple[bytes, ...] = ()
        self._echo: deque[bytes] = deque()
        self._echoing = False
        self._listened: deque[bytes] = deque(maxlen=_LISTENED_FRAMES)
        self._pressing: deque[tuple[bytes, bool] | None] = deque()
        self._event_at = 0
        self._sequence = secrets.randbelow(2**16)
        self._timestamp = secrets.randbelow(2**32)
        self._source = secrets.randbelow(2**32)
        self._last_event = -1

    @classmethod
    async def open(cls, host: str, clock: "AudioClock") -> Self:
        """Open a socket on any free port of `host`."""
        _, audio = await asyncio.get_running_loop().create_datagram_endpoint(lambda: cls(clock), local_addr=(host, 0))
        return audio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the socket (asyncio's call)."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def join(self, media: Media, laws: tuple[Law, ...]) -> Law | None:
        """Talk to the far end in its first law that is among `laws`; returns it, None when there is none in common."""
        common = [law for law in media.laws if law in laws]
        if not common:
            return None
        self.law = common[0]
        self._remote = (media.host, media.port)
        self._event_type = EVENT if media.event is None else media.event
        self._talking = media.direction in ("sendrecv", "recvonly") and media.port != 0
        self._clock.add(self)
        return self.law

    def say(self, samples: bytes, *, forever: bool = False) -> None:
        """Say 16-bit samples once, or over and over (`forever`); silence or the echo follows."""
        frames = voice.frames(samples, self.law)
        self._repeating = frames if forever else ()
        self._saying = deque(frames)

    def echo(self) -> None:
        """From the end of what is said now, send back what is heard, half a second late."""
        self._echoing = True

    def press(self, digits: str) -> None:
        """Press keys, one after another, 100 ms each with 100 ms between them."""
        for digit in digits:
            event = KEYS.index(digit)
            for held in range(1, _PRESS_FRAMES + _END_REPEATS):
                end = held >= _PRESS_FRAMES
                duration = min(held, _PRESS_FRAMES) * voice.FRAME
                self._pressing.append((_EVENT.pack(event, 0x8A if end else 0x0A, duration), held == 1))
            self._pressing.extend([None] * _PRESS_FRAMES)

    def heard(self) -> dict[str, float]:
        """Return the last second's loudness in dB of full scale and, for a clean tone, its frequency in Hz."""
        samples = b"".join(voice.linear(each, self.law) for each in self._listened)
        return {"level": voice.level(samples), "hertz": voice.pitch_of(samples)}

    def close(self) -> None:
        """Stop talking and free the socket. Safe to repeat."""
        self._clock.discard(self)
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        """Take a packet (asyncio's call)."""
        if len(data) <= _HEADER.size or data[0] >> 6 != 2 or self._remote is None:
            return
        if peer[0] != self._remote[0]:
            self.foreign += 1
            return
        kind = data[1] & 0x7F
        payload = data[_HEADER.size + 4 * (data[0] & 0x0F) :]
        if kind == PAYLOAD_TYPES[self.law]:
            self.received += 1
            self._listened.append(payload)
            if self._echoing:
                self._echo.append(payload)
        elif kind == self._event_type and len(payload) >= _EVENT.size:
            self._key(payload[0], int.from_bytes(data[4:8]))

    def tick(self) -> None:
        """Send this 20 ms; called by the clock."""
        self._timestamp = (self._timestamp + voice.FRAME) % 2**32
        if not self._talking:
            return
        if self._pressing:
            pressed = self._pressing.popleft()
            if pressed is not None:
                payload, first = pressed
                self._event_at = self._timestamp if first else self._event_at
                self._send(self._event_type, payload, self._event_at, marker=first)
                return
        self._send(PAYLOAD_TYPES[self.law], self._next_frame(), self._timestamp, marker=False)

    def _next_frame(self) -> bytes:
        if not self._saying and self._repeating:
            self._saying.extend(self._repeating)
        if self._saying:
            self._drop_old_echo()
            return self._saying.popleft()
        if self._echoing and len(self._echo) >= _ECHO_FRAMES:
            return self._echo.popleft()
        return voice.silence(self.law)

    def _drop_old_echo(self) -> None:
        while len(self._echo) >= _ECHO_FRAMES:
            self._echo.popleft()

    def _send(self, kind: int, payload: bytes, timestamp: int, *, marker: bool) -> None:
        if self._transport is None or self._remote is None:
            return
        self._sequence = (self._sequence + 1) % 2**16
        header = _HEADER.pack(0x80, kind | (0x80 if marker else 0), self._sequence, timestamp, self._source)
        self._transport.sendto(header + payload, self._remote)
        self.sent += 1

    def _key(self, event: int, timestamp: int) -> None:
        if event < len(KEYS) and timestamp != self._last_event:
            self._last_event = timestamp
            self.digits += KEYS[event]


class AudioClock:
    """The one 20 ms clock all customers talk by."""

    def __init__(self) -> None:
        self._members: set[Audio] = set()

    def add(self, audio: Audio) -> None:
        """Let a customer talk."""
        self._members.add(audio)

    def discard(self, audio: Audio) -> None:
        """Let it fall silent."""
        self._members.discard(audio)

    async def run(self) -> None:
        """Tick until cancelled; a machine that slept does not send the missed frames."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += 0.02
            behind = loop.time() - due
            if behind > _LATE_FRAMES * 0.02:
                log.warning("audio clock was late", seconds=round(behind, 2))
                due = loop.time()
            await asyncio.sleep(max(0.0, due - loop.time()))
            for audio in tuple(self._members):
                audio.tick()
