"""Changing, cancelling and putting off meetings: who may, when, what is kept of it, and two people at the same one."""

import asyncio
import datetime as dt
import zoneinfo
from typing import Any

import pytest

from callcenter import clock
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.events import MeetingAssigned, MeetingChanged
from callcenter.meetings import service
from callcenter.meetings.changes import ChangedMeanwhile
from callcenter.meetings.forms import MeetingChange, MeetingFilter
from callcenter.meetings.models import Meeting
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import history, meeting, planned, row, told

HOUR = dt.timedelta(hours=1)


def changed(floor: Floor, version: int, **fields: Any) -> MeetingChange:
    return MeetingChange.model_validate({**meeting(floor, **fields).model_dump(), "version": version})


async def put(office: Floor, meeting_id: int, **values: Any) -> None:
    """Let the engine have done something with a meeting."""
    async with office.database.unit_of_work() as uow:
        found = await uow.session.get_one(Meeting, meeting_id)
        for name, value in values.items():
            setattr(found, name, value)


async def test_a_change_is_kept_with_what_was_before(office: Floor) -> None:
    begin = clock.now() + HOUR
    contact = await office.add_contact("Zofia")
    window = {"from_at": begin, "to_at": begin + HOUR, "contact_id": contact}
    meeting_id = await planned(office, name="Offer", **window)
    later = {**window, "from_at": begin + HOUR, "to_at": begin + 2 * HOUR}
    after = await office.do(
        "sue", service.change, meeting_id, changed(office, 1, name="Offer 2", user_id=office.people["bob"].id, **later)
    )
    assert (after.version, after.name, after.user) == (2, "Offer 2", "Bob")
    entry = (await history(office, meeting_id))[-1]
    assert (entry.kind, entry.user_id, entry.data["version"]) == ("changed", office.people["sue"].id, 2)
    assert entry.data["changes"]["name"] == ["Offer", "Offer 2"]
    assert entry.data["changes"]["user"] == ["Anna", "Bob"]
    assert dt.datetime.fromisoformat(entry.data["changes"]["from_at"][1]) == after.from_at
    assert [
        (event.taken, who) for event, who in zip(office.said(MeetingAssigned), told(office, MeetingAssigned), strict=True)
    ] == [
        (False, {"anna"}),
        (True, {"anna"}),
        (False, {"bob"}),
    ]
    assert told(office, MeetingChanged)[-1] == {"anna", "bob", "sue"}
    assert [line.data["event"] for line in await office.timeline(contact)] == ["planned", "moved"]


async def test_saving_without_a_change_changes_nothing(office: Floor) -> None:
    begin = clock.now() + HOUR
    meeting_id = await planned(office, name="Offer", from_at=begin, to_at=begin + HOUR)
    after = await office.do(
        "sue", service.change, meeting_id, changed(office, 1, name="Offer", from_at=begin, to_at=begin + HOUR)
    )
    assert after.version == 1
    assert len(await history(office, meeting_id)) == 1


async def test_the_second_of_two_who_edit_is_told_what_the_first_changed(office: Floor) -> None:
    begin = clock.now() + HOUR
    window = {"from_at": begin, "to_at": begin + HOUR}
    meeting_id = await planned(office, name="Offer", information="old", **window)
    await office.do("sue", service.change, meeting_id, changed(office, 1, name="Offer", information="hers", **window))
    await office.do(
        "sue", service.change, meeting_id, changed(office, 2, name="Offer", information="hers", number="601234500", **window)
    )
    with pytest.raises(ChangedMeanwhile) as error:
        await office.do("anna", service.change, meeting_id, changed(office, 1, name="Offer", information="mine", **window))
    assert error.value.by == "Sue"
    assert error.value.changes == {"information": ["old", "hers"], "number": ["+48601234567", "+48601234500"]}
    assert str(error.value) == (
        "Sue changed this meeting meanwhile: information: old → hers; number: +48 601 234 567 → +48 601 234 500."
    )
    assert (await row(office, meeting_id)).information == "hers"


async def test_of_two_who_save_at_the_same_moment_one_is_told(office: Floor) -> None:
    begin = clock.now() + HOUR
    window = {"from_at": begin, "to_at": begin + HOUR, "name": "Offer"}
    meeting_id = await planned(office, **window)
    saved = await asyncio.gather(
        *(
            office.do(who, service.change, meeting_id, changed(office, 1, information=who, **window))
            for who in ("sue", "anna", "sue", "anna")
        ),
        return_exceptions=True,
    )
    lost = [each for each in saved if isinstance(each, ChangedMeanwhile)]
    won: Any = next(each for each in saved if each not in lost)
    assert len(lost) == 3
    assert (await row(office, meeting_id)).information == won.information
    assert {each.changes["information"][1] for each in lost} == {won.information}


