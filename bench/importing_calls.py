"""Pop-up latency while 100,000 contacts are imported over the API: calls as in bench/popup.py, a file on its way in beside."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from bench.callers import calling
from bench.figures import Run
from bench.house import furnished, processor, resident, serving, staffed
from bench.importing import ROWS, write_file
from bench.popup import GIVE_UP_MS, SETTLE_SECONDS, offers
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.users import service as users
from callcenter.wiring import wire
from tests.peers import scenarios
from tests.peers.programs import free_udp_port
from tests.walks.whole import PROJECT_NUMBER, Product

AGENTS = 20
RATE = 5


async def run(contacts: int = 100_000, rows: int = ROWS, seconds: int = 120) -> Run:
    """Import beside calls, in a product that has contacts already."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_udp_port()
        product, tokens = await furnished(folder / "product", trunk_port=port, agents=AGENTS, contacts=contacts)
        boss = await _supervisor(product)
        file = folder / "people.csv"
        write_file(file, rows)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serving(product))
            await stack.enter_async_context(staffed(product, tokens, answers=lambda offered: False))
            scenario, people = scenarios.caller(cancel_after_ms=GIVE_UP_MS), range(1, contacts + 1)
            target, calls = ("127.0.0.1", product.sip_port), RATE * seconds
            crowd = await stack.enter_async_context(
                calling(
                    scenario, folder / "sipp", target, dialled=PROJECT_NUMBER, calls=calls, rate=RATE, port=port, people=people
                )
            )
            began, cpu = time.perf_counter(), processor(product)["web"]
            done = await _imported(product, boss, await asyncio.to_thread(file.read_bytes))
            wall, used = time.perf_counter() - began, processor(product)["web"] - cpu
            memory = resident(product)["web"]
            heard = await crowd.heard(calls / RATE + 60)
            await asyncio.sleep(SETTLE_SECONDS)
        return {
            "rows a second beside calls": done / wall,
            "CPU of the web process a row, calls too [us]": used / max(done, 1) * 1e6,
            "memory of the web process [MB]": memory,
            "calls a second": heard.rate,
            **offers(product),
        }


async def _supervisor(product: Product) -> str:
    settings = Settings(data_dir=product.folder, _env_file=None)
    database = Database(settings.sqlalchemy_url, settings=settings)
    wire(database)
    try:
        async with database.unit_of_work() as uow:
            found = next(each for each in await users.list_users(uow) if each.login == "consultant1")
            found.role = "administrator"
            return await users.add_token(uow, "consultant1")
    finally:
        await database.close()


async def _imported(product: Product, token: str, content: bytes) -> int:
    """Send the file, wait until all of it is in; returns how many contacts were made."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=product.url, headers=headers, timeout=60) as client:
        made = (await client.post("/api/v1/imports", files={"file": ("people.csv", content)})).raise_for_status().json()
        while made["state"] not in ("done", "failed"):
            await asyncio.sleep(1)
            made = (await client.get(f"/api/v1/imports/{made['id']}")).raise_for_status().json()
    if made["state"] != "done":
        raise ValueError(made["error"])
    return int(made["applied"])
