"""Who is offered which call. Pure: plain values in, pairs out."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Waiting(NamedTuple):
    """A caller in a queue. `tries` counts, per user id, the offers of this call they did not take.

    `resting` are those who declined it a moment ago: they are not asked again yet.
    """

    call_id: str
    project_id: int
    queued_at: dt.datetime
    tries: Mapping[int, int]
    resting: frozenset[int] = frozenset()


class Ready(NamedTuple):
    """An agent who can take a call of `projects`, ready since then."""

    user_id: int
    since: dt.datetime
    projects: frozenset[int]


class Pair(NamedTuple):
    """This call goes to this agent."""

    call_id: str
    user_id: int


def assign(waiting: Iterable[Waiting], ready: Iterable[Ready]) -> list[Pair]:
    """Pair callers with agents: the longest waiting first, each with the longest ready agent of its project.

    Who did not take this very call comes after those it was offered less often, so everybody is tried before anybody is
    asked again.
    """
    free = {agent.user_id: agent for agent in ready}
    pairs: list[Pair] = []
    for call in sorted(waiting, key=lambda each: (each.queued_at, each.call_id)):
        fitting = [agent for agent in free.values() if call.project_id in agent.projects and agent.user_id not in call.resting]
        if fitting:
            chosen = min(fitting, key=lambda agent: (call.tries.get(agent.user_id, 0), agent.since, agent.user_id))
            del free[chosen.user_id]
            pairs.append(Pair(call.call_id, chosen.user_id))
    return pairs
