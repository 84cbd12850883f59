"""What must always hold between meetings, attempts, jobs and calls, looked for and mended: nothing is left behind by a crash."""

import structlog
from sqlalchemy import select

from callcenter import jobs
from callcenter.calls.models import Call, CallState
from callcenter.db import UnitOfWork
from callcenter.meetings import attempts, results, rows, standing
from callcenter.meetings.models import Attempt, Meeting, MeetingState

log = structlog.get_logger(__name__)


async def mend_attempt(uow: UnitOfWork, meeting: Meeting) -> None:
    """See whether the attempt of a meeting that is being called still goes on; bring the meeting to what really is."""
    attempt = await rows.running(uow, meeting)
    if attempt is None:
        log.error("meeting.attempt_missing", meeting_id=meeting.id, state=meeting.state)
        await standing.enter(uow, meeting, MeetingState.UNCERTAIN, "Its attempt was gone.")
        await results.remind(uow, meeting)
        return
    if attempt.state == attempts.COUNTDOWN:
        await mend_countdown(uow, attempt)
        return
    call = await uow.session.get(Call, attempt.id)
    if call is None or call.state == CallState.ENDED:
        log.error("meeting.call_gone", meeting_id=meeting.id, attempt_id=attempt.id)
        await results.over(uow, attempt.id)


async def mend_countdown(uow: UnitOfWork, attempt: Attempt) -> None:
    """Give a countdown its job back, if it lost it."""
    key = f"{attempts.JOB}:{attempt.id}"
    if await uow.session.get(jobs.Job, key) is None:
        log.error("meeting.countdown_mended", attempt_id=attempt.id)
        await jobs.put(uow, key, attempts.JOB, uow.now, attempt_id=attempt.id)


async def lone_countdowns(uow: UnitOfWork) -> list[Attempt]:
    """Return the attempts that count down; there is at most one a consultant."""
    query = select(Attempt).join(Meeting, Meeting.id == Attempt.meeting_id)
    query = query.where(Meeting.state == MeetingState.DIALLING.value, Attempt.state == attempts.COUNTDOWN)
    return list(await uow.session.scalars(query))
