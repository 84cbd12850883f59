"""Many meetings in one transaction: the same comes of it as of each by itself, and the database is not asked once for each."""

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select

from callcenter import clock
from callcenter.agents.models import Agent
from callcenter.db import UnitOfWork
from callcenter.jobs import Job
from callcenter.meetings import due, reservations, series, service, timing, warnings
from callcenter.meetings.models import Meeting, MeetingEntry
from callcenter.meetings.planning import settle
from callcenter.meetings.series_forms import SeriesInput, SeriesOut
from callcenter.meetings.terms import MeetingTerm
from callcenter.roster import service as roster
from callcenter.users.models import AuditEntry
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import meeting, planned, row
from tests.callcenter.meetings.test_series import change_of

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
_OWN = {"id", "series_id", "series_at", "series_version"}


async def daily(office: Floor, count: int, **fields: Any) -> SeriesOut:
    found = await office.do("sue", series.plan_series, meeting(office, **fields), SeriesInput(every="day", count=count))
    assert isinstance(found, SeriesOut)
    return found


def stored(meeting: Meeting) -> dict[str, Any]:
    names = {each.name for each in Meeting.__table__.columns} - _OWN
    return {name: getattr(meeting, name) for name in names}


async def kept(office: Floor, ids: list[int]) -> list[Any]:
    """Return what is stored of meetings besides their rows: history, the trail, what finds them."""
    found: list[Any] = []
    async with office.database.reading() as uow:
        for each in ids:
            entries = await uow.session.scalars(
                select(MeetingEntry).where(MeetingEntry.meeting_id == each).order_by(MeetingEntry.id)
            )
            trail = select(AuditEntry).where(AuditEntry.subject == "meeting", AuditEntry.subject_id == str(each))
            trail = trail.where(AuditEntry.action.not_like("%series%")).order_by(AuditEntry.id)
            terms = select(MeetingTerm.term).where(MeetingTerm.meeting_id == each)
            found.append(
                (
                    [(line.kind, line.text, line.data) for line in entries],
                    [(line.action, line.actor_name, line.detail) for line in await uow.session.scalars(trail)],
                    sorted(await uow.session.scalars(terms)),
                )
            )
    return found


async def test_a_series_is_stored_as_its_meetings_would_be_one_by_one(office: Floor) -> None:
    contact = await office.add_contact("Zofia", "+48601000000")
    begin = clock.now().replace(microsecond=0) + 3 * DAY
    window = {"to_at": begin + HOUR, "name": "Offer", "contact_id": contact, "mode": "automatic"}
    made = await daily(office, 4, from_at=begin, **window)
    each = [(one.from_at, one.to_at) for one in made.items]
    singly = [await planned(office, **{**window, "from_at": start, "to_at": end}) for start, end in each]
    ids = [one.id for one in made.items]
    for one, other in zip(ids, singly, strict=True):
        left, right = stored(await row(office, one)), stored(await row(office, other))
        for name in ("created_at", "updated_at"):
            del left[name], right[name]
        assert left == right
    assert await kept(office, ids) == await kept(office, singly)
    later = {"from_at": each[0][0] + HOUR, "to_at": each[0][1] + HOUR, "name": "Contract"}
    await office.do("sue", series.change_series, ids[0], await change_of(office, ids[0], **later), "rest")
    await office.do("sue", service.assign, ids, office.people["bob"].id)
    await office.do("sue", series.cancel_series, ids[0], "Enough.", "rest")
    for one, (start, end) in zip(singly, each, strict=True):
        fields = {"from_at": start + HOUR, "to_at": end + HOUR, "name": "Contract"}
        await office.do("sue", service.change, one, await change_of(office, one, **fields))
        await office.do("sue", service.assign, [one], office.people["bob"].id)
        await office.do("sue", service.cancel, one, "Enough.")
    assert await kept(office, ids) == await kept(office, singly)


