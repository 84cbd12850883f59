"""A day of a campaign as numbers: how many agents, how customers answer, how long talks last."""

import math
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class Law:
    """A log-normal law of durations in seconds: arithmetic mean, deviation of the logarithm, and a least value."""

    mean: float
    sigma: float = 0.0
    least: float = 0.0

    def draw(self, random: Random) -> float:
        """Return one duration."""
        if self.sigma <= 0.0:
            return max(self.least, self.mean)
        return max(self.least, self.mean * math.exp(self.sigma * random.gauss(0.0, 1.0) - self.sigma * self.sigma / 2.0))


@dataclass(frozen=True)
class Course:
    """A value over the day: straight lines between points (at, value), times each step (from, to, factor), times slow noise."""

    points: tuple[tuple[float, float], ...]
    steps: tuple[tuple[float, float, float], ...] = ()
    deviation: float = 0.0  # of the logarithm
    tau: float = 900.0  # seconds over which the noise keeps its value
    least: float = 0.0
    most: float = 0.98

    def drawn(self, length: float, random: Random) -> list[float]:
        """Return the values at every tenth second of a day, its noise drawn."""
        keep = math.exp(-10.0 / self.tau)
        fresh = self.deviation * math.sqrt(1.0 - keep * keep)
        x = self.deviation * random.gauss(0.0, 1.0)
        values = []
        for i in range(int(length / 10.0) + 2):
            at = i * 10.0
            value = self.plain(at)
            for begin, end, factor in self.steps:
                if begin <= at < end:
                    value *= factor
            if self.deviation > 0.0:
                if i:
                    x = keep * x + fresh * random.gauss(0.0, 1.0)
                value *= math.exp(x - self.deviation * self.deviation / 2.0)
            values.append(min(self.most, max(self.least, value)))
        return values

    def plain(self, at: float) -> float:
        """Return the value on the straight lines."""
        before = self.points[0]
        for point in self.points:
            if point[0] >= at:
                if point[0] <= before[0]:
                    return point[1]
                return before[1] + (point[1] - before[1]) * (at - before[0]) / (point[0] - before[0])
            before = point
        return before[1]


def always(value: float) -> Course:
    """Return a course that stays at one value."""
    return Course(((0.0, value),), most=max(0.98, value))


@dataclass(frozen=True)
class Day:
    """Everything a world needs. Times in seconds, shares from 0 to 1."""

    agents: int
    length: float = 28_800.0
    talk: Law = Law(180.0, 0.9, 3.0)
    wrap: Law = Law(15.0, 0.6, 2.0)
    answer: Course = field(default_factory=lambda: always(0.3))  # chance that a line is answered
    machines: Course = field(default_factory=lambda: always(0.2))  # share of the answers that are machines
    talk_scale: Course | None = None  # multiplies talks begun at that time
    busy: float = 0.05  # of those not answered
    failed: float = 0.03
    ring: Law = Law(12.0, 0.45)  # until answered, after the set-up
    setup: float = 1.5
    ring_timeout: float = 25.0
    patience: float = 2.0
    detection: bool = True
    person_known: float = 1.0  # seconds of machine detection
    machine_known: float = 3.5
    machine_held: float = 8.0  # of an agent, without detection
    cap: float = 0.03
    channels: int | None = None
    refusing: tuple[tuple[float, float, float], ...] = ()  # from, to, share of lines the trunk refuses
    sign_in_spread: float = 120.0
    breaks_every: float = 7200.0  # mean; 0: none
    break_length: float = 420.0
    lunches: tuple[tuple[float, float, float], ...] = ()  # from, spread, length: once for every agent
    leaving: tuple[tuple[float, float, float], ...] = ()  # share of agents from, to; when they sign out
    tick: float = 1.0


@dataclass
class Result:
    """What came of a day: counts, and seconds of agents (signed in and not on a break)."""

    dialed: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0
    machines: int = 0
    no_answers: int = 0
    busies: int = 0
    failures: int = 0
    talk_s: float = 0.0
    wrap_s: float = 0.0
    idle_s: float = 0.0
    machine_s: float = 0.0

    @property
    def occupancy(self) -> float:
        """The share of their time agents talked."""
        whole = self.talk_s + self.wrap_s + self.idle_s + self.machine_s
        return self.talk_s / whole if whole else 0.0
