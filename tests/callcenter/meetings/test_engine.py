"""Many meetings and many consultants: who gets which, when, and what supervisors hear in time."""

import asyncio
import datetime as dt
from typing import Any

import pytest

from callcenter import clock
from callcenter.agents.models import Agent
from callcenter.calls import service as calls
from callcenter.calls.models import Call
from callcenter.db import Database
from callcenter.events import Notice
from callcenter.facts import ContactDeleted
from callcenter.jobs import Job
from callcenter.meetings import assigning, engine, service
from callcenter.meetings import attempts as meeting_attempts
from callcenter.meetings import due as clockwork
from callcenter.meetings.models import Attempt, Meeting
from callcenter.phone import EndReason, LegEnded, Originate
from callcenter.projects.service import set_members
from callcenter.scheduler import Scheduler
from callcenter.users.models import User
from callcenter.wiring import wire
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings import desk
from tests.callcenter.meetings.desk import HOUR, OPENS, due, ends, minutes, state, waiting
from tests.callcenter.meetings.office import history, planned, row


def begin(after: float = HOUR) -> dict[str, Any]:
    start = clock.now() + dt.timedelta(seconds=after)
    return {"from_at": start, "to_at": start + minutes(30)}


async def test_what_the_consultant_does_is_why_it_waits_and_who_gets_ready_gets_it(office: Floor) -> None:
    await office.ready("anna")
    leg_id, call_id = await office.talk("anna", number="+48601000009")
    meeting_id = await due(office)
    assert await waiting(office, meeting_id) == "on_call"
    await office.do("anna", calls.set_agent_state, "break")
    await office.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    assert await waiting(office, meeting_id) == "wrap_up"
    await office.do("anna", calls.finish_wrap_up)
    assert await waiting(office, meeting_id) == "break", "never from a break"
    await office.do("anna", calls.set_agent_state, "offline")
    assert await waiting(office, meeting_id) == "offline"
    await office.do("anna", calls.set_agent_state, "ready")
    assert await waiting(office, meeting_id) == "countdown"
    assert await desk.decisions(office, meeting_id) == ["on_call", "wrap_up", "break", "offline"]
    assert call_id != (await office.agent("anna")).call_id


async def test_the_most_urgent_comes_first_and_the_others_say_that_they_are_in_line(office: Floor) -> None:
    late = await planned(office, mode="automatic", from_at=clock.now() + minutes(60), to_at=clock.now() + minutes(120))
    soon = await planned(office, mode="automatic", **begin())
    await office.ready("anna")
    await office.ring("+48601000009")
    await office.later(OPENS)
    await office.do("anna", calls.set_agent_state, "ready")
    await office.live("anna")
    assert await state(office, soon) == "dialling"
    assert await waiting(office, late) in ("offered", "in_line")
    await office.later(6)
    await ends(office, EndReason.BUSY)
    await office.do("anna", calls.finish_wrap_up)
    assert await state(office, late) == "dialling", "while the other waits for its next attempt"
    await desk.invariants(office)


async def test_a_meeting_goes_before_the_queue_and_a_near_one_keeps_callers_away(office: Floor) -> None:
    await desk.rules(office, protection_seconds=120)
    meeting_id = await planned(office, mode="automatic")
    await office.ready("anna")
    await office.later(HOUR - 100)
    leg_id = await office.ring("+48601000009")
    assert (await office.states())["anna"] == "ready", "the caller waits for somebody else"
    await office.later(101)
    assert (await office.states())["anna"] == "offered"
    assert await state(office, meeting_id) == "dialling"
    await office.later(6)
    await desk.answers(office)
    await ends(office)
    assert (await office.call_of(leg_id)).state == "waiting"
    await office.do("anna", calls.finish_wrap_up)
    assert (await office.call_of(leg_id)).state == "offered", "with the meeting its protection is over"


async def test_protection_ends_with_what_it_was_for(office: Floor) -> None:
    meeting_id = await planned(office, mode="automatic")
    async with office.database.reading() as uow:
        agent = await uow.session.get_one(Agent, office.people["anna"].id)
    assert agent.reserved_from == (await row(office, meeting_id)).from_at - minutes(2)
    await office.do("sue", service.cancel, meeting_id, "the customer asked for it")
    assert (await office.agent("anna")).reserved_from is None
    by_hand = await planned(office, mode="manual")
    agent = await office.agent("anna")
    meeting = await row(office, by_hand)
    assert (agent.reserved_from, agent.reserved_until) == (meeting.from_at - minutes(2), meeting.from_at + minutes(2))
    later = await planned(office, mode="manual", **begin(HOUR + 900))
    await office.later(OPENS + 120)
    assert (await office.agent("anna")).reserved_from == (await row(office, later)).from_at - minutes(2)


