"""Phone meetings due at once: many automatic ones, ready consultants with stations, a carrier whose customers are busy.

First everybody is ready and all is dialled as fast as it goes; beside it, in the same run, what the SIP adapter alone
originates, and bare commits a second divided by the commits a dial takes. Then consultants become ready one after another:
from the click on Ready to the INVITE at the carrier. The countdown is switched off: it would only be waited for.
"""

import asyncio
import datetime as dt
import os
import tempfile
from collections import Counter
from pathlib import Path

from sqlalchemy import func, insert, select

from bench import cores
from bench.adapter import Adapter
from bench.agents import Agent
from bench.busy_carrier import BusyCarrier
from bench.child import Child
from bench.figures import Run, spread
from bench.house import commits, furnished, processor, serving, staffed
from callcenter import clock
from callcenter.actor import SYSTEM
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.meetings import due, settings
from callcenter.meetings.forms import SettingsInput
from callcenter.meetings.models import Meeting, MeetingState
from callcenter.projects.models import Project
from callcenter.users.models import AuditEntry, User
from callcenter.wiring import wire
from tests.peers.programs import free_udp_port
from tests.walks.whole import Product

CONTACTS = 1000
RATES = (50, 100, 200, 400)  # INVITEs a second the adapter alone is asked for
ALONE_SECONDS = 4.0
COMMIT_SECONDS = 2.0
PAUSE = 0.25  # between two consultants who become ready
RING = 0.5  # while a customer of the second part is called the consultant asks for a break


async def run(meetings: int = 10_000, agents: int = 200) -> Run:
    """Measure once."""
    before = os.environ.get("CALLCENTER_MEETING_COUNTDOWN_SECONDS")
    os.environ["CALLCENTER_MEETING_COUNTDOWN_SECONDS"] = "0"
    try:
        with tempfile.TemporaryDirectory() as name:
            port = free_udp_port()
            product, tokens = await furnished(Path(name) / "product", trunk_port=port, agents=agents, contacts=CONTACTS)
            async with BusyCarrier(port) as carrier:
                alone = await _adapter_alone(carrier)
                async with serving(product), staffed(product, tokens, answers=lambda offered: False) as desks:
                    found = await _all_at_once(product, carrier, meetings)
                    found |= await _one_by_one(product, carrier, desks)
            rate = await _bare_commits(Path(name))
    finally:
        if before is None:
            del os.environ["CALLCENTER_MEETING_COUNTDOWN_SECONDS"]
        else:
            os.environ["CALLCENTER_MEETING_COUNTDOWN_SECONDS"] = before
    possible = min(alone, rate / max(found["commits a dial"], 0.001))
    return {
        **found,
        "SIP adapter alone, INVITEs a second without failure": alone,
        "bare commits a second": rate,
        "possible dials a second": possible,
        "dials a second, share of what is possible [%]": 100 * found["dials a second"] / possible,
    }


async def _all_at_once(product: Product, carrier: BusyCarrier, count: int) -> Run:
    """Let `count` meetings be due with everybody ready; returns how fast and how often each was dialled."""
    carrier.calls.clear()
    numbers = await _planned(product, count, first=0)
    before, committed, began = processor(product), commits(product), clock.monotonic()
    async with asyncio.timeout(60 + count):
        while await carrier.another(1.0) or await _open(product):
            pass
    calls = list(carrier.calls.values())
    took = max((each.came for each in calls), default=began) - min((each.came for each in calls), default=began)
    after, written = processor(product), commits(product) - committed
    per_number = Counter(each.number for each in calls)
    return {
        "meetings due at once": float(count),
        "meetings dialled": float(len(numbers & per_number.keys())),
        "meetings dialled twice": float(sum(many > 1 for many in per_number.values())),
        "INVITEs sent again": float(sum(each.packets - 1 for each in calls)),
        "dials a second": (len(calls) - 1) / took if took else 0.0,
        "first INVITE after [s]": min((each.came for each in calls), default=began) - began,
        "commits a dial": written / max(1, len(calls)),
        **{f"CPU a dial, {name} [ms]": (after[name] - before[name]) / max(1, len(calls)) * 1000 for name in after},
    }


