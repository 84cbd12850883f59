"""The people a queue concerns: how many callers wait, told when it changes."""

from sqlalchemy import func, select

from callcenter.calls.models import Call, CallState
from callcenter.db import UnitOfWork
from callcenter.events import QueueState
from callcenter.projects.models import Membership


async def tell(uow: UnitOfWork, project_id: int | None) -> None:
    """Tell the project's members how many callers wait in all their projects (transient)."""
    if project_id is None:
        return
    people = select(Membership.user_id).where(Membership.project_id == project_id)
    waiting = (Call.project_id == Membership.project_id) & (Call.state == CallState.WAITING.value)
    query = (
        select(Membership.user_id, func.count(Call.id), func.min(Call.queued_at))
        .outerjoin(Call, waiting)
        .where(Membership.user_id.in_(people))
        .group_by(Membership.user_id)
    )
    for user_id, count, oldest in await uow.session.execute(query):
        seconds = int((uow.now - oldest).total_seconds()) if oldest else 0
        uow.emit(QueueState(waiting=count, longest_seconds=max(0, seconds)), [user_id])
