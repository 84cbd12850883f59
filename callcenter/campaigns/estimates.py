"""What a campaign has taught so far: levels that jump, how long talks last, how calls are answered."""

import math
from bisect import bisect_right
from itertools import pairwise

HALF_LIVES = (40.0, 160.0, 900.0)  # seconds: after a jump, in a drift, on a plain day
SHRINK = 4.0  # expected events by which each memory leans on the next longer one
PRIOR = 4.0  # expected events by which the longest leans on 1
JUDGED = 90.0  # seconds over which the memories are judged against each other


class Level:
    """A level near 1 seen through counts: Poisson(level x expected), which may jump.

    Three memories of different length run side by side; each is trusted by how well it foretold the last minutes (discounted
    predictive likelihood), so that a quiet day is averaged long and a jump is followed within some ten events.
    """

    def __init__(self) -> None:
        self.seen = [0.0, 0.0, 0.0]
        self.expected = [0.0, 0.0, 0.0]
        self.means = [1.0, 1.0, 1.0]
        self.merit = [0.0, 0.3, 0.6]
        self.mean = 1.0
        self.variance = 1.0 / PRIOR

    def add(self, seen: float, expected: float, seconds: float) -> None:
        """Count `seen` events where level 1 would bring `expected`, over so many seconds."""
        forget = 0.5 ** (seconds / JUDGED)
        best = -math.inf
        for i, half in enumerate(HALF_LIVES):
            merit = self.merit[i] * forget - self.means[i] * expected
            if seen:
                merit += seen * math.log(self.means[i])
            self.merit[i] = merit
            best = max(best, merit)
            keep = 0.5 ** (seconds / half)
            self.seen[i] = self.seen[i] * keep + seen
            self.expected[i] = self.expected[i] * keep + expected
        longer, lean = 1.0, PRIOR
        mean = square = total = spread = 0.0
        for i in (2, 1, 0):
            weight = self.expected[i] + lean
            longer = min(20.0, max(0.05, (self.seen[i] + lean * longer) / weight))
            self.means[i] = longer
            lean = SHRINK
            trust = math.exp(self.merit[i] - best)
            total += trust
            mean += trust * longer
            square += trust * longer * longer
            spread += trust * longer / weight
        self.mean = mean / total
        self.variance = max(0.0, square / total - self.mean * self.mean) + spread / total


EDGES = (
    *(0, 2, 4, 6, 8, 10, 12, 14, 17, 20, 24, 28, 33, 39, 46, 54, 64, 76, 90, 107, 127, 150, 180),
    *(215, 255, 305, 365, 440, 530, 640, 770, 930, 1120, 1350, 1800),
)
MIDDLES = (*((a + b) / 2 for a, b in pairwise(EDGES)), 2000.0)
BIN = tuple(bisect_right(EDGES, second) - 1 for second in range(EDGES[-1]))
LAST = len(EDGES) - 1
BIN_STRENGTH = 2.0  # ends by which each bin leans on the mean of all
REMEMBERED = 5400.0  # seconds in which old talks count half


def bin_of(elapsed: float) -> int:
    """Return the bin of an elapsed time in seconds."""
    second = int(elapsed)
    return BIN[second] if second < EDGES[-1] else LAST


class Lasting:
    """How long a state lasts: ends per second by elapsed time, from what ended and what is still running (censored)."""

    def __init__(self, prior_mean: float) -> None:
        self.prior_mean = prior_mean
        self.ends = [0.0] * (LAST + 1)
        self.exposed = [0.0] * (LAST + 1)
        self.hazards = [1.0 / prior_mean] * (LAST + 1)
        self.level = Level()
        self.counts: dict[int, int] = {}

    def add(self, ended: list[float], running: tuple[float, ...], seconds: float) -> None:
        """Fold one tick in: durations that ended, elapsed times still running, and the tick's length."""
        counts: dict[int, int] = {}
        for elapsed in running:
            second = int(elapsed)
            b = BIN[second] if second < 1800 else LAST
            counts[b] = counts.get(b, 0) + 1
        expected = 0.0
        hazards, exposed = self.hazards, self.exposed
        for b, n in counts.items():
            exposed[b] += n * seconds
            expected += n * hazards[b]
        for duration in ended:
            self.ends[bin_of(duration)] += 1.0
        self.counts = counts
        if counts or ended:
            self.level.add(len(ended), expected * seconds, seconds)

    def refresh(self, seconds: float) -> None:
        """Work the hazards out again, after so many seconds."""
        keep = 0.5 ** (seconds / REMEMBERED)
        ends, exposed = self.ends, self.exposed
        mean = (sum(ends) + 2.0) / (sum(exposed) + 2.0 * self.prior_mean)
        for b in range(LAST + 1):
            self.hazards[b] = (ends[b] + BIN_STRENGTH) / (exposed[b] + BIN_STRENGTH / mean)
            ends[b] *= keep
            exposed[b] *= keep

    def survival(self, elapsed: float, step: float, steps: int) -> list[float]:
        """Return the chance of lasting `i * step` seconds more, for i = 0..steps, after `elapsed` seconds."""
        level = min(2.5, max(0.4, self.level.mean))
        left, curve = 1.0, [1.0]
        for i in range(steps):
            left *= math.exp(-level * step * self.hazards[bin_of(elapsed + (i + 0.5) * step)])
            curve.append(left)
        return curve