async def test_a_meeting_of_nobody_goes_to_the_longest_ready_who_serves_them(office: Floor) -> None:
    await desk.rules(office, served_by=[office.people["bob"].id, office.people["celia"].id])
    await office.ready("anna", "celia", "bob")
    meeting_id = await due(office, user_id=None)
    assert await office.states() == {"anna": "ready", "celia": "offered", "bob": "ready"}
    await office.do("celia", meeting_attempts.not_now, (await desk.attempts(office, meeting_id))[0].id, "lunch")
    await office.do("celia", calls.set_agent_state, "break")
    await office.do("bob", calls.set_agent_state, "break")
    await office.later(61)
    assert await waiting(office, meeting_id) == "nobody_ready"
    await office.do("bob", calls.set_agent_state, "ready")
    await office.later(6)
    await desk.answers(office)
    assert (await row(office, meeting_id)).user_id == office.people["bob"].id
    assert len(office.sent(Originate)) == 1


async def test_supervisors_hear_in_time_and_once_for_each_reason(office: Floor) -> None:
    await desk.rules(office, escalation_minutes=10)
    meeting_id = await planned(office, mode="automatic")
    await planned(office, mode="manual", user_id=office.people["bob"].id)
    assert office.said(Notice) == []
    await office.later(HOUR - 599)
    (notice,) = office.said(Notice, "sue")
    assert (notice.link, notice.values["user"]) == (f"/meetings/{meeting_id}", "Anna")
    assert "offline" in notice.sentence
    await office.later(600)
    assert len(office.said(Notice, "sue")) == 1
    await office.ready("anna")
    await office.do("anna", calls.set_agent_state, "break")
    await office.later(1260)
    assert [("offline" in each.sentence, "break" in each.sentence) for each in office.said(Notice, "sue")] == [
        (True, False),
        (False, True),
    ]
    assert office.said(Notice, "bob") == []


async def test_ten_meetings_of_one_who_is_offline_are_one_notice(office: Floor) -> None:
    for _ in range(10):
        await planned(office, mode="automatic", from_at=clock.now() + minutes(60), to_at=clock.now() + minutes(90))
    await office.later(HOUR)
    assert [each.values for each in office.said(Notice, "sue")] == [{"user": "Anna", "count": "10"}]


async def test_nobody_there_for_a_meeting_of_nobody_is_told(office: Floor) -> None:
    await due(office, user_id=None)
    assert ["nobody" in each.sentence for each in office.said(Notice, "sue")] == [True]


async def test_a_window_that_passed_is_missed_and_never_dialled_late(office: Floor) -> None:
    await office.ready("anna")
    meeting_id = await planned(office, mode="automatic")
    await office.later(2 * HOUR)
    assert await state(office, meeting_id) == "missed"
    assert office.sent(Originate) == []
    assert (await office.agent("anna")).reserved_from is None
    during = await due(office)
    assert await state(office, during) == "dialling"
    await office.later(HOUR)
    assert (await state(office, during), office.sent(Originate)) == ("missed", [])
    assert (await office.states())["anna"] == "ready"
    await desk.invariants(office)


async def test_a_clock_put_back_takes_the_countdown_back_and_the_window_opens_again(office: Floor) -> None:
    clock.stop(False)
    worker = Scheduler(office.database)
    await office.ready("anna")
    meeting_id = await due(office)
    assert await state(office, meeting_id) == "dialling"
    await worker.run_due()
    office.shift(-2 * HOUR)
    while await worker.run_due():
        pass
    assert (await office.states())["anna"] == "ready", "nobody is stuck for two hours"
    assert await state(office, meeting_id) in ("due", "planned")
    await office.later(OPENS)
    assert await state(office, meeting_id) == "planned"
    await office.later(HOUR + 6)
    await office.later(6)
    assert len(office.sent(Originate)) == 1
    await desk.invariants(office)


async def test_outside_calling_hours_nobody_is_dialled_and_inside_them_again(office: Floor) -> None:
    noon = dt.datetime(2027, 3, 26, 11, tzinfo=dt.UTC)  # a Friday
    office.shift((noon - clock.now()).total_seconds())
    await office.ready("anna")
    await desk.rules(office, hours={str(day): [("09:00", "13:00"), ("15:00", "16:00")] for day in range(7)}, time_zone="UTC")
    meeting_id = await planned(office, mode="automatic", from_at=noon + minutes(119), to_at=noon + minutes(300))
    await office.do("anna", calls.set_agent_state, "break")
    await office.later(119 * 60)
    assert await waiting(office, meeting_id) == "break"
    await office.later(120)
    await office.do("anna", calls.set_agent_state, "ready")
    assert await waiting(office, meeting_id) == "hours"
    await office.later(2 * HOUR)
    assert (await office.states())["anna"] == "offered"
    await office.later(6)
    assert len(office.sent(Originate)) == 1


