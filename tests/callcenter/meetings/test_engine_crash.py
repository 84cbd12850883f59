"""kill -9 at random moments of many dials: no customer is called twice, no meeting is forgotten.

The switch and the customers live in this process, which survives, and are joined to the contact centre by the real link:
what the customers count is what was really dialled. CALLCENTER_CRASH_KILLS and CALLCENTER_CRASH_DIALS make it smaller.
"""

import asyncio
import datetime as dt
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from callcenter import clock
from callcenter.actor import Actor, Role
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.errors import Unavailable
from callcenter.meetings import due
from callcenter.meetings.models import Attempt, Meeting, MeetingState
from callcenter.phone import EndReason, Event, Originate, Query, Reply, StationLive
from callcenter.phone_fake_switch import FakeStation, FakeSwitch, Outcome
from callcenter.projects.models import Project
from callcenter.projects.service import set_members
from callcenter.users.models import User
from telephony.link import LinkServer
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings import desk
from tests.callcenter.meetings.office import open_office

KILLS = int(os.environ.get("CALLCENTER_CRASH_KILLS", "200"))
DIALS = int(os.environ.get("CALLCENTER_CRASH_DIALS", "2000"))
PEOPLE = tuple(f"agent{n}" for n in range(20))
FINAL = frozenset({MeetingState.HELD.value, MeetingState.MISSED.value, MeetingState.UNCERTAIN.value})


class Customers(FakeSwitch):
    """The switch with customers who answer and hang up, are busy or let it ring; `dialled` counts the calls each got."""

    def __init__(self, dialled: Counter[str], chance: random.Random, stations: list[str]) -> None:
        super().__init__(self._tell)
        self.emit: Callable[[Event], None] = lambda event: None
        self._dialled, self._chance = dialled, chance
        self.stations = {each: FakeStation(each, "tab", live=True) for each in stations}

    def _tell(self, event: Event) -> None:
        self.emit(event)

    def _originate(self, command: Originate) -> None:
        if command.leg_id not in self._known:
            self._dialled[command.number] += 1
            self._outcomes[command.number] = Outcome.RINGS
            asyncio.get_running_loop().call_later(self._chance.uniform(0, 0.3), self._act, command.leg_id)
        super()._originate(command)

    def _act(self, leg_id: str) -> None:
        """Answer, be busy, or hang up what was answered."""
        leg = self.legs.get(leg_id)
        if leg is None:
            return
        if leg.state == "answered":
            self._end(leg_id, EndReason.COMPLETED, "far")
        elif self._chance.random() < 0.5:
            self._end(leg_id, EndReason.BUSY, "far", 486, "Busy Here")
        else:
            self._answered(leg)
            asyncio.get_running_loop().call_later(self._chance.uniform(0, 0.3), self._act, leg_id)

    async def answer(self, query: Query) -> Reply:
        """Answer nothing (SwitchEnd)."""
        raise Unavailable("Nobody asks this switch.")

    def web_present(self, present: bool) -> None:
        """Take no notice (SwitchEnd)."""


class Survivor:
    """The switch's process as far as the link can tell: `restart` kills all that lives in it."""

    def __init__(self, path: Path, stations: list[str], chance: random.Random) -> None:
        self.dialled: Counter[str] = Counter()
        self._path, self._stations, self._chance = path, stations, chance
        self._server: LinkServer | None = None

    async def restart(self) -> None:
        if self._server is not None:
            await self._server.stop()
        switch = Customers(self.dialled, self._chance, self._stations)
        self._server = LinkServer(self._path, switch)
        switch.emit = self._server.emit
        await self._server.start()
        for station in self._stations:
            switch.emit(StationLive(station, "tab"))

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()


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


async def start_child(url: str, folder: Path) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "CALLCENTER_DATABASE_URL": url.replace("+aiosqlite", "").replace("+psycopg", ""),
        "CALLCENTER_DATA_DIR": str(folder),
        "CALLCENTER_MEETING_COUNTDOWN_SECONDS": "1",
    }
    arguments = [sys.executable, "-m", "tests.callcenter.meetings.crash_child"]
    child = await asyncio.create_subprocess_exec(*arguments, env=environment, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    assert await child.stdout.readline() == b"up\n"
    return child


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
    async with database.unit_of_work() as uow:
        for name in PEOPLE:
            user = User(login=name, name=name, role="consultant", password_hash="", created_at=uow.now)
            uow.session.add(user)
            await uow.session.flush()
            floor.people[name] = Actor(user.id, name, Role.CONSULTANT)
        await set_members(uow, floor.project_id, [floor.people[name].id for name in PEOPLE])
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
