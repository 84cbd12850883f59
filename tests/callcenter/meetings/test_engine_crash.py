"""kill -9 at random moments of many dials: no customer is called twice, no meeting is forgotten.

The switch and the customers live in this process, which survives, and are joined to the contact centre by the real link:
what the customers count is what was really dialled. CALLCENTER_CRASH_KILLS and CALLCENTER_CRASH_DIALS make it smaller.
"""

import asyncio
import datetime as dt
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from callcenter import clock
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.meetings import due
from callcenter.meetings.models import Attempt, Meeting, MeetingState
from callcenter.projects.models import Project
from tests.callcenter.calls.floor import Floor
from tests.callcenter.crashing import PEOPLE, Survivor, staff, start_child
from tests.callcenter.meetings import desk
from tests.callcenter.meetings.office import open_office

KILLS = int(os.environ.get("CALLCENTER_CRASH_KILLS", "200"))
DIALS = int(os.environ.get("CALLCENTER_CRASH_DIALS", "2000"))
FINAL = frozenset({MeetingState.HELD.value, MeetingState.MISSED.value, MeetingState.UNCERTAIN.value})


async def planned(floor: Floor, count: int) -> None:
    """Plan automatic meetings that are all due now, most of them somebody's, some nobody's."""
    start = clock.now() - dt.timedelta(seconds=1)
    owners = [floor.people[name].id for name in PEOPLE] + [None, None]
    async with floor.database.unit_of_work() as uow:
        project = await uow.session.get_one(Project, floor.project_id)
        project.wrap_up_seconds = 0
        for n in range(count):
            uow.session.add(
                Meeting(
                    name=f"meeting {n}",
                    mode="automatic",
                    number=f"+4860{n:07}",
                    from_at=start,
                    to_at=start + dt.timedelta(days=1),
                    project_id=floor.project_id,
                    user_id=owners[n % len(owners)],
                    created_at=start,
                    updated_at=start,
                    next_at=start,
                )
            )
        await uow.session.flush()
        await due.wake(uow, start)


async def left(database: Database) -> int:
    """Return how many meetings are neither over nor uncertain."""
    async with database.reading() as uow:
        return await uow.session.scalar(select(func.count()).where(Meeting.state.not_in(FINAL))) or 0


@pytest.mark.soak
async def test_kills_at_random_moments_of_many_dials(database: Database, tmp_path: Path) -> None:
    seed = int(os.environ.get("CALLCENTER_SOAK_SEED", time.time_ns() % 1_000_000))
    chance = random.Random(seed)
    floor = await open_office(database)
    clock.stop(False)
    clock.shift(0)
    await staff(floor)
    await desk.rules(floor, attempts=1)
    await planned(floor, DIALS)
    settings = Settings(data_dir=tmp_path, _env_file=None)
    survivor = Survivor(settings.socket_path("link"), [str(floor.people[name].id) for name in PEOPLE], chance)
    await survivor.restart()
    kills = restarts = 0
    child = await start_child(database.url, tmp_path)
    try:
        async with asyncio.timeout(7200):
            while await left(database):
                rest = DIALS - len(survivor.dialled)
                await asyncio.sleep(chance.uniform(0.0, 2.0) if kills < KILLS else 0.5)
                assert child.returncode is None, "it stopped by itself"
                if kills < KILLS and rest > 0:
                    child.kill()
                    await child.wait()
                    kills += 1
                    if chance.random() < 0.2:
                        await survivor.restart()
                        restarts += 1
                    child = await start_child(database.url, tmp_path)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        await survivor.stop()
    await judge(floor, survivor.dialled, f"seed {seed}: {kills} kills, {restarts} of them with the switch")


async def judge(floor: Floor, dialled: Counter[str], about: str) -> None:
    """Compare what the customers counted with what the rows say."""
    meetings = await floor.all(Meeting)
    states = Counter(each.state for each in meetings)
    repeated = {number: count for number, count in dialled.items() if count > 1}
    counted = {MeetingState.HELD.value, MeetingState.MISSED.value}
    forgotten = [each for each in meetings if each.state not in FINAL or (each.state in counted and not dialled[each.number])]
    tries = Counter(each.meeting_id for each in await floor.all(Attempt) if each.dialled_at is not None)
    report = f"{about}; {sum(dialled.values())} dials, {len(repeated)} repeated, {len(forgotten)} forgotten, {dict(states)}"
    print(report)  # noqa: T201 - the figures of the run
    assert not repeated, report
    assert not forgotten, report
    assert set(tries.values()) == {1}, "one attempt each"
    assert {each.number for each in meetings} >= set(dialled)
