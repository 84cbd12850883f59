"""What tests of the engine say again and again: a meeting that is due, the call it became, what its history says."""

import datetime as dt
from typing import Any

from sqlalchemy import select

from callcenter.agents.models import AgentState
from callcenter.calls.models import CallState, Leg
from callcenter.events import MeetingDue
from callcenter.meetings import settings
from callcenter.meetings.forms import SettingsInput
from callcenter.meetings.models import Attempt, Meeting, MeetingState
from callcenter.phone import EndReason, LegAnswered, LegEnded, LegRinging, Originate
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import ALWAYS, history, planned, row

HOUR = 3600
OPENS = HOUR + 1  # a meeting of office.meeting is open then


async def rules(floor: Floor, **fields: Any) -> None:
    """Give the project other rules."""
    given = SettingsInput.model_validate({"hours": ALWAYS, **fields})
    await floor.do("sue", settings.set_settings, floor.project_id, given)


async def due(floor: Floor, *, mode: str = "automatic", who: str = "sue", **fields: Any) -> int:
    """Plan a meeting of Anna's and let its window open; returns its id."""
    meeting_id = await planned(floor, who, mode=mode, **fields)
    await floor.later(OPENS)
    return meeting_id


async def state(floor: Floor, meeting_id: int) -> str:
    return (await row(floor, meeting_id)).state


async def waiting(floor: Floor, meeting_id: int) -> str:
    return (await row(floor, meeting_id)).waiting


async def attempts(floor: Floor, meeting_id: int) -> list[Attempt]:
    """Return its attempts, the oldest first."""
    async with floor.database.reading() as uow:
        query = select(Attempt).where(Attempt.meeting_id == meeting_id).order_by(Attempt.id)
        return list(await uow.session.scalars(query))


async def leg(floor: Floor) -> str:
    """Return the leg that was dialled last."""
    return str(floor.sent(Originate)[-1].leg_id)


async def rings(floor: Floor) -> str:
    leg_id = await leg(floor)
    await floor.event(LegRinging(leg_id, early_media=False))
    return leg_id


async def answers(floor: Floor) -> str:
    """Let the customer answer who was dialled last; returns the leg."""
    leg_id = await leg(floor)
    await floor.event(LegAnswered(leg_id))
    return leg_id


async def ends(floor: Floor, reason: EndReason = EndReason.COMPLETED, code: int | None = None) -> None:
    """Let the call dialled last end."""
    await floor.event(LegEnded(await leg(floor), reason, "far", code))


def cards(floor: Floor, who: str) -> list[MeetingDue]:
    """Return the pop-ups of meetings somebody got."""
    return floor.said(MeetingDue, who)


async def decisions(floor: Floor, meeting_id: int) -> list[str]:
    """Return the codes of why it waited, in order."""
    return [entry.data["code"] for entry in await history(floor, meeting_id) if entry.kind == "decision"]


async def invariants(floor: Floor) -> None:
    """Check what holds for meetings whatever happened."""
    meetings = {each.id: each for each in await floor.all(Meeting)}
    made: dict[int, list[Attempt]] = {}
    for attempt in await floor.all(Attempt):
        made.setdefault(attempt.meeting_id, []).append(attempt)
    calls = {call.id: call for call in await floor.all_calls()} if hasattr(floor, "all_calls") else {}
    for meeting in meetings.values():
        own = made.get(meeting.id, [])
        going = [each for each in own if each.state != "over"]
        assert len(going) <= 1, "never two attempts of one meeting at once"
        assert bool(going) == (meeting.state in (MeetingState.DIALLING, MeetingState.IN_TALK))
        dialled = [each for each in own if each.dialled_at is not None]
        assert len(dialled) == meeting.attempts
        assert (meeting.next_at is None) == (meeting.closed_at is not None), "no open meeting is forgotten"
        for each in dialled:
            assert each.dialled_at is not None
            assert meeting.from_at <= each.dialled_at <= meeting.to_at, "inside the window only"
    assert not calls or all(call.state in CallState for call in calls.values())
    legs = [each for each in await floor.all(Leg) if each.direction == "outbound"]
    assert len({each.call_id for each in legs}) == len(legs), "one leg a call"


async def busy(floor: Floor, who: str) -> bool:
    return (await floor.agent(who)).state in (AgentState.OFFERED, AgentState.ON_CALL)


def minutes(count: float) -> dt.timedelta:
    return dt.timedelta(minutes=count)
