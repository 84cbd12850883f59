"""Meetings that repeat: planned all or none, changed and cancelled one by one or with the rest, on both databases."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from callcenter.contacts.models import TimelineEntry
from callcenter.errors import Conflict, Invalid, NotPermitted
from callcenter.events import MeetingAssigned, MeetingChanged
from callcenter.meetings import series, service
from callcenter.meetings.forms import MeetingChange
from callcenter.meetings.models import Meeting, MeetingSeries, MeetingState
from callcenter.meetings.series_forms import SeriesInput, SeriesOut
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import ALWAYS, history, meeting, open_office, row

WARSAW = ZoneInfo("Europe/Warsaw")
YEAR = dt.datetime.now(dt.UTC).year + 1


def at(day: str, clock: str = "14:30") -> dt.datetime:
    return dt.datetime.fromisoformat(f"{YEAR}-{day} {clock}").replace(tzinfo=WARSAW)


async def plan(office: Floor, who: str = "sue", rule: dict[str, Any] | None = None, **fields: Any) -> SeriesOut:
    repeat = SeriesInput.model_validate(rule or {"every": "day", "count": 4})
    fields = {"from_at": at("03-01"), "to_at": None, **fields}
    found = await office.do(who, series.plan_series, meeting(office, **fields), repeat)
    assert isinstance(found, SeriesOut)
    return found


async def change_of(office: Floor, meeting_id: int, **fields: Any) -> MeetingChange:
    stored = await row(office, meeting_id)
    names = ("name", "number", "mode", "information", "project_id", "user_id", "contact_id", "from_at", "to_at", "version")
    return MeetingChange.model_validate({**{name: getattr(stored, name) for name in names}, **fields})


async def times(office: Floor, made: SeriesOut) -> list[str]:
    stored = [await row(office, each.id) for each in made.items]
    return [each.from_at.astimezone(WARSAW).strftime("%m-%d %H:%M") for each in stored]


async def states(office: Floor, made: SeriesOut) -> list[str]:
    return [(await row(office, each.id)).state for each in made.items]


async def test_a_series_is_ordinary_meetings_at_the_same_wall_clock_time(office: Floor) -> None:
    last_day = max(day for day in range(25, 32) if dt.date(YEAR, 3, day).weekday() == 6)  # clocks change that Sunday
    made = await plan(office, from_at=at(f"03-{last_day - 1:02}"), rule={"every": "day", "count": 3})
    assert [each.from_at.astimezone(WARSAW).strftime("%H:%M %Z") for each in made.items] == [
        "14:30 CET",
        "14:30 CEST",
        "14:30 CEST",
    ]
    assert {each.to_at - each.from_at for each in made.items} == {dt.timedelta(minutes=30)}
    assert {each.series_id for each in made.items} == {made.series_id}
    assert made.rule == "FREQ=DAILY;INTERVAL=1;COUNT=3"
    stored = [await row(office, each.id) for each in made.items]
    assert [each.series_at for each in stored] == [each.from_at for each in stored]
    assert {each.next_at is not None for each in stored} == {True}, "the engine looks at each of them"


async def test_the_customers_timeline_has_one_line_of_a_series(office: Floor) -> None:
    contact = await office.add_contact("Zofia", "+48601000000")
    await plan(office, contact_id=contact)
    async with office.database.reading() as uow:
        lines = list(await uow.session.scalars(select(TimelineEntry).where(TimelineEntry.contact_id == contact)))
    assert [(each.kind, each.data.get("count")) for each in lines] == [("meeting", 4)]


async def timeline(office: Floor, contact: int) -> list[TimelineEntry]:
    async with office.database.reading() as uow:
        lines = select(TimelineEntry).where(TimelineEntry.contact_id == contact).order_by(TimelineEntry.id)
        return list(await uow.session.scalars(lines))


async def test_the_timeline_has_one_line_for_the_rest_and_each_history_its_own(office: Floor) -> None:
    contact = await office.add_contact("Zofia", "+48601000000")
    made = await plan(office, contact_id=contact)
    second = made.items[1].id
    change = await change_of(office, second, from_at=at("03-02", "16:00"), to_at=at("03-02", "16:30"))
    await office.do("sue", series.change_series, second, change, "rest")
    await office.do("sue", series.change_series, second, await change_of(office, second, name="Words only"), "rest")
    await office.do("sue", series.cancel_series, made.items[2].id, "Enough.", "rest")
    await office.do("sue", series.cancel_series, made.items[0].id, "Not then.", "one")
    lines = await timeline(office, contact)
    assert [(each.data["event"], each.data.get("count"), each.data["meeting_id"]) for each in lines] == [
        ("planned", 4, made.items[0].id),
        ("moved", 3, second),
        ("cancelled", 2, made.items[2].id),
        ("cancelled", None, made.items[0].id),
    ]
    assert dt.datetime.fromisoformat(lines[1].data["from_at"]) == at("03-02", "16:00")
    assert lines[1].text.startswith("Phone meetings moved (3): ")
    assert [each.data.get("note") for each in lines[2:]] == ["Enough.", "Not then."]
    for each, kinds in zip(made.items, (["state"], ["changed"] * 2, ["changed"] * 2 + ["state"]), strict=False):
        assert [entry.kind for entry in await history(office, each.id)] == ["planned", *kinds]


async def test_its_consultant_hears_of_a_series_once(office: Floor) -> None:
    made = await plan(office, rule={"every": "day", "count": 30})
    assert [each.meeting_id for each in office.said(MeetingAssigned, "anna")] == [made.items[0].id]
    assert len(office.said(MeetingChanged, "anna")) == len(office.said(MeetingChanged, "sue")) == 6, "a calendar reads all anew"
    change = await change_of(office, made.items[0].id, user_id=office.people["bob"].id)
    await office.do("sue", series.change_series, made.items[0].id, change, "rest")
    assert [each.taken for each in office.said(MeetingAssigned, "anna")] == [False, True]
    assert [each.taken for each in office.said(MeetingAssigned, "bob")] == [False]


async def test_all_or_none_and_the_day_at_fault_is_named(database: Any) -> None:
    office = await open_office(database, hours={day: ALWAYS[day] for day in ("0", "1", "2", "3", "4")})
    monday = next(day for day in range(1, 8) if dt.date(YEAR, 3, day).weekday() == 0)
    with pytest.raises(Invalid) as refused:
        await plan(office, from_at=at(f"03-{monday:02}"), rule={"every": "day", "count": 7})
    assert refused.value.field == "from_at"
    assert str(refused.value).startswith(f"{YEAR}-03-{monday + 5:02}: Customers of this project are called only at")
    async with database.reading() as uow:
        assert await uow.session.scalar(select(func.count()).select_from(Meeting)) == 0
        assert await uow.session.scalar(select(func.count()).select_from(MeetingSeries)) == 0
    assert len((await plan(office, from_at=at(f"03-{monday:02}"), rule={"every": "weekdays", "count": 7})).items) == 7


async def test_what_is_wrong_with_the_rule_is_said_of_its_field(office: Floor) -> None:
    with pytest.raises(Invalid) as refused:
        await plan(office, rule={"every": "day"})
    assert refused.value.field == "repeat.until"
    with pytest.raises(Invalid) as refused:
        await plan(office, number="112")
    assert refused.value.field == "number"


async def test_the_rest_moves_by_the_wall_clock_and_what_was_changed_singly_stays(office: Floor) -> None:
    made = await plan(office)
    first, second, third, _ = (each.id for each in made.items)
    await office.do(
        "sue", service.change, third, await change_of(office, third, from_at=at("03-03", "09:00"), to_at=at("03-03", "09:20"))
    )
    change = await change_of(office, second, from_at=at("03-02", "16:00"), to_at=at("03-02", "16:30"), name="Later")
    report = await office.do("sue", series.change_series, second, change, "rest")
    assert await times(office, made) == ["03-01 14:30", "03-02 16:00", "03-03 09:00", "03-04 16:00"]
    assert [each.id for each in report.changed] == [second, made.items[3].id]
    assert report.untouched == [third]
    assert [each.name for each in report.changed] == ["Later", "Later"]
    again = await change_of(office, first, from_at=at("03-01", "13:30"), to_at=at("03-01", "14:00"))
    await office.do("sue", series.change_series, first, again, "rest", changed_singly=True)
    assert await times(office, made) == ["03-01 13:30", "03-02 15:00", "03-03 08:00", "03-04 15:00"]
    third_row = await row(office, third)
    assert (third_row.to_at - third_row.from_at, third_row.name) == (dt.timedelta(minutes=20), made.items[2].name)


async def test_a_new_length_or_person_carries_over_and_times_stay(office: Floor) -> None:
    made = await plan(office, information="Bring the contract")
    first = made.items[0].id
    bob = office.people["bob"].id
    change = await change_of(office, first, to_at=at("03-01", "15:30"), user_id=bob)
    await office.do("sue", series.change_series, first, change, "rest")
    stored = [await row(office, each.id) for each in made.items]
    assert await times(office, made) == [f"03-0{day} 14:30" for day in (1, 2, 3, 4)]
    assert {(each.to_at - each.from_at, each.user_id, each.information) for each in stored} == {
        (dt.timedelta(hours=1), bob, "Bring the contract")
    }


async def test_a_change_over_a_clock_change_keeps_the_wall_clock(office: Floor) -> None:
    last_day = max(day for day in range(25, 32) if dt.date(YEAR, 3, day).weekday() == 6)
    before = f"03-{last_day - 1:02}"
    made = await plan(office, from_at=at(before), rule={"every": "day", "count": 2})
    change = await change_of(office, made.items[0].id, from_at=at(before, "10:15"), to_at=at(before, "10:45"))
    await office.do("sue", series.change_series, made.items[0].id, change, "rest")
    assert await times(office, made) == [f"{before} 10:15", f"03-{last_day:02} 10:15"]


async def test_one_of_a_series_changes_alone(office: Floor) -> None:
    made = await plan(office)
    second = made.items[1].id
    change = await change_of(office, second, from_at=at("03-02", "17:00"), to_at=at("03-02", "17:30"))
    report = await office.do("sue", series.change_series, second, change, "one")
    assert [each.id for each in report.changed] == [second]
    assert await times(office, made) == ["03-01 14:30", "03-02 17:00", "03-03 14:30", "03-04 14:30"]


async def test_what_is_over_stays_when_the_rest_changes_or_is_cancelled(office: Floor) -> None:
    made = await plan(office)
    third = made.items[2].id
    async with office.database.unit_of_work() as uow:
        held = await uow.session.get_one(Meeting, third)
        held.state = MeetingState.HELD.value
    change = await change_of(office, made.items[0].id, name="Another name")
    report = await office.do("sue", series.change_series, made.items[0].id, change, "rest")
    assert report.untouched == [third]
    report = await office.do("sue", series.cancel_series, made.items[1].id, "The customer left.", "rest")
    assert await states(office, made) == ["planned", "cancelled", "held", "cancelled"]
    assert (len(report.changed), report.untouched) == (2, [third])


async def test_cancelling_one_leaves_the_others_and_needs_a_reason(office: Floor) -> None:
    made = await plan(office)
    with pytest.raises(Invalid) as refused:
        await office.do("sue", series.cancel_series, made.items[1].id, " ", "rest")
    assert refused.value.field == "reason"
    await office.do("sue", series.cancel_series, made.items[1].id, "Holiday", "one")
    assert await states(office, made) == ["planned", "cancelled", "planned", "planned"]


async def test_an_old_version_changes_nothing_at_all(office: Floor) -> None:
    made = await plan(office)
    old = await change_of(office, made.items[0].id, name="Old")
    await office.do("sue", service.change, made.items[0].id, await change_of(office, made.items[0].id, name="New"))
    with pytest.raises(Conflict):
        await office.do("sue", series.change_series, made.items[0].id, old, "rest")
    assert (await row(office, made.items[1].id)).name != "Old"


async def test_a_single_meeting_has_no_rest(office: Floor) -> None:
    single = await office.do("sue", service.plan, meeting(office))
    with pytest.raises(Conflict):
        await office.do("sue", series.change_series, single.id, await change_of(office, single.id), "rest")


async def test_consultants_change_the_series_they_planned_and_only_what_is_theirs(office: Floor) -> None:
    made = await plan(office, "anna")
    report = await office.do("anna", series.cancel_series, made.items[0].id, "Holiday", "rest")
    assert len(report.changed) == 4
    others = await plan(office, "sue", from_at=at("04-01"))
    await office.do("sue", service.assign, [others.items[2].id], office.people["bob"].id)
    report = await office.do("anna", series.cancel_series, others.items[0].id, "Holiday", "rest")
    assert await states(office, others) == ["cancelled", "cancelled", "planned", "cancelled"]
    with pytest.raises(NotPermitted):
        await plan(office, "anna", user_id=office.people["bob"].id, from_at=at("05-01"))
