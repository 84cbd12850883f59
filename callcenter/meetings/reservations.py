"""Which consultant is kept free for their next meeting, so that queues and campaigns leave them alone (B4)."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import bindparam, literal_column, select, union_all

from callcenter.agents import service as agents
from callcenter.agents.models import Agent
from callcenter.db import UnitOfWork
from callcenter.meetings.models import Meeting, MeetingState
from callcenter.meetings.rules import LONGEST_WINDOW

_LOOKED_AT = 5  # of those planned: the one that begins first need not be the one whose protection begins first
_COLUMNS = select(Meeting.reserve_from, Meeting.reserve_until).where(
    Meeting.user_id == bindparam("user"), Meeting.reserve_until > bindparam("at")
)
_OPEN_NOW = (
    _COLUMNS.where(Meeting.state.in_([MeetingState.DUE.value, MeetingState.RETRY_WAIT.value]), Meeting.to_at > bindparam("at"))
    .order_by(Meeting.reserve_from)
    .limit(1)
)
_TO_COME = (
    _COLUMNS.where(Meeting.state == literal_column("'planned'"), Meeting.from_at > bindparam("since"))
    .order_by(Meeting.from_at)
    .limit(_LOOKED_AT)
)
OPEN_OR_TO_COME = union_all(select(_OPEN_NOW.subquery()), select(_TO_COME.subquery()))
Kept = tuple[dt.datetime | None, dt.datetime | None]


def concerned(agent: Agent | None, before: Kept, after: Kept, now: dt.datetime) -> bool:
    """Tell whether a meeting reserved `before` and now `after` may change for when its consultant is kept free. Pure."""
    start, until = (agent.reserved_from, agent.reserved_until) if agent else (None, None)
    if start is None or until is None:
        return after[0] is not None
    if until <= now or before == (start, until) != after:
        return True
    return after[0] is not None and after[1] is not None and (after[0], after[1]) < (start, until)


async def refresh(uow: UnitOfWork, user_ids: Iterable[int | None]) -> None:
    """Reserve each of these consultants for the first of their meetings, or no more."""
    for user_id in sorted({each for each in user_ids if each is not None}):
        start, end = await _first(uow, user_id)
        agent = await uow.session.get(Agent, user_id)
        before = (agent.reserved_from, agent.reserved_until) if agent else (None, None)
        if before != (start, end):
            await agents.reserve(uow, user_id, start, end)
    await uow.session.flush()


async def kept_for(uow: UnitOfWork, meetings: Iterable[Meeting]) -> list[int]:
    """Return who is kept free for these meetings as they were planned before, whoever they are with now."""
    starts = {each.reserve_from for each in meetings if each.reserve_from is not None}
    if not starts:
        return []
    return list(await uow.session.scalars(select(Agent.user_id).where(Agent.reserved_from.in_(starts))))


async def _first(uow: UnitOfWork, user_id: int) -> tuple[dt.datetime | None, dt.datetime | None]:
    given = {"user": user_id, "at": uow.now, "since": uow.now - LONGEST_WINDOW}
    first = min(((start, end) for start, end in await uow.session.execute(OPEN_OR_TO_COME, given)), default=None)
    return first or (None, None)
