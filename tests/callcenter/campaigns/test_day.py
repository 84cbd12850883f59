"""Minutes of a campaign with the real pacing and the switch in memory: customers who ring, answer, talk and hang up by chance."""

import asyncio
import random

import pytest

from callcenter.agents.models import Agent, AgentState
from callcenter.calls import service as calls
from callcenter.campaigns.choosing import choose
from callcenter.campaigns.models import PacingDecision
from callcenter.db import Committed, Database
from callcenter.phone import Announce, OpenStation, Originate
from callcenter.phone_fake import SDP, FakePhone
from callcenter.phone_fake_switch import Outcome
from callcenter.switchboard import Switchboard
from tests.callcenter.campaigns.dialling import FILE, Room, invariants, open_room

PEOPLE = ("anna", "bob", "celia", "dora")
LEADS = 400


class Day:
    """A room joined to the switch in memory; `chance` decides what customers do in each second."""

    def __init__(self, room: Room, seed: int, *, repeat: bool = False, disorder: bool = False) -> None:
        self.room, self.floor = room, room.floor
        self.chance = random.Random(seed)
        self.phone = FakePhone(repeat=repeat, disorder=random.Random(seed) if disorder else None)
        self.phone.announcements[FILE] = 3000
        self.switchboard = Switchboard(self.floor.database, self.phone)
        self.floor.database.after_commit.append(self._send)
        self.numbers = [f"+48601{n:06}" for n in range(LEADS)]
        self.carrier(Outcome.RINGS)

    def _send(self, committed: Committed) -> None:
        for command in committed.commands:
            self.phone.send(command)

    def carrier(self, outcome: Outcome) -> None:
        """Let every number do this when it is dialled."""
        for number in self.numbers:
            self.phone.when_called(number, outcome)

    async def pump(self) -> None:
        """Take all events there are."""
        while self.phone._queue:
            event = self.phone._queue[0]
            await self.switchboard.take(event)
            self.phone._queue.remove(event)

    async def begin(self) -> None:
        await self.room.add_leads(LEADS)
        for who in PEOPLE:
            await self.phone.ask(OpenStation(str(self.floor.people[who].id), "tab1", SDP))
        await self.pump()
        for who in PEOPLE:
            await self.floor.do(who, calls.set_agent_state, "ready")

    async def seconds(self, count: int, *, works: bool = True) -> int:
        """Let seconds pass; returns how many lines were dialled in them."""
        before = len(self.floor.sent(Originate))
        for _ in range(count):
            await self.room.tick(1.0)
            await self.pump()
            for leg in list(self.phone.legs.values()):
                self._customer(leg.leg_id)
            await self.pump()
            if works:
                await self._agents()
        return len(self.floor.sent(Originate)) - before

    def _customer(self, leg_id: str) -> None:
        """Answer about a third of the time, else let it ring or decline; talk for a while."""
        leg = self.phone.legs[leg_id]
        if leg.announcement is not None:
            self.phone.announcement_plays(leg_id)
        elif leg.state == "answered":
            if self.chance.random() < 0.05:
                self.phone.customer_hangs_up(leg_id)
        elif (drawn := self.chance.random()) < 0.03:
            self.phone.customer_answers(leg_id)
        elif drawn < 0.09:
            self.phone.ring_time_out(leg_id)

    async def _agents(self) -> None:
        async with self.floor.database.reading() as uow:
            states = {who: (await uow.session.get_one(Agent, self.floor.people[who].id)).state for who in PEOPLE}
        for who, state in states.items():
            if state == AgentState.WRAP_UP and self.chance.random() < 0.2:
                await self.floor.do(who, calls.finish_wrap_up)


async def day(database: Database, *, repeat: bool = False, disorder: bool = False, **campaign: object) -> Day:
    given = {"abandoned_message": FILE, "mode": "predictive", **campaign}
    found = Day(await open_room(database, PEOPLE, **given), 7, repeat=repeat, disorder=disorder)
    await found.begin()
    return found


@pytest.mark.parametrize(("repeat", "disorder"), [(False, False), (True, True)])
async def test_a_minute_of_predictive_dialling(database: Database, repeat: bool, disorder: bool) -> None:
    found = await day(database, repeat=repeat, disorder=disorder)
    await found.seconds(60)
    counts = await found.room.counts()
    print(counts)  # noqa: T201 - shown when it fails
    assert counts["connected"] >= 1
    assert counts.get("abandoned", 0) <= 0.03 * counts["answered"]
    await invariants(found.room)
    kept = await found.floor.all(PacingDecision)
    assert all(choose(each.inputs) == (each.lines, each.why) for each in kept), "each decision can be worked out again"
    assert len({each.why for each in kept}) >= 1


async def test_power_dials_so_many_lines_for_each_ready_agent(database: Database) -> None:
    found = await day(database, mode="power", lines_per_agent=2.0)
    await found.seconds(12)
    assert (await found.room.counts())["dialled"] >= len(PEOPLE)
    await invariants(found.room)


async def test_a_trunk_that_refuses_for_a_minute_slows_it_down(database: Database) -> None:
    found = await day(database, delays={"failed": 0.1})
    await found.seconds(10)
    found.carrier(Outcome.CARRIER_DOWN)
    await found.seconds(10)
    slow = await found.seconds(15)
    assert slow <= 30, "not the four lines a second that ready agents would take"
    found.carrier(Outcome.RINGS)
    await found.seconds(20)
    counts = await found.room.counts()
    assert counts.get("abandoned", 0) <= max(0.03 * counts.get("answered", 0), 0)
    assert [each for each in found.phone.legs.values() if each.direction == "outbound"], "it dials again"
    await invariants(found.room)


async def test_everybody_leaves_and_nobody_is_dialled(database: Database) -> None:
    found = await day(database)
    await found.seconds(15)
    for who in PEOPLE:
        await found.floor.do(who, calls.set_agent_state, "offline")
    await found.seconds(2)
    assert await found.seconds(10, works=False) == 0
    await invariants(found.room)


async def test_the_mode_changes_while_it_runs(database: Database) -> None:
    found = await day(database)
    for mode in ("power", "progressive", "preview", "predictive", "progressive"):
        await found.room.change(mode=mode)
        await found.seconds(5)
        await invariants(found.room)
    assert found.floor.sent(Announce) == []


async def test_the_dialler_looks_at_once_when_an_agent_is_ready(database: Database) -> None:
    room = await open_room(database)
    await room.add_leads(2)
    running = asyncio.create_task(room.dialer.run())
    try:
        async with asyncio.timeout(20):
            while not room.dialer._runs:
                await asyncio.sleep(0.05)
            await room.floor.ready("anna")
            while not room.floor.sent(Originate):
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
    await invariants(room)
