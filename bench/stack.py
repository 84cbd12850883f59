"""Full stack: 25 calls a second through SIP, switch, domain, database and live updates, some answered, some given up.

Sixty agents with stations work over the API. Half of the callers give up after a second; the others are answered by
whoever is offered them, talk for half a second and are hung up. Both processes of the product share one core.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bench import cores
from bench.callers import Heard, calling
from bench.figures import Run, percentile, spread
from bench.house import commits, furnished, processor, serving, staffed
from bench.idle import IdleLoop
from bench.popup import offers
from tests.peers import scenarios
from tests.peers.programs import free_udp_port
from tests.walks.whole import PROJECT_NUMBER, Product

AGENTS = 60
RATE = 25.0
SECONDS = 30.0
GIVE_UP_MS = 1000
TALK_SECONDS = 0.5
CONTACTS = 20_000
PATIENT = range(1, CONTACTS, 2)  # whose calls are answered: those with an odd number
HASTY = range(2, CONTACTS, 2)


async def run(rate: float = RATE, seconds: float = SECONDS) -> Run:
    """Measure once."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_udp_port()
        product, tokens = await furnished(folder / "product", trunk_port=port, agents=AGENTS, contacts=CONTACTS)
        async with serving(product):
            found = await _load(product, tokens, folder, port, rate, seconds)
        return found | offers(product)


async def _load(product: Product, tokens: list[str], folder: Path, port: int, rate: float, seconds: float) -> Run:
    calls = int(rate * seconds) // 2
    target = ("127.0.0.1", product.sip_port)
    kinds = {
        "patient": (scenarios.caller(they_hang_up=True, talk_ms=0), PATIENT, port),
        "hasty": (scenarios.caller(cancel_after_ms=GIVE_UP_MS), HASTY, 0),
    }
    async with AsyncExitStack() as stack:
        answers = staffed(product, tokens, answers=lambda offered: int(offered["number"][-1]) % 2 == 1, talk=TALK_SECONDS)
        agents = await stack.enter_async_context(answers)
        with cores.starting(cores.PRODUCT):
            idle = IdleLoop()
        before, committed = processor(product), commits(product)
        crowds = [
            await stack.enter_async_context(
                calling(
                    scenario, folder / kind, target, dialled=PROJECT_NUMBER, calls=calls, rate=rate / 2, port=own, people=people
                )
            )
            for kind, (scenario, people, own) in kinds.items()
        ]
        patient, hasty = await asyncio.gather(*(each.heard(seconds + 60) for each in crowds))
        after, written = processor(product), commits(product) - committed
        late = idle.stop()
    answering = [each for agent in agents for each in agent.answering]
    refused = [each for agent in agents for each in agent.refused]
    for each in refused[:5]:
        print(each)  # noqa: T201 - a figure that is not zero wants a reason
    return {
        "calls a second": patient.rate + hasty.rate,
        **_failures(patient, hasty),
        "calls answered and hung up by agents": float(sum(agent.hung_up for agent in agents)),
        "refused by the API": float(len(refused)),
        "commits a call": written / (2 * calls),
        **{f"CPU a call, {name} [ms]": (after[name] - before[name]) / (2 * calls) * 1000 for name in after},
        **spread("click on Answer to call.answered", answering),
        "idle loop late p50 [ms]": percentile(late, 0.5),
        "idle loop late p99 [ms]": percentile(late, 0.99),
    }


def _failures(patient: Heard, hasty: Heard) -> Run:
    return {
        "answered calls that did not go as written": float(patient.failed),
        "given-up calls that did not go as written": float(hasty.failed),
        "INVITEs sent again": float(patient.again + hasty.again),
    }
