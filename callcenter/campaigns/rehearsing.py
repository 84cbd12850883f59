"""A campaign's day lived through before it is launched, in the model of world.py with the campaign's own numbers. Pure.

As a program (`python -m callcenter.campaigns.rehearsing`) it reads {"plan": ..., "seeds": [...]} and writes a day a line: the web
process leaves the work to it.
"""

import dataclasses
import json
import os
import statistics
import sys
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from callcenter.campaigns import left
from callcenter.campaigns.day import Day, Law, Result, always
from callcenter.campaigns.observed import Mode, Observed, Settings
from callcenter.campaigns.pacing import Pacer
from callcenter.campaigns.world import run

Source = Literal["campaign", "project", "assumed"]
SET_UP = 1.5  # seconds until it rings
SEEDS = 5
FIGURES = ("talk_hours", "occupancy", "dialled", "answered", "abandoned", "rate", "hours_left")


class Plan(BaseModel):
    """What a rehearsed day is like. Seconds, shares from 0 to 1, `cap` in per cent; `hours` is the length of the day.

    `sources`: for `answers` (with `ring`), `talk` and `wrap_up` whose past they were measured in, or that they are assumed;
    `sample`: of how many attempts, talks and wrap-ups. `busy` and `failed` are shares of the lines nobody answered.
    """

    campaign_id: int
    name: str
    mode: Literal["preview", "progressive", "power", "predictive"]
    agents: int
    hours: float
    cap: float
    ratio: float
    channels: int | None
    ring_seconds: int
    patience: float
    detection: bool
    leads: int
    attempts: int
    answer: float
    machines: float
    busy: float
    failed: float
    ring: float
    ring_sigma: float
    talk: float
    talk_sigma: float
    wrap_up: float
    wrap_up_sigma: float
    reading: float = 0.0  # a consultant looks at a lead before calling it, in preview
    sources: dict[str, Source]
    sample: dict[str, int]


class RehearsedDay(BaseModel):
    """What came of a day. `occupancy` and `rate` (abandoned of answered) in per cent.

    `hours_left`: how long the leads last at this day's pace, or lasted when they `ran_out` before its end; null when nothing
    was dialled.
    """

    seed: int
    talk_hours: float
    occupancy: float
    dialled: int
    answered: int
    abandoned: int
    rate: float
    hours_left: float | None
    ran_out: bool


class Range(BaseModel):
    """A figure over several days: the least, the middle and the most."""

    least: float
    middle: float
    most: float


def live(plan: Plan, seed: int) -> RehearsedDay:
    """Live through one day of a plan."""
    day = _day(plan)
    pacer = Pacer(_settings(plan))
    per_lead = left.expected(plan.answer * (1.0 - plan.machines), plan.attempts)
    most = round(plan.leads * per_lead)

    last = 0.0  # when a line was begun, in seconds of the day

    def pace(seen: Observed) -> int:
        nonlocal last
        room = most - seen.totals.dialed
        lines = min(room, pacer.tick(dataclasses.replace(seen, most=room)).lines) if room > 0 else 0
        last = seen.now if lines else last
        return lines

    return _told(plan, seed, run(day, seed, pace), most, last)


def ranges(days: Sequence[RehearsedDay]) -> dict[str, Range]:
    """Return each figure's range over days; one that no day has is left out."""
    found = {}
    for name in FIGURES:
        values = [float(value) for each in days if (value := getattr(each, name)) is not None]
        if values:
            found[name] = Range(least=min(values), middle=statistics.median(values), most=max(values))
    return found


def _day(plan: Plan) -> Day:
    return Day(
        agents=plan.agents,
        length=plan.hours * 3600,
        talk=Law(plan.talk, plan.talk_sigma, 1.0),
        wrap=Law(plan.wrap_up + plan.reading, plan.wrap_up_sigma, 0.5),
        answer=always(plan.answer),
        machines=always(plan.machines),
        busy=plan.busy,
        failed=plan.failed,
        ring=Law(min(plan.ring, 0.7 * plan.ring_seconds), plan.ring_sigma),
        ring_timeout=float(plan.ring_seconds),
        patience=plan.patience,
        detection=plan.detection,
        cap=plan.cap / 100,
        channels=plan.channels,
    )


def _settings(plan: Plan) -> Settings:
    return Settings(
        mode=Mode.PROGRESSIVE if plan.mode == "preview" else Mode(plan.mode),
        cap=plan.cap / 100,
        ratio=max(1.0, plan.ratio),
        channels=plan.channels,
        ring_timeout_s=plan.ring_seconds + SET_UP,
        patience_s=plan.patience,
        machine_detection=plan.detection,
    )


def _told(plan: Plan, seed: int, result: Result, most: int, last: float) -> RehearsedDay:
    pace, ran_out = result.dialed / plan.hours, result.dialed >= most
    return RehearsedDay(
        seed=seed,
        talk_hours=result.talk_s / 3600,
        occupancy=100 * result.occupancy,
        dialled=result.dialed,
        answered=result.answered,
        abandoned=result.abandoned,
        rate=100 * result.abandoned / result.answered if result.answered else 0.0,
        hours_left=(last / 3600 if ran_out else most / pace) if pace else None,
        ran_out=ran_out,
    )


def main() -> None:
    """Do what standard input asks for, calmly: calls come first."""
    os.nice(10)
    asked = json.load(sys.stdin)
    plan = Plan.model_validate(asked["plan"])
    for seed in asked["seeds"]:
        sys.stdout.write(live(plan, int(seed)).model_dump_json() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
