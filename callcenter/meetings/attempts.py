"""Attempts: the countdown before an automatic dial and its end, and the Call button; what a page draws of both: pop_ups.py.

An attempt's id is the id of its call. Its row, the call and the leg are committed before the switch is asked to dial.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from callcenter import clock, jobs
from callcenter.agents import service as agents
from callcenter.agents import states
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import offers, outbound, reconcile
from callcenter.calls import rows as calls
from callcenter.calls.outbound import Way
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.meetings import cards, conditions, dialling, log, rows, sight, standing, timing, waiting
from callcenter.meetings.dialling import Barred
from callcenter.meetings.models import Attempt, Meeting, MeetingSettings, MeetingState, Mode
from callcenter.meetings.results import over, talking
from callcenter.meetings.settings import rules_of
from callcenter.users.models import User
from callcenter.users.service import audit

__all__ = ["begin", "call_now", "countdown_over", "not_now", "over", "talking", "withdraw", "withdraw_from"]

COUNTDOWN, DIALLING, OVER = "countdown", "dialling", "over"  # of Attempt.state; talking is set by results.py
JOB = reconcile.COUNTDOWN  # the job's kind, and its key before the attempt's id
REST = dt.timedelta(minutes=1)  # a meeting put off with Not now comes again after it
LONGEST_REASON = 1000
FREED = "meetings_freed"  # in Session.info: consultants whose countdown people took back


async def begin(uow: UnitOfWork, meeting: Meeting, agent: Agent) -> bool:
    """Begin an automatic attempt: claim a ready agent and count down; False when it cannot begin, the meeting says why."""
    rules = await rules_of(uow, meeting.project_id)
    code = conditions.barred(meeting, rules, uow.now)
    if code or rules is None:
        await standing.hold(uow, meeting, code)
        return False
    way = await dialling.way_out(uow, meeting, rules)
    if isinstance(way, Barred):
        await standing.hold(uow, meeting, way.code, sentence=way.error.sentence)
        return False
    attempt_id = clock.new_id()
    if not await agents.claim(uow, agent.user_id, agent.fence, attempt_id, why=states.MEETING):
        return False
    seconds = uow.database.settings.meeting_countdown_seconds
    until = uow.now + dt.timedelta(seconds=seconds)
    attempt = await _write(uow, meeting, attempt_id, agent.user_id, Mode.AUTOMATIC, until)
    if not seconds:
        await _dial(uow, meeting, attempt, agent, way, rules)
        return True
    await standing.enter(
        uow, meeting, MeetingState.DIALLING, "Countdown before dialling.", agent.user_id, attempt_id=attempt_id, until=until
    )
    meeting.waiting, meeting.waiting_values = "countdown", {}
    await cards.show(uow, meeting, [agent.user_id], attempt)
    await jobs.put(uow, f"{JOB}:{attempt_id}", JOB, until, attempt_id=attempt_id)
    await timing.settle(uow, meeting)
    return True


async def countdown_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Dial when the countdown has run out (the job `countdown`), if all still holds; else take it back. Once only."""
    await calls.lock(uow)
    attempt = await uow.session.get(Attempt, str(payload["attempt_id"]))
    if attempt is None or attempt.state != COUNTDOWN:
        return
    until, longest = attempt.countdown_until, dt.timedelta(seconds=uow.database.settings.meeting_countdown_seconds)
    if until is not None and uow.now < until <= uow.now + longest:  # farther away: the clock was put back
        await jobs.put(uow, f"{JOB}:{attempt.id}", JOB, until, attempt_id=attempt.id)
        return
    meeting = await uow.session.get_one(Meeting, attempt.meeting_id)
    rules = await rules_of(uow, meeting.project_id)
    agent = None if attempt.user_id is None else await uow.session.get(Agent, attempt.user_id)
    code = await _may_not_dial(uow, meeting, attempt, agent)
    if code or agent is None or rules is None:
        await withdraw(uow, meeting, attempt, code or "offline")
        return
    way = await dialling.way_out(uow, meeting, rules)
    if isinstance(way, Barred):
        await withdraw(uow, meeting, attempt, way.code)
        return
    await _dial(uow, meeting, attempt, agent, way, rules)


