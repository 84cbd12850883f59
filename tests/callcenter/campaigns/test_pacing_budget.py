"""The parts pacing stands on: the counted budget, laws of counts, levels that jump, and a trunk that refuses."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from callcenter.campaigns.cap import CERTAIN, LIKELY, Price, left
from callcenter.campaigns.estimates import Calls, Lasting, Level
from callcenter.campaigns.forecast import counts, missed
from callcenter.campaigns.observed import Totals
from callcenter.campaigns.trouble import Trouble


@pytest.mark.parametrize(
    ("cap", "answered", "abandoned", "expected"),
    [
        (0.03, 0, 0, 0),
        (0.03, 32, 0, 0),
        (0.03, 33, 0, 1),  # the one abandoned is the thirty-fourth who answered
        (0.03, 34, 1, 0),
        (0.03, 970, 0, 30),  # 30 of 1,000
        (0.03, 99, 3, -1),
        (0.03, 100, 3, 0),
        (0.0, 1000, 0, 0),
        (0.0, 9, 2, -2),
    ],
)
def test_the_budget_is_counted_in_whole_calls(cap: float, answered: int, abandoned: int, expected: int) -> None:
    assert left(cap, answered, abandoned) == expected


@examples(deadline=None)
@given(cap=st.integers(0, 99), answered=st.integers(0, 5000), share=st.floats(0, 0.2))
def test_what_is_left_may_be_abandoned_and_not_one_more(cap: int, answered: int, share: float) -> None:
    abandoned = int(answered * share)
    n = left(cap / 100, answered, abandoned)
    assert 100 * (abandoned + n) <= cap * (answered + n)
    assert 100 * (abandoned + n + 1) > cap * (answered + n + 1)


def test_the_price_follows_a_cap_and_an_end_changed_while_it_runs() -> None:
    def after(cap: float, period: float | None) -> Price:
        price = Price()
        for minute in range(1, 61):
            price.add(minute * 60.0, 0.05, 28_800.0, Totals(answered=minute * 20, abandoned=minute * 9 // 10), 0.0, 0.0)
        price.add(3601.0, cap, period, Totals(answered=1200, abandoned=54), 0.0, 0.0)
        return price

    same, lowered, ending = after(0.05, 28_800.0), after(0.03, 28_800.0), after(0.05, 3660.0)
    assert lowered.now < same.now * 0.6
    assert ending.now > same.now  # the savings may be spent
    assert (same.late, lowered.late, ending.late) == (False, False, True)


@pytest.mark.parametrize(
    ("now", "period", "answered", "back"),
    [
        (3600.0, 28_800.0, 0, 0),
        (3600.0, 28_800.0, 33, 0),  # 0.99 of a call
        (3600.0, 28_800.0, 1000, 30),  # more is to come than was earned: no more than that
        (21_600.0, 28_800.0, 1000, 8),  # a third as much again is to come, without the twenty minutes of an outage
        (27_600.0, 28_800.0, 1000, 0),
        (28_700.0, 28_800.0, 1000, 0),
        (3600.0, None, 1000, 0),  # who knows when it ends
    ],
)
def test_what_can_be_earned_back_is_counted_on_when_there_is_time_for_it(
    now: float, period: float | None, answered: int, back: int
) -> None:
    price = Price()
    price.add(now, 0.03, period, Totals(answered=answered), 0.0, 0.0)
    assert price.back == back
    assert price.sure == (LIKELY if back else CERTAIN)


@examples(deadline=None)
@given(mean=st.floats(1, 6), ratio=st.floats(0.6, 3))
def test_a_law_of_counts_has_its_mean_and_adds_up_to_one(mean: float, ratio: float) -> None:
    law = counts(mean, mean * ratio, 80)
    assert sum(law) == pytest.approx(1.0, abs=0.06)  # a binomial law of a broken number of trials is cut off
    assert sum(k * p for k, p in enumerate(law)) == pytest.approx(mean, rel=0.12, abs=0.06)


def test_the_chance_to_meet_nobody_is_that_of_drawing_it() -> None:
    random = Random(1)
    frees, people = [0.3] * 6, [0.2] * 9
    exact = missed(1, 1.8, 6 * 0.21, 1.8, 9 * 0.16)
    drawn = (
        sum(sum(random.random() < p for p in people) >= 1 + sum(random.random() < p for p in frees) for _ in range(20_000))
        / 20_000
    )
    assert exact == pytest.approx(drawn, abs=0.02)


@examples(deadline=None)
@given(st.integers(-3, 30), st.floats(0, 20), st.floats(0, 20), st.floats(0.1, 1))
def test_more_agents_make_it_less_likely_to_meet_nobody(agents: int, free: float, people: float, spread: float) -> None:
    here = missed(agents, free, free * spread, people, people * spread)
    assert 0.0 <= here <= 1.0
    assert missed(agents + 1, free, free * spread, people, people * spread) <= here + 1e-9


def test_a_level_follows_a_jump_within_a_minute_and_is_calm_on_a_plain_day() -> None:
    random, level = Random(2), Level()
    for _ in range(3000):
        level.add(float(random.random() < 0.3), 0.3, 1.0)
    assert level.mean == pytest.approx(1.0, abs=0.12)
    for _ in range(60):
        level.add(float(random.random() < 0.75), 0.3, 1.0)
    assert level.mean > 1.8


def test_talks_that_still_run_count_as_lasting() -> None:
    talk = Lasting(120.0)
    for second in range(2000):
        talk.add([20.0] if second % 20 == 19 else [], (float(second % 20), 400.0 + second), 1.0)
        if second % 100 == 99:
            talk.refresh(100.0)
    short, long = talk.survival(17.5, 2.0, 2), talk.survival(500.0, 2.0, 2)
    assert short[2] < 0.6
    assert long[2] > 0.8


def test_ring_times_and_people_are_learned_from_what_was_seen() -> None:
    calls = Calls(26.5)
    for i in range(400):
        calls.answer(5.5)
        calls.who(i % 4 != 0, 1.0 if i % 4 else 3.5)
    calls.refresh()
    assert calls.within[6] - calls.within[5] > 0.9
    assert calls.person == pytest.approx(0.75, abs=0.05)
    assert calls.person_after(2.0) < 0.05
    assert calls.person_after(0.0) == pytest.approx(0.75, abs=0.05)
    assert calls.detection() == pytest.approx(1.1, abs=0.2)


def test_a_burst_of_failures_slows_down_probes_and_recovers() -> None:
    trouble = Trouble()
    trouble.add(0, 20, 1.0)
    assert trouble.most(0.0, 1.0) is None
    trouble.add(12, 0, 1.0)
    assert trouble.on
    assert [trouble.most(float(s), 1.0) for s in range(1, 9)] == [1, 0, 0, 0, 1, 0, 0, 0]
    trouble.add(1, 0, 1.0)  # the probe failed
    assert trouble.most(9.0, 1.0) == 1
    allowed = []
    for second in range(10, 30):
        trouble.add(0, 2, 1.0)
        most = trouble.most(float(second), 1.0)
        allowed.append(math.inf if most is None else most)
    assert allowed == sorted(allowed)
    assert allowed[-1] == math.inf
