"""A consultant's page and its audio: what it means for the agent when it comes, goes and stays away."""

import datetime as dt
from typing import Any

import structlog

from callcenter import jobs
from callcenter.agents import service
from callcenter.agents.models import Agent, AgentState
from callcenter.db import UnitOfWork
from callcenter.events import StationReplaced
from callcenter.facts import AgentChanged, Fact, UserShutOut
from callcenter.phone import CloseStation
from callcenter.users.models import User

log = structlog.get_logger(__name__)


async def station_live(uow: UnitOfWork, station_id: str, session: str) -> Agent | None:
    """Note that a browser's audio path stands; returns the agent, None for a station that is nobody's."""
    user_id = int(station_id) if station_id.isdecimal() else 0
    if await uow.session.get(User, user_id) is None:
        log.warning("station.unknown", station_id=station_id)
        return None
    agent = await service.row(uow, user_id)
    if agent.station_live and agent.station_session == session:
        return agent
    if agent.station_live and agent.station_session:
        uow.emit(StationReplaced(session=session), [user_id])
    agent.station_live, agent.station_session = True, session
    await jobs.drop(uow, f"station_grace:{user_id}")
    await jobs.drop(uow, f"away_call:{user_id}")
    uow.note(AgentChanged(user_id, agent.state))
    await service.tell(uow, agent)
    return agent


async def station_lost(uow: UnitOfWork, station_id: str, session: str) -> Agent | None:
    """Note that the audio path is gone; the page has a time of grace to come back. A replaced session does not count."""
    agent = await uow.session.get(Agent, int(station_id) if station_id.isdecimal() else 0)
    if agent is None or not agent.station_live or (session and agent.station_session != session):
        return None
    settings = uow.database.settings
    agent.station_live = False
    grace = uow.now + dt.timedelta(seconds=settings.station_grace_seconds)
    lost = {"user_id": agent.user_id, "lost_at": uow.now.isoformat()}
    await jobs.put(uow, f"station_grace:{agent.user_id}", "station_grace", grace, **lost)
    if agent.state == AgentState.ON_CALL:
        away = uow.now + dt.timedelta(seconds=settings.away_call_seconds)
        await jobs.put(uow, f"away_call:{agent.user_id}", "away_call", away, call_id=agent.call_id, **lost)
    uow.note(AgentChanged(agent.user_id, agent.state))
    await service.tell(uow, agent)
    return agent


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Unplug the browser of who is shut out, which might go on talking to a customer (a reaction of Database)."""
    if isinstance(fact, UserShutOut):
        uow.send(CloseStation(str(fact.user_id)))


async def is_gone(uow: UnitOfWork, user_id: int | None) -> bool:
    """Tell whether an agent's audio is lost and its time of grace is over."""
    agent = None if user_id is None else await uow.session.get(Agent, user_id)
    if agent is None or agent.station_live:
        return agent is None
    return await uow.session.get(jobs.Job, f"station_grace:{agent.user_id}") is None


async def give_up(uow: UnitOfWork, user_id: int) -> None:
    """Wait no more for an agent's page: what follows their call does not count on it."""
    await jobs.drop(uow, f"station_grace:{user_id}")
    await jobs.drop(uow, f"away_call:{user_id}")


async def station_grace_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Take an agent offline whose page stayed away; from a call, an offer or a wrap-up that follows when it is over."""
    agent = await uow.session.get(Agent, int(payload["user_id"]))
    if agent is None or agent.station_live or agent.state not in (AgentState.READY, AgentState.BREAK):
        return
    log.info("agent.page_away", user_id=agent.user_id, was=agent.state)
    await service.enter(uow, agent, AgentState.OFFLINE, reason="station_lost")
