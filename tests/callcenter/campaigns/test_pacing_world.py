"""Pacing in a small world of our own: no period ends over its cap, and people talk more (B5)."""

from dataclasses import replace

import pytest

from callcenter.campaigns.day import Course, Day, Law, Result, always
from callcenter.campaigns.observed import Mode, Observed, Settings
from callcenter.campaigns.pacing import Pacer
from callcenter.campaigns.world import World, run

HOUR = 3600.0
SMALL = Day(agents=8, length=HOUR / 2, talk=Law(45.0, 0.9, 3.0), wrap=Law(8.0, 0.6, 2.0), sign_in_spread=20.0, cap=0.1)


def paced(day: Day, seed: int, mode: Mode = Mode.PREDICTIVE, ratio: float = 1.0) -> Result:
    pacer = Pacer(
        Settings(
            mode=mode,
            cap=day.cap,
            ratio=ratio,
            channels=day.channels,
            ring_timeout_s=day.ring_timeout + day.setup,
            patience_s=day.patience,
            machine_detection=day.detection,
            tick_s=day.tick,
            period_s=day.length,
        )
    )
    return run(day, seed, lambda seen: pacer.tick(seen).lines)


def over(result: Result, cap: float) -> bool:
    return result.abandoned > cap * result.answered + 1e-9


WORLDS = {
    "plain": SMALL,
    "answers jump": replace(SMALL, answer=Course(((0.0, 0.15),), steps=((700.0, 1300.0, 4.0),))),
    "talks jump": replace(SMALL, talk_scale=Course(((0.0, 1.0),), steps=((600.0, 1200.0, 4.0),), most=9.0)),
    "no detection": replace(SMALL, detection=False, machines=always(0.4)),
    "impatient": replace(SMALL, patience=0.5),
    "few lines": replace(SMALL, channels=12),
    "a trunk that refuses": replace(SMALL, refusing=((500.0, 600.0, 1.0), (1000.0, 1300.0, 0.6))),
    "half of them leave": replace(SMALL, leaving=((0.0, 0.5, 1000.0),)),
}


@pytest.mark.parametrize("name", WORLDS)
def test_no_period_ends_over_its_cap(name: str) -> None:
    day = WORLDS[name]
    result = paced(day, 1)
    assert result.answered > 30
    assert not over(result, day.cap), result


@pytest.mark.parametrize("mode", [Mode.PREDICTIVE, Mode.POWER])
def test_a_cap_of_nothing_abandons_nobody_where_nobody_goes_on_a_break(mode: Mode) -> None:
    result = paced(replace(SMALL, cap=0.0, breaks_every=0.0), 3, mode, ratio=4.0)
    assert result.answered > 50
    assert result.abandoned == 0


def test_the_budget_holds_at_every_tick_and_not_only_at_the_end() -> None:
    day = replace(SMALL, agents=15, breaks_every=0.0)
    pacer = Pacer(Settings(cap=day.cap, machine_detection=True))  # no end is known: it may come at any time
    highest = 0.0

    def pace(seen: Observed) -> int:
        nonlocal highest
        totals = seen.totals
        highest = max(highest, totals.abandoned - day.cap * totals.answered)
        return pacer.tick(seen).lines

    result = run(day, 5, pace)
    assert result.abandoned > 3
    assert highest <= 1.0  # one call more than earned now and then, while it rings; never more


@pytest.mark.parametrize("at", [1400.0, 1500.0, 1600.0, 1700.0])
def test_everybody_away_at_once_and_for_good_does_not_end_over_the_cap(at: float) -> None:
    day = replace(SMALL, agents=20, breaks_every=0.0, lunches=((at, 1.0, 3600.0),))
    before: list[tuple[float, int]] = []
    pacer = Pacer(Settings(cap=day.cap, machine_detection=True, period_s=day.length))

    def pace(seen: Observed) -> int:
        if seen.now < at:
            before.append((seen.now, seen.pending))
        return pacer.tick(seen).lines

    result = run(day, 3, pace)
    assert before[-1][1] > 3  # lines were in flight when everybody went
    assert result.answered > 100
    assert not over(result, day.cap), result


def test_power_is_held_under_the_cap_too() -> None:
    result = paced(SMALL, 4, Mode.POWER, ratio=6.0)
    assert result.abandoned > 0
    assert not over(result, SMALL.cap)


def test_paced_agents_talk_more_than_with_one_line_each() -> None:
    day = replace(SMALL, agents=15, cap=0.05)
    progressive, predictive = paced(day, 1, Mode.PROGRESSIVE), paced(day, 1)
    assert predictive.occupancy > progressive.occupancy * 1.2


def test_a_trunk_that_refuses_everything_is_probed_and_not_hammered() -> None:
    day = replace(SMALL, refusing=((600.0, 1200.0, 1.0),), agents=10)
    pacer = Pacer(Settings(cap=day.cap, machine_detection=True, period_s=day.length))
    dialled: dict[int, int] = {}

    def pace(seen: Observed) -> int:
        lines = pacer.tick(seen).lines
        dialled[int(seen.now)] = lines
        return lines

    run(day, 2, pace)
    assert sum(dialled[s] for s in range(660, 1200)) <= 540 / 4 + 5  # one line every four seconds
    assert sum(dialled[s] for s in range(660, 1200)) >= 60
    assert max(dialled[s] for s in range(1230, 1400)) > 1  # recovered


def test_the_same_seed_is_the_same_day_and_another_is_another() -> None:
    day = replace(SMALL, length=900.0)
    one, two, other = paced(day, 7), paced(day, 7), paced(day, 8)
    assert one == two
    assert one != other


def test_a_day_of_the_world_keeps_its_books() -> None:
    day = replace(SMALL, length=1800.0, machines=always(0.3), channels=20, leaving=((0.0, 0.3, 900.0),))
    world = World(day, 1)
    result = world.run(lambda seen: 2 * seen.ready - seen.pending)
    assert result.answered == result.connected + result.abandoned
    assert result.dialed == result.answered + result.machines + result.no_answers + result.busies + result.failures
    whole = result.talk_s + result.wrap_s + result.idle_s + result.machine_s
    assert 0 < whole <= day.agents * day.length
    assert result.occupancy == pytest.approx(result.talk_s / whole)
    assert result.answered / result.dialed == pytest.approx(0.3 * 0.7, abs=0.05)


def test_with_every_line_answered_one_line_each_abandons_nobody_and_waits_one_ring() -> None:
    day = Day(
        agents=10,
        answer=Course(((0.0, 1.0),), most=1.0),
        machines=always(0.0),
        busy=0.0,
        failed=0.0,
        breaks_every=0.0,
        length=HOUR,
    )
    result = paced(day, 1, Mode.PROGRESSIVE)
    assert result.abandoned == 0
    wait = result.idle_s / result.connected
    assert 13.0 < wait < 16.0  # half a tick, set-up 1.5, ring 12 (cut at 25), detection 1
