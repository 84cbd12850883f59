"""Telling supervisors in time that an automatic meeting will not be dialled as things stand: nobody is there to talk."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import select

from callcenter.agents.models import Agent, AgentState
from callcenter.db import UnitOfWork
from callcenter.events import Notice
from callcenter.meetings import conditions, log, rows, sight, waiting
from callcenter.meetings.models import Meeting, MeetingEntry, MeetingSettings, Mode
from callcenter.users.models import User

ONE = {  # by the code of why; several of one consultant are told in one sentence
    "offline": "Phone meeting {name} is due or about to be, and {user} is offline.",
    "break": "Phone meeting {name} is due or about to be, and {user} is on a break.",
    "no_audio": "Phone meeting {name} is due or about to be, and the microphone of {user} is not connected.",
    "no_consultant": "Phone meeting {name} is due or about to be, and {user} does not serve its project any more.",
    "nobody": "Phone meeting {name} is due or about to be, and nobody who serves its project is there.",
}
SEVERAL = {
    "offline": "{count} phone meetings are due or about to be, and {user} is offline.",
    "break": "{count} phone meetings are due or about to be, and {user} is on a break.",
    "no_audio": "{count} phone meetings are due or about to be, and the microphone of {user} is not connected.",
    "no_consultant": "{count} phone meetings are due or about to be, and {user} does not serve their project any more.",
    "nobody": "{count} phone meetings are due or about to be, and nobody who serves their project is there.",
}
_AWAY = frozenset({AgentState.OFFLINE.value, AgentState.BREAK.value})


def near(meeting: Meeting, rules: MeetingSettings | None, now: dt.datetime) -> bool:
    """Tell whether supervisors want to know now of a meeting nobody is there for. Pure.

    That is so from some minutes before an automatic meeting's window (the project's escalation minutes) to its end.
    """
    if rules is None or meeting.mode != Mode.AUTOMATIC:
        return False
    return meeting.from_at - dt.timedelta(minutes=rules.escalation_minutes) <= now < meeting.to_at


async def tell(uow: UnitOfWork, meetings: Iterable[Meeting]) -> None:
    """Tell the supervisors of these meetings nobody is there for: once for each reason, one notice a consultant."""
    found: dict[tuple[str, int], list[Meeting]] = {}
    for meeting in meetings:
        code = await _absent(uow, meeting)
        if code:
            found.setdefault((code, meeting.user_id or 0), []).append(meeting)
    if not found:
        return
    told = await _told(uow, [meeting.id for each in found.values() for meeting in each])
    for (code, user_id), each in found.items():
        new = [meeting for meeting in each if (meeting.id, code) not in told]
        if new:
            await _notice(uow, code, user_id, new)


async def _absent(uow: UnitOfWork, meeting: Meeting) -> str:
    """Return why nobody can take the meeting, "" when somebody could sooner or later."""
    if meeting.user_id is not None:
        if meeting.project_id is None or meeting.user_id not in await conditions.all_servers(uow, meeting.project_id):
            return "no_consultant"
        code = waiting.of_agent(await uow.session.get(Agent, meeting.user_id))
        return code if code in ONE else ""
    if meeting.project_id is None:
        return ""
    servers = await conditions.all_servers(uow, meeting.project_id)
    there = select(Agent.user_id).where(Agent.user_id.in_(servers), Agent.state.not_in(_AWAY), Agent.station_live).limit(1)
    return "" if await uow.session.scalar(there) is not None else "nobody"


async def _told(uow: UnitOfWork, ids: list[int]) -> set[tuple[int, str]]:
    """Return which of these meetings the supervisors were told of, and why."""
    query = select(MeetingEntry.meeting_id, MeetingEntry.data).where(
        MeetingEntry.meeting_id.in_(ids), MeetingEntry.kind == "told"
    )
    return {(meeting_id, str(data.get("code"))) for meeting_id, data in await uow.session.execute(query)}


async def _notice(uow: UnitOfWork, code: str, user_id: int, meetings: list[Meeting]) -> None:
    user = await uow.session.get(User, user_id) if user_id else None
    values = {"user": user.name if user else ""}
    for meeting in meetings:
        meeting.escalated_at = uow.now
        log.write(uow, meeting, "told", ONE[code], code=code, name=meeting.name, **values)
    only = meetings[0] if len(meetings) == 1 else None
    notice = Notice(
        level="warning",
        sentence=ONE[code] if only else SEVERAL[code],
        values={**values, "name": only.name} if only else {**values, "count": str(len(meetings))},
        link=f"/meetings/{only.id}" if only else f"/meetings?user_id={user_id}" if user_id else "/meetings",
    )
    leaders = await rows.leaders(uow)
    if only is None:
        uow.emit(notice, leaders)
    else:
        await sight.emit(uow, only, notice, leaders, values={**values, "name": sight.nameless(only)})