@pytest.mark.parametrize(
    ("night", "opens"),
    [
        (dt.datetime(2027, 3, 27, 22, tzinfo=dt.UTC), dt.datetime(2027, 3, 28, 1, tzinfo=dt.UTC)),  # 02:00 does not exist
        (dt.datetime(2027, 10, 30, 22, tzinfo=dt.UTC), dt.datetime(2027, 10, 31, 2, tzinfo=dt.UTC)),  # 02:00 comes twice
    ],
)
async def test_calling_hours_are_right_in_the_nights_the_clocks_change(
    office: Floor, night: dt.datetime, opens: dt.datetime
) -> None:
    office.shift((night - clock.now()).total_seconds())
    await office.ready("anna")
    await desk.rules(office, hours={"6": [("03:00", "06:00")]}, time_zone="Europe/Warsaw")
    meeting_id = await planned(office, mode="automatic", from_at=night + minutes(30), to_at=night + minutes(600))
    await office.later((opens - clock.now()).total_seconds() - 30)
    assert await waiting(office, meeting_id) == "hours"
    await office.later(31)
    assert (await office.states())["anna"] == "offered"


@pytest.mark.parametrize("gone", ["member", "user"])
async def test_a_consultant_who_may_not_serve_it_any_more_is_not_asked(office: Floor, gone: str) -> None:
    meeting_id = await planned(office, mode="automatic")
    await office.ready("anna")
    if gone == "member":
        await office.do("sue", set_members, office.project_id, [office.people["bob"].id])
    else:
        async with office.database.unit_of_work() as uow:
            (await uow.session.get_one(User, office.people["anna"].id)).disabled_at = uow.now
    await office.later(OPENS)
    assert await waiting(office, meeting_id) == "no_consultant"
    assert (await office.states())["anna"] == "ready"
    assert ["does not serve" in each.sentence for each in office.said(Notice, "sue")] == [True]


async def test_a_deleted_contact_is_not_called(office: Floor) -> None:
    contact_id = await office.add_contact("Jan")
    await office.ready("anna")
    meeting_id = await due(office, contact_id=contact_id)
    async with office.database.unit_of_work() as uow:
        uow.note(ContactDeleted(contact_id))
    assert (await row(office, meeting_id)).state == "cancelled"
    assert (await office.states())["anna"] == "ready"
    await office.later(60)
    assert office.sent(Originate) == []


async def test_a_countdown_without_its_job_is_mended_and_one_without_its_agent_taken_back(office: Floor) -> None:
    await office.ready("anna")
    meeting_id = await due(office)
    async with office.database.unit_of_work() as uow:
        for job in await office.all(Job):
            if job.kind == "countdown":
                await uow.session.delete(await uow.session.get_one(Job, job.key))
    office.shift(31)
    async with office.database.unit_of_work() as uow:
        await engine.sweep(uow, {})
    await office.run_due()
    assert len(office.sent(Originate)) == 1, "the sweep gave it its job back"
    await ends(office, EndReason.BUSY)
    await office.do("anna", calls.finish_wrap_up)
    await office.later(301)
    assert await state(office, meeting_id) == "dialling"
    async with office.database.unit_of_work() as uow:
        agent = await uow.session.get_one(Agent, office.people["anna"].id)
        agent.state, agent.call_id = "ready", None
    await office.later(6)
    assert len(office.sent(Originate)) == 1
    assert await state(office, meeting_id) in ("due", "dialling")
    await desk.invariants(office)