async def _one_by_one(product: Product, carrier: BusyCarrier, desks: list[Agent]) -> Run:
    """Let one consultant after another become ready for a due meeting; returns the delay from the click to the INVITE."""
    await asyncio.gather(*(desk.take("break") for desk in desks))
    await _planned(product, 2 * len(desks), first=5_000_000)
    await asyncio.sleep(2 + len(desks) / 50)  # until the windows are open
    carrier.calls.clear()
    carrier.ring = RING
    delays: list[float] = []
    for desk in desks:
        known, clicked = len(carrier.calls), clock.monotonic()
        await desk.take("ready")
        async with asyncio.timeout(30):
            while len(carrier.calls) == known:
                await carrier.another(1.0)
        delays.append((list(carrier.calls.values())[known].came - clicked) * 1000)
        await desk.take("break")
        await asyncio.sleep(PAUSE)
    return spread("click on Ready to INVITE at the carrier", delays)


async def _planned(product: Product, count: int, *, first: int) -> set[str]:
    """Write `count` automatic meetings that are due now, spread over the consultants; returns their numbers' digits."""
    database = _database(product.folder)
    start = clock.now()
    async with database.unit_of_work(SYSTEM) as uow:
        project = await uow.session.scalar(select(Project))
        people = list(await uow.session.scalars(select(User.id).where(User.role == "consultant").order_by(User.id)))
        if project is None:
            raise RuntimeError("the product has no project")
        hours = {str(day): [("00:00", "24:00")] for day in range(7)}
        rules = {"hours": hours, "attempts": 1, "ring_seconds": 10, "protection_seconds": 0}
        await settings.set_settings(uow, project.id, SettingsInput.model_validate(rules))
        values = [
            {
                "name": f"meeting {first + n}",
                "mode": "automatic",
                "number": f"+4860{first + n:07}",
                "from_at": start,
                "to_at": start + dt.timedelta(hours=6),
                "project_id": project.id,
                "user_id": people[n % len(people)],
                "created_at": start,
                "updated_at": start,
                "next_at": start,
            }
            for n in range(count)
        ]
        await uow.session.execute(insert(Meeting), values)
        await due.wake(uow, start)
    await database.close()
    return {str(each["number"])[1:] for each in values}


async def _open(product: Product) -> bool:
    """Tell whether a meeting is still to be dialled."""
    database = _database(product.folder)
    async with database.reading() as uow:
        waits = [MeetingState.PLANNED.value, MeetingState.DUE.value, MeetingState.DIALLING.value]
        left = await uow.session.scalar(select(func.count()).where(Meeting.state.in_(waits)))
    await database.close()
    return bool(left)


async def _adapter_alone(carrier: BusyCarrier) -> float:
    """Return the highest rate at which the SIP adapter alone has every INVITE answered and none repeated."""
    best = 0.0
    async with Child(Adapter) as adapter:
        await adapter.ask("open", ("127.0.0.1", carrier.port))
        for rate in RATES:
            carrier.calls.clear()
            calls = int(rate * ALONE_SECONDS)
            await adapter.ask("begin")
            await adapter.ask("dial", calls, rate)
            found = await adapter.ask("figures", calls)
            again = sum(each.packets - 1 for each in carrier.calls.values())
            if found.ended["busy", "far"] == calls and not again:
                best = max(best, found.dialled_rate)
    return best


async def _bare_commits(folder: Path) -> float:
    """Return how many transactions of one row a second the same kind of database takes, on the product's core."""
    database = _database(folder)
    with cores.starting(cores.PRODUCT):
        async with database.engine.begin() as connection:
            await connection.run_sync(AuditEntry.metadata.create_all)
        done, began = 0, clock.monotonic()
        while clock.monotonic() - began < COMMIT_SECONDS:
            async with database.unit_of_work(SYSTEM) as uow:
                row = {"at": uow.now, "actor_name": "bench", "action": "bench.row", "detail": {}}
                await uow.session.execute(insert(AuditEntry), [row])
            done += 1
        took = clock.monotonic() - began
    await database.close()
    return done / took


def _database(folder: Path) -> Database:
    settings = Settings(data_dir=folder, _env_file=None)
    return wire(Database(settings.sqlalchemy_url, settings=settings))
