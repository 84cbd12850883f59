"""Shifts and absences: who may say what, what is refused, and when a person is off, on both databases."""

import asyncio
import datetime as dt

import pytest
from pydantic import ValidationError

from callcenter.actor import SYSTEM, Actor, Role
from callcenter.db import Committed, Database
from callcenter.errors import BadValue, CallCenterError, Conflict, Invalid, NotFound, NotPermitted
from callcenter.events import RosterChanged
from callcenter.roster import service as roster
from callcenter.roster.service import AbsenceInput, ShiftInput
from callcenter.users import service as users
from callcenter.users.models import User

WEEK = [ShiftInput(weekday=day, from_time="08:00", to_time="16:00") for day in range(5)]


def warsaw(text: str) -> dt.datetime:
    """A time of June 2026 in Warsaw."""
    return dt.datetime.fromisoformat(f"2026-06-{text}:00+02:00")


def away(begin: str, end: str, *, works: bool = False, reason: str = "") -> AbsenceInput:
    return AbsenceInput(from_at=warsaw(begin), to_at=warsaw(end), works=works, reason=reason)


async def add(database: Database, login: str, role: Role, time_zone: str = "Europe/Warsaw") -> Actor:
    async with database.unit_of_work() as uow:
        user = User(login=login, name=login.title(), role=role.value, password_hash="-", created_at=uow.now, time_zone=time_zone)
        uow.session.add(user)
        await uow.session.flush()
        return users.actor_of(user)


@pytest.fixture
async def anna(database: Database) -> Actor:
    return await add(database, "anna", Role.CONSULTANT)


@pytest.fixture
async def maria(database: Database) -> Actor:
    return await add(database, "maria", Role.SUPERVISOR)


async def parts(database: Database, actor: Actor, user_id: int, begin: str, end: str) -> list[tuple[str, str, str, str]]:
    async with database.reading(actor) as uow:
        found = (await roster.off(uow, [user_id], warsaw(begin), warsaw(end)))[user_id]
    zone = warsaw("01T00:00").tzinfo
    return [
        (
            each.from_at.astimezone(zone).strftime("%dT%H:%M"),
            each.to_at.astimezone(zone).strftime("%dT%H:%M"),
            each.why,
            each.reason,
        )
        for each in found
    ]


async def test_a_week_is_set_by_a_supervisor_and_told_in_order(database: Database, anna: Actor, maria: Actor) -> None:
    pattern = [
        ShiftInput(weekday=6, from_time="22:00", to_time="06:00"),
        ShiftInput(weekday=0, from_time="06:00", to_time="10:30"),
        ShiftInput(weekday=2, from_time="00:00", to_time="24:00"),
        ShiftInput(weekday=4, from_time="09:00", to_time="09:00"),
    ]
    async with database.unit_of_work(maria) as uow:
        said = await roster.set_shifts(uow, anna.id, pattern)
    async with database.reading(anna) as uow:
        assert await roster.shifts(uow, anna.id) == said
    assert [(each.weekday, each.from_time, each.to_time, each.overnight, each.minutes) for each in said] == [
        (0, "06:00", "10:30", False, 270),
        (2, "00:00", "00:00", False, 1440),
        (4, "09:00", "09:00", True, 1440),
        (6, "22:00", "06:00", True, 480),
    ]
    async with database.unit_of_work(maria) as uow:
        await roster.set_shifts(uow, anna.id, pattern)  # nothing new: no second line in the trail
        await roster.set_shifts(uow, anna.id, [])
    async with database.reading() as uow:
        trail = await users.list_audit(uow, action="roster.")
    assert [each.detail["after"] for each in reversed(trail)] == [
        ["0 06:00-10:30", "2 00:00-00:00", "4 09:00-09:00", "6 22:00-06:00"],
        [],
    ]
    assert trail[0].subject_id == str(anna.id)


@pytest.mark.parametrize(
    ("pattern", "field"),
    [
        ([(0, "08:00", "16:00"), (0, "15:59", "18:00")], "shifts.1.from_time"),
        ([(0, "08:00", "16:00"), (0, "08:00", "16:00")], "shifts.1.from_time"),
        ([(1, "05:00", "09:00"), (0, "22:00", "05:01")], "shifts.1.from_time"),
        ([(0, "05:00", "09:00"), (6, "22:00", "05:01")], "shifts.1.from_time"),
        ([(3, "08:00", "16:00")] * 51, "shifts"),
    ],
)
async def test_shifts_that_overlap_are_refused(
    database: Database, anna: Actor, maria: Actor, pattern: list[tuple[int, str, str]], field: str
) -> None:
    given = [ShiftInput(weekday=day, from_time=begin, to_time=end) for day, begin, end in pattern]
    with pytest.raises(Invalid) as refused:
        async with database.unit_of_work(maria) as uow:
            await roster.set_shifts(uow, anna.id, given)
    assert refused.value.field == field
    async with database.reading(maria) as uow:
        assert await roster.shifts(uow, anna.id) == []


