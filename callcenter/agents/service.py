"""Agents: their states, and the only claim of an agent for a call.

Nobody else writes an agent's row. Every change is told to the agent and to the supervisors.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import structlog
from sqlalchemy import bindparam, or_, select, update

from callcenter import jobs
from callcenter.actor import Role
from callcenter.agents import states
from callcenter.agents.models import Agent, AgentState
from callcenter.agents.states import MISSED_OFFERS
from callcenter.agents.views import AgentOut, show
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.events import AgentStateChanged
from callcenter.facts import AgentChanged
from callcenter.projects.models import Membership
from callcenter.users.models import User
from callcenter.users.service import audit, supervisors

log = structlog.get_logger(__name__)


async def get_agent(uow: UnitOfWork, user_id: int) -> AgentOut:
    """Return an agent: oneself, or anybody for supervisors."""
    if user_id != uow.actor.user_id:
        uow.actor.require(Role.SUPERVISOR)
    user = await uow.session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    return show(await uow.session.get(Agent, user_id), user.id, user.name)


async def list_agents(uow: UnitOfWork) -> list[AgentOut]:
    """Return every user who may sign in as an agent, by name (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    query = select(User, Agent).outerjoin(Agent, Agent.user_id == User.id).where(User.disabled_at.is_(None))
    rows = await uow.session.execute(query.order_by(User.name, User.id))
    return [show(agent, user.id, user.name) for user, agent in rows]


async def row(uow: UnitOfWork, user_id: int) -> Agent:
    """Return the agent's row, making one that is offline for somebody new; raises NotFound without such a user."""
    agent = await uow.session.get(Agent, user_id)
    if agent is None:
        if await uow.session.get(User, user_id) is None:
            raise NotFound("There is no such user.")
        agent = Agent(user_id=user_id, state=AgentState.OFFLINE.value, since=uow.now)
        uow.session.add(agent)
        await uow.session.flush()
    return agent


async def set_state(uow: UnitOfWork, user_id: int, state: str, reason: str = "") -> Agent:
    """Take the state a person asked for, at once or after the call they are in. Others' states: supervisors, audited."""
    wanted = states.asked(state)
    if user_id != uow.actor.user_id:
        uow.actor.require(Role.SUPERVISOR)
        audit(uow, "agent.state_set", "agent", user_id, state=state, reason=reason)
    agent = await row(uow, user_id)
    refusal = states.refusal(wanted, station_live=agent.station_live)
    if refusal is not None:
        raise refusal
    agent.missed_offers = 0
    if agent.state in states.WAITED_FOR:
        agent.after_call = None if wanted is AgentState.READY else wanted.value
        uow.note(AgentChanged(agent.user_id, agent.state))
        await tell(uow, agent)
    elif agent.state != wanted or agent.reason != reason:
        agent.after_call = None
        await enter(uow, agent, wanted, reason=reason)
    return agent


# Built once: building these costs more than running them, and every call that comes waits for both.
_READY_MEMBERS = (
    select(Membership.project_id, Agent.user_id, Agent.ready_since, Agent.fence, User.accounts)
    .join(Agent, Membership.user_id == Agent.user_id)
    .join(User, User.id == Agent.user_id)
    .where(
        Membership.project_id.in_(bindparam("project_ids", expanding=True)),
        Agent.state == AgentState.READY.value,
        Agent.station_live,
        or_(Agent.reserved_from.is_(None), Agent.reserved_from > bindparam("at"), Agent.reserved_until <= bindparam("at")),
    )
)
_CLAIM = (
    update(Agent)
    .where(Agent.user_id == bindparam("agent"), Agent.fence == bindparam("seen"))
    .where(Agent.state == AgentState.READY.value, Agent.station_live)
    .values(state=AgentState.OFFERED.value, reason=bindparam("why"), since=bindparam("at"))
    .values(call_id=bindparam("call"), fence=Agent.fence + 1)
    .returning(Agent)
    .execution_options(synchronize_session=False, populate_existing=True)
)
_TAKE = (
    update(Agent)
    .where(Agent.user_id == bindparam("agent"), Agent.state == AgentState.READY.value, Agent.station_live)
    .values(state=AgentState.ON_CALL.value, reason="", since=bindparam("at"), call_id=bindparam("call"))
    .values(missed_offers=0, fence=Agent.fence + 1)
    .returning(Agent)
    .execution_options(synchronize_session=False, populate_existing=True)
)


class ReadyMember(NamedTuple):
    """A member of a project who can take a call now; `accounts` are their account roles, since a pop-up asks for no more."""

    project_id: int
    user_id: int
    since: dt.datetime
    fence: int
    accounts: Sequence[str]


async def ready_members(uow: UnitOfWork, project_ids: Iterable[int]) -> list[ReadyMember]:
    """Return the projects' members who can take a call now."""
    rows = await uow.session.execute(_READY_MEMBERS, {"project_ids": list(project_ids), "at": uow.now})
    return [ReadyMember(project_id, user_id, since or uow.now, *more) for project_id, user_id, since, *more in rows]


async def reserve(uow: UnitOfWork, user_id: int, start: dt.datetime | None, end: dt.datetime | None) -> None:
    """Keep queue and campaign calls from an agent between these times (B4); None and None: no more."""
    agent = await row(uow, user_id)
    agent.reserved_from, agent.reserved_until = start, end


async def claim(uow: UnitOfWork, user_id: int, fence: int, call_id: str, *, why: str = "") -> bool:
    """Take a ready agent for a call: the one statement that does, so that no two calls get the same agent.

    `why`: what they are offered where nothing rings yet (states.LEAD, states.MEETING).
    """
    given = {"agent": user_id, "seen": fence, "at": uow.now, "call": call_id, "why": why}
    agent = (await uow.session.scalars(_CLAIM, given)).one_or_none()
    if agent is None:
        return False
    await tell(uow, agent)
    return True


async def take(uow: UnitOfWork, user_id: int, call_id: str) -> bool:
    """Put a ready agent on a call that is answered already, in one statement as `claim`; False when they are not ready now."""
    agent = (await uow.session.scalars(_TAKE, {"agent": user_id, "at": uow.now, "call": call_id})).one_or_none()
    if agent is None:
        return False
    uow.note(AgentChanged(agent.user_id, agent.state))
    await tell(uow, agent)
    return True


async def begin_call(uow: UnitOfWork, agent: Agent, call_id: str) -> None:
    """Put the agent on a call they answered or dial; from a break or offline they go back there afterwards."""
    if agent.state in (AgentState.BREAK, AgentState.OFFLINE):
        agent.after_call = agent.state
    agent.missed_offers = 0
    await enter(uow, agent, AgentState.ON_CALL, call_id=call_id)


async def begin_listening(uow: UnitOfWork, agent: Agent) -> None:
    """Keep calls from a supervisor who listens to one; the state they are in comes back with end_listening, its reason, too."""
    if agent.state in (AgentState.BREAK, AgentState.OFFLINE):
        agent.after_call = agent.state
    await enter(uow, agent, AgentState.LISTENING, reason=agent.reason)


async def end_listening(uow: UnitOfWork, agent: Agent) -> None:
    """Give a supervisor who listened the state back they were in, or the one they asked for meanwhile."""
    await settle(uow, agent, agent.reason if agent.after_call == AgentState.BREAK else "")


async def end_call(uow: UnitOfWork, user_id: int | None, call_id: str, wrap_up_seconds: int) -> dt.datetime | None:
    """Free the agent of a call that is over; returns until when they wrap up, None when they do not."""
    agent = None if user_id is None else await uow.session.get(Agent, user_id)
    if agent is None or agent.call_id != call_id or agent.state not in states.BUSY:
        return None
    if wrap_up_seconds <= 0:
        await settle(uow, agent)
        return None
    until = uow.now + dt.timedelta(seconds=wrap_up_seconds)
    await enter(uow, agent, AgentState.WRAP_UP, call_id=call_id, wrap_up_until=until)
    return until


async def end_offer(uow: UnitOfWork, user_id: int, call_id: str, *, missed: bool) -> None:
    """Free the agent of an offer that is over; `missed` counts towards the break, else they keep their place."""
    agent = await uow.session.get(Agent, user_id)
    if agent is None or agent.call_id != call_id or agent.state != AgentState.OFFERED:
        return
    place = agent.ready_since
    if missed:
        agent.missed_offers += 1
    if missed and agent.missed_offers >= MISSED_OFFERS and agent.after_call is None:
        await enter(uow, agent, AgentState.BREAK, reason="missed_offers")
        return
    await settle(uow, agent)
    if not missed and agent.state == AgentState.READY:
        agent.ready_since = place


async def settle(uow: UnitOfWork, agent: Agent, reason: str = "") -> None:
    """Take the state that follows a call, an offer or a wrap-up: what was asked for meanwhile, else ready."""
    here = agent.station_live or await uow.session.get(jobs.Job, f"station_grace:{agent.user_id}") is not None
    state, why = states.after_call(agent.after_call, station_here=here)
    agent.after_call = None
    await enter(uow, agent, state, reason=why or reason)


async def extend_wrap_up(uow: UnitOfWork, agent: Agent, seconds: int) -> None:
    """Move the end of a wrap-up."""
    agent.wrap_up_until = (agent.wrap_up_until or uow.now) + dt.timedelta(seconds=seconds)
    await _put_wrap_up(uow, agent)
    await tell(uow, agent)


async def enter(
    uow: UnitOfWork,
    agent: Agent,
    state: AgentState,
    *,
    reason: str = "",
    call_id: str | None = None,
    wrap_up_until: dt.datetime | None = None,
) -> None:
    """Change the state and tell; a change the machine does not know is logged, for it is a fault of ours."""
    before = AgentState(agent.state)
    if state is not before and state not in states.FOLLOWING[before]:
        log.error("agent.odd_change", user_id=agent.user_id, before=before.value, state=state.value)
    if before is AgentState.WRAP_UP and state is not AgentState.WRAP_UP:
        await jobs.drop(uow, f"wrap_up:{agent.user_id}")
    if state is AgentState.READY and before is not AgentState.READY:
        agent.ready_since = uow.now
    if state is not before:
        agent.since = uow.now
    agent.state, agent.reason = state.value, reason[:200]
    uow.note(AgentChanged(agent.user_id, agent.state))
    agent.call_id, agent.wrap_up_until = call_id, wrap_up_until
    agent.fence += 1
    if wrap_up_until is not None:
        await _put_wrap_up(uow, agent)
    await tell(uow, agent)


async def tell(uow: UnitOfWork, agent: Agent) -> None:
    """Tell the agent and the supervisors how the agent stands."""
    message = AgentStateChanged(
        user_id=agent.user_id,
        state=agent.state,
        reason=agent.reason,
        since=agent.since,
        wrap_up_until=agent.wrap_up_until,
        call_id=agent.call_id,
        station_live=agent.station_live,
        after_call=agent.after_call,
    )
    uow.emit(message, [agent.user_id, *await _supervisors(uow)])


async def _put_wrap_up(uow: UnitOfWork, agent: Agent) -> None:
    until = agent.wrap_up_until or uow.now
    await jobs.put(uow, f"wrap_up:{agent.user_id}", "wrap_up", until, user_id=agent.user_id, call_id=agent.call_id)


async def _supervisors(uow: UnitOfWork) -> list[int]:
    """Return the supervisors, asked for once per unit of work: a call changes several agents."""
    info = uow.session.info
    if "supervisors" not in info:
        info["supervisors"] = await supervisors(uow)
    found: list[int] = info["supervisors"]
    return found
