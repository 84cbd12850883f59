"""Pop-up latency: a million contacts on SQLite, fifty ready agents, SIPp calling ten a second and giving up after two.

From the first packet of the INVITE to `call.offered` written, and, for one real Chromium among the agents, to the
pop-up drawn. Both processes of the product share one core; an idle loop on it tells how late it wakes anybody at that
time. Callers, agents and Chromium have the other.
"""

import asyncio
import sqlite3
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bench import cores
from bench.callers import Heard, calling
from bench.figures import Run, spread
from bench.house import furnished, serving, staffed
from bench.idle import IdleLoop
from tests.peers import scenarios
from tests.peers.programs import free_udp_port
from tests.walks.browser import chromium, desk
from tests.walks.whole import PASSWORD, PROJECT_NUMBER, Product

AGENTS = 50
RATE = 10
GIVE_UP_MS = 2000
SETTLE_SECONDS = 1.0  # the last acknowledgements are written in batches


async def run(contacts: int = 1_000_000, seconds: int = 60) -> Run:
    """Measure once."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_udp_port()
        product, tokens = await furnished(folder / "product", trunk_port=port, agents=AGENTS + 1, contacts=contacts)
        async with serving(product):
            late, heard = await _load(product, tokens, folder, port, RATE * seconds, range(1, contacts + 1))
        return {
            **offers(product),
            **spread("idle loop late", late),
            "calls a second": heard.rate,
            "calls that did not go as written": float(heard.failed),
            "INVITEs sent again": float(heard.again),
        }


async def _load(
    product: Product, tokens: list[str], folder: Path, port: int, calls: int, people: range
) -> tuple[list[float], Heard]:
    """Have everybody ready, then let SIPp call; returns the idle loop's delays and what SIPp saw."""
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(desk(await stack.enter_async_context(chromium()), product.url))
        await page.sign_in(f"consultant{AGENTS + 1}", PASSWORD)
        await page.ready()
        await stack.enter_async_context(staffed(product, tokens[:AGENTS], answers=lambda offered: False))
        with cores.starting(cores.PRODUCT):
            idle = IdleLoop()
        scenario = scenarios.caller(cancel_after_ms=GIVE_UP_MS)
        target = ("127.0.0.1", product.sip_port)
        crowd = await stack.enter_async_context(
            calling(scenario, folder / "sipp", target, dialled=PROJECT_NUMBER, calls=calls, rate=RATE, port=port, people=people)
        )
        heard = await crowd.heard(calls / RATE + 60)
        late = idle.stop()
        await asyncio.sleep(SETTLE_SECONDS)
        return late, heard


def offers(product: Product) -> Run:
    """Read the latencies of the offers that were made at once, as the product keeps them for every call."""
    connection = sqlite3.connect(product.folder / "callcenter.db")
    rows = connection.execute("SELECT offered_ms, sent_ms, shown_ms FROM offers WHERE first").fetchall()
    connection.close()
    columns = {name: [row[at] for row in rows if row[at] is not None] for at, name in enumerate(("offered", "sent", "shown"))}
    shown = spread("INVITE received to pop-up visible in Chromium", columns["shown"]) if columns["shown"] else {}
    return {
        **spread("INVITE received to call.offered written", columns["offered"]),
        **spread("INVITE received to message sent", columns["sent"]),
        **shown,
    }
