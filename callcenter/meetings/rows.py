"""Meetings as rows: who may see and change which, loading one to change it, and who hears of it."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, or_, select

from callcenter.actor import Role
from callcenter.calls import rows as calls
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound, NotPermitted
from callcenter.meetings import sight
from callcenter.meetings.models import Attempt, Meeting
from callcenter.projects.models import Membership
from callcenter.users.service import supervisors

_OVER = "over"  # of Attempt.state


def visible(uow: UnitOfWork) -> ColumnElement[bool]:
    """Return the condition for meetings the actor may see: own, planned by them, nobody's of their projects; supervisors: all."""
    if uow.actor.may(Role.SUPERVISOR):
        return Meeting.id.is_not(None)
    me = uow.actor.id
    projects = select(Membership.project_id).where(Membership.user_id == me)
    return or_(Meeting.user_id == me, Meeting.created_by == me, Meeting.user_id.is_(None) & Meeting.project_id.in_(projects))


async def seen(uow: UnitOfWork, meeting_id: int) -> Meeting:
    """Return a meeting the actor may see; raises NotFound."""
    meeting = await uow.session.scalar(select(Meeting).where(Meeting.id == meeting_id, visible(uow)))
    if meeting is None:
        raise NotFound("There is no such meeting.")
    return meeting


async def held(uow: UnitOfWork, meeting_id: int) -> Meeting:
    """Return a meeting the actor may see, locked, as it stands now, so that of two who change it one comes after the other.

    The routing lock comes first, as it does in the engine: whoever changes meetings takes both in this order.
    """
    await calls.lock(uow)
    query = select(Meeting).where(Meeting.id == meeting_id, visible(uow)).with_for_update()
    meeting = await uow.session.scalar(query.execution_options(populate_existing=True))
    if meeting is None:
        raise NotFound("There is no such meeting.")
    return meeting


async def own(uow: UnitOfWork, meeting_id: int) -> Meeting:
    """Return a meeting the actor may change, locked; raises NotFound, or NotPermitted for one they may only see."""
    meeting = await held(uow, meeting_id)
    if not may_change(uow, meeting):
        raise NotPermitted("This meeting is nobody's yet. Take it first, or ask a supervisor.")
    await sight.refuse(uow, meeting, own=True)
    return meeting


def may_change(uow: UnitOfWork, meeting: Meeting) -> bool:
    """Tell whether the actor may change or cancel it: whose it is, who planned it, supervisors."""
    return uow.actor.may(Role.SUPERVISOR) or uow.actor.user_id in (meeting.user_id, meeting.created_by)


async def running(uow: UnitOfWork, meeting: Meeting) -> Attempt | None:
    """Return the attempt that is not over."""
    query = select(Attempt).where(Attempt.meeting_id == meeting.id, Attempt.state != _OVER)
    return await uow.session.scalar(query.order_by(Attempt.id.desc()).limit(1))


async def running_of(uow: UnitOfWork, meetings: Iterable[Meeting]) -> dict[int, Attempt]:
    """Return the attempts that are not over by their meetings' ids, asked for at once."""
    query = select(Attempt).where(Attempt.meeting_id.in_([each.id for each in meetings]), Attempt.state != _OVER)
    return {each.meeting_id: each for each in await uow.session.scalars(query.order_by(Attempt.id))}


async def watchers(uow: UnitOfWork, meeting: Meeting) -> list[int]:
    """Return who hears of every change of a meeting: its consultant, who planned it, supervisors."""
    return [each for each in (meeting.user_id, meeting.created_by) if each is not None] + await leaders(uow)


async def leaders(uow: UnitOfWork) -> list[int]:
    """Return the supervisors, asked for once per unit of work: a batch changes many meetings."""
    info = uow.session.info
    if "supervisors" not in info:
        info["supervisors"] = await supervisors(uow)
    found: list[int] = info["supervisors"]
    return found
