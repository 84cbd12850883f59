"""Who serves a campaign, and who of them can take a call of it now: ready, not kept for a meeting (B4), no caller waits (B10)."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, exists, or_, select
from sqlalchemy.orm import aliased

from callcenter.agents.models import Agent, AgentState
from callcenter.calls.models import Call, CallState
from callcenter.campaigns.models import Campaign, CampaignMember
from callcenter.db import UnitOfWork
from callcenter.projects.models import Membership
from callcenter.users.models import User


class Server(NamedTuple):
    """Somebody who serves a campaign and is not offline, as they stand now. `kept`: for other work, though they are ready.

    `reason`: of the state, of Agent.reason.
    """

    user_id: int
    state: str
    reason: str
    since: dt.datetime
    ready_since: dt.datetime
    call_id: str | None
    kept: bool

    @property
    def free(self) -> bool:
        """Tell whether they can take a call now."""
        return self.state == AgentState.READY and not self.kept


def _people() -> Select[int, str, str, dt.datetime, dt.datetime | None, str | None, bool]:
    """Return agents who serve :campaign of :project with whether something keeps them from its calls."""
    chosen = exists().where(CampaignMember.campaign_id == bindparam("campaign"))
    theirs = exists().where(CampaignMember.campaign_id == bindparam("campaign"), CampaignMember.user_id == Agent.user_id)
    other = aliased(Membership)
    caller = exists().where(
        Call.state == CallState.WAITING.value, other.project_id == Call.project_id, other.user_id == Agent.user_id
    )
    reserved = and_(Agent.reserved_from <= bindparam("at"), Agent.reserved_until > bindparam("at"))
    kept = or_(Agent.station_live.is_(False), and_(Agent.reserved_from.is_not(None), reserved), caller)
    return (
        select(Agent.user_id, Agent.state, Agent.reason, Agent.since, Agent.ready_since, Agent.call_id, kept.label("kept"))
        .join(Membership, and_(Membership.user_id == Agent.user_id, Membership.project_id == bindparam("project")))
        .join(User, User.id == Agent.user_id)
        .where(User.disabled_at.is_(None), or_(~chosen, theirs))
    )


_ALL = _people().where(Agent.state != AgentState.OFFLINE.value)
_READY = _people().where(Agent.state == AgentState.READY.value)
_ONE = _READY.where(Agent.user_id == bindparam("user"))


def _servers(rows: Iterable[Any]) -> list[Server]:
    found = []
    for user_id, state, reason, since, ready_since, call_id, kept in rows:
        found.append(Server(user_id, state, reason, since, ready_since or since, call_id, bool(kept)))
    return found


def _given(uow: UnitOfWork, campaign: Campaign) -> dict[str, object]:
    return {"campaign": campaign.id, "project": campaign.project_id, "at": uow.now}


async def everybody(uow: UnitOfWork, campaign: Campaign) -> list[Server]:
    """Return all who serve a campaign and are not offline."""
    return _servers(await uow.session.execute(_ALL, _given(uow, campaign)))


async def longest_ready(uow: UnitOfWork, campaign: Campaign) -> list[int]:
    """Return who can take a call of a campaign now, the longest ready first; one statement."""
    ready = _servers(await uow.session.execute(_READY, _given(uow, campaign)))
    return [each.user_id for each in sorted(ready, key=lambda each: (each.ready_since, each.user_id)) if each.free]


async def can_take(uow: UnitOfWork, campaign: Campaign, user_id: int) -> bool:
    """Tell whether somebody can take a call of a campaign now."""
    rows = await uow.session.execute(_ONE, {**_given(uow, campaign), "user": user_id})
    return any(each.free for each in _servers(rows))
