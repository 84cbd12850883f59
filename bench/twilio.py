"""Media Streams bridged to stations on one core beside the SIP trunk's figure, and calls dialled at an account's rate.

50 calls each way of coming, as bench/bridges.py has them: 50 frames a second each way, late when over 20 ms. Of streams the
arrival is taken when it is read, of RTP by the kernel. Dialling is against tests/peers/twilio, which refuses what is faster
than the account may dial.
"""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from bench import cores
from bench.child import Child
from bench.dialling import Dialling
from bench.figures import Run, percentile
from bench.relay import Relay, Use
from bench.streams import StreamRelay, StreamTalkers
from bench.talkers import Talkers, Way

CALLS = 50
WARM_SECONDS = 2.0
SECONDS = 8.0
RATES = (1, 10, 50)
_AT_ONCE = 25


async def run(calls: int = CALLS, seconds: float = SECONDS, rates: tuple[int, ...] = RATES) -> Run:
    """Measure once."""
    found = await _bridged("SIP", Relay, Talkers, calls, seconds)
    found |= await _bridged("streams", StreamRelay, StreamTalkers, calls, seconds)
    for rate in rates:
        found |= await _dialled(rate)
    return found


async def _bridged(name: str, relays: type[Relay], talkers: type[Talkers], calls: int, seconds: float) -> Run:
    async with Child(relays) as relay, Child(talkers, cores.LOAD) as ends:
        left = calls
        while left > 0:
            if talkers is Talkers:
                offers = await ends.ask("offers", min(left, _AT_ONCE))
                await ends.ask("connect", await relay.ask("add", offers))
            else:
                offers = await ends.ask("make", min(left, _AT_ONCE))
                await ends.ask("join", await relay.ask("admit", offers))
            left -= len(offers)
        await asyncio.sleep(WARM_SECONDS)
        before: Use = await relay.ask("use")
        ways, behind = await ends.ask("measure", seconds)
        after: Use = await relay.ask("use")
    return _figures(f"{calls} over {name}", ways, behind, before, after)


def _figures(name: str, ways: dict[str, Way], behind: object, before: Use, after: Use) -> Run:
    found: Run = {}
    for each, way in ways.items():
        found[f"{name}, {each}: late or lost [%]"] = way.late
        found[f"{name}, {each}: delay p50 [ms]"] = percentile(way.delays, 0.5)
        found[f"{name}, {each}: delay p99 [ms]"] = percentile(way.delays, 0.99)
    found[f"{name}: CPU [% of a core]"] = 100 * (after.processor - before.processor) / (after.clock - before.clock)
    found[f"{name}: sent too late by the bench itself p99 [ms]"] = percentile(behind, 0.99)  # type: ignore[arg-type]
    return found


async def _dialled(rate: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        dialling = Dialling(Path(folder), rate)
        try:
            ended: Counter[str] = await dialling.run()
        finally:
            await dialling.close()
    return {
        f"dialled at {rate}/s: calls answered": float(ended["answered"]),
        f"dialled at {rate}/s: errors": float(dialling.calls - ended["answered"] + dialling.refused),
        f"dialled at {rate}/s: calls a second": dialling.achieved,
    }