ANSWERED = 0.3  # the chance of an answer before anything was seen
MEDIAN, SPREAD, STRENGTH = 11.0, 0.5, 15.0  # ring time before anything was seen: log-normal, worth so many answers


class Calls:
    """How lines end: the chance of an answer, the law of ring times, of quick failures, and who answers."""

    def __init__(self, ring_timeout: float) -> None:
        self.seconds = int(ring_timeout) + 2
        shape = [math.exp(-0.5 * ((math.log(s + 0.5) - math.log(MEDIAN)) / SPREAD) ** 2) for s in range(self.seconds)]
        self.rings = [STRENGTH * each / sum(shape) for each in shape]
        self.quick = [0.0] * self.seconds
        self.quick[2] = 0.6
        self.ended = 10.0
        self.level = Level()
        self.people, self.answers = 0.75 * 10, 10.0
        self.detections = [0.0] * 40  # people, by quarter seconds of detection
        self.detected = [0.0] * 40  # machines
        self.within: list[float] = []
        self.failed_within: list[float] = []
        self.refresh()

    def refresh(self) -> None:
        """Work the laws out again: `within[s]`, the share of answers that come within s seconds of ringing."""
        total, run = sum(self.rings), 0.0
        self.within = [0.0]
        for each in self.rings:
            run += each
            self.within.append(run / total)
        run = 0.0
        self.failed_within = [0.0]
        for each in self.quick:
            run += each
            self.failed_within.append(min(0.9, run / self.ended))

    @property
    def answered(self) -> float:
        """The chance that a line is answered at all."""
        return min(0.95, ANSWERED * self.level.mean)

    @property
    def person(self) -> float:
        """The chance that it was a person who answered."""
        return self.people / self.answers

    def chance(self, age: int) -> float:
        """Return the chance of an answer per unit of the ring law that is left, for a line that has rung so many seconds."""
        p = self.answered
        return p / max(0.04, 1.0 - p * self.within[age] - (1.0 - p) * self.failed_within[age])

    def expected(self, ages: dict[int, int], seconds: float) -> float:
        """Return how many answers level 1 brings in the coming tick, from lines by age."""
        return (
            sum(n * self.chance(g) * (self.within[g + 1] - self.within[g]) for g, n in ages.items()) * seconds / self.level.mean
        )

    def answer(self, ring: float) -> None:
        """Count a line that was answered."""
        self.rings = [each * 0.9995 for each in self.rings]
        self.rings[min(self.seconds - 1, int(ring))] += 1.0
        self.end()

    def end(self, quick: float | None = None) -> None:
        """Count a line that ended; `quick`: after so many seconds by being busy or failing."""
        self.ended = self.ended * 0.995 + 1.0
        self.quick = [each * 0.995 for each in self.quick]
        if quick is not None:
            self.quick[min(self.seconds - 1, int(quick))] += 1.0

    def who(self, person: bool, detection: float | None = None) -> None:
        """Count who answered, and after which time of detection."""
        keep = 0.5 ** (1 / 150)
        self.answers = self.answers * keep + 1.0
        self.people = self.people * keep + person
        if detection is not None:
            seen = self.detections if person else self.detected
            seen[min(39, int(detection * 4))] += 1.0

    def person_after(self, screening: float) -> float:
        """Return the chance that a line answered so many seconds ago, still undecided, is a person."""
        q = min(39, int(screening * 4 + 0.5))
        people = (sum(self.detections[q:]) + 0.3) / (sum(self.detections) + 0.3)
        machines = (sum(self.detected[q:]) + 0.3) / (sum(self.detected) + 0.3)
        p = self.person
        return p * people / (p * people + (1.0 - p) * machines)

    def detection(self) -> float:
        """Return how long a person waits for being recognised, in seconds."""
        total = sum(self.detections)
        return (sum((q + 0.5) * n for q, n in enumerate(self.detections)) / 4 + 1.0) / (total + 1.0)
