"""The switch's 20 ms beat: one timer drives all that is played or mixed."""

import asyncio
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

SECONDS = 0.02


class Ticker:
    """Calls everybody added every 20 ms with the number of the tick, counted from the start by the clock.

    It does not drift, and when the loop was held up, the ticks that were missed are left out, not made up for in a burst:
    the number jumps, and players jump with it.
    """

    def __init__(self) -> None:
        self._callbacks: dict[Callable[[int], None], None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._start = 0.0
        self.tick = 0
        self.missed = 0

    def start(self) -> None:
        """Begin on the running loop. Safe to repeat."""
        if self._timer is None:
            self._loop = asyncio.get_running_loop()
            self._start = self._loop.time() - self.tick * SECONDS
            self._timer = self._loop.call_at(self._start + (self.tick + 1) * SECONDS, self._beat, self._loop)

    def stop(self) -> None:
        """Stop; who was added stays. Safe to repeat."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def add(self, callback: Callable[[int], None]) -> None:
        """Call `callback(tick)` from the next tick on; once, however often it is added."""
        self._callbacks[callback] = None

    def remove(self, callback: Callable[[int], None]) -> None:
        """Call it no more; it need not be there."""
        self._callbacks.pop(callback, None)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        due = max(self.tick + 1, int((loop.time() - self._start) / SECONDS))
        self.missed += due - self.tick - 1
        self.tick = due
        self._timer = loop.call_at(self._start + (due + 1) * SECONDS, self._beat, loop)
        for callback in list(self._callbacks):
            try:
                callback(due)
            except Exception:  # one call's fault must not silence the others
                log.exception("tick failed", callback=repr(callback))