async def not_now(uow: UnitOfWork, attempt_id: str, reason: str) -> None:
    """Put a meeting off that counts down at one's desk, with a reason; it comes again in a minute, within its window.

    Raises Invalid without a reason, Conflict when it is being dialled already; one that was taken back stays as it is.
    """
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why not now.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid("A reason has at most {most} characters.", field="reason", most=LONGEST_REASON)
    await calls.lock(uow)
    attempt = await uow.session.get(Attempt, attempt_id, populate_existing=True)
    if attempt is None or attempt.user_id != uow.actor.id:
        raise NotFound("There is no such countdown at your desk.")
    if attempt.state == OVER:
        return
    if attempt.state != COUNTDOWN:
        raise Conflict("The customer is being called already. Hang up instead.")
    meeting = await uow.session.get_one(Meeting, attempt.meeting_id)
    rules = await rules_of(uow, meeting.project_id)
    latest = meeting.to_at - (conditions.ring_time(rules) if rules else dt.timedelta(0))
    meeting.not_before = max(uow.now + REST / 6, min(uow.now + REST, latest))
    audit(uow, "meeting.not_now", "meeting", meeting.id, attempt_id=attempt.id, reason=reason)
    log.write(uow, meeting, "attempt", "Not now: {reason}", reason=reason, attempt_id=attempt.id)
    await withdraw(uow, meeting, attempt, "not_now", result="not_now")


async def call_now(uow: UnitOfWork, meeting_id: int) -> str:
    """Dial a meeting's customer from one's own desk, now (the Call button); returns the call's id.

    A countdown at one's desk is cut short. Raises NotFound for a meeting the actor may not see, Conflict with the reason
    when it is not theirs, not due or being called already, NotPermitted for numbers that are never dialled.
    """
    await calls.lock(uow)
    meeting = await rows.held(uow, meeting_id)
    await sight.refuse(uow, meeting, own=True)
    agent = await agents.row(uow, uow.actor.id)
    rules = await rules_of(uow, meeting.project_id)
    counting = await rows.running(uow, meeting)
    await _check_click(uow, meeting, rules, counting)
    mine = counting is not None and counting.user_id == agent.user_id
    if not mine:
        outbound.may_start(agent)
    if not agent.station_live:
        raise Conflict("Allow the microphone first, then call.")
    if rules is None:
        raise Conflict("The project has no settings for phone meetings.")
    way = await dialling.way_out(uow, meeting, rules)
    if isinstance(way, Barred):
        raise way.error
    if counting is not None and mine:
        await jobs.drop(uow, f"{JOB}:{counting.id}")
        await _dial(uow, meeting, counting, agent, way, rules)
        return counting.id
    await outbound.leave(uow, agent)
    if meeting.state == MeetingState.PLANNED:  # its window opened this moment
        await standing.enter(uow, meeting, MeetingState.DUE, "The window has opened.")
    attempt = await _write(uow, meeting, clock.new_id(), agent.user_id, Mode.MANUAL, None)
    await _dial(uow, meeting, attempt, agent, way, rules)
    return attempt.id


async def withdraw_from(uow: UnitOfWork, meeting: Meeting, known: Mapping[int, Attempt] | None = None) -> None:
    """Take back the countdown of a meeting, if one runs: people change it. Its consultant gets other work at the end of that.

    `known`: what rows.running_of found in this transaction, for who changes many.
    """
    counting = await rows.running(uow, meeting) if known is None else known.get(meeting.id)
    if counting is not None and counting.state == COUNTDOWN:
        await _take_back(uow, meeting, counting, "", "withdrawn")
        uow.session.info.setdefault(FREED, set()).add(counting.user_id)


async def withdraw(uow: UnitOfWork, meeting: Meeting, attempt: Attempt, code: str, *, result: str = "withdrawn") -> None:
    """Take a countdown back: nobody was called. Its consultant is free for other work; `code` says why the meeting waits."""
    await _take_back(uow, meeting, attempt, code, result)
    if attempt.user_id is not None:
        await offers.feed_from(uow, attempt.user_id)


async def _write(
    uow: UnitOfWork, meeting: Meeting, attempt_id: str, user_id: int, mode: Mode, until: dt.datetime | None
) -> Attempt:
    attempt = Attempt(
        id=attempt_id,
        meeting_id=meeting.id,
        mode=mode.value,
        user_id=user_id,
        state=COUNTDOWN,
        started_at=uow.now,
        countdown_until=until,
    )
    uow.session.add(attempt)
    return attempt


