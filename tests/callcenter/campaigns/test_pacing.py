"""Pacing as rules: what holds for every observation, and tables of what it decides (M7, B5)."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from callcenter.campaigns.choosing import choose
from callcenter.campaigns.observed import Event, Kind, Mode, Observed, Settings, Totals
from callcenter.campaigns.pacing import Pacer

AGES = st.lists(st.floats(0, 900, allow_nan=False), max_size=12).map(tuple)
RINGS = st.lists(st.floats(0, 60, allow_nan=False), max_size=25).map(tuple)
EVENTS = st.lists(st.builds(Event, st.just(1.0), st.sampled_from(Kind), st.floats(0, 400, allow_nan=False)), max_size=12).map(
    tuple
)


@st.composite
def observations(draw: st.DrawFn) -> list[Observed]:
    """A few ticks in order, with counts that only grow; otherwise anything."""
    seen, now, answered, abandoned = [], 0.0, 0, 0
    for _ in range(draw(st.integers(1, 6))):
        now += draw(st.floats(0.1, 30))
        answered += draw(st.integers(0, 300))
        abandoned = min(answered, abandoned + draw(st.integers(0, 4)))
        ready, talk, wrap = draw(st.integers(0, 8)), draw(AGES), draw(AGES)
        ringing = draw(RINGS)
        seen.append(
            Observed(
                now=now,
                logged_in=ready + len(talk) + len(wrap),
                ready=ready,
                talk=talk,
                wrap=wrap,
                ringing=ringing,
                screening=draw(st.lists(st.floats(0, 5), max_size=3).map(tuple)),
                waiting=draw(st.lists(st.floats(0, 2), max_size=2).map(tuple)),
                channels_in_use=len(ringing) + len(talk),
                totals=Totals(answered=answered, connected=answered - abandoned, abandoned=abandoned),
                events=draw(EVENTS),
                trunk_up=draw(st.booleans()),
            )
        )
    return seen


def paced(settings: Settings, seen: list[Observed]) -> list[int]:
    pacer = Pacer(settings)
    return [pacer.tick(each).lines for each in seen]


@examples(max_examples=60, deadline=None)
@given(seen=observations(), mode=st.sampled_from(Mode), detection=st.booleans(), channels=st.none() | st.integers(0, 40))
def test_never_negative_never_above_channels_never_for_nobody(
    seen: list[Observed], mode: Mode, detection: bool, channels: int | None
) -> None:
    settings = Settings(mode=mode, ratio=3.0, machine_detection=detection, channels=channels)
    for each, lines in zip(seen, paced(settings, seen), strict=True):
        assert lines >= 0
        if channels is not None:
            assert lines == 0 or each.channels_in_use + lines <= channels
        if each.logged_in == 0 or not each.trunk_up or mode is Mode.PREVIEW:
            assert lines == 0


@examples(max_examples=60, deadline=None)
@given(seen=observations(), mode=st.sampled_from([Mode.PROGRESSIVE, Mode.POWER, Mode.PREDICTIVE]), ratio=st.floats(1, 9))
def test_a_cap_of_nothing_is_one_line_for_each_ready_agent(seen: list[Observed], mode: Mode, ratio: float) -> None:
    pacer = Pacer(Settings(mode=mode, cap=0.0, ratio=ratio))
    for each in seen:
        decision = pacer.tick(each)
        assert decision.lines <= max(0, each.ready - each.pending)
        if decision.why == "one_each" and each.trunk_up:
            assert decision.lines == max(0, each.ready - each.pending)


@examples(max_examples=60, deadline=None)
@given(seen=observations(), mode=st.sampled_from(Mode))
def test_the_same_observations_give_the_same_decisions(seen: list[Observed], mode: Mode) -> None:
    one, two = Pacer(Settings(mode=mode)), Pacer(Settings(mode=mode))
    assert [one.tick(each) for each in seen] == [two.tick(each) for each in seen]


@examples(max_examples=60, deadline=None)
@given(seen=observations(), mode=st.sampled_from(Mode))
def test_a_recorded_decision_is_worked_out_again_from_its_inputs(seen: list[Observed], mode: Mode) -> None:
    pacer = Pacer(Settings(mode=mode, ratio=2.5))
    for each in seen:
        decision = pacer.tick(each)
        assert choose(json.loads(json.dumps(decision.inputs))) == (decision.lines, decision.why)


@examples(max_examples=60, deadline=None)
@given(seen=observations())
def test_a_dearer_price_fewer_ready_agents_or_a_smaller_budget_never_bring_more_lines(seen: list[Observed]) -> None:
    pacer = Pacer(Settings())
    for each in seen:
        inputs = pacer.tick(each).inputs
        lines = choose(inputs)[0]
        assert choose(inputs | {"price": inputs["price"] * 0.5})[0] <= lines
        assert choose(inputs | {"ready": max(0, inputs["ready"] - 1)})[0] <= lines
        assert choose(inputs | {"left": inputs["left"] - 1})[0] <= lines
        assert choose(inputs | {"room": max(0, inputs["room"] - 3)})[0] <= lines


@examples(max_examples=150, deadline=None)
@given(
    agents=st.integers(1, 60),
    ready=st.integers(0, 20),
    ringing=st.lists(st.floats(0, 26), max_size=60).map(tuple),
    waiting=st.integers(0, 3),
    answered=st.integers(0, 3000),
    spent=st.floats(0, 1.2),
    mode=st.sampled_from([Mode.POWER, Mode.PREDICTIVE]),
)
def test_more_than_one_line_each_only_while_all_of_them_could_be_abandoned_under_the_cap(
    agents: int, ready: int, ringing: tuple[float, ...], waiting: int, answered: int, spent: float, mode: Mode
) -> None:
    cap, abandoned = 0.03, int(0.03 * answered * spent)
    seen = Observed(
        3600.0,
        logged_in=agents + ready,
        ready=ready,
        wrap=(14.0,) * agents,
        ringing=ringing,
        waiting=(0.5,) * waiting,
        totals=Totals(answered=answered, connected=answered - abandoned, abandoned=abandoned),
    )
    pacer = Pacer(Settings(mode=mode, ratio=6.0, cap=cap))
    decision = pacer.tick(seen)
    if decision.lines <= max(0, ready - seen.pending):
        return
    # what the law of counts cannot promise for less: the mean and two deviations of all who may answer, abandoned
    chance = pacer.calls.answered
    people = sum(pacer.calls.chance(int(age)) * (1.0 - pacer.calls.within[int(age)]) for age in ringing) + decision.lines * chance
    worst = waiting + min(len(ringing) + decision.lines, people + 2.0 * (people * (1.0 - chance)) ** 0.5)
    assert abandoned + worst <= cap * (answered + worst) + 1.0


EARNED = Totals(dialed=3000, answered=800, connected=796, abandoned=4)


@pytest.mark.parametrize(
    ("settings", "seen", "lines", "why"),
    [
        (Settings(mode=Mode.PREVIEW), Observed(5, logged_in=3, ready=3), 0, "preview"),
        (Settings(mode=Mode.PROGRESSIVE), Observed(5, logged_in=5, ready=4, ringing=(1.0,)), 3, "one_each"),
        (Settings(mode=Mode.PROGRESSIVE), Observed(5, logged_in=5, ready=1, ringing=(1.0, 2.0)), 0, "one_each"),
        (Settings(mode=Mode.POWER, ratio=3.0), Observed(5, logged_in=9, ready=9), 9, "budget_spent"),  # nothing is earned yet
        (Settings(mode=Mode.POWER, ratio=1.5), Observed(5, logged_in=8, ready=8, totals=EARNED), 12, "power"),
        (Settings(), Observed(5, logged_in=4, ready=4), 4, "budget_spent"),
        (Settings(), Observed(5), 0, "nobody"),
        (Settings(), Observed(5, logged_in=4, ready=4, trunk_up=False), 0, "trouble"),
        (Settings(channels=2), Observed(5, logged_in=4, ready=4), 2, "no_room"),
        (Settings(), Observed(5, logged_in=4, ready=4, most=1), 1, "no_room"),
        (Settings(cap=0.0), Observed(5, logged_in=4, ready=4, totals=EARNED), 4, "one_each"),
    ],
)
def test_what_is_decided(settings: Settings, seen: Observed, lines: int, why: str) -> None:
    decision = Pacer(settings).tick(seen)
    assert (decision.lines, decision.why) == (lines, why)


def test_with_a_budget_earned_many_ready_agents_get_more_than_one_line_each() -> None:
    decision = Pacer(Settings()).tick(Observed(3600, logged_in=20, ready=12, totals=EARNED))
    assert decision.why == "paced"
    assert decision.lines > 20


LAST_MINUTES = Observed(28_300, logged_in=30, ready=25, totals=Totals(answered=2000, connected=1943, abandoned=57))


def test_late_in_a_period_one_line_each_is_held_under_the_cap_as_well() -> None:
    late = Pacer(Settings(period_s=28_800.0)).tick(LAST_MINUTES)
    assert late.inputs["left"] == 3
    assert 1 <= late.lines <= 3  # three lines can lose three persons
    assert late.why == "budget_spent"
    assert Pacer(Settings(period_s=80_000.0)).tick(LAST_MINUTES).lines >= 25
    assert Pacer(Settings(period_s=28_800.0, mode=Mode.PROGRESSIVE)).tick(LAST_MINUTES).lines == 25
    nothing = replace(LAST_MINUTES, totals=Totals(answered=2000, connected=1940, abandoned=60))
    assert Pacer(Settings(period_s=28_800.0)).tick(nothing).lines == 1  # one at a time, and nothing while it rings
    assert Pacer(Settings(period_s=28_800.0)).tick(replace(nothing, ringing=(3.0,))).lines == 0


def test_agents_about_to_end_their_wrap_up_are_dialled_for() -> None:
    pacer = Pacer(Settings())
    alone = pacer.tick(Observed(3600, logged_in=30, ready=0, totals=EARNED))
    assert alone.lines == 0
    wrapping = pacer.tick(Observed(3601, logged_in=30, wrap=(12.0,) * 20, totals=EARNED))
    assert wrapping.lines > 5


def test_the_mode_and_the_cap_change_while_it_runs_and_the_memory_stays() -> None:
    pacer = Pacer(Settings())
    seen = Observed(3600, logged_in=20, ready=12, totals=EARNED)
    assert pacer.tick(seen).lines > 12
    pacer.settings = replace(pacer.settings, cap=0.0)
    assert pacer.tick(replace(seen, now=3601.0)).lines == 12
    pacer.settings = replace(pacer.settings, mode=Mode.PREVIEW)
    assert pacer.tick(replace(seen, now=3602.0)).lines == 0
