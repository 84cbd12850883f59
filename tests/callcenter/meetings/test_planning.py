"""Planning a meeting: what is filled in, who hears of it, and every plan that cannot be kept, refused at the right field."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import delete, select

from callcenter import clock
from callcenter.contacts.models import Contact, Number
from callcenter.errors import Invalid, NotPermitted
from callcenter.events import MeetingAssigned, MeetingChanged
from callcenter.meetings import service, settings
from callcenter.meetings.forms import MeetingFilter, SettingsInput
from callcenter.projects.service import ProjectInput, set_members, update_project
from callcenter.users.models import User
from tests.callcenter.calls.floor import CALLER, DIALLED, Floor
from tests.callcenter.meetings.office import ALWAYS, history, meeting, planned, row, told

HOUR = dt.timedelta(hours=1)


async def refused(office: Floor, field: str, who: str = "sue", **fields: Any) -> str:
    """Try to plan; returns the sentence with which that field was refused."""
    with pytest.raises(Invalid) as error:
        await office.do(who, service.plan, meeting(office, **fields))
    assert error.value.field == field, error.value
    page = await office.do("sue", service.list_meetings, MeetingFilter())
    assert page.items == []
    return str(error.value)


async def test_a_meeting_is_named_after_its_contact_and_stands_in_the_list(office: Floor) -> None:
    contact = await office.add_contact("Zofia", "+48601000000")
    made = await office.do("sue", service.plan, meeting(office, contact_id=contact, mode="automatic", information="Offer 7"))
    assert (made.name, made.contact, made.state, made.mode) == ("Zofia", "Zofia", "planned", "automatic")
    assert (made.number, made.number_shown, made.user, made.project) == (CALLER, "+48 601 234 567", "Anna", "Sales")
    page = await office.do("anna", service.list_meetings, MeetingFilter())
    assert [each.id for each in page.items] == [made.id]
    whole = await office.do("anna", service.get, made.id)
    assert [(each.kind, each.user) for each in whole.history] == [("planned", "Sue")]
    assert whole.attempts_made == []
    (line,) = await office.timeline(contact)
    assert (line.kind, line.data["event"], line.data["meeting_id"]) == ("meeting", "planned", made.id)


async def test_mode_and_length_of_the_window_come_from_the_project(office: Floor) -> None:
    rules = SettingsInput.model_validate({"hours": ALWAYS, "default_mode": "automatic", "window_minutes": 45})
    await office.do("sue", settings.set_settings, office.project_id, rules)
    made = await office.do("sue", service.plan, meeting(office, to_at=None))
    assert made.mode == "automatic"
    assert made.to_at - made.from_at == dt.timedelta(minutes=45)
    assert made.name == "+48 601 234 567"


async def test_its_consultant_and_supervisors_hear_of_it(office: Floor) -> None:
    meeting_id = await planned(office)
    assert told(office, MeetingAssigned) == [{"anna"}]
    assert told(office, MeetingChanged)[-1] == {"anna", "sue"}
    assert [(each.kind, each.user_id) for each in await history(office, meeting_id)] == [("planned", office.people["sue"].id)]
    assert (await row(office, meeting_id)).next_at is not None


async def test_a_new_number_is_kept_on_the_contact_once(office: Floor) -> None:
    contact = await office.add_contact("Zofia", "+48601000000")
    await planned(office, contact_id=contact, number="601 234 567")
    await planned(office, contact_id=contact, number="+48601234567")
    await planned(office, contact_id=contact, number="601 999 999", keep_number=False)
    async with office.database.reading() as uow:
        found = list(await uow.session.scalars(select(Number.e164).where(Number.contact_id == contact).order_by(Number.id)))
        version = (await uow.session.get_one(Contact, contact)).version
    assert (found, version) == (["+48601000000", CALLER], 2)


async def test_a_window_that_cannot_be_is_refused(office: Floor) -> None:
    now = clock.now()
    assert "before it begins" in await refused(office, "to_at", from_at=now + 2 * HOUR, to_at=now + HOUR)
    assert "before it begins" in await refused(office, "to_at", from_at=now + HOUR, to_at=now + HOUR)
    assert "in the past" in await refused(office, "to_at", from_at=now - 2 * HOUR, to_at=now - HOUR)
    short: dict[str, Any] = {"from_at": now + HOUR, "to_at": now + HOUR + dt.timedelta(seconds=30)}
    assert "45 seconds" in await refused(office, "to_at", **short)
    ending: dict[str, Any] = {"from_at": now - HOUR, "to_at": now + dt.timedelta(seconds=40)}
    assert "too short" in await refused(office, "to_at", **ending)
    assert "7 days" in await refused(office, "to_at", from_at=now + HOUR, to_at=now + 24 * 8 * HOUR)
    far = now + dt.timedelta(days=3000)
    assert "five years" in await refused(office, "from_at", from_at=far, to_at=far + HOUR)
    never = dt.datetime(1, 1, 1, tzinfo=dt.timezone(HOUR))
    assert "no such time" in await refused(office, "from_at", from_at=never, to_at=now)


async def test_a_window_that_is_open_already_may_be_planned(office: Floor) -> None:
    now = clock.now()
    assert await planned(office, from_at=now - dt.timedelta(minutes=5), to_at=now + HOUR)


async def test_a_window_outside_the_calling_hours_is_refused_and_the_hours_are_said(office: Floor) -> None:
    hours = {str(day): [("09:00", "17:00")] for day in range(5)}
    rules = SettingsInput.model_validate({"hours": hours, "time_zone": "Europe/Warsaw"})
    await office.do("sue", settings.set_settings, office.project_id, rules)
    monday = dt.datetime.combine(clock.now().date() + dt.timedelta(days=14 - clock.now().weekday()), dt.time(), dt.UTC)
    night = monday.replace(hour=20)
    sentence = await refused(office, "from_at", from_at=night, to_at=night + HOUR)
    assert sentence == "Customers of this project are called only at these hours: Mon-Fri 09:00-17:00 (Europe/Warsaw)."
    assert await planned(office, from_at=night, to_at=night + 14 * HOUR)  # the next morning is in it


@pytest.mark.parametrize(
    "number", ["112", "997", "+48 112", "0048997", "911", "12345", "601 23", "", "call me", "+48 000 000 000", "+1 555 0100"]
)
async def test_a_number_that_cannot_be_dialled_is_refused(office: Floor, number: str) -> None:
    assert await refused(office, "number", number=number)


async def test_an_emergency_number_is_never_planned(office: Floor) -> None:
    assert await refused(office, "number", number="+48 112") == "112 is an emergency number. Only a person may dial it."


async def test_premium_and_foreign_numbers_need_the_projects_leave(office: Floor) -> None:
    premium, foreign = "+48 701 234 567", "+49 30 901820"
    assert "premium" in await refused(office, "number", number=premium)
    assert "DE" in await refused(office, "number", number=foreign)
    allowed = ProjectInput(
        name="Sales", numbers=[DIALLED], trunk_id=office.trunk_id, allow_premium=True, foreign_countries=["DE"]
    )
    await office.do("sue", update_project, office.project_id, allowed)
    assert (await row(office, await planned(office, number=premium))).number == "+48701234567"
    assert (await row(office, await planned(office, number=foreign))).number == "+4930901820"


async def test_a_user_who_cannot_serve_it_is_refused(office: Floor) -> None:
    sue, bob = office.people["sue"].id, office.people["bob"].id
    assert "does not serve the project Sales" in await refused(office, "user_id", user_id=sue)
    assert "no such user" in await refused(office, "user_id", user_id=99_999)
    async with office.database.unit_of_work() as uow:
        (await uow.session.get_one(User, bob)).disabled_at = uow.now
    assert "deactivated" in await refused(office, "user_id", user_id=bob)
    rules = SettingsInput.model_validate({"hours": ALWAYS, "served_by": [office.people["celia"].id]})
    await office.do("sue", settings.set_settings, office.project_id, rules)
    assert "phone meetings of the project" in await refused(office, "user_id")


async def test_a_contact_deleted_meanwhile_is_refused(office: Floor) -> None:
    contact = await office.add_contact("Zofia")
    async with office.database.unit_of_work() as uow:
        await uow.session.execute(delete(Contact).where(Contact.id == contact))
    assert "no longer there" in await refused(office, "contact_id", contact_id=contact)


async def test_a_project_without_rules_says_who_can_set_them(office: Floor) -> None:
    async with office.database.unit_of_work() as uow:
        stored = await settings.rules_of(uow, office.project_id)
        await uow.session.delete(stored)
    sentence = await refused(office, "project_id")
    assert sentence.endswith("A supervisor can set them on the project's page under Phone meetings.")
    assert "no such project" in await refused(office, "project_id", project_id=99_999)


async def test_a_project_one_does_not_serve_or_that_is_off_is_refused(office: Floor) -> None:
    await office.do("sue", set_members, office.project_id, [office.people["bob"].id])
    assert "do not serve" in await refused(office, "project_id", who="anna")
    off = ProjectInput(name="Sales", numbers=[DIALLED], trunk_id=office.trunk_id, enabled=False)
    await office.do("sue", update_project, office.project_id, off)
    assert "switched off" in await refused(office, "project_id", who="bob", user_id=None)


async def test_consultants_plan_for_themselves_or_for_nobody_yet(office: Floor) -> None:
    own = await planned(office, "anna")
    open_ = await planned(office, "anna", user_id=None)
    assert [(await row(office, each)).user_id for each in (own, open_)] == [office.people["anna"].id, None]
    with pytest.raises(NotPermitted):
        await office.do("bob", service.plan, meeting(office))


async def test_what_was_checked_is_what_would_be_planned(office: Floor) -> None:
    assert [each.code for each in await office.do("anna", service.check, meeting(office))] == []
    with pytest.raises(Invalid) as error:
        await office.do("anna", service.check, meeting(office, number="112"))
    assert error.value.field == "number"
    page = await office.do("anna", service.list_meetings, MeetingFilter())
    assert page.items == []
