"""When the agent drops: the customer who is left on the line hears the call's announcement and is then hung up on.

An agent has dropped when their audio is lost and the time of grace is over, however it was lost: the page, the browser, the
machine or the network is gone, or they signed out or were shut out. Who presses Hang up ends the call; that is no drop.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import structlog

from callcenter import jobs
from callcenter.agents import stations
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import ending, rows
from callcenter.calls.models import Call, CallState, Leg
from callcenter.db import UnitOfWork
from callcenter.phone import Announce, Bridge, EndReason, HangUpLeg

log = structlog.get_logger(__name__)

LONGEST = dt.timedelta(seconds=90)  # the longest announcement lasts a minute: the switch should have told its end by then


async def agent_gone(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Announce to the customer of the agent whose time of grace is over (the job station_grace)."""
    agent = await uow.session.get(Agent, int(payload["user_id"]))
    if agent is None or agent.station_live or agent.state != AgentState.ON_CALL or agent.call_id is None:
        return
    call = await uow.session.get(Call, agent.call_id)
    if call is not None:
        await begin(uow, call, lost_at(uow, payload))


async def begin(uow: UnitOfWork, call: Call, lost: dt.datetime) -> bool:
    """Let the customer of a call whose agent dropped hear the announcement; the agent is free, the call ends after it.

    `lost`: when the agent's audio was. False when there is no announcement or no customer on the line to hear it.
    """
    legs = await rows.live_legs(uow, call.id)
    if not call.announcement or call.state == CallState.ENDED or all(leg.state != rows.ANSWERED for leg in legs):
        return False
    if call.state == CallState.ANNOUNCING:
        return True
    log.info("call.announcing", call_id=call.id, user_id=call.user_id)
    if call.user_id is not None:
        await stations.give_up(uow, call.user_id)
    dropped(call, lost)
    call.state, call.held = CallState.ANNOUNCING.value, False
    announce(uow, call, legs)
    await ending.free_listeners(uow, call)
    await ending.free_agent(uow, call, EndReason.DROPPED)
    await jobs.put(uow, f"{ending.ANNOUNCEMENT}:{call.id}", ending.ANNOUNCEMENT, uow.now + LONGEST, call_id=call.id)
    return True


async def let_go(uow: UnitOfWork, call: Call, lost: dt.datetime) -> None:
    """End a call whose agent stayed away for too long, with its announcement if it has one."""
    if await begin(uow, call, lost):
        return
    if call.answered_at is None:
        await ending.hang_up(uow, call, EndReason.FAILED)
    else:
        dropped(call, lost)
        await ending.hang_up(uow, call, EndReason.DROPPED)


async def overdue(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Hang up on a customer whose announcement must be over, and of whom the switch has said nothing (a job)."""
    await rows.lock(uow)
    call = await uow.session.get(Call, str(payload["call_id"]))
    if call is not None and call.state in (CallState.ANNOUNCING, CallState.PLAYING):
        log.error("call.announcement_overdue", call_id=call.id)
        await ending.hang_up(uow, call, EndReason.DROPPED if call.state == CallState.ANNOUNCING else EndReason.COMPLETED)


def announce(uow: UnitOfWork, call: Call, legs: Iterable[Leg]) -> None:
    """Tell the switch to announce to the call's customer; it does nothing where it does so already."""
    uow.send(Bridge(call.id, ()))
    for leg in legs:
        if leg.state == rows.ANSWERED:
            uow.send(Announce(leg.id, call.announcement))
        else:
            uow.send(HangUpLeg(leg.id, EndReason.CANCELLED))


def dropped(call: Call, lost: dt.datetime) -> None:
    """Note when the agent's audio was lost; nobody has talked when that was before the customer answered. Pure."""
    call.dropped_at = lost
    if call.answered_at is not None and lost < call.answered_at:
        call.answered_at = None


def lost_at(uow: UnitOfWork, payload: dict[str, Any]) -> dt.datetime:
    """Return since when a page is away, as its job tells."""
    return dt.datetime.fromisoformat(payload["lost_at"]) if "lost_at" in payload else uow.now