async def test_a_time_in_the_sentence_is_the_readers(office: Floor) -> None:
    noon = dt.datetime.combine(clock.now().date() + dt.timedelta(days=2), dt.time(12), dt.UTC)
    meeting_id = await planned(office, name="Offer", from_at=noon, to_at=noon + HOUR)
    moved = {"from_at": noon + HOUR, "to_at": noon + 2 * HOUR, "name": "Offer"}
    await office.do("sue", service.change, meeting_id, changed(office, 1, **moved))
    with pytest.raises(ChangedMeanwhile) as error:
        await office.do("anna", service.change, meeting_id, changed(office, 1))
    offset = noon.astimezone(zoneinfo.ZoneInfo("Europe/Warsaw"))
    assert f"from: {offset:%Y-%m-%d %H:%M} →" in str(error.value)


async def test_a_meeting_that_is_being_called_cannot_be_changed(office: Floor) -> None:
    meeting_id = await planned(office)
    for state in ("dialling", "in_talk"):
        await put(office, meeting_id, state=state)
        for door, data in ((service.change, changed(office, 1)), (service.cancel, "why"), (service.snooze, 5)):
            with pytest.raises(Conflict, match="being called just now"):
                await office.do("sue", door, meeting_id, data)


@pytest.mark.parametrize("state", ["missed", "held", "not_held", "cancelled", "rescheduled", "uncertain"])
async def test_a_meeting_that_is_over_keeps_what_was_planned(office: Floor, state: str) -> None:
    meeting_id = await planned(office)
    await put(office, meeting_id, state=state)
    with pytest.raises(Conflict, match="Reschedule it" if state == "missed" else None):
        await office.do("sue", service.change, meeting_id, changed(office, 1, information="new"))


async def test_a_window_that_runs_may_keep_its_times_but_not_take_impossible_ones(office: Floor) -> None:
    begin = clock.now() + HOUR
    window = {"from_at": begin, "to_at": begin + HOUR}
    meeting_id = await planned(office, **window)
    office.shift(2 * 3600 - 20)
    note = await office.do("anna", service.change, meeting_id, changed(office, 1, information="ill", **window))
    assert note.information == "ill"
    with pytest.raises(Invalid) as error:
        wrong = {"from_at": begin, "to_at": begin + HOUR + dt.timedelta(seconds=1)}
        await office.do("anna", service.change, meeting_id, changed(office, 2, **wrong))
    assert error.value.field == "to_at"


async def test_moving_a_due_meeting_lets_it_wait_anew(office: Floor) -> None:
    begin = clock.now() + HOUR
    meeting_id = await planned(office, from_at=begin, to_at=begin + HOUR)
    await put(office, meeting_id, state="retry_wait", not_before=begin, waiting="not_before", attempts=1)
    moved = {"from_at": begin + HOUR, "to_at": begin + 2 * HOUR}
    await office.do("sue", service.change, meeting_id, changed(office, 1, **moved))
    found = await row(office, meeting_id)
    assert (found.state, found.not_before, found.waiting, found.attempts) == ("planned", None, "", 1)


async def test_a_meeting_is_cancelled_with_a_reason_by_those_it_concerns(office: Floor) -> None:
    contact = await office.add_contact("Zofia")
    meeting_id = await planned(office, contact_id=contact)
    with pytest.raises(Invalid) as error:
        await office.do("anna", service.cancel, meeting_id, "  ")
    assert error.value.field == "reason"
    with pytest.raises(NotFound):
        await office.do("bob", service.cancel, meeting_id, "mine now")
    after = await office.do("anna", service.cancel, meeting_id, "She is ill")
    assert (after.state, after.reason, after.version) == ("cancelled", "She is ill", 2)
    assert (await row(office, meeting_id)).next_at is None
    assert [line.data["event"] for line in await office.timeline(contact)] == ["planned", "cancelled"]
    with pytest.raises(Conflict):
        await office.do("anna", service.cancel, meeting_id, "again")


async def test_a_due_meeting_is_put_off_within_its_window(office: Floor) -> None:
    meeting_id = await planned(office, from_at=clock.now(), to_at=clock.now() + HOUR)
    with pytest.raises(Conflict, match="not due"):
        await office.do("anna", service.snooze, meeting_id, 5)
    await put(office, meeting_id, state="due")
    await office.do("anna", service.snooze, meeting_id, 5)
    found = await row(office, meeting_id)
    assert found.not_before is not None
    assert found.not_before - clock.now() > dt.timedelta(minutes=4)
    for minutes in (60, 0):
        with pytest.raises(Invalid) as error:
            await office.do("anna", service.snooze, meeting_id, minutes)
        assert error.value.field == "minutes"


async def test_who_may_see_and_change_which(office: Floor) -> None:
    own = await planned(office, "anna")
    hers = await planned(office, "anna", user_id=None)
    others = await planned(office, user_id=office.people["bob"].id)
    seen = {
        who: {each.id for each in (await office.do(who, service.list_meetings, MeetingFilter())).items}
        for who in ("anna", "bob", "celia", "sue")
    }
    assert seen == {"anna": {own, hers}, "bob": {hers, others}, "celia": {hers}, "sue": {own, hers, others}}
    with pytest.raises(NotFound):
        await office.do("anna", service.get, others)
    with pytest.raises(NotPermitted):
        await office.do("bob", service.change, hers, changed(office, 1, user_id=None))
    assert (await office.do("anna", service.change, hers, changed(office, 1, user_id=None, information="x"))).version == 2
