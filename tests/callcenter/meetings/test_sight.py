"""Phone meetings with a contact some may not see: they keep the promise by its number, and are given no others."""

import datetime as dt

import pytest

from callcenter import clock
from callcenter.actor import AccountRole
from callcenter.errors import Invalid, NotPermitted
from callcenter.events import MeetingAssigned, MeetingDue, MeetingMissed
from callcenter.meetings import pop_ups, service
from callcenter.meetings.feed import entries
from callcenter.meetings.forms import MeetingFilter, MeetingInput
from callcenter.users.models import User
from tests.callcenter.calls.floor import CALLER, Floor
from tests.callcenter.meetings.office import planned, row

PARTNERS = AccountRole.PARTNER_READER
SHOWN = "+48 601 234 567"
REFUSED = "their account roles do not allow it"


@pytest.fixture
async def aneta(office: Floor) -> int:
    return await office.add_contact("Aneta")


async def with_aneta(office: Floor, contact_id: int, **more: object) -> int:
    return await planned(office, contact_id=contact_id, name="About the red one", information="Secret", **more)


async def test_a_meeting_is_given_to_nobody_who_may_not_see_the_contact(office: Floor, aneta: int) -> None:
    meeting_id = await with_aneta(office, aneta, user_id=None)
    await office.give("bob", PARTNERS)
    bob = office.people["bob"].id
    report = await office.do("sue", service.assign, [meeting_id], bob)
    assert (report.assigned, [REFUSED in each.sentence for each in report.refused]) == ([], [True])
    with pytest.raises(Invalid, match=REFUSED):
        await with_aneta(office, aneta, user_id=bob)
    await office.do("sue", service.spread, [meeting_id], [bob, office.people["celia"].id])
    assert (await row(office, meeting_id)).user_id == office.people["celia"].id


async def test_who_lost_the_right_keeps_the_promise_by_its_number(office: Floor, aneta: int) -> None:
    meeting_id = await with_aneta(office, aneta)
    await office.give("anna", PARTNERS)
    async with office.database.reading(office.people["anna"]) as uow:
        found = await service.get(uow, meeting_id)
        user = await uow.session.get_one(User, office.people["anna"].id)
        (entry,) = await entries(uow, user, "https://example.com")
    assert (found.hidden, found.name, found.information, found.contact, found.history) == (True, SHOWN, "", "", [])
    assert "About" not in f"{entry.summary} {entry.description}"
    assert SHOWN in entry.summary
    with pytest.raises(NotPermitted, match="may not see"):
        await office.do("anna", service.check, meeting_of(office), meeting_id)
    await office.live("anna")
    await office.later(3700)
    (card,) = office.said(MeetingDue, "anna")
    assert (card.hidden, card.name, card.contact, card.information, card.timeline) == (True, SHOWN, "", "", [])
    async with office.database.reading(office.people["anna"]) as uow:
        assert await pop_ups.current(uow) == [card]


def meeting_of(office: Floor) -> MeetingInput:
    begin = clock.now() + dt.timedelta(hours=2)
    given = {"number": CALLER, "from_at": begin, "to_at": begin + dt.timedelta(minutes=30), "project_id": office.project_id}
    return MeetingInput.model_validate(given)


async def test_nobodys_meeting_is_shown_to_those_only_who_may_see_the_contact(office: Floor, aneta: int) -> None:
    await with_aneta(office, aneta, user_id=None)
    await office.give("anna", PARTNERS)
    await office.ready("anna", "bob")
    await office.later(3700)
    assert office.said(MeetingDue, "anna") == []
    assert [each.name for each in office.said(MeetingDue, "bob")] == ["About the red one"]
    async with office.database.reading(office.people["anna"]) as uow:
        assert await pop_ups.current(uow) == []


async def test_nobodys_automatic_meeting_is_dialled_for_nobody_who_may_not_see_the_contact(office: Floor, aneta: int) -> None:
    meeting_id = await with_aneta(office, aneta, user_id=None, mode="automatic")
    await office.give("anna", PARTNERS)
    await office.ready("anna")
    await office.later(3700)
    assert (await row(office, meeting_id)).state == "due"
    await office.ready("bob")
    await office.run_due()
    assert office.said(MeetingDue, "anna") == []
    assert [each.contact for each in office.said(MeetingDue, "bob")] == ["Aneta"]


async def test_it_is_found_by_no_word_and_by_no_contact(office: Floor, aneta: int) -> None:
    meeting_id = await with_aneta(office, aneta)
    await office.give("sue", PARTNERS)
    async with office.database.reading(office.people["sue"]) as uow:
        listed = (await service.list_meetings(uow, MeetingFilter())).items
        assert [(each.id, each.name, each.hidden) for each in listed] == [(meeting_id, SHOWN, True)]
        for wanted in (MeetingFilter(q="about"), MeetingFilter(q="aneta"), MeetingFilter(contact_id=aneta)):
            assert (await service.list_meetings(uow, wanted)).items == []


async def test_a_supervisor_who_may_not_see_the_contact_changes_nothing_and_hears_the_number(office: Floor, aneta: int) -> None:
    meeting_id = await with_aneta(office, aneta)
    await office.give("sue", PARTNERS)
    with pytest.raises(NotPermitted, match="may not see"):
        await office.do("sue", service.cancel, meeting_id, "No")
    with pytest.raises(NotPermitted, match="may not see"):
        await office.do("sue", service.snooze, meeting_id, 5)
    report = await office.do("sue", service.assign, [meeting_id], None)
    assert ["may not see" in each.sentence for each in report.refused] == [True]
    await office.later(3 * 3600)
    assert [(each.name, each.contact) for each in office.said(MeetingMissed, "sue")] == [(SHOWN, "")]
    assert [(each.name, each.contact) for each in office.said(MeetingMissed, "anna")] == [("About the red one", "Aneta")]
    assert [each.name for each in office.said(MeetingAssigned, "anna")] == ["About the red one"]
