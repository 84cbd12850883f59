"""RTP (RFC 3550): reading packets that may be hostile, writing one continuous stream, counting what was lost."""

import secrets
from struct import Struct
from typing import NamedTuple

_HEADER = Struct("!BBHII")
_FIXED = 12
_U16 = 0xFFFF
_U32 = 0xFFFFFFFF
_PLAIN = 0x80  # first octet: version 2, no padding, no extension, no contributing source

MAX_GAP = 8000  # samples the source's timestamp may run ahead and still be the same talk: 1 s
MAX_LATE = 800  # samples a packet may come after its turn: 100 ms
STALL_SECONDS = 2.0  # silence on the wire after which timestamps are set by the clock again


class Packet(NamedTuple):
    """An RTP packet as it came; `payload` without padding, extension and contributing sources."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse(data: bytes) -> Packet | None:
    """Return the packet in a datagram, or None when it is not RTP version 2 or lies about its own size."""
    size = len(data)
    if size < _FIXED:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first == _PLAIN:  # nearly every packet
        return Packet(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, data[_FIXED:])
    payload = _payload(data, first)
    if payload is None:
        return None
    return Packet(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, payload)


def _payload(data: bytes, first: int) -> bytes | None:
    """Cut the payload out of a packet with padding, extension or contributing sources (RFC 3550 section 5.1)."""
    if first >> 6 != 2:
        return None
    start = _FIXED + 4 * (first & 0x0F)
    end = len(data)
    if first & 0x10:
        if end < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    if first & 0x20:
        padding = data[-1]
        if padding == 0:
            return None
        end -= padding
    return data[start:end] if start <= end else None


def build(payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, marker: bool = False) -> bytes:
    """Return the octets of a packet without padding, extension or contributing sources."""
    return _HEADER.pack(_PLAIN, payload_type | (marker << 7), sequence, timestamp, ssrc) + payload


class Rewriter:
    """Gives whatever is sent through it the header of one continuous stream: one SSRC, steady sequence and timestamps.

    Gaps in the source's timestamps stay gaps (a lost packet leaves its sequence number free, and may take it when it
    comes late). Where another source takes over, timestamps go on by the clock and the marker is set.
    """

    def __init__(self, ssrc: int | None = None) -> None:
        self.ssrc = secrets.randbits(32) if ssrc is None else ssrc
        self.timestamp = secrets.randbits(32)  # of the next sample
        self._sequence = secrets.randbits(15)  # lower half: SRTP cannot follow a wrap in the first packets (RFC 3711 3.3.1)
        self._source: int | None = None  # the source's own timestamp of its next sample
        self._at: float | None = None  # when the last sample before `timestamp` was sent
        self._last = 0  # samples in the frame sent at _at
        self._free: dict[int, int] = {}  # sequence numbers left for late packets, each with its timestamp

    def header(self, payload_type: int, timestamp: int, samples: int, marker: bool, now: float) -> bytes:
        """Return the header for `samples` samples stamped `timestamp` by their source, sent at clock.monotonic() `now`."""
        if timestamp != self._source or self._at is None or now - self._at > STALL_SECONDS:
            late = self._late(timestamp, samples)
            if late is not None:
                return self._pack(payload_type, *late, marker=False)
            marker = self._move(timestamp, samples, marker, now)
        self._source = (timestamp + samples) & _U32
        self._at = now
        self._last = samples
        sequence, stamp = self._sequence, self.timestamp
        self._sequence = (sequence + 1) & _U16
        self.timestamp = (stamp + samples) & _U32
        return self._pack(payload_type, sequence, stamp, marker=marker)

    def event(self, payload_type: int, timestamp: int, marker: bool) -> bytes:
        """Return the header for a packet outside the audio's clock (RFC 4733: all packets of an event share a timestamp)."""
        sequence = self._sequence
        self._sequence = (sequence + 1) & _U16
        return self._pack(payload_type, sequence, timestamp, marker=marker)

    def interrupt(self) -> None:
        """Let the next frame be placed by the clock, marked as the start of a talk spurt."""
        self._source = None

    def at(self, now: float) -> int:
        """Return the stream's timestamp for clock.monotonic() `now`; never before what was sent."""
        if self._at is None:  # nothing was sent yet: the stream's clock starts here
            self._at = now
        return (self.timestamp + max(0, round((now - self._at) * 8000) - self._last)) & _U32

    def _pack(self, payload_type: int, sequence: int, timestamp: int, *, marker: bool) -> bytes:
        return _HEADER.pack(_PLAIN, payload_type | 0x80 if marker else payload_type, sequence, timestamp, self.ssrc)

    def _late(self, timestamp: int, samples: int) -> tuple[int, int] | None:
        """Return sequence and timestamp for a packet whose place was left free, None for any other."""
        if self._source is None or not self._free:
            return None
        behind = (self._source - timestamp) & _U32
        if not 0 < behind <= MAX_LATE or behind % samples:
            return None
        sequence = (self._sequence - behind // samples) & _U16
        stamp = (self.timestamp - behind) & _U32
        if self._free.get(sequence) != stamp:
            return None  # a number is never used twice: with SRTP that would give away both packets
        del self._free[sequence]
        return sequence, stamp

    def _move(self, timestamp: int, samples: int, marker: bool, now: float) -> bool:
        """Take up a source again after a gap, or another source; returns whether a talk spurt starts."""
        ahead = _U32 if self._source is None else (timestamp - self._source) & _U32
        if self._at is None:
            return True
        if ahead <= MAX_GAP and now - self._at <= STALL_SECONDS:
            lost, odd = divmod(ahead, samples)
            if not marker and not odd:
                self._leave_free(lost, samples)
            self.timestamp = (self.timestamp + ahead) & _U32
            return marker
        self._free.clear()
        self.timestamp = self.at(now)
        return True

    def _leave_free(self, lost: int, samples: int) -> None:
        """Leave the numbers of `lost` packets free, so that the far end sees the loss too."""
        self._free = {
            (self._sequence + each) & _U16: (self.timestamp + each * samples) & _U32
            for each in range(max(0, lost - MAX_LATE // samples), lost)
        }
        self._sequence = (self._sequence + lost) & _U16


class Receiver:
    """What became of one sender's packets (RFC 3550 appendices A.1, A.3 and A.8), across restarts of its SSRC."""

    MAX_DROPOUT = 3000  # packets a sequence may jump ahead before it counts as a restart (RFC 3550 A.1)
    WINDOW = 64  # packets back in which a duplicate is told from one that comes late

    def __init__(self) -> None:
        self.received = 0
        self.duplicates = 0
        self.reordered = 0
        self.restarts = 0
        self._ssrc: int | None = None
        self._highest = 0  # extended sequence number
        self._base = 0
        self._since_base = 0
        self._lost_before = 0
        self._seen = 0  # bit n: _highest - n came
        self._bad = -1  # sequence that would confirm a restart
        self._transit: float | None = None
        self._jitter = 0.0

    def take(self, packet: Packet) -> bool:
        """Count a packet; returns False for one that must not be used: a duplicate, or one far too late."""
        sequence = packet.sequence
        if packet.ssrc != self._ssrc:
            self._restart(packet)
            return True
        delta = (sequence - self._highest) & _U16
        if delta == 1:
            self._highest += 1
            self._seen = (self._seen << 1 | 1) & 0xFFFFFFFFFFFFFFFF
        elif not self._take_odd(packet, delta):
            return False
        self.received += 1
        self._since_base += 1
        return True

    def _take_odd(self, packet: Packet, delta: int) -> bool:
        if 0 < delta < self.MAX_DROPOUT:
            self._highest += delta
            self._seen = (self._seen << delta | 1) & 0xFFFFFFFFFFFFFFFF if delta < self.WINDOW else 1
            return True
        back = (-delta) & _U16
        if back < self.WINDOW:
            if self._seen >> back & 1:
                self.duplicates += 1
                return False
            self._seen |= 1 << back
            self._base = min(self._base, self._highest - back)
            self.reordered += 1
            return True
        if packet.sequence == self._bad:
            self._restart(packet)
            self.received -= 1  # take() counts it
            self._since_base -= 1
            return True
        self._bad = (packet.sequence + 1) & _U16
        return False

    def _restart(self, packet: Packet) -> None:
        if self._ssrc is not None:
            self.restarts += 1
            self._lost_before = self.lost
        self._ssrc = packet.ssrc
        self._highest = self._base = packet.sequence
        self._seen = 1
        self._bad = -1
        self._transit = None
        self.received += 1
        self._since_base = 1

    def arrived(self, timestamp: int, now: float) -> None:
        """Feed the jitter with an audio packet (not events, whose timestamps stand still) that came at `now`."""
        transit = now * 8000 - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < MAX_GAP:  # another talk, or a timestamp that wrapped, is no jitter
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    @property
    def ssrc(self) -> int | None:
        """The sender's present SSRC."""
        return self._ssrc

    @property
    def highest(self) -> int:
        """The extended highest sequence number received."""
        return self._highest

    @property
    def lost(self) -> int:
        """Packets that never came, so far; never below zero."""
        if self._ssrc is None:
            return 0
        return self._lost_before + max(0, self._highest - self._base + 1 - self._since_base)

    @property
    def jitter(self) -> float:
        """Interarrival jitter in samples (RFC 3550 A.8)."""
        return self._jitter

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter in milliseconds."""
        return self._jitter / 8
