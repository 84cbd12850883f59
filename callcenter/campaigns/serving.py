"""Who serves a campaign, and who of them can take a call of it now: ready, not kept for a meeting (B4), no caller waits (B10).

Those a project keeps for callers to come (blending.py) are called for by no new line, and take a customer who answered.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, exists, or_, select
from sqlalchemy.orm import aliased

from callcenter.agents.models import Agent, AgentState
from callcenter.calls.models import Call, CallState
from callcenter.campaigns import blending
from callcenter.campaigns.models import Campaign, CampaignMember
from callcenter.db import UnitOfWork
from callcenter.projects.models import Membership, Project
from callcenter.users.models import User


class Server(NamedTuple):
    """Somebody who serves a campaign and is not offline, as they stand now. `kept`: for other work, though they are ready.

    `reason`: of the state, of Agent.reason. `spare`: ready, or the next who will be, and left to callers by their project.
    """

    user_id: int
    state: str
    reason: str
    since: dt.datetime
    ready_since: dt.datetime
    call_id: str | None
    kept: bool
    spare: bool = False

    @property
    def able(self) -> bool:
        """Tell whether they can take a customer who has answered."""
        return self.state == AgentState.READY and not self.kept

    @property
    def free(self) -> bool:
        """Tell whether somebody may be dialled for them."""
        return self.able and not self.spare


def _people() -> Select[int, str, str, dt.datetime, dt.datetime | None, str | None, bool, bool]:
    """Return agents who serve :campaign of :project: whether something keeps them from its calls, and whether callers may."""
    chosen = exists().where(CampaignMember.campaign_id == bindparam("campaign"))
    theirs = exists().where(CampaignMember.campaign_id == bindparam("campaign"), CampaignMember.user_id == Agent.user_id)
    other = aliased(Membership)
    caller = exists().where(
        Call.state == CallState.WAITING.value, other.project_id == Call.project_id, other.user_id == Agent.user_id
    )
    reserved = and_(Agent.reserved_from <= bindparam("at"), Agent.reserved_until > bindparam("at"))
    kept = or_(Agent.station_live.is_(False), and_(Agent.reserved_from.is_not(None), reserved), caller)
    called = aliased(Membership)
    needed = exists().where(called.user_id == Agent.user_id, called.project_id == Project.id)
    needed = needed.where(Project.enabled, Project.keep_ready > 0)
    state = (Agent.state, Agent.reason, Agent.since, Agent.ready_since, Agent.call_id)
    return (
        select(Agent.user_id, *state, kept.label("kept"), needed.label("needed"))
        .join(Membership, and_(Membership.user_id == Agent.user_id, Membership.project_id == bindparam("project")))
        .join(User, User.id == Agent.user_id)
        .where(User.disabled_at.is_(None), or_(~chosen, theirs))
    )


_ALL = _people().where(Agent.state != AgentState.OFFLINE.value)
_READY = _people().where(Agent.state == AgentState.READY.value)
_ONE = _READY.where(Agent.user_id == bindparam("user"))


async def _servers(uow: UnitOfWork, rows: Iterable[Any], *, callers: bool = True) -> list[Server]:
    """Return who stands in rows of _people, the longest ready first; `callers`: with who is left to them."""
    found, needed = [], False
    for user_id, state, reason, since, ready_since, call_id, kept, wanted in rows:
        found.append(Server(user_id, state, reason, since, ready_since or since, call_id, bool(kept)))
        needed = needed or wanted
    found.sort(key=lambda each: (each.ready_since, each.user_id))
    if not (needed and callers):
        return found
    left = await blending.spare(uow, [blending.Stand(each.user_id, each.state, each.since, each.able) for each in found])
    return [each._replace(spare=True) if each.user_id in left else each for each in found]


def _given(uow: UnitOfWork, campaign: Campaign) -> dict[str, object]:
    return {"campaign": campaign.id, "project": campaign.project_id, "at": uow.now}


async def everybody(uow: UnitOfWork, campaign: Campaign) -> list[Server]:
    """Return all who serve a campaign and are not offline, the longest ready first."""
    return await _servers(uow, await uow.session.execute(_ALL, _given(uow, campaign)))


async def longest_ready(uow: UnitOfWork, campaign: Campaign) -> list[int]:
    """Return for whom somebody may be dialled now, the longest ready first. One statement where no project keeps people."""
    ready = await _servers(uow, await uow.session.execute(_READY, _given(uow, campaign)))
    return [each.user_id for each in ready if each.free]


async def able(uow: UnitOfWork, campaign: Campaign) -> list[int]:
    """Return who can take a customer who has answered, the longest ready first; those left to callers too. One statement."""
    ready = await _servers(uow, await uow.session.execute(_READY, _given(uow, campaign)), callers=False)
    return [each.user_id for each in ready if each.able]


async def can_take(uow: UnitOfWork, campaign: Campaign, user_id: int) -> bool:
    """Tell whether somebody can take a customer of a campaign who has answered."""
    rows = await uow.session.execute(_ONE, {**_given(uow, campaign), "user": user_id})
    return any(each.able for each in await _servers(uow, rows, callers=False))
