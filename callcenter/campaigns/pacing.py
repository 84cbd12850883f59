"""How many lines to start now (M7, B5): pure and deterministic, the same for the live dialer, `callcenter pacer` and rehearsals.

`Pacer.tick(observed)` folds what was seen into its estimates and returns a `Decision`; `choose(inputs)` is the last step
alone, so that a recorded decision is worked out again from its own inputs: `choose(decision.inputs)` is its lines and why.
"""

import math
from itertools import pairwise
from typing import Any

from callcenter.campaigns import cap as budget
from callcenter.campaigns.choosing import choose
from callcenter.campaigns.estimates import MIDDLES, Calls, Lasting
from callcenter.campaigns.observed import Decision, Kind, Observed, Settings
from callcenter.campaigns.trouble import Trouble

HORIZONS = 8
REFRESH_S = 20.0
TALK, WRAP, MACHINE = 120.0, 15.0, 10.0  # means before anything was seen
STEP = 2.0


class Pacer:
    """The pacing of one campaign over one period. All its memory is a fold over the observations it was given."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.calls = Calls(settings.ring_timeout_s)
        self.talk, self.wrap, self.machine = Lasting(TALK), Lasting(WRAP), Lasting(MACHINE)
        self.price = budget.Price()
        self.trouble = Trouble()
        self.horizons = [settings.ring_timeout_s * (k + 1) / HORIZONS for k in range(HORIZONS)]
        self.pauses, self.wraps = 1.0, 30.0
        self.vanished, self.present = 1.0, 7200.0
        self.last: float | None = None
        self.refreshed = -math.inf
        self.expected = 0.0
        self.ages: dict[int, int] = {}
        self.wrap_curve: list[float] = []
        self.answer_table: list[list[float]] = []
        self.weights: list[float] = []
        self.free_tables: tuple[dict[int, list[float]], ...] = ({}, {}, {})

    def tick(self, seen: Observed) -> Decision:
        """Fold one observation in and say how many lines to start now."""
        self._fold(seen)
        inputs = self._inputs(seen)
        lines, why = choose(inputs)
        return Decision(lines, why, inputs)

    # ---- folding

    def _fold(self, seen: Observed) -> None:
        seconds = self.settings.tick_s if self.last is None else min(60.0, max(0.0, seen.now - self.last))
        self.last = seen.now
        ended: dict[Kind, list[float]] = {Kind.TALK_END: [], Kind.WRAP_END: [], Kind.MACHINE: []}
        tally = dict.fromkeys(Kind, 0)
        for event in seen.events:
            tally[event.kind] += 1
            if event.kind in ended:
                ended[event.kind].append(event.seconds)
            self._call(event.kind, event.seconds)
        self.calls.level.add(tally[Kind.ANSWERED], self.expected * seconds, seconds)
        self.talk.add(ended[Kind.TALK_END], seen.talk, seconds)
        self.wrap.add(ended[Kind.WRAP_END], seen.wrap, seconds)
        if not self.settings.machine_detection:
            self.machine.add([each for each in ended[Kind.MACHINE] if each > 0], seen.machine, seconds)
        self._pauses(tally[Kind.WRAP_END], tally[Kind.PAUSE], seconds * max(0, seen.logged_in - seen.paused))
        others = tally[Kind.ANSWERED] + tally[Kind.NO_ANSWER] + tally[Kind.BUSY]
        self.trouble.add(tally[Kind.FAILED], others, seconds)
        if seen.now - self.refreshed >= REFRESH_S:
            self._refresh(seen.now)
        self.ages = {}
        for age in seen.ringing:
            second = min(self.calls.seconds - 2, max(0, int(age)))
            self.ages[second] = self.ages.get(second, 0) + 1
        self.expected = self.calls.expected(self.ages, 1.0)

    def _call(self, kind: Kind, seconds: float) -> None:
        calls = self.calls
        if kind is Kind.ANSWERED:
            calls.answer(seconds)
        elif kind is Kind.NO_ANSWER:
            calls.end()
        elif kind is Kind.BUSY or (kind is Kind.FAILED and not self.trouble.on):
            calls.end(seconds)
        else:
            self._who(kind, seconds)

    def _who(self, kind: Kind, seconds: float) -> None:
        if self.settings.machine_detection:
            if kind in (Kind.HUMAN, Kind.MACHINE):
                self.calls.who(kind is Kind.HUMAN, seconds)
        elif kind in (Kind.CONNECTED, Kind.ABANDONED, Kind.MACHINE):
            self.calls.who(kind is not Kind.MACHINE)

    def _pauses(self, wraps: int, pauses: int, present: float) -> None:
        self.present = self.present * 0.999 + present
        self.vanished = self.vanished * 0.999 + pauses
        if wraps or pauses:
            keep = 0.5 ** (wraps / 100)
            self.wraps = self.wraps * keep + wraps
            self.pauses = self.pauses * keep + pauses

    def _refresh(self, now: float) -> None:
        seconds = REFRESH_S if self.refreshed < 0 else now - self.refreshed
        self.refreshed = now
        self.calls.refresh()
        for each in (self.talk, self.wrap, self.machine):
            each.refresh(seconds)
        within, top = self.calls.within, self.calls.seconds

        def upto(x: float) -> float:
            i = int(x)
            return within[top] if i >= top else within[i] + (x - i) * (within[i + 1] - within[i])

        self.answer_table = [[upto(g + t) - within[g] for t in self.horizons] for g in range(top)]
        middles = [(a + b) / 2 for a, b in pairwise(self.horizons)]
        edges = [0.0, *(upto(m) for m in middles), 1.0]
        self.weights = [b - a for a, b in pairwise(edges)]
        self.free_tables = ({}, {}, {})
        self.wrap_curve = self.wrap.survival(0.0, STEP, self._steps())

    def _steps(self) -> int:
        return int((self.horizons[-1] + self._grace()) / STEP) + 2

    def _grace(self) -> float:
        """How much later than the answer an agent may come free: detection, then patience."""
        return self.settings.patience_s + (self.calls.detection() if self.settings.machine_detection else 0.0)

    # ---- the coming half minute

    def _inputs(self, seen: Observed) -> dict[str, Any]:
        settings = self.settings
        free, free_variance = self._free()
        people, variance = self._answers(seen)
        person = self.calls.person if settings.machine_detection else 1.0
        answered = self.calls.answered * person
        line = [answered * each for each in self.answer_table[0]]
        worst = people[-1] + len(seen.waiting)
        self.price.add(seen.now, settings.cap, settings.period_s, seen.totals, worst, variance[-1])
        room = [seen.most, None if settings.channels is None else settings.channels - seen.channels_in_use]
        carried = self.trouble.most(seen.now, settings.tick_s)
        room += [carried, int(settings.most_per_agent * seen.logged_in) - seen.pending]
        return {
            "now": seen.now,
            "mode": settings.mode.value,
            "cap": settings.cap,
            "ratio": settings.ratio,
            "signed_in": seen.logged_in,
            "ready": seen.ready,
            "waiting": len(seen.waiting),
            "pending": seen.pending,
            "room": max(0, min(each for each in room if each is not None)) if seen.trunk_up else 0,
            "trouble": self.trouble.on or not seen.trunk_up,
            "carried": carried,
            "left": budget.left(settings.cap, seen.totals.answered, seen.totals.abandoned),
            "back": self.price.back,
            "late": self.price.late,
            "price": self.price.now,
            "sure": self.price.sure,
            "horizons": self.horizons,
            "weights": self.weights,
            "free": free,
            "free_variance": free_variance,
            "people": people,
            "people_variance": variance,
            "line": line,
            "doubt": self.calls.level.variance / self.calls.level.mean**2,
        }

    def _free(self) -> tuple[list[float], list[float]]:
        stay = 1.0 - min(0.5, self.pauses / self.wraps)
        mean, variance = [0.0] * HORIZONS, [0.0] * HORIZONS
        for which, lasting in enumerate((self.talk, self.wrap, self.machine)):
            table = self.free_tables[which]
            for b, n in lasting.counts.items():
                chances = table.get(b)
                if chances is None:
                    chances = table[b] = self._freed(which, lasting, b)
                for k in range(HORIZONS):
                    u = chances[k] * stay
                    mean[k] += n * u
                    variance[k] += n * u * (1.0 - u)
        return mean, variance

    def _freed(self, which: int, lasting: Lasting, b: int) -> list[float]:
        """Return the chances that an agent in this bin is free at each horizon, or within the grace after it."""
        steps, grace = self._steps(), self._grace()
        curve = lasting.survival(MIDDLES[b], STEP, steps)

        def at(points: list[float], x: float) -> float:
            i = int(x / STEP)
            return points[-1] if i >= len(points) - 1 else points[i] + (x / STEP - i) * (points[i + 1] - points[i])

        if which:
            return [1.0 - at(curve, t + grace) for t in self.horizons]
        wrap = self.wrap_curve
        chances = []
        for t in self.horizons:
            whole, j, total = t + grace, 0, 0.0
            while (j + 0.5) * STEP < whole and j < steps:
                total += (curve[j] - curve[j + 1]) * (1.0 - at(wrap, whole - (j + 0.5) * STEP))
                j += 1
            chances.append(total)
        return chances

    def _answers(self, seen: Observed) -> tuple[list[float], list[float]]:
        person = self.calls.person if self.settings.machine_detection else 1.0
        mean, variance = [0.0] * HORIZONS, [0.0] * HORIZONS
        for g, n in self.ages.items():
            chance, row = self.calls.chance(g) * person, self.answer_table[g]
            for k in range(HORIZONS):
                v = min(1.0, chance * row[k])
                mean[k] += n * v
                variance[k] += n * v * (1.0 - v)
        doubt = self.calls.level.variance / self.calls.level.mean**2
        for k in range(HORIZONS):
            variance[k] += doubt * mean[k] * mean[k]
        gone = seen.ready * self.vanished / self.present
        for k, t in enumerate(self.horizons):
            mean[k] += gone * t
            variance[k] += gone * t
        for since in seen.screening:
            v = self.calls.person_after(since)
            for k in range(HORIZONS):
                mean[k] += v
                variance[k] += v * (1.0 - v)
        return mean, variance
