"""RTCP (RFC 3550 section 6), as little as a browser needs for its statistics: a report with a name now and then."""

import struct
import time
from typing import NamedTuple

_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_SENDER_REPORT = 200


class Heard(NamedTuple):
    """The far side's last sender report: the middle 32 bits of its NTP time, and when it came."""

    stamp: int = 0
    at: float = 0.0


class Reception(NamedTuple):
    """What is reported of the stream received (RFC 3550 section 6.4.1)."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int


def is_rtcp(data: bytes) -> bool:
    """Tell RTCP from RTP on one port (RFC 5761 section 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def sender_stamp(data: bytes) -> int | None:
    """Return the middle 32 bits of the NTP time when `data` begins with a sender report."""
    if len(data) < 28 or data[1] != _SENDER_REPORT:
        return None
    return int.from_bytes(data[10:14])


def report(
    ssrc: int, name: str, timestamp: int, packets: int, octets: int, reception: Reception | None, heard: Heard, now: float
) -> bytes:
    """Return a sender report and the source's canonical name; `now` is clock.monotonic(), `timestamp` the RTP one of now."""
    ntp = int((time.time() + _NTP_EPOCH) * 2**32) & (2**64 - 1)
    blocks = b"" if reception is None else _block(reception, heard, now)
    head = struct.pack("!BBH", 0x80 | bool(blocks), _SENDER_REPORT, 6 + len(blocks) // 4)
    sender = struct.pack("!IQIII", ssrc, ntp, timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    item = struct.pack("!IBB", ssrc, 1, len(name)) + name.encode("ascii")
    item += bytes(4 - len(item) % 4)  # at least one zero octet ends the list
    return head + sender + blocks + struct.pack("!BBH", 0x81, 202, len(item) // 4) + item


def _block(reception: Reception, heard: Heard, now: float) -> bytes:
    delay = int((now - heard.at) * 65536) & 0xFFFFFFFF if heard.stamp else 0
    lost = min(reception.lost, 0x7FFFFF)
    return struct.pack(
        "!IIIIII",
        reception.ssrc,
        (reception.fraction_lost & 0xFF) << 24 | lost,
        reception.highest & 0xFFFFFFFF,
        reception.jitter & 0xFFFFFFFF,
        heard.stamp,
        delay,
    )
