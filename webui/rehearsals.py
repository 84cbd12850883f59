"""Rehearsals of campaigns, started from a page or the API: a process of its own does the work, so that no pop-up waits for it.

One at a time, PATIENCE seconds at most: the days lived through until then count. What came of the last ones stays until this
process ends.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, field

import structlog

from callcenter import clock
from callcenter.campaigns.rehearsing import SEEDS, Plan, RehearsedDay
from callcenter.errors import Conflict

log = structlog.get_logger(__name__)

PATIENCE = 120.0  # seconds
KEPT = 50
_PROGRAM = "callcenter.campaigns.rehearsing"


@dataclass(slots=True)
class Rehearsal:
    """What is rehearsed, the days so far of `wanted`, and how it ended: running, done, stopped (the time was up), failed."""

    plan: Plan
    wanted: int = SEEDS
    days: list[RehearsedDay] = field(default_factory=list)
    state: str = "running"
    at: str = ""


class Rehearsals:
    """The rehearsals of this process."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._found: dict[int, Rehearsal] = {}
        self._task: asyncio.Task[None] | None = None

    def of(self, campaign_id: int) -> Rehearsal | None:
        """Return the last rehearsal of a campaign, which may still go on."""
        return self._found.get(campaign_id)

    def start(self, plan: Plan, seeds: int = SEEDS) -> Rehearsal:
        """Begin one; raises Conflict while another goes on, and for a plan without consultants."""
        if not plan.agents:
            raise Conflict("Nobody serves this campaign. Choose people, or say with how many to rehearse.")
        if self._task is not None and not self._task.done():
            raise Conflict("A rehearsal is going on. Wait until it is over; it takes two minutes at most.")
        made = Rehearsal(plan, seeds, at=clock.now().isoformat())
        self._found.pop(plan.campaign_id, None)
        self._found[plan.campaign_id] = made
        while len(self._found) > KEPT:
            del self._found[next(iter(self._found))]
        self._task = asyncio.create_task(self._run(made), name=f"rehearsal {plan.campaign_id}")
        return made

    async def close(self) -> None:
        """End what goes on before the process stops."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, made: Rehearsal) -> None:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", _PROGRAM),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(self._patience):
                await self._follow(child, made)
        except TimeoutError:
            made.state = "stopped" if made.days else "failed"
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        log.info("rehearsal.over", campaign_id=made.plan.campaign_id, state=made.state, days=len(made.days))

    async def _follow(self, child: asyncio.subprocess.Process, made: Rehearsal) -> None:
        assert child.stdin is not None  # noqa: S101 - as asked for
        assert child.stdout is not None  # noqa: S101
        child.stdin.write(json.dumps({"plan": made.plan.model_dump(), "seeds": list(range(1, made.wanted + 1))}).encode())
        child.stdin.close()
        async for line in child.stdout:
            made.days.append(RehearsedDay.model_validate_json(line))
        await child.wait()
        made.state = "done" if len(made.days) == made.wanted else "failed"
