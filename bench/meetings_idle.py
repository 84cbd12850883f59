"""What a million planned meetings cost while none is due: processor time of a served product's web process, beside one with none.

Both are served at once, so that the machine is the same to them, each with a SQLite file of its own; nobody is signed in.
The scheduler's own share is measured by itself, in this process, on the same files: its loop and the sweep it runs.
"""

import asyncio
import contextlib
import datetime as dt
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from bench import cores
from bench.figures import Run
from bench.house import empty, processor
from bench.meetings_list import fill
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.scheduler import Scheduler
from callcenter.wiring import wire
from tests.walks.whole import Product, running

MEETINGS = 1_000_000
SECONDS = 60.0
SETTLE_SECONDS = 10.0  # after the start: the first sweep, the first page of everything
AHEAD = dt.timedelta(days=2)  # the first meeting's window opens then


async def run(meetings: int = MEETINGS, seconds: float = SECONDS) -> Run:
    """Measure once."""
    with tempfile.TemporaryDirectory() as name:
        products = {}
        for count in (0, meetings):
            products[count] = empty(Path(name) / str(count))
            await fill(products[count].settings.sqlalchemy_url, count, AHEAD)
        found: Run = {}
        async with AsyncExitStack() as stack:
            with cores.starting(cores.PRODUCT):
                for each in products.values():
                    await stack.enter_async_context(running(each))
            await asyncio.sleep(SETTLE_SECONDS)
            before, began = {count: processor(each)["web"] for count, each in products.items()}, time.monotonic()
            await asyncio.sleep(seconds)
            took = time.monotonic() - began
            for count, each in products.items():
                used = processor(each)["web"] - before[count]
                found[f"web process, {count} meetings: of a core [%]"] = used / took * 100
        for count, each in products.items():
            found[f"scheduler alone, {count} meetings: of a core [%]"] = await _alone(each, seconds)
        return found


async def _alone(product: Product, seconds: float) -> float:
    """Run the scheduler on a product's database; returns the share of a core this process used, in percent."""
    database = wire(Database(product.settings.sqlalchemy_url, settings=Settings(_env_file=None)))
    scheduler = Scheduler(database)
    database.after_commit.append(scheduler.committed)
    task = asyncio.create_task(scheduler.run())
    await asyncio.sleep(SETTLE_SECONDS / 2)
    began, used = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    share = (time.process_time() - used) / (time.monotonic() - began) * 100
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await database.close()
    return share
