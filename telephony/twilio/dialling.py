"""Calls that wait for their turn: an account may dial so many a second, and is held back when Twilio says too many."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

_SLOWEST = 0.01  # calls a second, whatever the setting


class Clock(Protocol):
    """The part of an event loop that tells the time."""

    def time(self) -> float:
        """Return seconds."""

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call back then."""


class Waiting(Protocol):
    """What is dialled."""

    def dial(self) -> None:
        """It is its turn."""


class DialQueue:
    """Dials one after another, evenly. `changed` is told when the number of those who wait has changed."""

    def __init__(self, per_second: float, changed: Callable[[], None], clock: Clock) -> None:
        self._gap = 1 / max(per_second, _SLOWEST)
        self._changed, self._clock = changed, clock
        self._waiting: deque[Waiting] = deque()
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, one: Waiting) -> None:
        """Dial it when it is its turn, at once if nobody waits."""
        self._waiting.append(one)
        self._go_on()

    def put_back(self, one: Waiting, seconds: float) -> None:
        """Dial it first, but nothing for so long: Twilio takes no more at present."""
        self._waiting.appendleft(one)
        self._next = max(self._next, self._clock.time() + seconds)
        self._rest()
        self._go_on()

    def remove(self, one: Waiting) -> bool:
        """Dial it no more; returns whether it waited."""
        try:
            self._waiting.remove(one)
        except ValueError:
            return False
        self._changed()
        return True

    def _go_on(self, on_beat: bool = False) -> None:
        """Dial whose turn it is; `on_beat`: a timer that came a little late must not slow the beat."""
        if self._timer is not None:
            self._changed()
            return
        now = self._clock.time()
        while self._waiting and self._next <= now:
            self._next = (self._next if on_beat and now - self._next < self._gap else now) + self._gap
            self._waiting.popleft().dial()
        if self._waiting:
            self._timer = self._clock.call_at(self._next, self._turn)
        self._changed()

    def _turn(self) -> None:
        self._timer = None
        self._go_on(on_beat=True)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Dial nothing more."""
        self._rest()
        self._waiting.clear()
