"""Garbage collection at moments of our choosing: a full collection in the middle of a talk is 15-33 ms of late audio.

Measured in telephony-findings.md: freeze what lives since the start, collect young generations on a schedule, never
leave it off. Full collections wait for a moment without calls, but not for ever. The web process (callcenter/main/web.py)
has it too, where a call that comes, or a dial, would wait for them.
"""

import asyncio
import gc
from collections.abc import Callable

from callcenter import clock

YOUNG_SECONDS = 1.0
MIDDLE_EVERY = 10  # young collections
FULL_QUIET_SECONDS = 30.0  # between full collections while it is quiet
FULL_BUSY_SECONDS = 300.0  # while it never is


async def collect(quiet: Callable[[], bool]) -> None:
    """Take garbage collection over until cancelled; `quiet` tells whether nobody would wait for a full collection."""
    gc.collect()
    gc.freeze()
    gc.disable()
    last_full, turn = clock.monotonic(), 0
    try:
        while True:
            await asyncio.sleep(YOUNG_SECONDS)
            turn += 1
            since = clock.monotonic() - last_full
            if since >= FULL_BUSY_SECONDS or (since >= FULL_QUIET_SECONDS and quiet()):
                gc.collect()
                last_full = clock.monotonic()
            else:
                gc.collect(1 if turn % MIDDLE_EVERY == 0 else 0)
    finally:
        gc.enable()
        gc.unfreeze()
