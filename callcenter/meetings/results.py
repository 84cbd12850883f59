"""What comes of an attempt and of a meeting: talked, tried again, missed, or nobody knows."""

import datetime as dt

import structlog
from sqlalchemy import bindparam, select

from callcenter.agents.models import Agent, AgentState
from callcenter.calls import offers
from callcenter.calls.models import Call
from callcenter.contacts import numbers
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.events import MeetingMissed, Notice
from callcenter.meetings import conditions, dropping, log, rows, sight, standing, timing
from callcenter.meetings.models import Attempt, Meeting, MeetingSettings, MeetingState
from callcenter.meetings.settings import rules_of
from callcenter.phone import EndReason

logger = structlog.get_logger(__name__)

TALKING, OVER = "talking", "over"  # of Attempt.state
_RUNNING = (
    select(Attempt, Meeting)
    .join(Meeting, Meeting.id == Attempt.meeting_id)
    .where(Attempt.id == bindparam("call"), Attempt.state != OVER)
)
REASONS = {  # why a meeting was missed
    "window": "The window is over and nobody was reached.",
    "attempts": "All attempts were made and nobody was reached.",
}
ANSWERED = {  # the same, when the customer was on the line once and the consultant was not there
    "window": "The window is over. The customer answered, but the consultant's connection was lost and they did not talk.",
    "attempts": "All attempts were made. The customer answered, but the consultant's connection was lost and they did not talk.",
}


async def talking(uow: UnitOfWork, call_id: str) -> None:
    """Note that customer and consultant talk; a meeting that was nobody's is now the consultant's."""
    found = await _attempt(uow, call_id)
    if found is None or found[0].state == TALKING:
        return
    attempt, meeting = found
    attempt.state = TALKING
    if meeting.state != MeetingState.DIALLING:
        return
    if meeting.user_id is None:
        meeting.user_id = attempt.user_id
        log.write(uow, meeting, "assigned", "Taken by who called.", user_id=attempt.user_id)
    await standing.enter(uow, meeting, MeetingState.IN_TALK, "The customer answered.", attempt_id=attempt.id)
    await timing.settle(uow, meeting)


async def over(uow: UnitOfWork, call_id: str, *, lost: bool = False) -> None:
    """Note that the attempt's call is over: held, tried again later, missed, or uncertain when nobody knows what became of it."""
    found = await _attempt(uow, call_id)
    if found is None:
        return
    attempt, meeting = found
    call = await uow.session.get(Call, call_id)
    attempt.state, attempt.ended_at = OVER, uow.now
    if call is not None:
        attempt.end_code, attempt.end_text = call.end_code, call.end_text
    answered = call is not None and call.answered_at is not None
    attempt.result = "uncertain" if lost or call is None else "answered" if answered else call.end_reason
    if call is not None and await dropping.note(uow, meeting, attempt, call):
        attempt.result = EndReason.DROPPED.value
    if meeting.state not in (MeetingState.DIALLING, MeetingState.IN_TALK):
        logger.error("meeting.odd_end", meeting_id=meeting.id, state=meeting.state, call_id=call_id)
    elif attempt.result == "uncertain":
        await _uncertain(uow, meeting, attempt)
    elif answered:
        await _held(uow, meeting, attempt)
    else:
        await _not_reached(uow, meeting, attempt)
    await timing.settle(uow, meeting)
    await _free(uow, attempt.user_id)


async def missed(uow: UnitOfWork, meeting: Meeting, why: str, last: Attempt | None = None) -> None:
    """Close a meeting that will not be held, after its `last` attempt or since its window is over.

    Consultant, planner and supervisors are told, the timeline says so.
    """
    reason = (ANSWERED if await _answered(uow, meeting, last) else REASONS)[why]
    meeting.reason, meeting.closed_at = reason, uow.now
    meeting.waiting, meeting.waiting_values, meeting.not_before = "", {}, None
    await standing.enter(uow, meeting, MeetingState.MISSED, reason, why=why)
    contact = None if meeting.contact_id is None else await uow.session.get(Contact, meeting.contact_id)
    message = MeetingMissed(
        meeting_id=meeting.id,
        name=meeting.name,
        contact=contact.name if contact else meeting.contact_name,
        number_shown=numbers.show(meeting.number),
        from_at=meeting.from_at,
        to_at=meeting.to_at,
        reason=reason,
    )
    await sight.emit(uow, meeting, message, await rows.watchers(uow, meeting), name=sight.nameless(meeting), contact="")
    await log.on_timeline(uow, meeting, "missed", f"Phone meeting missed: {meeting.name}. {reason}", reason=reason)


