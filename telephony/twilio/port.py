"""A call's audio over a Media Stream, as the bridges see it (telephony.legs.Port).

https://www.twilio.com/docs/voice/media-streams/websocket-messages: mu-law at 8 kHz as base64 in JSON, 20 ms a message.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Any, Protocol

import orjson

from callcenter import clock
from callcenter.phone import Quality
from telephony.legs import Frame, Law
from telephony.media import dtmf

_SAMPLES = 8  # in a millisecond
_MARK_EVERY = 50  # frames: a second
MOST_LAG = 300  # milliseconds of our audio waiting at Twilio, before it is thrown away there
_KEY_MS = 100  # Twilio tells keys without their length
_MASK = 0xFFFFFFFF


class Wire(Protocol):
    """The socket a stream came by."""

    def write(self, message: bytes) -> bool:
        """Send a text message; returns whether there was room for it."""

    def hang_up(self) -> None:
        """Close it in good order."""


class StreamPort:
    """One stream. `on_stopped`: Twilio says that it is over; `on_lost`: its socket is gone without a word."""

    law: Law = "pcmu"

    def __init__(self, wire: Wire, stream_sid: str) -> None:
        self.on_frame: Callable[[Frame], None] | None = None
        self.on_digit: Callable[[str, int], None] | None = None
        self.tap: Callable[[Frame], None] | None = None
        self.on_stopped: Callable[[], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        self.heard = clock.monotonic()
        self.cleared = 0  # times too much of our audio waited at Twilio
        self.dropped = 0  # frames there was no room for
        self._wire = wire
        self._sid = stream_sid
        self._head = b'{"event":"media","streamSid":' + orjson.dumps(stream_sid) + b',"media":{"payload":"'
        self._closed = False
        self._received = self._lost = self._sent = self._chunk = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._sent_ms = 0
        self._marks: dict[str, int] = {}  # by name, how much had been sent before it
        self._digits: dtmf.DigitSender | None = None

    # --- receiving ----------------------------------------------------------------------------------------------------

    def take(self, message: Any) -> None:
        """Take one of Twilio's messages; raises KeyError, TypeError or ValueError for what is none."""
        event = message["event"]
        if event == "media":
            self._take_audio(message["media"])
        elif event == "mark":
            self._played(message["mark"]["name"])
        elif event == "dtmf":
            digit = message["dtmf"]["digit"]
            if self.on_digit is not None and digit in dtmf.KEYS:
                self.on_digit(digit, _KEY_MS)
        elif event == "stop":
            self._tell(self.on_stopped)

    def _take_audio(self, media: Any) -> None:
        payload = a2b_base64(media["payload"])
        milliseconds, chunk, now = int(media["timestamp"]), int(media["chunk"]), clock.monotonic()
        self.heard = now
        self._received += 1
        if chunk > self._chunk + 1:
            self._lost += chunk - self._chunk - 1
        first, self._chunk = not self._chunk, max(chunk, self._chunk)
        transit = 1000 * now - milliseconds
        if self._transit is not None:  # RFC 3550 6.4.1
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit
        if payload and (self.on_frame is not None or self.tap is not None):
            frame = Frame(payload, milliseconds * _SAMPLES & _MASK, first)
            if self.tap is not None:
                self.tap(frame)
            if self.on_frame is not None:
                self.on_frame(frame)

    def _played(self, name: str) -> None:
        """A mark of ours has been played: what was sent after it waits. Throw that away when it is too much."""
        before = self._marks.pop(name, None)
        if before is None or self._sent_ms - before <= MOST_LAG:
            return
        self._marks.clear()  # Twilio gives the others back at once
        self.cleared += 1
        self._wire.write(orjson.dumps({"event": "clear", "streamSid": self._sid}))

    # --- sending ------------------------------------------------------------------------------------------------------

    def send(self, frame: Frame) -> None:
        """Send a frame now; Twilio plays what it is given, one after another."""
        if self._digits is None or not self._digits.busy:
            self._send(frame[0])

    def _send(self, payload: bytes) -> None:
        if self._closed or not payload:
            return
        if not self._wire.write(self._head + b2a_base64(payload, newline=False) + b'"}}'):
            self.dropped += 1
            return
        self._sent += 1
        self._sent_ms += len(payload) // _SAMPLES
        if self._sent % _MARK_EVERY == 0:
            self._marks[str(self._sent)] = self._sent_ms
            self._wire.write(orjson.dumps({"event": "mark", "streamSid": self._sid, "mark": {"name": str(self._sent)}}))

    def send_digits(self, digits: str) -> None:
        """Send keys as tones, in the place of audio: a stream has no other way."""
        if self._closed:
            return
        if self._digits is None:
            self._digits = dtmf.DigitSender(self._send_tone, lambda: None)
        self._digits.send(digits)

    def _send_tone(self, digit: str, packet: int) -> None:
        if packet < dtmf.TONE_PACKETS:
            self._send(dtmf.tone(digit, self.law)[packet])

    # --- the rest -----------------------------------------------------------------------------------------------------

    def quality(self) -> Quality:
        """Return counters so far; what is lost is what Twilio numbered and did not send."""
        return Quality(received=self._received, sent=self._sent, lost=self._lost, jitter_ms=round(self._jitter, 2), law=self.law)

    def gone(self) -> None:
        """The socket is gone."""
        self._tell(self.on_lost)

    def _tell(self, callback: Callable[[], None] | None) -> None:
        self.on_stopped = self.on_lost = None
        if callback is not None:
            callback()

    def close(self) -> None:
        """End the stream; Twilio goes on to hang up. Safe to repeat."""
        if self._closed:
            return
        self._closed = True
        self.on_frame = self.on_digit = self.tap = self.on_stopped = self.on_lost = None
        if self._digits is not None:
            self._digits.close()
            self._digits = None
        self._wire.hang_up()