@pytest.mark.parametrize("seed", range(3))
async def test_what_should_be_thought_of_is_said_of_many_as_of_each(office: Floor, seed: int) -> None:
    dice, anna = random.Random(seed), office.people["anna"].id
    begin = clock.now().replace(microsecond=0) + DAY
    shifts = [roster.ShiftInput(weekday=day, from_time="06:00", to_time="18:00") for day in dice.sample(range(7), 5)]
    await office.do("sue", roster.set_shifts, anna, shifts)
    for _ in range(3):
        off = begin + dice.randrange(20 * 24) * HOUR
        absence = roster.AbsenceInput(
            from_at=off, to_at=off + dice.randrange(1, 60) * HOUR, reason=dice.choice(["", "ill", "course"])
        )
        await office.do("sue", roster.add_absence, anna, absence)
    for number in range(12):
        start = begin + dice.randrange(20 * 24 * 2) * HOUR / 2
        length = dice.choice([1, 2, 30, 7 * 24]) * HOUR
        await planned(
            office,
            name=f"Other {number}",
            user_id=dice.choice([anna, None, office.people["bob"].id]),
            from_at=start,
            to_at=start + length,
        )
    long = dice.choice([1, 30])  # windows of a series may lie over each other, too
    made = await daily(office, 14, from_at=begin, to_at=begin + long * HOUR)
    ids = [each.id for each in made.items]
    for at, each in enumerate(made.items):
        async with office.database.reading(office.people["sue"]) as uow:
            plan = await settle(uow, meeting(office, from_at=each.from_at, to_at=each.to_at), await row(office, each.id))
            alone = await warnings.about(uow, plan, each.id)
            others = await warnings.open_meetings(uow, [anna], each.from_at, each.to_at, [each.id])
        alone = [warning for warning in alone if warning.code != "overlap"]
        before = [(other.id, other.name) for other in others if other.id not in ids[at:]][:5]
        assert [(warning.meeting_id, warning.values["name"]) for warning in each.warnings if warning.code == "overlap"] == before
        assert [warning for warning in each.warnings if warning.code != "overlap"] == alone


async def step(office: Floor, dice: random.Random, all_made: list[SeriesOut], people: list[int]) -> None:
    """Plan, change, cancel, give away or spread some meetings."""
    ids = [each.id for made in all_made for each in made.items]
    one = dice.choice(ids or [0])
    known = await row(office, one) if ids else None
    if known is None or dice.random() < 0.25:
        start = clock.now().replace(microsecond=0) + DAY + dice.randrange(48) * HOUR
        fields = {"from_at": start, "to_at": start + HOUR, "mode": dice.choice(["manual", "automatic"])}
        all_made.append(await daily(office, dice.randrange(1, 6), user_id=dice.choice([*people, None]), **fields))
    elif dice.random() < 0.3:
        await office.do("sue", service.assign, dice.sample(ids, len(ids) // 2 + 1), dice.choice(people))
    elif dice.random() < 0.3:
        await office.do("sue", service.spread, [each.id for each in dice.choice(all_made).items], people)
    elif known.state == "planned" and dice.random() < 0.6:
        by = dice.choice([-2, -1, 1, 2]) * HOUR
        fields = {"from_at": known.from_at + by, "to_at": known.to_at + by, "user_id": dice.choice([*people, None])}
        wanted, singly = await change_of(office, one, **fields), dice.random() < 0.5
        await office.do("sue", series.change_series, one, wanted, "rest", changed_singly=singly)
    elif known.state == "planned":
        await office.do("sue", series.cancel_series, one, "Enough.", dice.choice(["one", "rest"]))


@pytest.mark.parametrize("seed", range(3))
async def test_who_is_kept_free_and_when_the_engine_wakes_follow_from_what_is_stored(office: Floor, seed: int) -> None:
    dice = random.Random(seed)
    people = [office.people[name].id for name in ("anna", "bob", "celia")]
    all_made: list[SeriesOut] = []
    for _ in range(12):
        await step(office, dice, all_made, people)
        async with office.database.unit_of_work() as uow:
            was = await reserved(uow, people)
            await reservations.refresh(uow, people)
            assert await reserved(uow, people) == was, "looking at all that is stored finds nothing else"
            first = await uow.session.scalar(due.FIRST)
            job = await uow.session.get(Job, timing.KEY)
            assert first is None or (job is not None and job.due_at <= first)


async def reserved(uow: UnitOfWork, people: list[int]) -> list[tuple[dt.datetime | None, dt.datetime | None]]:
    agents = {each.user_id: each for each in await uow.session.scalars(select(Agent))}
    return [(agents[each].reserved_from, agents[each].reserved_until) if each in agents else (None, None) for each in people]


@contextmanager
def statements(office: Floor) -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        found.append(statement)

    engine = office.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_the_database_is_not_asked_once_for_each_of_many(office: Floor) -> None:
    contact = await office.add_contact("Zofia", "+48601000000")
    asked: dict[int, list[int]] = {}
    for count in (5, 40):
        begin = clock.now() + count * DAY
        counts = []
        with statements(office) as found:
            made = await daily(office, count, from_at=begin, to_at=begin + HOUR, contact_id=contact)
            counts.append(len([each for each in found if not each.startswith("INSERT INTO phone_meetings ")]))
        ids = [each.id for each in made.items]
        change = await change_of(office, ids[0], from_at=begin + HOUR, to_at=begin + 2 * HOUR)
        for door in (
            (series.change_series, ids[0], change, "rest"),
            (service.assign, ids, office.people["bob"].id),
            (series.cancel_series, ids[0], "Enough.", "rest"),
        ):
            with statements(office) as found:
                await office.do("sue", *door)
            counts.append(len(found))
        asked[count] = counts
    assert all(many <= few + 5 for few, many in zip(asked[5], asked[40], strict=True)), asked
