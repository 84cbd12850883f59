"""Memory growth: calls answered and given up, stations reconnecting, for ten minutes after warm-up.

Both processes of the product are watched from outside (RSS). Growth is what the straight line through the samples climbs
in ten minutes; start and end are medians of half a minute, since a single sample may fall into a call or a collection.
"""

import asyncio
import statistics
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bench.callers import Heard, calling
from bench.figures import Run
from bench.house import furnished, resident, serving, staffed
from tests.peers import scenarios
from tests.peers.programs import free_udp_port
from tests.walks.whole import PROJECT_NUMBER, Product

AGENTS = 20
RATE = 4.0
WARM_SECONDS = 300
EVERY_SECONDS = 5.0  # samples
RELOAD_SECONDS = 1.0  # one station after another is loaded again
GIVE_UP_MS = 1000
CONTACTS = 20_000
GROWTH_SECONDS = 600

Samples = list[tuple[float, dict[str, float]]]


async def run(seconds: float = GROWTH_SECONDS, warm: float = WARM_SECONDS) -> Run:
    """Measure once; takes `warm` seconds more than it watches."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_udp_port()
        product, tokens = await furnished(folder / "product", trunk_port=port, agents=AGENTS, contacts=CONTACTS)
        async with serving(product):
            samples, heard, reloads = await _load(product, tokens, folder, port, seconds, warm)
    found: Run = {"calls": float(sum(each.successful for each in heard)), "stations loaded again": float(reloads)}
    found["calls that did not go as written"] = float(sum(each.failed for each in heard))
    watched = [(at, memory) for at, memory in samples if at >= warm]
    for process in ("web", "switch"):
        found |= _figures(process, [(at, memory[process]) for at, memory in watched])
    found["both: growth in ten minutes [MB]"] = sum(
        found[f"{process}: growth in ten minutes [MB]"] for process in ("web", "switch")
    )
    return found


async def _load(
    product: Product, tokens: list[str], folder: Path, port: int, seconds: float, warm: float
) -> tuple[Samples, list[Heard], int]:
    calls = int(RATE * (warm + seconds)) // 2
    target = ("127.0.0.1", product.sip_port)
    kinds = (
        (scenarios.caller(they_hang_up=True, talk_ms=0), range(1, CONTACTS, 2), port),
        (scenarios.caller(cancel_after_ms=GIVE_UP_MS), range(2, CONTACTS, 2), 0),
    )
    async with AsyncExitStack() as stack:
        agents = await stack.enter_async_context(
            staffed(product, tokens, answers=lambda offered: int(offered["number"][-1]) % 2 == 1)
        )
        crowds = [
            await stack.enter_async_context(
                calling(
                    scenario,
                    folder / str(own),
                    target,
                    dialled=PROJECT_NUMBER,
                    calls=calls,
                    rate=RATE / 2,
                    port=own,
                    people=people,
                )
            )
            for scenario, people, own in kinds
        ]
        heard = asyncio.gather(*(each.heard(warm + seconds + 60) for each in crowds))
        began, samples, reloads = asyncio.get_running_loop().time(), Samples(), 0
        while (at := asyncio.get_running_loop().time() - began) < warm + seconds:
            if not samples or at - samples[-1][0] >= EVERY_SECONDS:
                samples.append((at, resident(product)))
            await agents[reloads % len(agents)].reload()
            reloads += 1
            await asyncio.sleep(RELOAD_SECONDS)
        return samples, await heard, reloads


def _figures(process: str, samples: list[tuple[float, float]]) -> Run:
    few = max(1, min(len(samples) // 2, int(30 / EVERY_SECONDS)))
    memory = [each for _, each in samples]
    line = statistics.linear_regression([at for at, _ in samples], memory)
    return {
        f"{process}: memory at the start [MB]": statistics.median(memory[:few]),
        f"{process}: memory at the end [MB]": statistics.median(memory[-few:]),
        f"{process}: growth in ten minutes [MB]": line.slope * 600,
    }
