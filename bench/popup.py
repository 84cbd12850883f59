"""Pop-up latency: a million contacts on SQLite, fifty ready agents, SIPp calling ten a second and giving up after two.

From the first packet of the INVITE to `call.offered` written, and, for one real Chromium among the agents, to the
pop-up drawn. Beside it an idle loop tells how late this machine wakes anybody at that time.
"""

import asyncio
import shutil
import sqlite3
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bench.figures import Run, spread
from bench.idle import IdleLoop
from bench.seed import number_of, seeded
from tests.peers import scenarios, sipp
from tests.peers.programs import free_udp_port
from tests.walks.browser import chromium, desk
from tests.walks.consultant import Consultant
from tests.walks.whole import PASSWORD, PROJECT_NUMBER, Product, running

AGENTS = 50
RATE = 10
GIVE_UP_MS = 2000


async def run(contacts: int = 1_000_000, seconds: int = 60) -> Run:
    """Measure once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        product = Product(folder / "product")
        product.folder.mkdir()
        product.command("migrate")
        shutil.copy(seeded(product.folder / "callcenter.db", contacts), product.folder / "callcenter.db")
        port = free_udp_port()
        tokens = product.prepare(trunk_port=port, consultants=AGENTS + 1)
        async with running(product):
            late, failed = await _load(product, tokens, folder, port, seconds)
        found = _figures(product.folder / "callcenter.db")
        return {**found, **spread("idle loop late", late), "SIPp calls that did not go as written": float(failed)}


async def _load(product: Product, tokens: list[str], folder: Path, port: int, seconds: int) -> tuple[list[float], int]:
    """Have everybody ready, then let SIPp call; returns the idle loop's delays and how many calls went wrong."""
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(chromium())
        page = await stack.enter_async_context(desk(browser, product.url))
        await page.sign_in(f"consultant{AGENTS + 1}", PASSWORD)
        await page.ready()
        for token in tokens[:AGENTS]:
            agent = await stack.enter_async_context(Consultant(product, token, tone=0))
            await agent.ready()
        idle = IdleLoop()
        caller = await sipp.start(
            scenarios.caller(final=487, cancel_after_ms=GIVE_UP_MS),
            folder / "sipp",
            target=("127.0.0.1", product.sip_port),
            keys={"dialled": PROJECT_NUMBER, "caller": number_of(777_777)},
            calls=RATE * seconds,
            rate=RATE,
            port=port,
            trace=False,
        )
        outcome = await caller.wait(seconds + 60)
        late = idle.stop()
        await asyncio.sleep(1)  # the last acknowledgements are written in batches
        return late, RATE * seconds - outcome.successful


def _figures(path: Path) -> Run:
    """Read the latencies of the offers that were made at once."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT offered_ms, sent_ms, shown_ms FROM offers WHERE first").fetchall()
    connection.close()
    columns = {name: [row[at] for row in rows if row[at] is not None] for at, name in enumerate(("offered", "sent", "shown"))}
    return {
        **spread("INVITE received to call.offered written", columns["offered"]),
        **spread("INVITE received to message sent", columns["sent"]),
        **spread("INVITE received to pop-up visible in Chromium", columns["shown"]),
    }
