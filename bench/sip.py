"""SIP adapter alone: calls a second each way without failure, beside SIPp calling SIPp.

The adapter has a process and a core; SIPp, the other. Each rate is held for some seconds; inbound calls are answered at
once and hung up by SIPp, outbound ones hung up by us when they are answered. The baseline puts SIPp in the adapter's place.
"""

import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bench import cores
from bench.adapter import Adapter, Figures
from bench.callers import Heard, calling
from bench.child import Child
from bench.figures import Run, percentile
from tests.peers import scenarios, sipp
from tests.peers.programs import Address, free_udp_port

DIALLED = "+48221234567"
GOAL = 100
RATES = (GOAL, 200, 300, 400)
SECONDS = 5.0


async def run(seconds: float = SECONDS) -> Run:
    """Measure once: the goal's rate in full, the others for failures only."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        theirs = await _sipp_to_sipp(folder / "sipp", seconds)
        found: Run = {
            f"SIPp to SIPp {GOAL}/s reached [calls/s]": theirs.rate,
            f"SIPp to SIPp {GOAL}/s failed": float(theirs.failed),
            **_times(f"SIPp to SIPp {GOAL}/s INVITE to 200", theirs.answered),
        }
        port = free_udp_port()
        async with Child(Adapter) as adapter:
            address: Address = await adapter.ask("open", ("127.0.0.1", port))
            for rate in RATES:
                inbound = await _inbound(adapter, folder / f"in{rate}", address, port, rate, seconds, theirs)
                found |= _kept(inbound, "in", rate)
            async with AsyncExitStack() as stack:
                scenario = scenarios.callee(ring_ms=0, options=True)
                callee = await sipp.start(scenario, folder / "callee", calls=10**9, port=port, trace=False)
                stack.push_async_callback(callee.stop)
                for rate in RATES:
                    found |= _kept(await _outbound(adapter, rate, seconds, theirs), "out", rate)
        for way in ("in", "out"):
            clean = [rate for rate in RATES if found[f"{way} {rate}/s failed"] == 0]
            found[f"{way}: highest rate without failure [calls/s]"] = float(max(clean, default=0))
        return found


def _kept(found: Run, way: str, rate: int) -> Run:
    return (
        found if rate == GOAL else {key: value for key, value in found.items() if key.endswith(("reached [calls/s]", "failed"))}
    )


async def _sipp_to_sipp(folder: Path, seconds: float) -> Heard:
    calls = int(GOAL * seconds)
    with cores.starting(cores.PRODUCT):
        callee = await sipp.start(scenarios.callee(ring_ms=0), folder / "callee", calls=10**9, trace=False)
    scenario = scenarios.caller(talk_ms=0)
    try:
        async with calling(scenario, folder / "caller", callee.address, dialled=DIALLED, calls=calls, rate=GOAL) as crowd:
            return await crowd.heard(seconds + 60)
    finally:
        await callee.stop()


async def _inbound(adapter: Child, folder: Path, target: Address, port: int, rate: int, seconds: float, sipps: Heard) -> Run:
    calls = int(rate * seconds)
    await adapter.ask("begin")
    async with calling(scenarios.caller(talk_ms=0), folder, target, dialled=DIALLED, calls=calls, rate=rate, port=port) as crowd:
        heard = await crowd.heard(seconds + 60)
    figures: Figures = await adapter.ask("figures", calls)
    name = f"in {rate}/s"
    return {
        f"{name} reached [calls/s]": heard.rate,
        f"{name} failed": float(calls - min(heard.successful, figures.ended["completed", "far"])),
        f"{name} INVITEs sent again": float(heard.again),
        **_times(f"{name} INVITE to offered", figures.offered),
        **_times(f"{name} INVITE to 200 at SIPp", heard.answered),
        f"{name} INVITE to 200, ratio of p50 to SIPp's": _ratio(heard.answered, sipps),
        f"{name} CPU a call [ms]": figures.processor / calls * 1000,
    }


async def _outbound(adapter: Child, rate: int, seconds: float, sipps: Heard) -> Run:
    calls = int(rate * seconds)
    await adapter.ask("begin")
    await adapter.ask("dial", calls, rate)
    figures: Figures = await adapter.ask("figures", calls)
    name = f"out {rate}/s"
    return {
        f"{name} reached [calls/s]": figures.dialled_rate,
        f"{name} failed": float(calls - figures.ended["completed", "near"]),
        **_times(f"{name} dialled to answered", figures.answered),
        f"{name} dialled to answered, ratio of p50 to SIPp's": _ratio(figures.answered, sipps),
        f"{name} CPU a call [ms]": figures.processor / calls * 1000,
    }


def _times(name: str, values: Sequence[float]) -> Run:
    return {f"{name} p50 [ms]": percentile(values, 0.5), f"{name} p99 [ms]": percentile(values, 0.99)}


def _ratio(values: Sequence[float], sipps: Heard) -> float:
    return percentile(values, 0.5) / percentile(sipps.answered, 0.5)
