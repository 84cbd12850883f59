"""What a meeting keeps and tells of a consultant who dropped while its customer was on the line (calls/announcing.py)."""

from callcenter.calls import dropping
from callcenter.calls.models import Call
from callcenter.db import UnitOfWork
from callcenter.events import Notice
from callcenter.meetings import log, rows, sight
from callcenter.meetings.models import Attempt, Meeting

NOBODY_THERE = "Attempt {number}: the customer answered, and the consultant was not there."


async def note(uow: UnitOfWork, meeting: Meeting, attempt: Attempt, call: Call) -> bool:
    """Keep in the history that the consultant dropped, and what the customer heard then; False when they did not drop.

    A talk that was broken off is held as far as it went: the consultant and the supervisors are asked to see to the rest.
    """
    told = dropping.told(call)
    if told is None:
        return False
    log.write(uow, meeting, "attempt", told.text, attempt_id=attempt.id, dropped_at=call.dropped_at, **told.values)
    if call.answered_at is not None:
        notice = Notice(
            level="warning",
            sentence="The consultant's connection was lost during phone meeting {name}. Say what came of it, or find a new time.",
            values={"name": meeting.name},
            link=f"/meetings/{meeting.id}",
        )
        await sight.emit(uow, meeting, notice, await rows.watchers(uow, meeting), values={"name": sight.nameless(meeting)})
    return True
