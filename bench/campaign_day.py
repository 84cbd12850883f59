"""A live campaign's day beside the same day in callcenter/campaigns/world.py: occupancy, and calls abandoned."""

import dataclasses
import datetime as dt
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from bench.figures import Run
from callcenter.campaigns.day import Day
from callcenter.campaigns.dialer import LINES_PER_SECOND
from callcenter.campaigns.lead_models import LeadAttempt
from callcenter.campaigns.observed import Observed, Settings
from callcenter.campaigns.pacing import Pacer
from callcenter.campaigns.world import TALK, World

SEEDS = range(1, 11)
_LATE = 0.3  # seconds after which the end of a wrap-up has certainly been seen


class Seen(NamedTuple):
    """What came of a day up to a moment."""

    occupancy: float
    answered: int
    abandoned: int
    dialled: int


def live(attempts: Sequence[LeadAttempt], agents: int, began: dt.datetime, ended: dt.datetime) -> Seen:
    """Return what attempts came to between two moments. Calls that were answered then count, whenever they ended."""
    talked = sum(
        max(0.0, (min(each.ended_at or ended, ended) - each.bridged_at).total_seconds()) for each in attempts if each.bridged_at
    )
    answered = [each for each in attempts if each.answered_at is not None and each.answered_at < ended]
    abandoned = sum(each.outcome == "abandoned" for each in answered)
    dialled = sum(each.started_at < ended for each in attempts)
    return Seen(talked / agents / (ended - began).total_seconds(), len(answered), abandoned, dialled)


def at_once(attempts: Sequence[LeadAttempt], agents: int, wrap: float) -> list[LeadAttempt]:
    """Return those answered while an agent was certainly free: fewer talked or wrapped up than there are."""
    busy = [
        (each.bridged_at, (each.ended_at or each.bridged_at) + dt.timedelta(seconds=wrap + _LATE))
        for each in attempts
        if each.bridged_at is not None
    ]
    waits = [(each.answered_at, each.bridged_at or each.ended_at) for each in attempts if each.answered_at is not None]
    found = []
    for each in attempts:
        at = each.answered_at
        if at is None:
            continue
        taken = sum(begin <= at < end for begin, end in busy) + sum(a < at < b for a, b in waits if b is not None)
        if taken < agents:
            found.append(each)
    return found


def predicted(day: Day, settings: Settings, seconds: float) -> list[Seen]:
    """Return the same day up to the same moment, once for each seed, dialled by the same pacing at the same rate."""
    return [_predicted(day, settings, seconds, seed) for seed in SEEDS]


def _predicted(day: Day, settings: Settings, seconds: float, seed: int) -> Seen:
    world = World(dataclasses.replace(day, length=seconds + 60.0), seed)  # near its end a world dials no more
    pacer, seen = Pacer(settings), list[Seen]()

    def pace(observed: Observed) -> int:
        if not seen and observed.now >= seconds:
            r = world.result
            talking = r.talk_s + sum(
                observed.now - since for since, state in zip(world.since, world.state, strict=True) if state == TALK
            )
            seen.append(Seen(talking / day.agents / observed.now, r.answered, r.abandoned, r.dialed))
        return pacer.tick(dataclasses.replace(observed, most=int(LINES_PER_SECOND))).lines

    world.run(pace)
    return seen[0]


def beside(found: Seen, theirs: Sequence[Seen]) -> Run:
    """Return the figures of both; of the worlds the mean and the range."""
    shares = [100 * each.occupancy for each in theirs]
    abandoned = [100 * each.abandoned / max(1, each.answered) for each in theirs]
    return {
        "occupancy live [%]": 100 * found.occupancy,
        "occupancy predicted, mean of the worlds [%]": statistics.mean(shares),
        "occupancy predicted, least [%]": min(shares),
        "occupancy predicted, most [%]": max(shares),
        "abandoned live [% of answered]": 100 * found.abandoned / max(1, found.answered),
        "abandoned predicted, mean [% of answered]": statistics.mean(abandoned),
        "abandoned predicted, most [% of answered]": max(abandoned),
        "answered live": float(found.answered),
        "answered predicted, mean": statistics.mean(each.answered for each in theirs),
        "lines live": float(found.dialled),
        "lines predicted, mean": statistics.mean(each.dialled for each in theirs),
    }
