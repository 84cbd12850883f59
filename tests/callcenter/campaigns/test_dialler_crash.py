"""kill -9 of a dialler at random moments of many dials: no lead is on two lines, none is called twice, none is forgotten.

Two campaigns of one project, one dialled with an agent and one without, half of whose leads have the same numbers; on
PostgreSQL other diallers take over, stop in the middle and give way. The customers live in this process, which
survives: what they count is what was really dialled. CALLCENTER_CRASH_KILLS and CALLCENTER_CRASH_LEADS make it smaller.
"""

import asyncio
import contextlib
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from callcenter import clock
from callcenter.campaigns.dialer import Dialer
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadNumber, LeadState
from callcenter.campaigns.models import Campaign
from callcenter.config import Settings
from callcenter.db import Committed, Database
from callcenter.projects.models import Project
from callcenter.wiring import wire
from tests.callcenter.campaigns.dialling import Room, open_room
from tests.callcenter.crashing import PEOPLE, Survivor, staff, start_child

KILLS = int(os.environ.get("CALLCENTER_CRASH_KILLS", "40"))
LEADS = int(os.environ.get("CALLCENTER_CRASH_LEADS", "800"))
OPEN = (LeadState.WAITING.value, LeadState.SHOWN.value, LeadState.DIALLING.value, LeadState.TALKING.value)


async def campaigns(room: Room) -> None:
    """Give the room's campaign, and a second that dials ahead, LEADS leads each; half of the numbers are in both."""
    async with room.floor.database.unit_of_work() as uow:
        project = await uow.session.get_one(Project, room.floor.project_id)
        project.wrap_up_seconds = 0
        first = await uow.session.get_one(Campaign, room.campaign_id)
        shared = {"state": "running", "rule_pack": "US", "ring_seconds": 25, "attempts": 1, "project_id": first.project_id}
        times = {"created_at": uow.now, "updated_at": uow.now, "started_at": uow.now}
        second = Campaign(name="Ahead", mode="power", lines_per_agent=2.0, **shared, **times)
        first.attempts = 1
        uow.session.add(second)
        await uow.session.flush()
        for campaign_id, begin in ((first.id, 0), (second.id, LEADS // 2)):
            for n in range(begin, begin + LEADS):
                given = {"next_at": uow.now, "created_at": uow.now, "changed_at": uow.now}
                lead = Lead(campaign_id=campaign_id, name=f"Lead {n}", fields={}, **given)
                uow.session.add(lead)
                await uow.session.flush()
                number = LeadNumber(lead_id=lead.id, position=0, campaign_id=campaign_id, number=f"+48601{n:06}", zones=[])
                uow.session.add(number)


async def left(database: Database) -> int:
    async with database.reading() as uow:
        return await uow.session.scalar(select(func.count()).where(Lead.state.in_(OPEN))) or 0


async def dial_too(database: Database, survivor: Survivor, chance: random.Random) -> None:
    """Be diallers of other contact centres on the same database and switch, one after another, until cancelled."""
    other = wire(Database(database.url, settings=database.settings))

    def send(committed: Committed) -> None:
        for command in committed.commands:
            survivor.perform(command)

    other.after_commit.append(send)
    dialled = []
    try:
        while True:
            dialer = Dialer(other)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(chance.uniform(1, 15)):
                    await dialer.run()
            dialled.append(dialer.counters["dialled"])
            await asyncio.sleep(chance.uniform(10, 20))  # longer than its leases
    finally:
        print("the other diallers:", dialled)  # noqa: T201 - the figures of the run
        await other.close()


@pytest.mark.soak
async def test_kills_of_a_dialler_at_random_moments(database: Database, tmp_path: Path) -> None:
    seed = int(os.environ.get("CALLCENTER_SOAK_SEED", time.time_ns() % 1_000_000))
    chance = random.Random(seed)
    room = await open_room(database, people=())
    clock.stop(False)
    ahead = room.floor.moved
    await staff(room.floor)
    await campaigns(room)
    settings = Settings(data_dir=tmp_path, _env_file=None)
    survivor = Survivor(settings.socket_path("link"), [str(room.floor.people[name].id) for name in PEOPLE], chance)
    await survivor.restart()
    more = {"CALLCENTER_CRASH_SHIFT": str(ahead)}
    work = [] if database.sqlite else [asyncio.create_task(dial_too(database, survivor, chance))]
    child, kills = await start_child(database.url, tmp_path, **more), 0
    try:
        async with asyncio.timeout(7200):
            while await left(database):
                dialled = survivor.dialled.total()
                while kills < KILLS and survivor.dialled.total() < dialled + 5 and await left(database):
                    await asyncio.sleep(0.05)
                await asyncio.sleep(chance.uniform(0.0, 1.0))
                assert child.returncode is None, "it stopped by itself"
                if kills < KILLS:
                    child.kill()
                    await child.wait()
                    kills += 1
                    if chance.random() < 0.2:
                        await survivor.restart()
                    child = await start_child(database.url, tmp_path, **more)
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        if child.returncode is None:
            child.kill()
            await child.wait()
        await survivor.stop()
    await judge(room, survivor, f"seed {seed}: {kills} kills")


async def judge(room: Room, survivor: Survivor, about: str) -> None:
    """Compare what the customers counted with what the rows say."""
    floor = room.floor
    leads, attempts = await floor.all(Lead), await floor.all(LeadAttempt)
    numbers: Counter[str] = Counter(each.number for each in await floor.all(LeadNumber))
    twice = {number: count for number, count in survivor.dialled.items() if count > numbers[number]}
    tries = Counter(each.lead_id for each in attempts)
    report = (
        f"{about}; {survivor.dialled.total()} dials, {len(twice)} too often, {len(survivor.at_once)} numbers on two lines, "
        f"leads {dict(Counter(each.state for each in leads))}, outcomes {dict(Counter(each.outcome for each in attempts))}"
    )
    print(report)  # noqa: T201 - the figures of the run
    assert not twice, report
    assert not survivor.at_once, report
    assert {each.state for each in attempts} == {"over"}, report
    assert set(tries.values()) == {1}, "one attempt each"
    assert len(tries) == len(leads), report
