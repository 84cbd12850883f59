"""Telephone keys as RFC 4733 events: told from the packets that come, and packed into those that go."""

import asyncio
import math
import struct
from collections import deque
from collections.abc import Callable
from functools import cache

from callcenter import clock
from telephony.legs import Law
from telephony.media import g711

KEYS = "0123456789*#ABCD"  # the event code is the place in it (RFC 4733 section 3.2)

TONE_PACKETS = 5  # of 20 ms: 100 ms of tone
END_PACKETS = 3  # the end is sent three times (RFC 4733 section 2.5.1.4)
GAP_PACKETS = 3  # 60 ms of pause before the next key
_LOST_END_SECONDS = 0.25  # an event not heard of for so long is over, its end packets were lost
_LONGEST = 0xFFFF  # samples; a longer press goes on as another segment (RFC 4733 section 2.5.1.3)
_VOLUME = 10  # -10 dBm0
_ROWS = (697, 770, 852, 941)  # Hz, ITU-T Q.23
_COLUMNS = (1209, 1336, 1477, 1633)
_PAD = "123A456B789C*0#D"


class DigitReceiver:
    """Turns event packets into one call of `on_digit(digit, milliseconds)` for each key pressed, however short."""

    def __init__(self, on_digit: Callable[[str, int], None]) -> None:
        self._on_digit = on_digit
        self._told: deque[int] = deque(maxlen=8)  # timestamps of events already told
        self._event: int | None = None
        self._timestamp = 0  # of the current segment
        self._duration = 0  # of the current segment
        self._before = 0  # of the segments before it
        self._updated = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, payload: bytes, timestamp: int, now: float) -> None:
        """Take an event packet's payload and RTP timestamp, received at `now`; what is not a key is ignored."""
        if len(payload) < 4:
            return
        event, flags, duration = struct.unpack_from("!BBH", payload)
        if event >= len(KEYS) or timestamp in self._told:
            return
        if self._event is not None and timestamp != self._timestamp:
            if (timestamp - self._timestamp) & 0x80000000:
                return  # from before the present event
            self._turn(event, timestamp)
        if self._event is None:
            self._event, self._timestamp, self._duration, self._before = event, timestamp, 0, 0
            self._timer = asyncio.get_running_loop().call_later(_LOST_END_SECONDS, self._check)
        self._duration = max(self._duration, duration)
        self._updated = now
        if flags & 0x80:
            self.finish()

    def _turn(self, event: int, timestamp: int) -> None:
        """Go on with another segment of the same long press, or end the press whose end packets were lost."""
        if event == self._event and timestamp == (self._timestamp + _LONGEST) & 0xFFFFFFFF:
            self._told.append(self._timestamp)
            self._before += self._duration
            self._timestamp, self._duration = timestamp, 0
        else:
            self.finish()

    def finish(self) -> None:
        """Tell the event in progress, if there is one: its end came, or will not come any more."""
        self._stop_timer()
        if self._event is None:
            return
        digit, milliseconds = KEYS[self._event], (self._before + self._duration) // 8
        self._told.append(self._timestamp)
        self._event = None
        self._on_digit(digit, milliseconds)

    def close(self) -> None:
        """Forget the event in progress."""
        self._stop_timer()
        self._event = None

    def _check(self) -> None:
        rest = self._updated + _LOST_END_SECONDS - clock.monotonic()
        if rest <= 0:
            self.finish()
        else:
            self._timer = asyncio.get_running_loop().call_later(rest, self._check)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def event(digit: str, packet: int) -> bytes:
    """Return the payload of an event's packet number `packet`, of TONE_PACKETS + END_PACKETS - 1."""
    samples = min(packet + 1, TONE_PACKETS) * g711.FRAME
    ended = packet + 1 >= TONE_PACKETS
    return struct.pack("!BBH", KEYS.index(digit), ended << 7 | _VOLUME, samples)


@cache
def tone(digit: str, law: Law) -> tuple[bytes, ...]:
    """Return 100 ms of the key's two frequencies (ITU-T Q.23) as frames of 20 ms."""
    row, column = divmod(_PAD.index(digit), 4)
    low, high = (2 * math.pi * hertz / g711.RATE for hertz in (_ROWS[row], _COLUMNS[column]))
    count = TONE_PACKETS * g711.FRAME
    samples = (round(6000 * math.sin(low * n) + 7500 * math.sin(high * n)) for n in range(count))
    octets = g711.from_linear(struct.pack(f"={count}h", *samples), law)
    return tuple(octets[start : start + g711.FRAME] for start in range(0, count, g711.FRAME))


class DigitSender:
    """Paces keys on the loop, one after another: each is `on_packet(digit, 0..)` every 20 ms, then `on_end()`, then a pause."""

    def __init__(self, on_packet: Callable[[str, int], None], on_end: Callable[[], None]) -> None:
        self._on_packet = on_packet
        self._on_end = on_end
        self._waiting: deque[str] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._packet = 0
        self._next = 0.0
        self.busy = False  # a key is on the wire: no audio is

    def send(self, digits: str) -> None:
        """Queue keys; what is no key is left out."""
        self._waiting.extend(digit for digit in digits.upper() if digit in KEYS)
        if self._timer is None and self._waiting:
            self._packet = 0
            self._next = asyncio.get_running_loop().time()
            self._step()

    def close(self) -> None:
        """Stop where it is."""
        self._waiting.clear()
        self.busy = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _step(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        packet, self._packet = self._packet, self._packet + 1
        last = TONE_PACKETS + END_PACKETS - 1
        if packet < last:
            self.busy = True
            self._on_packet(self._waiting[0], packet)
        elif packet == last:
            self.busy = False
            self._on_end()
        elif packet >= last + GAP_PACKETS:
            self._waiting.popleft()
            self._packet = 0
        self._next += 0.02
        self._timer = asyncio.get_running_loop().call_at(self._next, self._step)