async def test_one_meeting_our_code_fails_on_stops_no_other(office: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = await planned(office, mode="automatic")
    good = await planned(office, mode="automatic", user_id=office.people["bob"].id)
    await office.ready("anna", "bob")
    real = meeting_attempts.begin

    async def fails(uow: Any, meeting: Meeting, agent: Agent) -> bool:
        if meeting.id == odd:
            await real(uow, meeting, agent)
            raise ZeroDivisionError("on purpose")
        return await real(uow, meeting, agent)

    monkeypatch.setattr(meeting_attempts, "begin", fails)
    await office.later(OPENS)
    assert await office.states() == {"anna": "ready", "bob": "offered"}, "half of it is undone"
    assert (await state(office, odd), await state(office, good)) == ("due", "dialling")
    monkeypatch.undo()
    await office.later(31)
    assert await state(office, odd) == "dialling"
    await desk.invariants(office)


async def test_two_servers_on_one_database_dial_once(office: Floor) -> None:
    for name in ("anna", "bob", "celia"):
        await planned(office, mode="automatic", user_id=office.people[name].id)
        await planned(office, mode="automatic", user_id=None)
    await office.ready("anna", "bob", "celia")
    other = wire(Database(office.database.url, settings=office.database.settings))
    other.after_commit.append(office.committed)
    try:
        workers = [Scheduler(each) for each in (office.database, other, office.database, other)]

        async def work(worker: Scheduler) -> None:
            while await worker.run_due():
                pass

        for seconds in (OPENS, 6, 1, 31):
            office.shift(seconds)
            await asyncio.gather(*(work(each) for each in workers))
            await asyncio.gather(*(_tick(each) for each in (office.database, other)))
    finally:
        await other.close()
    assert len(office.sent(Originate)) == 3
    assert len({each.call_id for each in office.sent(Originate)}) == 3
    assert len(await office.all(Call)) == len([each for each in await office.all(Attempt) if each.dialled_at]) == 3
    await desk.invariants(office)


async def _tick(database: Database) -> None:
    async with database.unit_of_work() as uow:
        await clockwork.tick(uow, {})


async def test_many_due_at_once_take_many_short_transactions_and_none_is_forgotten(office: Floor) -> None:
    start = clock.now() + dt.timedelta(seconds=HOUR)
    async with office.database.unit_of_work(office.people["sue"]) as uow:
        for n in range(130):
            meeting = Meeting(
                name=f"m{n}",
                mode="automatic",
                number=f"+4860100{n:04}",
                from_at=start,
                to_at=start + minutes(60),
                project_id=office.project_id,
                user_id=office.people["anna"].id,
                created_at=uow.now,
                updated_at=uow.now,
            )
            uow.session.add(meeting)
            await uow.session.flush()
            await clockwork.schedule(uow, meeting)
    assert len([job for job in await office.all(Job) if job.kind == "meetings"]) == 1
    await office.later(OPENS)
    assert {each.state for each in await office.all(Meeting)} == {"due"}
    await office.ready("anna")
    seen = set()
    for _ in range(5):
        await office.later(6)
        await desk.answers(office)
        await ends(office)
        await office.do("anna", calls.finish_wrap_up)
        seen.add(office.sent(Originate)[-1].number)
    assert len(seen) == 5
    await office.later(HOUR)
    await ends(office)
    assert {each.state for each in await office.all(Meeting)} == {"held", "missed"}
    await desk.invariants(office)


@pytest.mark.parametrize("what", ["cancel", "reassign"])
async def test_what_people_change_during_the_countdown_takes_it_back(office: Floor, what: str) -> None:
    await office.ready("anna", "bob")
    await office.ring("+48601000009", dialled="+48229999999")  # nobody's: rejected, or waits for nobody
    meeting_id = await due(office)
    assert (await office.states())["anna"] == "offered"
    if what == "cancel":
        await office.do("sue", service.cancel, meeting_id, "the customer asked for it")
    else:
        report = await office.do("sue", assigning.assign, [meeting_id], office.people["bob"].id)
        assert report.assigned == [meeting_id]
    assert (await office.states())["anna"] == "ready"
    await office.run_due()
    assert (await office.states())["bob"] == ("ready" if what == "cancel" else "offered")
    await office.later(6)
    assert [each.user_id for each in await office.all(Call) if each.direction == "outbound"] == (
        [] if what == "cancel" else [office.people["bob"].id]
    )
    assert await state(office, meeting_id) == ("cancelled" if what == "cancel" else "dialling")
    await desk.invariants(office)


async def test_who_a_meeting_is_taken_from_is_not_kept_free_for_it_any_more(office: Floor) -> None:
    meeting_id = await planned(office, mode="automatic")
    assert (await office.agent("anna")).reserved_from is not None
    await office.do("sue", assigning.assign, [meeting_id], office.people["bob"].id)
    assert (await office.agent("anna")).reserved_from is None
    assert (await office.agent("bob")).reserved_from is not None


async def test_history_says_who_did_what(office: Floor) -> None:
    await office.ready("anna")
    meeting_id = await due(office, mode="manual")
    await office.do("anna", meeting_attempts.call_now, meeting_id)
    lines = await history(office, meeting_id)
    assert [(each.kind, each.user_id) for each in lines][-1] == ("state", office.people["anna"].id)
