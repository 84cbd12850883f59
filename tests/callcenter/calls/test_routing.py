"""Who is offered which call: properties of the pure rule."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls.latency import percentiles
from callcenter.calls.routing import Ready, Waiting, assign

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
moments = st.integers(0, 50).map(lambda seconds: START + dt.timedelta(seconds=seconds))
projects = st.integers(1, 4)
tried = st.dictionaries(st.integers(1, 9), st.integers(1, 3))
agents = st.lists(
    st.builds(Ready, st.integers(1, 9), moments, st.frozensets(projects, max_size=3)),
    max_size=9,
    unique_by=lambda each: each.user_id,
)
callers = st.lists(
    st.builds(Waiting, st.text("abcdef", min_size=1, max_size=4), projects, moments, tried, st.just(frozenset())),
    max_size=9,
    unique_by=lambda each: each.call_id,
)


@given(callers, agents)
def test_each_call_and_agent_at_most_once_and_only_in_their_projects(waiting: list[Waiting], ready: list[Ready]) -> None:
    pairs = assign(waiting, ready)
    assert len({pair.call_id for pair in pairs}) == len({pair.user_id for pair in pairs}) == len(pairs)
    calls = {call.call_id: call for call in waiting}
    people = {agent.user_id: agent for agent in ready}
    assert all(calls[pair.call_id].project_id in people[pair.user_id].projects for pair in pairs)


@given(callers, agents, st.frozensets(st.integers(1, 9)))
def test_no_caller_waits_while_somebody_who_could_take_the_call_is_free(
    waiting: list[Waiting], ready: list[Ready], resting: frozenset[int]
) -> None:
    pairs = assign([call._replace(resting=resting) for call in waiting], ready)
    busy, served = {pair.user_id for pair in pairs} | resting, {pair.call_id for pair in pairs}
    for call in waiting:
        for agent in ready:
            assert call.call_id in served or agent.user_id in busy or call.project_id not in agent.projects


@given(callers, agents)
def test_who_waited_longer_in_the_same_project_is_served_first(waiting: list[Waiting], ready: list[Ready]) -> None:
    served = {pair.call_id for pair in assign(waiting, ready)}
    for late in waiting:
        for early in waiting:
            if early.project_id == late.project_id and (early.queued_at, early.call_id) < (late.queued_at, late.call_id):
                assert early.call_id in served or late.call_id not in served


@given(callers, agents, st.frozensets(st.integers(1, 9)))
def test_who_just_declined_a_call_is_not_asked_about_it(
    waiting: list[Waiting], ready: list[Ready], resting: frozenset[int]
) -> None:
    pairs = assign([call._replace(resting=resting) for call in waiting], ready)
    assert not {pair.user_id for pair in pairs} & resting


@given(agents, tried)
def test_the_longest_ready_of_those_asked_least_often_is_chosen(ready: list[Ready], tries: dict[int, int]) -> None:
    fitting = [agent for agent in ready if 1 in agent.projects]
    pairs = assign([Waiting("call", 1, START, tries)], ready)
    if not fitting:
        assert pairs == []
        return
    chosen = next(agent for agent in ready if agent.user_id == pairs[0].user_id)
    fewest = min(tries.get(agent.user_id, 0) for agent in fitting)
    assert tries.get(chosen.user_id, 0) == fewest
    assert chosen.since == min(agent.since for agent in fitting if tries.get(agent.user_id, 0) == fewest)


def test_percentiles_by_nearest_rank() -> None:
    hundred = percentiles([float(value) for value in range(100, 0, -1)])
    assert (hundred.count, hundred.p50, hundred.p95, hundred.p99) == (100, 50, 95, 99)
    assert percentiles([None, 7.0]).p99 == 7.0
    assert percentiles([None]).p50 is None
