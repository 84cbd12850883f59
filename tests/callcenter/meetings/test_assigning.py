"""Giving meetings to people: one, many, evenly; what cannot be given is reported and stays as it was."""

import datetime as dt

import pytest

from callcenter import clock
from callcenter.errors import Invalid, NotPermitted
from callcenter.events import MeetingAssigned
from callcenter.meetings import service, settings
from callcenter.meetings.forms import SettingsInput
from callcenter.roster import service as roster
from callcenter.users.models import User
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import ALWAYS, history, meeting, planned, row, told
from tests.callcenter.meetings.test_changing import put

HOUR = dt.timedelta(hours=1)


async def test_many_are_given_at_once_and_those_that_cannot_be_are_named(office: Floor) -> None:
    first, second, called = [await planned(office) for _ in range(3)]
    await put(office, called, state="dialling")
    bob = office.people["bob"].id
    report = await office.do("sue", service.assign, [first, second, called, 99_999], bob)
    assert report.assigned == [first, second]
    assert [(each.id, each.sentence) for each in report.refused] == [
        (called, "This meeting is being called just now. Wait until the call is over."),
        (99_999, "There is no such meeting."),
    ]
    assert [(await row(office, each)).user_id for each in (first, called)] == [bob, office.people["anna"].id]
    entry = (await history(office, first))[-1]
    assert (entry.kind, entry.data["changes"]) == ("assigned", {"user": ["Anna", "Bob"]})
    assert told(office, MeetingAssigned)[-2:] == [{"anna"}, {"bob"}]


async def test_nobody_is_given_what_they_cannot_serve(office: Floor) -> None:
    meeting_id = await planned(office)
    sue = office.people["sue"].id
    report = await office.do("sue", service.assign, [meeting_id], sue)
    assert report.assigned == []
    assert (report.refused[0].sentence, report.refused[0].values) == (
        "{name} does not serve the project {project}.",
        {"name": "Sue", "project": "Sales"},
    )
    async with office.database.unit_of_work() as uow:
        (await uow.session.get_one(User, office.people["bob"].id)).disabled_at = uow.now
    for user_id in (office.people["bob"].id, 99_999):
        with pytest.raises(Invalid) as error:
            await office.do("sue", service.assign, [meeting_id], user_id)
        assert error.value.field == "user_id"


async def test_consultants_take_what_is_nobodys_and_give_back_what_is_theirs(office: Floor) -> None:
    open_, hers = await planned(office, user_id=None), await planned(office)
    bob = office.people["bob"].id
    assert (await office.do("bob", service.assign, [open_, hers], bob)).assigned == [open_]
    assert (await office.do("bob", service.assign, [open_], None)).assigned == [open_]
    assert (await row(office, open_)).user_id is None
    with pytest.raises(NotPermitted):
        await office.do("bob", service.assign, [open_], office.people["anna"].id)


async def test_meetings_are_spread_evenly_and_never_two_at_once(office: Floor) -> None:
    begin = clock.now() + 24 * HOUR
    team = [office.people[name].id for name in ("anna", "bob", "celia")]
    ids = [
        await planned(office, user_id=None, from_at=begin + slot * HOUR, to_at=begin + (slot + 1) * HOUR)
        for slot in range(3)
        for _ in range(3)
    ]
    report = await office.do("sue", service.spread, ids, team)
    assert sorted(report.assigned) == sorted(ids)
    taken = [(await row(office, each)).user_id or 0 for each in ids]
    assert [sorted(taken[at : at + 3], key=team.index) for at in (0, 3, 6)] == [team, team, team]


async def test_spreading_heeds_what_people_have_and_when_they_are_off(office: Floor) -> None:
    begin = clock.now() + 24 * HOUR
    window = {"from_at": begin, "to_at": begin + HOUR}
    anna, bob, celia = (office.people[name].id for name in ("anna", "bob", "celia"))
    await planned(office, user_id=anna, **window)
    off = roster.AbsenceInput(from_at=begin - HOUR, to_at=begin + 2 * HOUR)
    await office.do("sue", roster.add_absence, bob, off)
    meeting_id = await planned(office, user_id=None, **window)
    assert (await office.do("sue", service.spread, [meeting_id], [anna, bob, celia])).assigned == [meeting_id]
    assert (await row(office, meeting_id)).user_id == celia
    again = await planned(office, user_id=None, **window)
    await office.do("sue", service.spread, [again], [anna, bob])  # nobody else: rather two at once than somebody who is off
    assert (await row(office, again)).user_id == anna


async def test_spreading_passes_over_who_does_not_serve_meetings(office: Floor) -> None:
    rules = SettingsInput.model_validate({"hours": ALWAYS, "served_by": [office.people["bob"].id]})
    meeting_id = await planned(office, user_id=None)
    await office.do("sue", settings.set_settings, office.project_id, rules)
    anna, bob = office.people["anna"].id, office.people["bob"].id
    assert (await office.do("sue", service.spread, [meeting_id], [anna])).refused[0].values == {"project": "Sales"}
    assert (await office.do("sue", service.spread, [meeting_id], [anna, bob])).assigned == [meeting_id]
    with pytest.raises(Invalid) as error:
        await office.do("sue", service.spread, [meeting_id], [])
    assert error.value.field == "user_ids"
    with pytest.raises(Invalid) as error:
        await office.do("sue", service.spread, [], [bob])
    assert error.value.field == "ids"


async def test_what_should_be_thought_of_is_said_before_saving(office: Floor) -> None:
    begin = clock.now() + 24 * HOUR
    window = {"from_at": begin, "to_at": begin + HOUR}
    first = await planned(office, name="Offer", **window)
    overlapping = await office.do("sue", service.check, meeting(office, **window))
    assert [(each.code, each.meeting_id, each.values) for each in overlapping] == [
        ("overlap", first, {"user": "Anna", "name": "Offer"})
    ]
    following = {"from_at": begin + HOUR, "to_at": begin + 2 * HOUR}
    assert await office.do("sue", service.check, meeting(office, **following)) == []
    own = await office.do("sue", service.check, meeting(office, **window), first)
    assert own == []
    absence = roster.AbsenceInput(from_at=begin + HOUR, to_at=begin + 2 * HOUR, reason="dentist")
    await office.do("sue", roster.add_absence, office.people["anna"].id, absence)
    off = await office.do("sue", service.check, meeting(office, **following))
    assert [(each.code, each.values["reason"]) for each in off] == [("off", "dentist")]
    soon = {"from_at": clock.now() + dt.timedelta(minutes=5), "to_at": clock.now() + HOUR}
    assert [each.code for each in await office.do("sue", service.check, meeting(office, **soon))] == ["offline"]
    await office.ready("anna")
    made = await office.do("sue", service.plan, meeting(office, **soon))
    assert made.warnings == []
