"""Which meeting is next: for a consultant who is ready one indexed query finds their own, one per project those of nobody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from sqlalchemy import Select, bindparam, literal_column, or_, select

from callcenter.agents.models import Agent, AgentState
from callcenter.db import UnitOfWork, away
from callcenter.meetings import attempts, conditions, sight, standing, waiting
from callcenter.meetings.models import Meeting, MeetingState, Mode
from callcenter.meetings.timing import GUARD

log = structlog.get_logger(__name__)

_LOOKED_AT = 20  # of those that are due: the first may be barred, by its project's hours for one


def _due(own: bool) -> Select[Any]:
    """Return automatic meetings that may be dialled at :at, the most urgent first: of :user, or nobody's of :project."""
    query = select(Meeting).where(
        Meeting.state == literal_column("'due'"),
        Meeting.mode == literal_column("'automatic'"),
        Meeting.to_at > bindparam("at"),
        or_(Meeting.not_before.is_(None), Meeting.not_before <= bindparam("at")),
    )
    if own:
        query = query.where(Meeting.user_id == bindparam("user"))
    else:
        query = query.where(Meeting.user_id.is_(None), Meeting.project_id == bindparam("project"))
    return query.order_by(Meeting.to_at, Meeting.id).limit(_LOOKED_AT)


OWN, NOBODYS = _due(own=True), _due(own=False)  # built once: every consultant who becomes free asks them
_FIRST = OWN.limit(1)


async def feed(uow: UnitOfWork, user_id: int) -> bool:
    """Begin the most urgent automatic meeting of a consultant who is ready, their own first; tells whether there was one."""
    agent = await uow.session.get(Agent, user_id)
    if agent is None or agent.state != AgentState.READY or not agent.station_live or standing.nothing_for(uow, user_id):
        return False
    if await _own(uow, agent) or (not reserved(agent, uow) and await _nobodys(uow, agent)):
        return True
    standing.asked(uow, user_id)
    return False


async def _own(uow: UnitOfWork, agent: Agent) -> bool:
    async for meeting in _most_urgent(uow, OWN, {"user": agent.user_id, "at": uow.now}):
        if not await conditions.serves(uow, meeting.project_id, agent.user_id):
            await standing.hold(uow, meeting, "no_consultant")
        elif await _begin(uow, meeting, agent):
            return True
    return False


async def _nobodys(uow: UnitOfWork, agent: Agent) -> bool:
    for project_id in await conditions.served_by(uow, agent.user_id):
        async for meeting in _most_urgent(uow, NOBODYS, {"project": project_id, "at": uow.now}):
            if agent.user_id not in await sight.blind(uow, [agent.user_id], meeting) and await _begin(uow, meeting, agent):
                return True
    return False


async def _most_urgent(uow: UnitOfWork, query: Select[Any], given: dict[str, Any]) -> AsyncIterator[Meeting]:
    """Yield the first meeting of a query; only if that one is barred, the others."""
    first: Meeting | None = await uow.session.scalar(query.limit(1), given)
    if first is None:
        return
    yield first
    others: list[Meeting] = list(await uow.session.scalars(query, given))
    for meeting in others:
        if meeting is not first:
            yield meeting


def reserved(agent: Agent, uow: UnitOfWork) -> bool:
    """Tell whether a meeting of the agent's own is near, so that nobody else's work may come between (B4)."""
    if agent.reserved_from is None or agent.reserved_until is None:
        return False
    return agent.reserved_from <= uow.now < agent.reserved_until


async def first_of(uow: UnitOfWork, user_id: int) -> int:
    """Return the id of the consultant's most urgent due meeting, 0 when there is none."""
    meeting: Meeting | None = await uow.session.scalar(_FIRST, {"user": user_id, "at": uow.now})
    return 0 if meeting is None else meeting.id


async def say_why(uow: UnitOfWork, user_id: int) -> None:
    """Keep on the consultant's most urgent due meeting why it waits: what they are doing now."""
    meeting: Meeting | None = await uow.session.scalar(_FIRST, {"user": user_id, "at": uow.now})
    if meeting is not None:
        agent = await uow.session.get(Agent, user_id)
        code = waiting.of_agent(agent)
        if code:
            await standing.hold(uow, meeting, code)


async def _begin(uow: UnitOfWork, meeting: Meeting, agent: Agent) -> bool:
    """Begin an attempt; one on which our own code fails is undone and put off, so that it stops nobody else's."""
    begun = False
    async with apart(uow, meeting, agent):
        begun = await attempts.begin(uow, meeting, agent)
    if begun and agent.state == AgentState.OFFERED:  # who is on a call already is heard of as AgentChanged
        await say_why(uow, agent.user_id)
    return begun


@asynccontextmanager
async def apart(uow: UnitOfWork, meeting: Meeting, *also: Agent) -> AsyncIterator[None]:
    """Undo what fails inside and look at the meeting again later, instead of failing the whole transaction."""
    try:
        async with uow.apart():
            yield
    except Exception as error:
        if away(error):
            raise
        meeting_id = await _put_off(uow, meeting)
        for each in also:
            await uow.session.refresh(each)
        log.exception("meeting.failed", meeting_id=meeting_id)


async def _put_off(uow: UnitOfWork, meeting: Meeting) -> int:
    """Look at a meeting again after a while; returns its id."""
    await uow.session.refresh(meeting)
    if meeting.state in (MeetingState.DUE, MeetingState.PLANNED, MeetingState.RETRY_WAIT):
        meeting.next_at = uow.now + GUARD
        if meeting.mode == Mode.AUTOMATIC and meeting.state == MeetingState.DUE:
            meeting.not_before = meeting.next_at
    await uow.session.flush()
    return meeting.id
