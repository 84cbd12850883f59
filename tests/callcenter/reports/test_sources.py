"""What came of the contacts of each source."""

import pytest

from callcenter.actor import SYSTEM, AccountRole, Actor, Role
from callcenter.calls.models import Call
from callcenter.clock import new_id, shift
from callcenter.contacts import dictionaries
from callcenter.contacts import service as contacts
from callcenter.contacts.service import ContactInput
from callcenter.db import Database
from callcenter.errors import NotPermitted
from callcenter.meetings.models import Meeting, MeetingState, Mode
from callcenter.reports import sources
from callcenter.reports.sources import SourceReports
from tests.callcenter.contacts.people import add_person


async def add(database: Database, source: str, calls: int, meetings: int, **fields: str) -> None:
    """Add a contact with calls that were answered, one that was not, meetings that were held, and one that was not."""
    async with database.unit_of_work(SYSTEM) as uow:
        data = ContactInput.model_validate({"last_name": "Nowak", "source": source} | fields)
        contact = await contacts.create_contact(uow, data, "PL")
        for n in range(calls + 1):
            answered = uow.now if n else None
            call = Call(id=new_id(), direction="inbound", state="ended", contact_id=contact.id, started_at=uow.now)
            call.answered_at = answered
            uow.session.add(call)
        for n in range(meetings + 1):
            times = {"from_at": uow.now, "to_at": uow.now, "created_at": uow.now, "updated_at": uow.now}
            state = MeetingState.HELD if n else MeetingState.MISSED
            meeting = Meeting(name="M", mode=Mode.MANUAL, state=state, number="+48501234567", contact_id=contact.id, **times)
            uow.session.add(meeting)


async def rows(reports: SourceReports, actor: Actor) -> list[tuple[str, bool, int, int, int]]:
    found = await reports.get(actor)
    return [(each.source, each.retired, each.contacts, each.calls, each.meetings) for each in found.rows]


async def test_each_source_has_its_contacts_calls_and_meetings(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = await add_person(database, "sue", Role.SUPERVISOR)
    async with database.unit_of_work(SYSTEM) as uow:
        for name in ("Fair", "Web", "Friend"):
            await dictionaries.add_entry(uow, "source", name)
    await add(database, "Fair", 2, 1)
    await add(database, "Fair", 0, 2)
    await add(database, "Web", 1, 0, type="partner")
    await add(database, "", 3, 0)
    async with database.unit_of_work(SYSTEM) as uow:
        fair = (await dictionaries.list_entries(uow, "source"))[0]
        await dictionaries.retire_entry(uow, "source", fair.id)
    reports = SourceReports(database)
    whole = [("Web", False, 1, 1, 0), ("Friend", False, 0, 0, 0), ("Fair", True, 2, 2, 3), ("", False, 1, 3, 0)]
    assert await rows(reports, supervisor) == whole
    partners = Actor(supervisor.user_id, "Sue", Role.SUPERVISOR, accounts=frozenset({AccountRole.PARTNER_READER}))
    assert await rows(reports, partners) == [("Web", False, 1, 1, 0), ("Friend", False, 0, 0, 0)]
    await add(database, "Friend", 0, 0)
    assert await rows(reports, supervisor) == whole, "kept for a while"
    shift(1)
    monkeypatch.setattr(sources, "TEN_MINUTES", 0.0)
    assert ("Friend", False, 1, 0, 0) in await rows(reports, supervisor)
    consultant = await add_person(database, "carl")
    with pytest.raises(NotPermitted):
        await reports.get(consultant)
