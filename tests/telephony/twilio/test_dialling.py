"""The queue of calls to be dialled, on a clock that is moved by hand."""

import asyncio
import heapq
import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from telephony.twilio.dialling import DialQueue


class MovedClock:
    """Time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._loop = asyncio.new_event_loop()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, (), self._loop)
        heapq.heappush(self._timers, (when, len(self._timers) + id(handle), handle))
        return handle

    def move(self, seconds: float, late: float = 0.0) -> None:
        """Let time pass; what is due is called `late` by so much."""
        until = self.now + seconds
        while self._timers and self._timers[0][0] + late <= until:
            when, _, handle = heapq.heappop(self._timers)
            self.now = max(self.now, when + late)
            if not handle.cancelled():
                handle._run()
        self.now = until

    def close(self) -> None:
        self._loop.close()


class Call:
    def __init__(self, clock: MovedClock, dialled: list[float]) -> None:
        self._clock, self._dialled = clock, dialled

    def dial(self) -> None:
        self._dialled.append(self._clock.now)


@given(
    st.sampled_from([0.5, 1.0, 10.0, 50.0]),
    st.lists(st.floats(0, 3), min_size=1, max_size=60),
    st.sampled_from([0.0, 0.001, 0.01]),
)
def test_no_more_than_so_many_are_dialled_a_second_and_none_is_forgotten(rate: float, pauses: list[float], late: float) -> None:
    clock, dialled = MovedClock(), list[float]()
    queue = DialQueue(rate, lambda: None, clock)
    for pause in pauses:
        clock.move(pause, late)
        queue.put(Call(clock, dialled))
    clock.move(len(pauses) / rate + 5, late)
    assert len(dialled) == len(pauses)
    assert len(queue) == 0
    for first, later in itertools.pairwise(dialled):
        assert later - first >= 1 / rate - late - 1e-6
    span = dialled[-1] - dialled[0]
    assert len(dialled) <= rate * (span + late) + 1 + 1e-3
    clock.close()


def test_the_beat_is_kept_while_calls_wait() -> None:
    clock, dialled = MovedClock(), list[float]()
    queue = DialQueue(50, lambda: None, clock)
    for _ in range(101):
        queue.put(Call(clock, dialled))
    clock.move(10, late=0.003)
    assert abs(dialled[-1] - dialled[0] - 2.0) < 0.01
    clock.close()


def test_one_put_back_is_the_first_and_holds_all_others_up() -> None:
    clock, dialled = MovedClock(), list[float]()
    changed: list[int] = []
    queue = DialQueue(10, lambda: changed.append(len(queue)), clock)
    other = list[float]()
    back = Call(clock, dialled)
    queue.put(back)
    queue.put(Call(clock, other))
    queue.put_back(back, 2.0)
    assert len(queue) == 2
    clock.move(1.9)
    assert (len(dialled), other) == (1, [])
    clock.move(0.2)
    assert dialled == [1000.0, 1002.0]
    assert len(other) == 1
    assert other[0] >= 1002.1 - 1e-9
    assert changed[-1] == 0
    clock.close()


def test_one_removed_is_never_dialled() -> None:
    clock, dialled = MovedClock(), list[float]()
    queue = DialQueue(1, lambda: None, clock)
    first, second, third = (Call(clock, dialled) for _ in range(3))
    for each in (first, second, third):
        queue.put(each)
    assert queue.remove(second)
    assert not queue.remove(second)
    assert not queue.remove(first)
    clock.move(10)
    assert dialled == [1000.0, 1001.0]
    queue.put(third)
    queue.put(second)
    queue.close()
    clock.move(10)
    assert len(dialled) == 3
    clock.close()