async def _dial(uow: UnitOfWork, meeting: Meeting, attempt: Attempt, agent: Agent, way: Way, rules: MeetingSettings) -> None:
    """Make the attempt a call: from here on it counts, and is never dialled again."""
    meeting.attempts += 1
    meeting.not_before, meeting.waiting, meeting.waiting_values = None, "", {}
    attempt.state, attempt.dialled_at, attempt.number_in_meeting = DIALLING, uow.now, meeting.attempts
    await standing.enter(
        uow,
        meeting,
        MeetingState.DIALLING,
        "Attempt {number}: dialled.",
        agent.user_id,
        number=meeting.attempts,
        attempt_id=attempt.id,
        user_id=agent.user_id,
    )
    await timing.settle(uow, meeting)
    await dialling.place(uow, meeting, attempt, agent, way, rules)


async def _take_back(uow: UnitOfWork, meeting: Meeting, attempt: Attempt, code: str, result: str) -> None:
    attempt.state, attempt.result, attempt.ended_at = OVER, result, uow.now
    await jobs.drop(uow, f"{JOB}:{attempt.id}")
    if meeting.state == MeetingState.DIALLING:
        await standing.enter(
            uow, meeting, MeetingState.DUE, "Not dialled: the countdown was taken back.", attempt.user_id, attempt_id=attempt.id
        )
        meeting.waiting = ""
        if uow.now < meeting.from_at:  # the clock was put back
            await standing.enter(uow, meeting, MeetingState.PLANNED, "Its window is still to come.")
        else:
            await standing.hold(uow, meeting, code)
    await timing.settle(uow, meeting)
    if attempt.user_id is not None:
        await agents.end_offer(uow, attempt.user_id, attempt.id, missed=False)
        await uow.session.flush()


async def _may_not_dial(uow: UnitOfWork, meeting: Meeting, attempt: Attempt, agent: Agent | None) -> str:
    """Return the code of why a countdown that ran out must not dial, "" when it may."""
    if agent is None or agent.state != AgentState.OFFERED or agent.call_id != attempt.id:
        return waiting.of_agent(agent) or "offline"
    if agent.after_call is not None:
        return "break" if agent.after_call == AgentState.BREAK else "offline"
    if not agent.station_live:
        return "no_audio"
    if not await conditions.serves(uow, meeting.project_id, agent.user_id):
        return "no_consultant" if meeting.user_id is not None else "nobody_ready"
    return conditions.barred(meeting, await rules_of(uow, meeting.project_id), uow.now)


async def _check_click(uow: UnitOfWork, meeting: Meeting, rules: MeetingSettings | None, running: Attempt | None) -> None:
    """Raise with the reason why a click on Call dials nothing."""
    me = uow.actor.id
    if running is not None and (running.user_id != me or running.state != COUNTDOWN):
        if running.user_id == me:
            raise Conflict("You are calling this customer already.")
        taker = None if running.user_id is None else await uow.session.get(User, running.user_id)
        raise Conflict("{name} is calling this customer already.", name=taker.name if taker else "?")
    if meeting.user_id not in (None, me):
        owner = await uow.session.get_one(User, meeting.user_id)
        raise Conflict("This meeting is {name}'s. Assign it to yourself first.", name=owner.name)
    if not await conditions.serves(uow, meeting.project_id, me):
        raise Conflict("You do not serve this project's phone meetings.")
    if running is None and meeting.state not in (MeetingState.DUE, MeetingState.RETRY_WAIT, MeetingState.PLANNED):
        raise Conflict("This meeting is not due.")
    refusal = _untimely(meeting, rules, uow.now)
    if refusal is not None:
        raise refusal


def _untimely(meeting: Meeting, rules: MeetingSettings | None, now: dt.datetime) -> CallCenterError | None:
    """Return why a person may not call now; a retry's delay and a snooze bind only the system. Pure."""
    if now < meeting.from_at:
        return Conflict("The window of this meeting has not opened yet.")
    if rules is not None and meeting.attempts >= rules.attempts:
        return Conflict("All attempts of this meeting were made. Reschedule it to call again.")
    match conditions.barred(meeting, rules, now, by_hand=True):
        case "too_late":
            return Conflict("There is no time left to let it ring before the window ends.")
        case "hours":
            return Conflict("It is outside the project's calling hours.")
        case "contact_deleted":
            return Conflict("The contact was deleted. Cancel the meeting, or say whom it is with.")
        case "no_settings":
            return Conflict("The project has no settings for phone meetings.")
    return None
