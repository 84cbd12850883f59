"""Doing something again, for as long as it takes, while the database is locked, restarting or gone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from callcenter.db import away

T = TypeVar("T")

SHORTEST_WAIT = 0.05  # seconds between tries, doubled up to
LONGEST_WAIT = 2.0


async def patiently(step: Callable[[], Awaitable[T]], told: Callable[[Exception, int], None]) -> T:
    """Run a step until it succeeds; any error but the database's absence is raised.

    `told` hears of each try that failed: the error, and how many failed before it.
    """
    wait, failed = SHORTEST_WAIT, 0
    while True:
        try:
            return await step()
        except Exception as error:
            if not away(error):
                raise
            told(error, failed)
        failed += 1
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