@pytest.mark.parametrize(
    "given",
    [
        {"weekday": 7, "from_time": "08:00", "to_time": "16:00"},
        {"weekday": 0, "from_time": "24:00", "to_time": "16:00"},
        {"weekday": 0, "from_time": "8:00", "to_time": "16:00"},
        {"weekday": 0, "from_time": "08:00", "to_time": "16:60"},
        {"weekday": 0, "from_time": "08:00", "to_time": "\u0660\u0668:\u0660\u0660"},
    ],
)
def test_a_shift_needs_a_weekday_and_times(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ShiftInput.model_validate(given)


@pytest.mark.parametrize(
    ("field", "value"), [("from_at", "1999-12-31T23:00Z"), ("to_at", "9999-12-31T23:59Z"), ("reason", "\x00")]
)
def test_an_exception_needs_times_people_plan_in_and_plain_text(field: str, value: str) -> None:
    given = {"from_at": "2026-06-01T08:00Z", "to_at": "2026-06-01T09:00Z", "reason": "x"} | {field: value}
    with pytest.raises(ValidationError) as refused:
        AbsenceInput.model_validate(given)
    [error] = refused.value.errors()
    assert error["loc"] == (field,)
    assert isinstance(error["ctx"]["error"], BadValue)


async def test_of_two_who_set_the_same_week_one_is_told_what_the_other_changed(
    database: Database, anna: Actor, maria: Actor
) -> None:
    adam = await add(database, "adam", Role.SUPERVISOR)
    async with database.reading(maria) as uow:
        seen = roster.mark_of_shifts(await roster.shifts(uow, anna.id))

    async def save(who: Actor, begin: str) -> str:
        try:
            async with database.unit_of_work(who) as uow:
                await roster.set_shifts(uow, anna.id, [ShiftInput(weekday=0, from_time=begin, to_time="16:00")], seen)
        except roster.RosterChangedMeanwhile as error:
            return str(error)
        return begin

    results = sorted(await asyncio.gather(save(maria, "07:00"), save(adam, "08:00")))
    async with database.reading(maria) as uow:
        [kept] = await roster.shifts(uow, anna.id)
    winner = {"07:00": maria, "08:00": adam}[kept.from_time]
    assert results == [
        kept.from_time,
        f"{winner.name} changed the weekly hours meanwhile: + Monday {kept.from_time}\N{EN DASH}16:00.",
    ]


async def test_changes_of_several_are_told_together_from_what_one_read(database: Database, anna: Actor, maria: Actor) -> None:
    adam = await add(database, "adam", Role.SUPERVISOR)
    first, second, third = [ShiftInput(weekday=day, from_time="08:00", to_time="16:00") for day in range(3)]
    async with database.unit_of_work(maria) as uow:
        seen = roster.mark_of_shifts(await roster.set_shifts(uow, anna.id, [first, second]))
        leave = await roster.add_absence(uow, anna.id, away("03T00:00", "04T00:00", reason="Leave"))
        seen_absences = await roster.mark_of_absences(uow, anna.id)
    for who, week in ((adam, [first, second, third]), (maria, [first, third])):
        async with database.unit_of_work(who) as uow:
            await roster.set_shifts(uow, anna.id, week)
    async with database.unit_of_work(adam) as uow:
        await roster.remove_absence(uow, anna.id, leave.id)
        await roster.add_absence(uow, anna.id, away("05T00:00", "06T00:00"))
    with pytest.raises(roster.RosterChangedMeanwhile) as refused:
        async with database.unit_of_work(maria) as uow:
            await roster.set_shifts(uow, anna.id, [], seen)
    assert str(refused.value) == (
        f"{maria.name}, {adam.name} changed the weekly hours meanwhile:"
        " \N{MINUS SIGN} Tuesday 08:00\N{EN DASH}16:00; + Wednesday 08:00\N{EN DASH}16:00."
    )
    with pytest.raises(roster.RosterChangedMeanwhile) as refused:
        async with database.unit_of_work(maria) as uow:
            await roster.add_absence(uow, anna.id, away("10T00:00", "11T00:00"), seen_absences)
    assert str(refused.value) == (
        f"{adam.name} changed the exceptions meanwhile: \N{MINUS SIGN} 2026-06-03 00:00 \N{EN DASH} 2026-06-04 00:00;"
        " + 2026-06-05 00:00 \N{EN DASH} 2026-06-06 00:00."
    )
    async with database.unit_of_work(maria) as uow:
        current = roster.mark_of_shifts(await roster.shifts(uow, anna.id))
        await roster.set_shifts(uow, anna.id, [first], current)
        await roster.add_absence(uow, anna.id, away("10T00:00", "11T00:00"), await roster.mark_of_absences(uow, anna.id))


async def test_the_person_and_supervisors_hear_of_each_change(database: Database, anna: Actor, maria: Actor) -> None:
    bob = await add(database, "bob", Role.CONSULTANT)
    heard: list[tuple[int, ...] | None] = []

    def listen(committed: Committed) -> None:
        heard.extend(each.recipients for each in committed.outgoing if each.event == RosterChanged(user_id=anna.id))

    database.after_commit.append(listen)
    week = [ShiftInput(weekday=0, from_time="08:00", to_time="16:00")]
    for _ in range(2):  # the second changes nothing
        async with database.unit_of_work(maria) as uow:
            await roster.set_shifts(uow, anna.id, week)
    async with database.unit_of_work(maria) as uow:
        leave = await roster.add_absence(uow, anna.id, away("03T00:00", "04T00:00"))
    async with database.unit_of_work(maria) as uow:
        await roster.remove_absence(uow, anna.id, leave.id)
    assert heard == [(anna.id, maria.id)] * 3
    assert bob.id not in {anna.id, maria.id}


async def test_an_exception_is_added_and_taken_back(database: Database, anna: Actor, maria: Actor) -> None:
    async with database.unit_of_work(maria) as uow:
        kept = await roster.add_absence(uow, anna.id, away("03T00:00", "05T00:00", reason="  leave \n"))
        other = await roster.add_absence(uow, anna.id, away("10T10:00", "10T11:00"))
    async with database.reading(anna) as uow:
        assert [each.id for each in await roster.absences(uow, anna.id)] == [kept.id, other.id]
        assert [each.id for each in await roster.absences(uow, anna.id, warsaw("05T00:00"), warsaw("20T00:00"))] == [other.id]
    assert kept.reason == "leave"
    async with database.unit_of_work(maria) as uow:
        await roster.remove_absence(uow, anna.id, kept.id)
    with pytest.raises(NotFound):
        async with database.unit_of_work(maria) as uow:
            await roster.remove_absence(uow, anna.id, kept.id)
    with pytest.raises(NotFound):
        async with database.unit_of_work(maria) as uow:
            await roster.remove_absence(uow, maria.id, other.id)
    async with database.reading() as uow:
        trail = await users.list_audit(uow, action="roster.")
    assert [each.action for each in trail] == ["roster.absence_removed", "roster.absence_added", "roster.absence_added"]


@pytest.mark.parametrize(("begin", "end"), [("03T10:00", "03T10:00"), ("03T10:00", "03T09:00")])
async def test_an_exception_ends_after_it_begins(database: Database, anna: Actor, maria: Actor, begin: str, end: str) -> None:
    with pytest.raises(Invalid) as refused:
        async with database.unit_of_work(maria) as uow:
            await roster.add_absence(uow, anna.id, away(begin, end))
    assert refused.value.field == "to_at"


async def test_an_exception_is_no_longer_than_a_year_and_a_bit(database: Database, anna: Actor, maria: Actor) -> None:
    data = AbsenceInput(from_at=warsaw("01T00:00"), to_at=warsaw("01T00:00") + roster.LONGEST + dt.timedelta(seconds=1))
    with pytest.raises(Invalid) as refused:
        async with database.unit_of_work(maria) as uow:
            await roster.add_absence(uow, anna.id, data)
    assert refused.value.field == "to_at"


@pytest.mark.parametrize("works", [False, True])
async def test_one_cannot_be_off_and_on_an_extra_shift_at_once(
    database: Database, anna: Actor, maria: Actor, works: bool
) -> None:
    async def give(begin: str, end: str, works: bool) -> None:
        async with database.unit_of_work(maria) as uow:
            await roster.add_absence(uow, anna.id, away(begin, end, works=works))

    await give("06T08:00", "06T12:00", works)
    with pytest.raises(Conflict):
        await give("06T11:59", "06T13:00", not works)
    await give("06T12:00", "06T13:00", not works)
    await give("06T09:00", "06T10:00", works)
    outcomes = await asyncio.gather(
        give("20T08:00", "20T12:00", True), give("20T11:00", "20T13:00", False), return_exceptions=True
    )
    assert [type(each) for each in outcomes if each] == [Conflict]


async def test_the_parts_in_which_a_person_is_off_and_why(database: Database, anna: Actor, maria: Actor) -> None:
    async with database.unit_of_work(maria) as uow:
        await roster.set_shifts(uow, anna.id, WEEK)
        await roster.add_absence(uow, anna.id, away("03T12:00", "03T18:00", reason="Dentist"))  # a Wednesday
        await roster.add_absence(uow, anna.id, away("06T10:00", "06T14:00", works=True))  # a Saturday
    assert await parts(database, maria, anna.id, "03T06:00", "04T09:00") == [
        ("03T06:00", "03T08:00", "outside_shifts", ""),
        ("03T12:00", "03T18:00", "absence", "Dentist"),
        ("03T18:00", "04T08:00", "outside_shifts", ""),
    ]
    assert await parts(database, maria, anna.id, "06T09:00", "06T15:00") == [
        ("06T09:00", "06T10:00", "outside_shifts", ""),
        ("06T14:00", "06T15:00", "outside_shifts", ""),
    ]
    assert await parts(database, maria, anna.id, "02T09:00", "02T15:00") == []


async def test_who_has_no_shifts_is_off_only_when_an_exception_says_so(database: Database, anna: Actor, maria: Actor) -> None:
    assert await parts(database, maria, anna.id, "06T00:00", "08T00:00") == []
    async with database.unit_of_work(maria) as uow:
        await roster.add_absence(uow, anna.id, away("06T10:00", "06T14:00", works=True))
        await roster.add_absence(uow, anna.id, away("07T10:00", "07T14:00"))
    assert await parts(database, maria, anna.id, "06T00:00", "08T00:00") == [("07T10:00", "07T14:00", "absence", "")]


async def test_shifts_are_in_the_persons_own_time_zone(database: Database, maria: Actor) -> None:
    tokyo = await add(database, "akira", Role.CONSULTANT, "Asia/Tokyo")
    async with database.unit_of_work(maria) as uow:
        await roster.set_shifts(uow, tokyo.id, WEEK)
    assert await parts(database, maria, tokyo.id, "02T00:00", "02T12:00") == [
        ("02T00:00", "02T01:00", "outside_shifts", ""),
        ("02T09:00", "02T12:00", "outside_shifts", ""),
    ]


async def test_why_somebody_else_is_away_is_read_by_supervisors_only(database: Database, anna: Actor, maria: Actor) -> None:
    piotr = await add(database, "piotr", Role.CONSULTANT)
    async with database.unit_of_work(maria) as uow:
        await roster.add_absence(uow, anna.id, away("03T10:00", "03T12:00", reason="Ill"))
    for actor, reason in ((maria, "Ill"), (SYSTEM, "Ill"), (anna, "Ill"), (piotr, "")):
        assert await parts(database, actor, anna.id, "03T00:00", "04T00:00") == [("03T10:00", "03T12:00", "absence", reason)]


async def test_a_consultant_reads_only_their_own_and_sets_nothing(database: Database, anna: Actor, maria: Actor) -> None:
    async with database.reading(anna) as uow:
        for call in (roster.shifts(uow, maria.id), roster.absences(uow, maria.id)):
            with pytest.raises(NotPermitted):
                await call
        assert [each.user_id for each in await roster.people(uow, warsaw("01T00:00"), warsaw("08T00:00"))] == [anna.id]
    async with database.unit_of_work(anna) as uow:
        for change in (
            roster.set_shifts(uow, anna.id, WEEK),
            roster.add_absence(uow, anna.id, away("03T10:00", "03T12:00")),
            roster.remove_absence(uow, anna.id, 1),
        ):
            with pytest.raises(NotPermitted):
                await change


async def test_everybody_who_may_sign_in_is_told_by_name(database: Database, anna: Actor, maria: Actor) -> None:
    gone = await add(database, "zoe", Role.CONSULTANT)
    await add(database, "boss", Role.ADMINISTRATOR)
    async with database.unit_of_work() as uow:
        (await users.get_user(uow, gone.id)).disabled_at = uow.now
        await roster.set_shifts(uow, anna.id, WEEK[:1])
    async with database.reading(maria) as uow:
        found = await roster.people(uow, warsaw("01T00:00"), warsaw("02T00:00"))
    assert [each.name for each in found] == ["Anna", "Boss", "Maria"]
    assert [len(each.shifts) for each in found] == [1, 0, 0]
    assert [each.why for each in found[0].off] == ["outside_shifts", "outside_shifts"]


@pytest.mark.parametrize("begin", ["0001-01-01T00:00+14:00", "9999-12-31T23:59Z", "2026-06-01T00:00Z"])
async def test_an_interval_that_cannot_be_is_refused(database: Database, begin: str) -> None:
    at = dt.datetime.fromisoformat(begin)
    async with database.reading() as uow:
        with pytest.raises(CallCenterError):
            await roster.off(uow, [1], at, at)


async def test_nobody_of_that_id_is_not_found(database: Database, maria: Actor) -> None:
    async with database.unit_of_work(maria) as uow:
        for call in (
            roster.shifts(uow, 999),
            roster.set_shifts(uow, 999, WEEK),
            roster.add_absence(uow, 999, away("03T10:00", "03T11:00")),
        ):
            with pytest.raises(NotFound):
                await call
        assert await roster.off(uow, [999], warsaw("03T10:00"), warsaw("03T11:00")) == {999: []}
