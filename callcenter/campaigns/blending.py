"""Whom campaigns leave to callers (M7, B10): a project may keep some of its consultants ready for calls that may come."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, select

from callcenter.agents.models import Agent, AgentState
from callcenter.db import UnitOfWork
from callcenter.projects.models import Membership, Project

_FREED = (AgentState.WRAP_UP.value, AgentState.OFFERED.value, AgentState.ON_CALL.value)  # who gets ready, the sooner the earlier


class Stand(NamedTuple):
    """Somebody as they stand: `state` of Agent.state, `since` when, and whether they could take a call now (`free`)."""

    user_id: int
    state: str
    since: dt.datetime
    free: bool


class Shares(NamedTuple):
    """Projects that keep somebody ready: how many each keeps, and which of them each person serves."""

    keep: dict[int, int]
    projects: dict[int, list[int]]


_SHARES = (
    select(Membership.user_id, Membership.project_id, Project.keep_ready)
    .join(Project, Project.id == Membership.project_id)
    .join(Agent, Agent.user_id == Membership.user_id)
    .where(Project.enabled, Project.keep_ready > 0, Agent.state != AgentState.OFFLINE.value)
)
_COLLEAGUES = (
    select(Agent.user_id, Agent.state, Agent.since, Agent.station_live, Agent.reserved_from, Agent.reserved_until)
    .where(Agent.state == AgentState.READY.value, Agent.user_id.in_(bindparam("users", expanding=True)))
    .order_by(Agent.user_id)
)


async def spare(uow: UnitOfWork, people: Sequence[Stand]) -> frozenset[int]:
    """Return who of these `people`, the longest ready first, is left to callers. Two statements at most.

    Of the free those are that nobody but callers may take; of the others those who will be as they get ready, so that
    pacing does not count on them.
    """
    shares = Shares({}, {})
    for user_id, project_id, keep in await uow.session.execute(_SHARES):
        shares.keep[project_id] = keep
        shares.projects.setdefault(user_id, []).append(project_id)
    known = {each.user_id for each in people}
    others = [user_id for user_id in shares.projects if user_id not in known]
    elsewhere = []
    if others:
        for user_id, state, since, live, start, end in await uow.session.execute(_COLLEAGUES, {"users": others}):
            reserved = start is not None and end is not None and start <= uow.now < end
            elsewhere.append(Stand(user_id, state, since, live and not reserved))
    return share(people, elsewhere, shares)


def share(people: Sequence[Stand], elsewhere: Iterable[Stand], shares: Shares) -> frozenset[int]:
    """Return who of `people` is left to callers; `elsewhere`: colleagues a campaign has nothing to do with. Pure.

    Each project keeps those who got ready last. One it is short of is the next who gets ready.
    """
    ready = dict.fromkeys(shares.keep, 0)
    for each in [*people, *elsewhere]:
        if each.free:
            _count(ready, shares.projects.get(each.user_id, ()), 1)
    left = set()
    for each in people:
        projects = shares.projects.get(each.user_id, ())
        if each.free and any(ready[project] <= shares.keep[project] for project in projects):
            left.add(each.user_id)
        elif each.free:
            _count(ready, projects, -1)
    working = (each for each in people if each.state in _FREED)
    for each in sorted(working, key=_soonest):
        projects = shares.projects.get(each.user_id, ())
        if any(ready[project] < shares.keep[project] for project in projects):
            left.add(each.user_id)
            _count(ready, projects, 1)
    return frozenset(left)


def _count(ready: dict[int, int], projects: Iterable[int], by: int) -> None:
    for project in projects:
        ready[project] += by


def _soonest(each: Stand) -> tuple[int, dt.datetime, int]:
    return _FREED.index(each.state), each.since, each.user_id
