"""What became of a meeting: outcomes, another time for the same promise, and contacts that are deleted."""

import datetime as dt
from typing import Any

import pytest

from callcenter import clock
from callcenter.contacts.models import Contact
from callcenter.errors import Conflict, Invalid
from callcenter.events import Notice
from callcenter.facts import ContactDeleted
from callcenter.meetings import service
from callcenter.meetings.forms import Outcome, Reschedule
from callcenter.users.models import User
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import history, planned, row, told
from tests.callcenter.meetings.test_changing import put

HOUR = dt.timedelta(hours=1)


def again(**fields: Any) -> Reschedule:
    return Reschedule.model_validate({"from_at": clock.now() + 24 * HOUR, **fields})


async def test_a_held_meeting_gets_its_outcome_and_a_note(office: Floor) -> None:
    contact = await office.add_contact("Zofia")
    meeting_id = await planned(office, contact_id=contact)
    await put(office, meeting_id, state="held", closed_at=clock.now())
    after = await office.do("anna", service.set_outcome, meeting_id, Outcome(outcome="not_held", note="Only her son"))
    assert (after.state, after.outcome_note) == ("not_held", "Only her son")
    after = await office.do("anna", service.set_outcome, meeting_id, Outcome(outcome="held", note="It was she"))
    assert (after.state, after.outcome_note, after.version) == ("held", "It was she", 3)
    lines = [(line.data["event"], line.data.get("note")) for line in await office.timeline(contact)]
    assert lines == [("planned", None), ("outcome", "It was she")]
    assert [entry.kind for entry in await history(office, meeting_id)] == ["planned", "outcome", "outcome"]


async def test_a_person_says_what_became_of_an_uncertain_one(office: Floor) -> None:
    meeting_id = await planned(office)
    await put(office, meeting_id, state="uncertain")
    after = await office.do("sue", service.set_outcome, meeting_id, Outcome(outcome="held"))
    assert after.state == "held"
    assert after.closed_at is not None
    assert (await row(office, meeting_id)).next_at is None


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("planned", "held"), ("due", "held"), ("dialling", "missed"), ("missed", "held"), ("cancelled", "held")],
)
async def test_an_outcome_needs_something_that_happened(office: Floor, state: str, outcome: Any) -> None:
    meeting_id = await planned(office)
    await put(office, meeting_id, state=state)
    with pytest.raises(Conflict):
        await office.do("anna", service.set_outcome, meeting_id, Outcome(outcome=outcome))
    assert (await row(office, meeting_id)).state == state


async def test_a_missed_meeting_is_rescheduled_and_keeps_its_history(office: Floor) -> None:
    contact = await office.add_contact("Zofia")
    meeting_id = await planned(office, contact_id=contact, information="Offer 7", mode="automatic")
    await put(office, meeting_id, state="missed", closed_at=clock.now())
    new = await office.do("anna", service.reschedule, meeting_id, again(note="Her wish"))
    assert (new.follows_id, new.state, new.information, new.mode, new.user) == (
        meeting_id,
        "planned",
        "Offer 7",
        "automatic",
        "Anna",
    )
    assert new.to_at - new.from_at == dt.timedelta(minutes=30)
    old = await office.do("anna", service.get, meeting_id)
    assert (old.state, old.followed_by_id, old.outcome_note) == ("rescheduled", new.id, "Her wish")
    assert [line.data["event"] for line in await office.timeline(contact)] == ["planned", "rescheduled"]
    with pytest.raises(Conflict):
        await office.do("anna", service.reschedule, meeting_id, again())


async def test_an_outcome_may_be_another_time(office: Floor) -> None:
    meeting_id = await planned(office)
    await put(office, meeting_id, state="held", closed_at=clock.now())
    with pytest.raises(Invalid) as error:
        await office.do("anna", service.set_outcome, meeting_id, Outcome(outcome="rescheduled"))
    assert error.value.field == "again"
    after = await office.do(
        "anna", service.set_outcome, meeting_id, Outcome(outcome="rescheduled", note="Call back", again=again())
    )
    assert (after.state, after.outcome_note) == ("rescheduled", "Call back")
    assert after.followed_by_id is not None


async def test_the_new_time_is_checked_like_any_other(office: Floor) -> None:
    begin = clock.now() + HOUR
    meeting_id = await planned(office, from_at=begin, to_at=begin + HOUR)
    office.shift(3 * 3600)
    await put(office, meeting_id, state="missed")
    for wrong in ({"from_at": begin, "to_at": begin + HOUR}, {"from_at": clock.now() + HOUR, "to_at": clock.now()}):
        with pytest.raises(Invalid) as error:
            await office.do("anna", service.reschedule, meeting_id, again(**wrong))
        assert error.value.field == "to_at"
    async with office.database.unit_of_work() as uow:
        (await uow.session.get_one(User, office.people["anna"].id)).disabled_at = uow.now
    with pytest.raises(Invalid) as error:
        await office.do("sue", service.reschedule, meeting_id, again())
    assert error.value.field == "user_id"
    moved = await office.do("sue", service.reschedule, meeting_id, again(user_id=office.people["bob"].id))
    assert moved.user == "Bob"


async def test_meetings_of_a_deleted_contact_are_cancelled_or_put_before_a_person(office: Floor) -> None:
    contact = await office.add_contact("Zofia")
    automatic = await planned(office, contact_id=contact, mode="automatic")
    manual = await planned(office, contact_id=contact)
    over = await planned(office, contact_id=contact)
    await put(office, over, state="held")
    async with office.database.unit_of_work(office.people["sue"]) as uow:
        uow.note(ContactDeleted(contact))
        await uow.session.delete(await uow.session.get_one(Contact, contact))
    found = {each: await row(office, each) for each in (automatic, manual, over)}
    assert [(each.state, each.contact_id, each.contact_name) for each in found.values()] == [
        ("cancelled", None, "Zofia"),
        ("planned", None, "Zofia"),
        ("held", None, "Zofia"),
    ]
    assert found[automatic].reason == "The contact was deleted."
    assert found[manual].waiting == "contact_deleted"
    assert told(office, Notice) == [{"anna", "sue"}, {"anna", "sue"}]
    shown = await office.do("anna", service.get, manual)
    assert (shown.contact, shown.contact_id) == ("Zofia", None)
