"""Calls by Twilio: from a voice webhook sent to call.offered on a consultant's WebSocket, with a million contacts.

Ten customers a second call and give up after two; fifty consultants are ready over the API. The Twilio of the tests sends
the webhooks: the time is taken when it lets a customer call, before it signs and sends, and again when the consultant's
socket has given the message, so both ends' own work is in it. Beside it an idle loop on the product's core.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bench import cores
from bench.figures import Run, spread
from bench.house import furnished, serving, staffed
from bench.idle import IdleLoop
from bench.popup import offers
from bench.seed import number_of
from callcenter import clock
from callcenter.trunks.service import TwilioInput
from tests.peers.twilio import PeerCall, TwilioPeer
from tests.walks.whole import PROJECT_NUMBER, Product, free_port, until

AGENTS = 50
RATE = 10
GIVE_UP_SECONDS = 2.0
TRUNK = 1  # the first in an empty database


async def run(contacts: int = 1_000_000, seconds: int = 60) -> Run:
    """Measure once."""
    with tempfile.TemporaryDirectory() as name:
        async with AsyncExitStack() as stack:
            with cores.starting(cores.LOAD):
                peer = await stack.enter_async_context(TwilioPeer())
            peer.own(PROJECT_NUMBER)
            streams = f"127.0.0.1:{free_port()}"
            trunk = TwilioInput(
                kind="twilio",
                name="peer",
                account_sid=peer.account_sid,
                auth_token=peer.auth_token,
                public_url="http://127.0.0.1:1",  # the product's own, once it is known
                stream_url=f"ws://{streams}/streams",
                api_url=peer.url,
                caller_ids=[PROJECT_NUMBER],
            )
            product, tokens = await furnished(Path(name) / "product", trunk=trunk, agents=AGENTS, contacts=contacts)
            product.extra["CALLCENTER_STREAMS"] = streams
            async with serving(product):
                late, heard = await _load(product, tokens, peer, RATE * seconds, contacts)
            return {
                **spread("customer calls to call.offered on the WebSocket", heard),
                "calls that were offered to nobody at once": float(RATE * seconds - len(heard)),
                **offers(product),
                **spread("idle loop late", late),
            }


async def _load(
    product: Product, tokens: list[str], peer: TwilioPeer, calls: int, contacts: int
) -> tuple[list[float], list[float]]:
    """Have everybody ready, then let customers call; returns the idle loop's delays, and the calls' in milliseconds."""
    began: dict[str, float] = {}
    heard: dict[str, float] = {}

    def offered(data: dict[str, Any]) -> bool:
        heard.setdefault(data["number"], clock.monotonic())
        return False

    base = f"{product.url}/twilio/{TRUNK}"
    peer.own(PROJECT_NUMBER, voice_url=f"{base}/voice", status_callback=f"{base}/status")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(staffed(product, tokens, answers=offered))
        with cores.starting(cores.PRODUCT):
            idle = IdleLoop()
        loop, start, calling = asyncio.get_running_loop(), clock.monotonic(), list[PeerCall]()
        for n in range(calls):
            await asyncio.sleep(max(0.0, start + n / RATE - clock.monotonic()))
            number = number_of(1 + n * (contacts // calls))
            began[number] = clock.monotonic()
            calling.append(peer.customer_calls(number, PROJECT_NUMBER))
            loop.call_later(GIVE_UP_SECONDS, calling[-1].hang_up)

        async def over() -> bool:
            return all(each.ended for each in calling)

        await until("the last customer to give up", over)
        late = idle.stop()
    return late, [(heard[number] - at) * 1000 for number, at in began.items() if number in heard]
