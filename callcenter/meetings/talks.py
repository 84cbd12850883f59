"""Meetings seen from their calls: which one a call is for, and what was missed lately and waits for another time."""

import datetime as dt

from sqlalchemy import select

from callcenter.db import UnitOfWork
from callcenter.meetings import rows, views
from callcenter.meetings.forms import MeetingOfCall, MeetingOut
from callcenter.meetings.models import Attempt, Meeting, MeetingState

LATELY = dt.timedelta(hours=12)  # a shift: what was missed before stands in the list
_MOST = 20


async def of_call(uow: UnitOfWork, call_id: str) -> MeetingOfCall | None:
    """Return the meeting a call was dialled for, None for any other call or one the actor may not see."""
    query = select(Attempt.mode, Meeting.id).join(Meeting, Meeting.id == Attempt.meeting_id)
    found = (await uow.session.execute(query.where(Attempt.id == call_id, rows.visible(uow)))).first()
    if found is None:
        return None
    mode, meeting_id = found
    return MeetingOfCall(call_id=call_id, mode=mode, meeting=(await views.shown(uow, [meeting_id]))[0])


async def missed_lately(uow: UnitOfWork) -> list[MeetingOut]:
    """Return the actor's own meetings that were missed within a shift and have no other time yet."""
    query = select(Meeting.id).where(
        Meeting.user_id == uow.actor.id,
        Meeting.state == MeetingState.MISSED.value,
        Meeting.to_at > uow.now - LATELY,
    )
    return await views.shown(uow, list(await uow.session.scalars(query.order_by(Meeting.to_at.desc()).limit(_MOST))))
