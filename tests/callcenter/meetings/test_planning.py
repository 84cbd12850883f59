"""Planning a meeting: what is filled in, who hears of it, and every plan that cannot be kept, refused at the right field."""

from callcenter.events import MeetingAssigned, MeetingChanged
from callcenter.meetings import service
from callcenter.meetings.forms import MeetingFilter
from tests.callcenter.calls.floor import CALLER, Floor
from tests.callcenter.meetings.office import history, meeting, planned, told


async def test_a_meeting_is_named_after_its_contact_and_stands_in_the_list(office: Floor) -> None:
    contact = await office.add_contact("Zofia", "+48601000000")
    made = await office.do("sue", service.plan, meeting(office, contact_id=contact))
    assert (made.name, made.contact, made.state, made.mode) == ("Zofia", "Zofia", "planned", "manual")
    assert made.number == CALLER
    page = await office.do("anna", service.list_meetings, MeetingFilter())
    assert [each.id for each in page.items] == [made.id]
    whole = await office.do("anna", service.get, made.id)
    assert [each.kind for each in whole.history] == ["planned"]


async def test_its_consultant_and_supervisors_hear_of_it(office: Floor) -> None:
    meeting_id = await planned(office)
    assert told(office, MeetingAssigned) == [{"anna"}]
    assert told(office, MeetingChanged)[-1] == {"anna", "sue"}
    assert [(each.kind, each.user_id) for each in await history(office, meeting_id)] == [("planned", office.people["sue"].id)]
