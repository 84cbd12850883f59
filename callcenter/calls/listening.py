"""Supervisors in a consultant's running call: they listen, whisper or barge in (docs/decisions/0028-listening-in.md).

One row per stretch of one way; a supervisor is in one call at most. Who is in a call is told to the switch with the whole
bridge each time, so that repeating it after a reconnect changes nothing.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy import select

from callcenter.actor import Role
from callcenter.agents import service as agents
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import rows, sight
from callcenter.calls.events import Listener, ListenersChanged, ListeningChanged
from callcenter.calls.models import Call, CallState, Listening
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.facts import Fact, UserShutOut
from callcenter.phone import Bridge, Member, PortRole, Way
from callcenter.projects import rights
from callcenter.projects.rights import Act
from callcenter.users.models import User
from callcenter.users.service import audit

log = structlog.get_logger(__name__)

_BUSY = (AgentState.OFFERED, AgentState.ON_CALL, AgentState.WRAP_UP)


async def listen(uow: UnitOfWork, call_id: str, way: str) -> Listening:
    """Be in a consultant's call in a way (listen, whisper, barge), or from now on in another; leaves the call one was in.

    Raises NotPermitted without the right, Conflict when nobody talks in it or one has a call of one's own.
    """
    wanted = _way(way)
    rights.require_some(uow.actor, Act.LISTEN)
    await rows.lock(uow)
    call = await rows.seen(uow, call_id)
    await rights.require(uow, Act.LISTEN, call.project_id)
    await sight.refuse(uow, call)
    mine = await of_user(uow, uow.actor.id)
    if mine is not None and (mine.call_id, mine.way) == (call.id, wanted.value):
        return mine
    if call.user_id == uow.actor.id:
        raise Conflict("This is your own call.")
    if call.state != CallState.TALKING:
        raise Conflict("Nobody talks in this call now.")
    before = await _told(uow, call)
    if mine is None:
        await _sit_down(uow)
    else:
        await _leave_for_another(uow, mine, call)
    made = await _begin(uow, call, wanted)
    await _arrange(uow, call)
    await _tell(uow, call, before)
    return made


async def leave(uow: UnitOfWork, call_id: str) -> int | None:
    """Leave a call one listens to; returns whose state is again what it was, None when one is not in it (any more)."""
    await rows.lock(uow)
    mine = await of_user(uow, uow.actor.id)
    if mine is None or mine.call_id != call_id:
        return None
    await end(uow, mine, "left")
    return mine.user_id


async def end(uow: UnitOfWork, listening: Listening, reason: str) -> None:
    """Take a supervisor out of a call that goes on, for the consultant and in the switch; their state is what it was."""
    call = await uow.session.get_one(Call, listening.call_id)
    before = await _told(uow, call)
    await _close(uow, listening, reason)
    if call.state == CallState.TALKING:
        await _arrange(uow, call)
        await _tell(uow, call, before)


async def over(uow: UnitOfWork, call: Call) -> list[int]:
    """Let everybody out of a call in which nobody talks any more; returns whose state is again what it was.

    The bridge is ended by whoever ends the talk.
    """
    if call.answered_at is None and call.dropped_at is None:
        return []  # nobody talked: spare the query
    there = await of_call(uow, call.id)
    for each in there:
        await _close(uow, each, "over")
    return [each.user_id for each in there]


async def of_user(uow: UnitOfWork, user_id: int) -> Listening | None:
    """Return what a supervisor listens to now."""
    return await uow.session.scalar(select(Listening).where(Listening.user_id == user_id, Listening.ended_at.is_(None)))


async def of_call(uow: UnitOfWork, call_id: str) -> list[Listening]:
    """Return who is in a call beside customer and consultant, the first first."""
    query = select(Listening).where(Listening.call_id == call_id, Listening.ended_at.is_(None))
    return list(await uow.session.scalars(query.order_by(Listening.id)))


async def members(uow: UnitOfWork, call: Call) -> tuple[Member, ...]:
    """Return the supervisors of a call's bridge."""
    there = await of_call(uow, call.id)
    return tuple(Member("station", str(each.user_id), PortRole.SUPERVISOR, Way(each.way)) for each in there)


async def listeners(uow: UnitOfWork, listenings: Sequence[Listening]) -> list[Listener]:
    """Return supervisors in calls with their names."""
    found = []
    for each in listenings:
        user = await uow.session.get_one(User, each.user_id)
        found.append(Listener(user_id=user.id, name=user.name, way=each.way, since=each.began_at))
    return found


def is_told(listening: Listening) -> bool:
    """Tell whether the consultant knows: they are told where the project says so, and of whoever they can hear. Pure."""
    return listening.told or listening.way != Way.LISTEN.value


async def held(uow: UnitOfWork, call: Call) -> None:
    """Tell those who listen that the call was put on hold, or taken back."""
    for each in await of_call(uow, call.id):
        uow.emit(ListeningChanged(call_id=call.id, way=each.way), [each.user_id])


