"""What the rest of the house asks of phone meetings: facts to react to, and work for an agent who is free."""

from typing import Any

from sqlalchemy import func, or_, select

from callcenter.agents.models import Agent, AgentState
from callcenter.calls import offers
from callcenter.calls import rows as calls
from callcenter.db import UnitOfWork
from callcenter.facts import AgentChanged, CallOver, CallTalking, ContactDeleted, Fact
from callcenter.meetings import attempts, due, feeding, mending, outcomes, timing
from callcenter.meetings.feeding import feed
from callcenter.meetings.models import Attempt, Meeting, MeetingState, Mode
from callcenter.meetings.states import OPEN

__all__ = ["feed", "react", "sweep"]

_AT_ONCE = 50  # consultants a sweep gives work to: those left come with the next one


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Hear of a fact (a reaction of Database)."""
    match fact:
        case CallTalking(call_id=call_id):
            await attempts.talking(uow, call_id)
        case CallOver(call_id=call_id, lost=lost):
            await attempts.over(uow, call_id, lost=lost)
        case AgentChanged(user_id=user_id):
            await _agent_changed(uow, user_id)
        case ContactDeleted(contact_id=contact_id):
            await _contact_deleted(uow, contact_id)


async def sweep(uow: UnitOfWork, _payload: dict[str, Any]) -> None:
    """Mend what should not be, and bring consultants and meetings together who missed each other."""
    await calls.lock(uow)
    for attempt in await mending.lone_countdowns(uow):
        await mending.mend_countdown(uow, attempt)
    first = await due.next_at(uow)
    if first is not None:
        await timing.wake(uow, first)
    waits = (
        Meeting.state == MeetingState.DUE.value,
        Meeting.mode == Mode.AUTOMATIC.value,
        Meeting.to_at > uow.now,
        or_(Meeting.not_before.is_(None), Meeting.not_before <= uow.now),
    )
    ready = select(Agent.user_id).join(Meeting, Meeting.user_id == Agent.user_id)
    ready = ready.where(Agent.state == AgentState.READY.value, Agent.station_live, *waits)
    for user_id in list(
        await uow.session.scalars(ready.group_by(Agent.user_id).order_by(func.min(Meeting.to_at)).limit(_AT_ONCE))
    ):
        await feed(uow, user_id)
    nobodys = select(Meeting.project_id).where(Meeting.user_id.is_(None), *waits).distinct()
    for project_id in list(await uow.session.scalars(nobodys)):
        if project_id is not None:
            await due.feed_members(uow, project_id)


async def _agent_changed(uow: UnitOfWork, user_id: int) -> None:
    """Take back a countdown its consultant cannot talk after, give work to who is ready, else say why their meeting waits."""
    agent = await uow.session.get(Agent, user_id)
    if agent is None:
        return
    if agent.state == AgentState.OFFERED and agent.call_id is not None:
        await _watch_countdown(uow, agent)
    elif agent.state == AgentState.READY and agent.station_live:
        if not await feed(uow, user_id) and user_id in uow.session.info.get(attempts.FREED, ()):
            await offers.feed_from(uow, user_id)
    else:
        await feeding.say_why(uow, user_id)


async def _watch_countdown(uow: UnitOfWork, agent: Agent) -> None:
    code = "" if agent.station_live else "no_audio"
    if agent.after_call is not None:
        code = "break" if agent.after_call == AgentState.BREAK else "offline"
    attempt = await uow.session.get(Attempt, agent.call_id) if code else None
    if attempt is not None and attempt.state == attempts.COUNTDOWN:
        await attempts.withdraw(uow, await uow.session.get_one(Meeting, attempt.meeting_id), attempt, code)


async def _contact_deleted(uow: UnitOfWork, contact_id: int) -> None:
    """Let no meeting of a deleted contact be dialled: automatic ones are cancelled, a person decides about the others."""
    query = select(Meeting).where(Meeting.contact_id == contact_id, Meeting.state.in_([state.value for state in OPEN]))
    with uow.session.no_autoflush:  # else a deletion not yet written would take the contact from the meetings first
        await calls.lock(uow)
        found = list(await uow.session.scalars(query))
    for meeting in found:
        meeting.contact_id, meeting.contact_name = None, meeting.contact_name or "?"
        await attempts.withdraw_from(uow, meeting)
        await outcomes.contact_gone(uow, meeting)
