"""What the tests that kill the contact centre share: the switch and the customers, who survive, and the process to be killed.

They are joined by the real link: what the customers count is what was really dialled.
"""

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.errors import Unavailable
from callcenter.phone import Command, EndReason, Event, Originate, Query, Reply, StationLive
from callcenter.phone_fake_switch import FakeStation, FakeSwitch, Outcome
from callcenter.projects.service import set_members
from callcenter.users.models import User
from telephony.link import LinkServer
from tests.callcenter.calls.floor import Floor

PEOPLE = tuple(f"agent{n}" for n in range(20))


class Customers(FakeSwitch):
    """The switch with customers who answer and hang up, or are busy.

    `dialled` counts the calls each got; in `at_once` is who got two at a time.
    """

    def __init__(self, dialled: Counter[str], at_once: set[str], chance: random.Random, stations: list[str]) -> None:
        super().__init__(self._tell)
        self.emit: Callable[[Event], None] = lambda event: None
        self._dialled, self._at_once, self._chance = dialled, at_once, chance
        self.stations = {each: FakeStation(each, "tab", live=True) for each in stations}

    def _tell(self, event: Event) -> None:
        self.emit(event)

    def _originate(self, command: Originate) -> None:
        if command.leg_id not in self._known:
            if any(leg.number == command.number for leg in self.legs.values()):
                self._at_once.add(command.number)
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
        self.at_once: set[str] = set()
        self._path, self._stations, self._chance = path, stations, chance
        self._server: LinkServer | None = None
        self._switch: Customers | None = None

    def perform(self, command: Command) -> None:
        """Do what a second contact centre wants."""
        if self._switch is not None:
            self._switch.perform(command)

    async def restart(self) -> None:
        if self._server is not None:
            await self._server.stop()
        switch = self._switch = Customers(self.dialled, self.at_once, self._chance, self._stations)
        self._server = LinkServer(self._path, switch)
        switch.emit = self._server.emit
        await self._server.start()
        for station in self._stations:
            switch.emit(StationLive(station, "tab"))

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()


async def staff(floor: Floor) -> None:
    """Put PEOPLE on the floor and into its project."""
    async with floor.database.unit_of_work() as uow:
        for name in PEOPLE:
            user = User(
                login=name, name=name, role="consultant", accounts=sorted(EVERY_ACCOUNT), password_hash="", created_at=uow.now
            )
            uow.session.add(user)
            await uow.session.flush()
            floor.people[name] = Actor(user.id, name, Role.CONSULTANT, accounts=EVERY_ACCOUNT)
        await set_members(uow, floor.project_id, [floor.people[name].id for name in PEOPLE])


async def start_child(url: str, folder: Path, **more: str) -> asyncio.subprocess.Process:
    """Start the contact centre on the database, and wait until it is up; `more`: of its environment."""
    environment = {
        **os.environ,
        "CALLCENTER_DATABASE_URL": url.replace("+aiosqlite", "").replace("+psycopg", ""),
        "CALLCENTER_DATA_DIR": str(folder),
        "CALLCENTER_MEETING_COUNTDOWN_SECONDS": "1",
        **more,
    }
    arguments = [sys.executable, "-m", "tests.callcenter.crash_child"]
    child = await asyncio.create_subprocess_exec(*arguments, env=environment, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    assert await child.stdout.readline() == b"up\n"
    return child
