"""How many requests of addresses no trunk allows are answered: so many a second from one address, so many from all.

The rest is counted and dropped without an answer, so that a flood costs neither transactions nor bandwidth, and nobody
behind a forged address is flooded with our refusals. Lives in the SIP thread, but for `taken`.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Rate(NamedTuple):
    """So many at once, and so many more each second."""

    burst: int
    per_second: float


PER_SOURCE = Rate(5, 5)
TOGETHER = Rate(20, 20)
MOST_SOURCES = 1000  # with an account of their own; beyond, one that is full again makes room


@dataclass(slots=True)
class Bucket:
    """Tokens of one source, `left` at the moment `at` (seconds of the monotonic clock)."""

    rate: Rate
    left: float
    at: float

    def fill(self, now: float) -> float:
        """Add what has come since, and return what is there."""
        self.left = min(self.rate.burst, self.left + max(0.0, now - self.at) * self.rate.per_second)
        self.at = max(self.at, now)
        return self.left


class Strangers:
    """Decides which requests of strangers are answered. `dropped` is the total that was not."""

    def __init__(self, per_source: Rate = PER_SOURCE, together: Rate = TOGETHER, most_sources: int = MOST_SOURCES) -> None:
        self.dropped = 0
        self._reported = 0
        self._per_source = per_source
        self._most_sources = most_sources
        self._all = Bucket(together, together.burst, 0.0)
        self._sources: dict[str, Bucket] = {}

    def answers(self, source: str, now: float) -> bool:
        """Take a token of this source's and of everybody's; False, and counted, when one of them is out."""
        bucket = self._bucket(source, now)
        if bucket is None or bucket.fill(now) < 1 or self._all.fill(now) < 1:
            self.dropped += 1
            return False
        bucket.left -= 1
        self._all.left -= 1
        return True

    def _bucket(self, source: str, now: float) -> Bucket | None:
        bucket = self._sources.get(source)
        if bucket is None:
            if len(self._sources) >= self._most_sources and not self._make_room(now):
                return None
            bucket = self._sources[source] = Bucket(self._per_source, self._per_source.burst, now)
        return bucket

    def _make_room(self, now: float) -> bool:
        """Forget the oldest sources while they are full again: they would begin full anyway."""
        before = len(self._sources)
        for source in list(self._sources):
            if self._sources[source].fill(now) < self._per_source.burst:
                break
            del self._sources[source]
        return len(self._sources) < before

    def taken(self) -> int:
        """Return how many were dropped since this was last asked."""
        total = self.dropped
        count, self._reported = total - self._reported, total
        return count
