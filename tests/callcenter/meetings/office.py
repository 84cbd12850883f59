"""An office for tests of phone meetings: the floor of the calls' tests, a project with rules, one hour that is open."""

import datetime as dt
from typing import Any

from sqlalchemy import select

from callcenter import clock
from callcenter.db import Database
from callcenter.events import LiveEvent
from callcenter.meetings import service, settings
from callcenter.meetings.forms import MeetingInput, SettingsInput
from callcenter.meetings.models import Meeting, MeetingEntry
from tests.callcenter.calls.floor import CALLER, Floor, open_floor

ALWAYS = {str(day): [("00:00", "24:00")] for day in range(7)}


async def open_office(database: Database, **rules: Any) -> Floor:
    """Open a floor whose project has rules for phone meetings; customers may be called at any hour unless told otherwise."""
    floor = await open_floor(database)
    await floor.do("sue", settings.set_settings, floor.project_id, SettingsInput.model_validate({"hours": ALWAYS, **rules}))
    return floor


def meeting(floor: Floor, **fields: Any) -> MeetingInput:
    """Return what is typed for a meeting in an hour, half an hour long, with Anna."""
    begin = clock.now() + dt.timedelta(hours=1)
    given = {"number": CALLER, "from_at": begin, "to_at": begin + dt.timedelta(minutes=30), "project_id": floor.project_id}
    return MeetingInput.model_validate({**given, "user_id": floor.people["anna"].user_id, **fields})


async def planned(floor: Floor, who: str = "sue", /, **fields: Any) -> int:
    """Plan a meeting; returns its id."""
    return int((await floor.do(who, service.plan, meeting(floor, **fields))).id)


async def row(floor: Floor, meeting_id: int) -> Meeting:
    async with floor.database.reading() as uow:
        return await uow.session.get_one(Meeting, meeting_id)


async def history(floor: Floor, meeting_id: int) -> list[MeetingEntry]:
    """Return a meeting's history, the oldest first."""
    async with floor.database.reading() as uow:
        query = select(MeetingEntry).where(MeetingEntry.meeting_id == meeting_id).order_by(MeetingEntry.id)
        return list(await uow.session.scalars(query))


def told(floor: Floor, kind: type[LiveEvent]) -> list[set[str]]:
    """Return who was told each message of a kind."""
    names = {actor.user_id: name for name, actor in floor.people.items()}
    return [{names[each] for each in to or ()} for event, to in floor.messages if isinstance(event, kind)]