async def _answered(uow: UnitOfWork, meeting: Meeting, last: Attempt | None) -> bool:
    """Tell whether the customer answered in any attempt: that of a consultant who dropped, since a talk ends in held."""
    if meeting.attempts <= 1 and (last is not None or not meeting.attempts):
        return last is not None and last.result == EndReason.DROPPED
    found = select(Attempt.id).where(Attempt.meeting_id == meeting.id, Attempt.result == EndReason.DROPPED.value)
    return await uow.session.scalar(found.limit(1)) is not None


async def _uncertain(uow: UnitOfWork, meeting: Meeting, attempt: Attempt) -> None:
    """Put an attempt whose fate nobody knows in front of people: nobody is dialled until one of them says what became of it."""
    text = "Nobody knows what became of attempt {number}: the telephone switch lost it."
    await standing.enter(uow, meeting, MeetingState.UNCERTAIN, text, number=attempt.number_in_meeting, attempt_id=attempt.id)
    await remind(uow, meeting)


async def remind(uow: UnitOfWork, meeting: Meeting) -> None:
    """Ask the consultant and the supervisors to say what came of a meeting whose last attempt nobody knows the end of."""
    notice = Notice(
        level="warning",
        sentence="Nobody knows whether the customer of phone meeting {name} was reached. Say what came of it.",
        values={"name": meeting.name},
        link=f"/meetings/{meeting.id}",
    )
    await sight.emit(uow, meeting, notice, await rows.watchers(uow, meeting), values={"name": sight.nameless(meeting)})


async def _held(uow: UnitOfWork, meeting: Meeting, attempt: Attempt) -> None:
    meeting.closed_at = uow.now
    if meeting.state == MeetingState.DIALLING:  # the answer and the end came at once
        await standing.enter(uow, meeting, MeetingState.IN_TALK, "The customer answered.", attempt_id=attempt.id)
    await standing.enter(uow, meeting, MeetingState.HELD, "They talked.", attempt_id=attempt.id)
    await log.on_timeline(uow, meeting, "outcome", f"Phone meeting held: {meeting.name}")


async def _not_reached(uow: UnitOfWork, meeting: Meeting, attempt: Attempt) -> None:
    """Try again after the project's delay while attempts and window allow; else the meeting is missed."""
    rules = await rules_of(uow, meeting.project_id)
    again = _next_attempt(meeting, rules, uow.now)
    log.write(
        uow,
        meeting,
        "attempt",
        dropping.NOBODY_THERE if attempt.result == EndReason.DROPPED else "Attempt {number} did not reach the customer.",
        number=attempt.number_in_meeting,
        attempt_id=attempt.id,
        result=attempt.result,
        code=attempt.end_code,
        said=attempt.end_text,
    )
    if again is None:
        spent = rules is not None and meeting.attempts >= rules.attempts
        await missed(uow, meeting, "attempts" if spent else "window", attempt)
        return
    meeting.not_before = again
    await standing.enter(
        uow, meeting, MeetingState.RETRY_WAIT, "The next attempt comes at {at}.", at=again, result=EndReason(attempt.result).value
    )
    await standing.hold(uow, meeting, "not_before")


def _next_attempt(meeting: Meeting, rules: MeetingSettings | None, now: dt.datetime) -> dt.datetime | None:
    """Return when the next attempt may begin, None when there is none any more. Pure."""
    if rules is None or meeting.attempts >= rules.attempts:
        return None
    again = now + dt.timedelta(minutes=rules.retry_minutes)
    return again if again + conditions.ring_time(rules) <= meeting.to_at else None


async def _attempt(uow: UnitOfWork, call_id: str) -> tuple[Attempt, Meeting] | None:
    """Return the running attempt of a call and its meeting; None for any other call."""
    found = (await uow.session.execute(_RUNNING, {"call": call_id})).one_or_none()
    return None if found is None else (found[0], found[1])


async def _free(uow: UnitOfWork, user_id: int | None) -> None:
    """Give work to the consultant if the end of the meeting left them ready: what kept the queue away may be gone with it."""
    agent = None if user_id is None else await uow.session.get(Agent, user_id)
    if agent is not None and agent.state == AgentState.READY:
        await offers.feed_from(uow, user_id)
