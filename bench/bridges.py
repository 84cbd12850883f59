"""Bridges between browsers and the trunk on one core: how many before one frame in a hundred is late.

Each call is a real DTLS-SRTP path and a plain RTP one, 50 frames a second each way, through the product's own ports and
bridge in a process with a core of its own. The other core plays browsers and customers. A frame is late when it leaves
the switch more than 20 ms after it was sent to it, or never does.
"""

import asyncio

from bench import cores
from bench.child import Child
from bench.figures import Run, percentile
from bench.relay import Relay, Use
from bench.talkers import Talkers, Way

LADDER = (25, 50, 100, 150, 200, 250, 300)
MOST_LATE = 1.0  # percent
WARM_SECONDS = 2.0
SECONDS = 10.0
_AT_ONCE = 25  # calls set up together


async def run(ladder: tuple[int, ...] = LADDER, seconds: float = SECONDS) -> Run:
    """Measure once: more and more calls until too many frames are late."""
    found: Run = {}
    most, last = 0, 0
    async with Child(Relay) as relay, Child(Talkers, cores.LOAD) as talkers:
        empty: Use = await relay.ask("use")
        for calls in ladder:
            await _add(relay, talkers, calls - last)
            last = calls
            await asyncio.sleep(WARM_SECONDS)
            before: Use = await relay.ask("use")
            ways, behind = await talkers.ask("measure", seconds)
            after: Use = await relay.ask("use")
            found |= _figures(calls, ways, before, after)
            found[f"{calls:3} bridges: sent too late by the bench itself p99 [ms]"] = percentile(behind, 0.99)
            found["memory a call [MB]"] = (after.memory - empty.memory) / calls
            if max(way.late for way in ways.values()) >= MOST_LATE:
                break
            most = calls
    return {"most bridges with under 1 % late": float(most), **found}


async def _add(relay: Child, talkers: Child, calls: int) -> None:
    while calls > 0:
        offers = await talkers.ask("offers", min(calls, _AT_ONCE))
        await talkers.ask("connect", await relay.ask("add", offers))
        calls -= len(offers)


def _figures(calls: int, ways: dict[str, Way], before: Use, after: Use) -> Run:
    lasted = after.clock - before.clock
    processor = (after.processor - before.processor) / lasted
    found: Run = {}
    for name, way in ways.items():
        found[f"{calls:3} bridges, {name}: late or lost [%]"] = way.late
        found[f"{calls:3} bridges, {name}: lost [%]"] = way.lost
        found[f"{calls:3} bridges, {name}: delay p50 [ms]"] = percentile(way.delays, 0.5)
        found[f"{calls:3} bridges, {name}: delay p99 [ms]"] = percentile(way.delays, 0.99)
    found[f"{calls:3} bridges: frames forwarded a second"] = (after.forwarded - before.forwarded) / lasted
    found[f"{calls:3} bridges: CPU [% of a core]"] = 100 * processor
    found[f"{calls:3} bridges: CPU a call [% of a core]"] = 100 * processor / calls
    return found
