"""The engine's clock: what is to be done about a meeting now, and when to look again. One job, woken for the next due time."""

from typing import Any

from sqlalchemy import select

from callcenter import jobs
from callcenter.calls import rows as calls
from callcenter.db import UnitOfWork
from callcenter.meetings import timing
from callcenter.meetings.models import Meeting
from callcenter.meetings.timing import wake

__all__ = ["schedule", "tick", "wake"]


async def schedule(uow: UnitOfWork, meeting: Meeting) -> None:
    """See to a meeting that people changed: when the engine looks at it, and what is reserved for it.

    Call it after every change, before anything else is written if possible: it takes the routing lock.
    """
    await calls.lock(uow)
    await timing.settle(uow, meeting)


async def tick(uow: UnitOfWork, _payload: dict[str, Any]) -> None:
    """Look at what is due (the job `meetings`)."""
    await calls.lock(uow)
    first = await uow.session.scalar(
        select(Meeting.next_at).where(Meeting.next_at.is_not(None)).order_by(Meeting.next_at).limit(1)
    )
    if first is not None:
        await jobs.put(uow, timing.KEY, timing.KEY, first)
