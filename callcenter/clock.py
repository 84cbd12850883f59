"""The one source of time and of ids, so that tests can move it."""

import datetime as dt
import os
import time

UTC = dt.UTC
_offset = dt.timedelta(0)
_stopped: dt.datetime | None = None


def now() -> dt.datetime:
    """Return the current time, aware, in UTC."""
    global _stopped  # noqa: PLW0603 - a stopped clock goes on by a millisecond each time it is read, so that order shows
    if _stopped is not None:
        _stopped += dt.timedelta(milliseconds=1)
        return _stopped + _offset
    return dt.datetime.now(UTC) + _offset


def monotonic() -> float:
    """Return seconds that never jump; on one machine all processes share their origin, so differences are latencies."""
    return time.monotonic()


def shift(seconds: float) -> None:
    """Move `now()` by `seconds` from real time (tests only); 0 puts it back."""
    global _offset  # noqa: PLW0603 - the one switch tests turn
    _offset = dt.timedelta(seconds=seconds)


def stop(stopped: bool) -> None:
    """Let `now()` stand still but for `shift`, however slow the machine (tests only); False lets it run again."""
    global _stopped  # noqa: PLW0603 - the other switch tests turn
    _stopped = dt.datetime.now(UTC) if stopped else None


def new_id() -> str:
    """Return 32 hex digits that sort by time of creation (the layout of UUID version 7, RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & (2**48 - 1)) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{value:032x}"
