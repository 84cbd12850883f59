"""Wait for a condition, with a limit so generous that only a fault reaches it."""

import asyncio
from collections.abc import Callable

LIMIT = 30.0


async def until(condition: Callable[[], object], limit: float = LIMIT) -> None:
    """Return when `condition` holds; raises AssertionError after `limit` seconds."""
    end = asyncio.get_running_loop().time() + limit
    while not condition():
        assert asyncio.get_running_loop().time() < end, "the condition never came true"
        await asyncio.sleep(0.002)
