"""What the machines that take random steps share: a floor on SQLite of their own, and a switch that comes and goes."""

import asyncio
import random
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from callcenter import clock
from callcenter.agents.models import Agent
from callcenter.calls.models import Leg
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.errors import CallCenterError
from callcenter.phone import LegState, LinkUp, Originate, Snapshot, StationState
from callcenter.wiring import wire
from tests import tables
from tests.callcenter.calls.floor import Floor


class AnyOrder(RuleBasedStateMachine):
    """Steps on a floor in any order; whoever inherits opens `floor` with `new_database`."""

    floor: Floor

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()

    def new_database(self) -> Database:
        return wire(tables.sqlite_database(Settings(data_dir=Path(self.folder.name), _env_file=None)))

    def teardown(self) -> None:
        tables.keep_statements(self.floor.database)
        self.runner.run(self.floor.database.close())
        self.runner.close()
        self.folder.cleanup()
        clock.shift(0)
        clock.stop(False)

    def _try(self, who: str, door: Any, *args: Any, **kwargs: Any) -> None:
        """Use a door; a refusal is an answer, anything else a fault."""
        with suppress(CallCenterError):
            self.runner.run(self.floor.do(who, door, *args, **kwargs))

    def _leg(self, pick: int) -> str:
        """Return one of those dialled, counted from the last."""
        legs = [each.leg_id for each in self.floor.sent(Originate)]
        return legs[-1 - pick % len(legs)] if legs else "strange"

    async def _come_back(self, keep: random.Random, share: float) -> None:
        """Let the switch come back with some of the legs and stations that the rows believe in."""
        legs = [leg for leg in await self.floor.all(Leg) if keep.random() < share]
        there = [agent for agent in await self.floor.all(Agent) if agent.station_live and keep.random() < 0.8]
        snapshot = Snapshot(
            "boot",
            tuple(LegState(leg.id, leg.call_id, 1, leg.direction, keep.choice(["ringing", "answered"]), "") for leg in legs),
            tuple(StationState(str(agent.user_id), agent.station_session, True, None) for agent in there),
        )
        await self.floor.event(LinkUp(snapshot))