async def take_out(uow: UnitOfWork, user_id: int, reason: str) -> None:
    """Take a supervisor out of the call they are in, if any: their page stayed away, or something goes before it."""
    mine = await of_user(uow, user_id)
    if mine is not None:
        await end(uow, mine, reason)


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Take a supervisor out of a call who is shut out (a reaction of Database)."""
    if isinstance(fact, UserShutOut) and await of_user(uow, fact.user_id) is not None:
        await rows.lock(uow)
        await take_out(uow, fact.user_id, "shut_out")


async def mend(uow: UnitOfWork) -> list[int]:
    """End what should not be: in a call that is over, of somebody who may not listen any more; free who listens to nothing.

    Part of the sweep; returns whose state was changed.
    """
    freed = []
    query = select(Listening, Call, User, Agent).join(Call, Call.id == Listening.call_id)
    query = query.join(User, User.id == Listening.user_id).join(Agent, Agent.user_id == Listening.user_id)
    for each, call, user, agent in (await uow.session.execute(query.where(Listening.ended_at.is_(None)))).all():
        role = Role(user.role)
        may = user.disabled_at is None and await rights.may(uow, Act.LISTEN, call.project_id, user_id=user.id, role=role)
        if may and call.state == CallState.TALKING and agent.state == AgentState.LISTENING:
            continue
        log.warning("sweep.listening_ended", user_id=user.id, call_id=call.id, state=call.state, agent=agent.state, may=may)
        await end(uow, each, "not_permitted" if not may else "reconciled")
        freed.append(each.user_id)
    await uow.session.flush()
    busy = select(Listening.user_id).where(Listening.ended_at.is_(None))
    for agent in await uow.session.scalars(
        select(Agent).where(Agent.state == AgentState.LISTENING.value, Agent.user_id.not_in(busy))
    ):
        log.error("sweep.listener_freed", user_id=agent.user_id)
        await agents.end_listening(uow, agent)
        freed.append(agent.user_id)
    return freed


async def _sit_down(uow: UnitOfWork) -> None:
    """Make the actor busy with listening: no caller is offered to them until they leave."""
    agent = await agents.row(uow, uow.actor.id)
    if agent.state in _BUSY:
        raise Conflict("You have a call of your own. Finish it first, with its wrap-up.")
    if not agent.station_live:
        raise Conflict("Allow the microphone first, then listen.")
    await agents.begin_listening(uow, agent)


async def _leave_for_another(uow: UnitOfWork, mine: Listening, wanted: Call) -> None:
    """End the stretch the actor is in, who goes on listening: there in another way, or to another call."""
    former = await uow.session.get_one(Call, mine.call_id)
    before = await _told(uow, former)
    _write_end(uow, mine, "changed")
    await uow.session.flush()
    if former.id != wanted.id:
        await _arrange(uow, former)
        await _tell(uow, former, before)


async def _begin(uow: UnitOfWork, call: Call, way: Way) -> Listening:
    project = await rows.project_of(uow, call)
    made = Listening(
        call_id=call.id,
        user_id=uow.actor.id,
        consultant_id=call.user_id,
        way=way.value,
        told=project is None or project.tell_listening,
        began_at=uow.now,
    )
    uow.session.add(made)
    if way is Way.BARGE and uow.actor.name not in call.joined.split(", "):
        call.joined = ", ".join(filter(None, [call.joined, uow.actor.name]))
    await uow.session.flush()
    audit(uow, "call.listening_begun", "call", call.id, way=way.value, user_id=uow.actor.id, consultant_id=call.user_id)
    log.info("listening.begun", call_id=call.id, user_id=uow.actor.id, way=way.value)
    uow.emit(ListeningChanged(call_id=call.id, way=way.value), [uow.actor.id])
    return made


async def _close(uow: UnitOfWork, listening: Listening, reason: str) -> None:
    """End a stretch, give the supervisor their state back and tell them."""
    _write_end(uow, listening, reason)
    await uow.session.flush()
    agent = await agents.row(uow, listening.user_id)
    if agent.state == AgentState.LISTENING:
        await agents.end_listening(uow, agent)
    uow.emit(ListeningChanged(call_id=None, reason=reason), [listening.user_id])


def _write_end(uow: UnitOfWork, listening: Listening, reason: str) -> None:
    listening.ended_at = uow.now
    log.info("listening.ended", call_id=listening.call_id, user_id=listening.user_id, way=listening.way, reason=reason)
    audit(
        uow,
        "call.listening_ended",
        "call",
        listening.call_id,
        way=listening.way,
        user_id=listening.user_id,
        consultant_id=listening.consultant_id,
        began_at=listening.began_at.isoformat(),
        ended_at=uow.now.isoformat(),
        reason=reason,
    )


async def _arrange(uow: UnitOfWork, call: Call) -> None:
    """Tell the switch who is in the call now. On hold the customer stays where they are, with their music."""
    others = await members(uow, call)
    legs = [] if call.held else await rows.live_legs(uow, call.id)
    uow.send(rows.bridge(call, legs, others) if legs or others else Bridge(call.id, ()))


async def _told(uow: UnitOfWork, call: Call) -> list[Listener]:
    """Return those in a call of whom its consultant is told."""
    return await listeners(uow, [each for each in await of_call(uow, call.id) if is_told(each)])


async def _tell(uow: UnitOfWork, call: Call, before: list[Listener]) -> None:
    """Tell the consultant who is in their call, if that is other than `before` for them."""
    now = await _told(uow, call)
    if call.user_id is not None and now != before:
        uow.emit(ListenersChanged(call_id=call.id, listeners=now), [call.user_id])


def _way(way: str) -> Way:
    try:
        return Way(way)
    except ValueError:
        raise Invalid("One can listen, whisper or barge in.", field="way") from None
