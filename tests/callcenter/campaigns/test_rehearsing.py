"""Rehearsals: what they rest on (measured, or assumed and said so), and days lived through."""

import datetime as dt
import json
import subprocess
import sys
from typing import Any

import pytest

from callcenter.calls.models import Call
from callcenter.campaigns import rehearsal_plan
from callcenter.campaigns.lead_models import LeadAttempt
from callcenter.campaigns.models import Campaign
from callcenter.campaigns.rehearsing import Plan, live, ranges
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from tests.callcenter.campaigns.dialling import Room, open_room


def a_plan(**more: Any) -> Plan:
    given: dict[str, Any] = {"campaign_id": 1, "name": "Spring", "mode": "progressive", "agents": 4, "hours": 1.0, "cap": 3.0}
    given |= {"ratio": 1.0, "channels": None, "ring_seconds": 25, "patience": 2.0, "detection": False, "leads": 5000}
    given |= {"attempts": 3, "answer": 0.4, "machines": 0.1, "busy": 0.05, "failed": 0.03, "ring": 10.0, "ring_sigma": 0.4}
    given |= {"talk": 90.0, "talk_sigma": 0.7, "wrap_up": 15.0, "wrap_up_sigma": 0.5, "sources": {}, "sample": {}}
    return Plan(**given | more)


def test_a_day_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    one = live(a_plan(), 1)
    assert one == live(a_plan(), 1)
    assert one != live(a_plan(), 2)
    assert (one.talk_hours > 0.5, one.abandoned, one.ran_out) == (True, 0, False)
    assert 0 < one.occupancy < 100


def test_few_leads_do_not_last_the_day() -> None:
    day = live(a_plan(leads=10), 1)
    assert (day.ran_out, day.dialled <= 30) == (True, True)
    assert day.hours_left is not None
    assert 0 < day.hours_left < 0.5, "they were used up in minutes of this hour, not at its end"
    nobody = live(a_plan(leads=0), 1)
    assert (nobody.dialled, nobody.talk_hours, nobody.hours_left) == (0, 0.0, None)


def test_pacing_talks_more_than_one_line_each_and_keeps_its_cap() -> None:
    each, paced = (live(a_plan(mode=mode, agents=8, hours=1.5, answer=0.25), 3) for mode in ("progressive", "predictive"))
    assert paced.talk_hours > each.talk_hours
    assert paced.rate <= 3.0


def test_ranges_are_least_middle_and_most() -> None:
    days = [live(a_plan(hours=0.2), seed) for seed in range(3)]
    found = ranges(days)["dialled"]
    assert [found.least, found.middle, found.most] == sorted(float(each.dialled) for each in days)
    assert ranges([]) == {}


def test_the_program_writes_a_day_a_line() -> None:
    asked = json.dumps({"plan": a_plan(hours=0.1).model_dump(), "seeds": [1, 2]})
    command = [sys.executable, "-m", "callcenter.campaigns.rehearsing"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    assert [json.loads(line)["seed"] for line in done.stdout.splitlines()] == [1, 2]


@pytest.fixture
async def room(database: Database) -> Room:
    found = await open_room(database)
    await found.add_leads(3)
    return found


async def planned(room: Room, campaign_id: int | None = None, agents: int | None = None) -> Plan:
    async with room.floor.database.reading(room.floor.people["sue"]) as uow:
        return await rehearsal_plan.plan(uow, campaign_id or room.campaign_id, agents)


async def past(room: Room, count: int = 80) -> None:
    """Give the campaign a past: half is answered after eleven and a half seconds, a fifth of that by machines; talks of 100 s."""
    async with room.floor.database.unit_of_work() as uow:
        for n in range(count):
            began = uow.now - dt.timedelta(hours=2)
            answered = began + dt.timedelta(seconds=11.5) if n % 2 else None
            machine = n % 10 == 1
            talked = answered if answered and not machine else None
            outcome = "machine" if machine else "talked" if talked else "busy" if n % 4 else "no_answer"
            given = {
                "id": f"a{n:03}",
                "campaign_id": room.campaign_id,
                "lead_id": 1,
                "number": f"+4850000{n:04}",
                "mode": "power",
            }
            times = {"started_at": began, "answered_at": answered, "bridged_at": talked}
            uow.session.add(LeadAttempt(**given, **times, state="over", outcome=outcome))
            ended = began + dt.timedelta(seconds=111.5)
            wrapped = ended + dt.timedelta(seconds=20) if talked else None
            call = {"id": f"a{n:03}", "direction": "outbound", "state": "ended", "project_id": room.floor.project_id}
            seconds = 100 if talked else None
            uow.session.add(Call(**call, started_at=began, ended_at=ended, talk_seconds=seconds, wrapped_at=wrapped))


async def test_without_a_past_numbers_are_assumed_and_said_to_be(room: Room) -> None:
    plan = await planned(room)
    assert plan.sources == {"answers": "assumed", "talk": "assumed", "wrap_up": "assumed"}
    assert (plan.agents, plan.leads, plan.cap, plan.answer) == (3, 3, 3.0, 0.3)
    assert (await planned(room, agents=7)).agents == 7


async def test_numbers_are_measured_in_the_campaigns_own_past_else_in_its_projects(room: Room) -> None:
    await past(room)
    plan = await planned(room)
    assert plan.sources == {"answers": "campaign", "talk": "campaign", "wrap_up": "campaign"}
    assert (plan.answer, round(plan.machines, 3), plan.sample["answers"]) == (0.5, 0.2, 80)
    assert (plan.talk, round(plan.wrap_up, 1), round(plan.ring, 1)) == (100, 20, 10)
    async with room.floor.database.unit_of_work() as uow:
        given = {"name": "Next", "project_id": room.floor.project_id, "mode": "predictive", "rule_pack": "US"}
        other = Campaign(**given, created_at=uow.now, updated_at=uow.now)
        uow.session.add(other)
        await uow.session.flush()
        other_id = other.id
    plan = await planned(room, other_id)
    assert plan.sources == {"answers": "project", "talk": "project", "wrap_up": "project"}
    assert live(plan.model_copy(update={"hours": 0.1}), 1).dialled == 0, "it has no leads"


async def test_the_time_to_decide_about_machines_is_taken_from_the_patience(room: Room) -> None:
    assert (await planned(room)).patience == 2.0
    await room.change(detection="hang_up")
    assert (await planned(room)).patience == pytest.approx(0.8)
    await room.change(detection_settings={"decide_ms": 3500})
    assert (await planned(room)).patience == 0.1


async def test_what_cannot_be_rehearsed_says_why(room: Room) -> None:
    await room.change(mode="agentless")
    with pytest.raises(Conflict, match="cannot be rehearsed"):
        await planned(room)
    await room.change(mode="progressive")
    with pytest.raises(Invalid, match="Choose from 1"):
        await planned(room, agents=0)
    with pytest.raises(NotFound):
        await planned(room, 99_999)
    async with room.floor.database.reading(room.floor.people["anna"]) as uow:
        with pytest.raises(NotPermitted):
            await rehearsal_plan.plan(uow, room.campaign_id)
