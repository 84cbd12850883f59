"""A shift at random: customers ring, hang up and press keys, consultants do what consultants do. The seed decides everything
but the timing; what the product refuses in a sentence is part of the day, anything else is a fault."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import httpx

from callcenter import clock, rehearsal
from callcenter.config import Settings
from callcenter.errors import CallCenterError
from telephony.lab.customers import CUSTOMERS, DEMO_NUMBER
from tests.walks import invariants
from tests.walks.consultant import Consultant
from tests.walks.whole import Product, ok, until

REFUSALS = {404, 409, 422}  # a sentence for the person: the caller left, taken already, gone
AWAY = {502, 503}  # while something was killed
STRANGER = "+48500000140"  # nobody's number


class Shift:
    """Customers and consultants at work on a demo product until the block ends; then everything must come to rest.

    `torn`: processes are being killed, so a connection may break and a part may be away for a while. `done` counts.
    """

    def __init__(self, product: Product, tokens: list[str], seed: int, *, torn: bool = False) -> None:
        self.product = product
        self.random = random.Random(seed)
        self.torn = torn
        self.done: Counter[str] = Counter()
        self.lab = Settings(data_dir=product.folder, _env_file=None)
        self.desks = [Consultant(product, token, tone=0) for token in tokens]
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._over = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Open the desks and let it begin."""
        for desk in self.desks:
            await self._stack.enter_async_context(desk)
        loops = [self._customers(), *(self._desk(each) for each in self.desks)]
        self._tasks = [asyncio.create_task(each) for each in loops]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let everybody hang up and check that nothing is left."""
        self._over.set()
        try:
            results = await asyncio.gather(*self._tasks, return_exceptions=True)
            for each in results:
                if isinstance(each, BaseException):
                    raise each
            if error is None:
                await self.come_to_rest()
        finally:
            await self._stack.aclose()

    def check(self) -> None:
        """Raise what ended somebody's loop, if anything did."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def come_to_rest(self) -> None:
        """Let all customers hang up, all consultants stop, and check what must hold."""

        async def customers_gone() -> bool:
            going = [each for each in await self._calls() if each["state"] != "ended"]
            for each in going:
                await self._try(rehearsal.hang_up(self.lab, each["id"]))
            return not going

        async def desks_free() -> bool:
            return all([await self._free(desk) for desk in self.desks])

        await until("all customers to have hung up", customers_gone, 90)
        await until("all consultants to be free", desks_free, 90)
        await invariants.at_rest(self.product)

    async def _free(self, desk: Consultant) -> bool:
        me = await self._get(desk, "me")
        if me is None:
            return False
        for call_id in [*(each["call_id"] for each in me["offers"]), *([me["call"]["id"]] if me["call"] else [])]:
            await self._do(desk, "POST", f"calls/{call_id}/hang-up")
        await self._do(desk, "POST", "me/wrap-up/finish")
        await self._do(desk, "PUT", "me/state", {"state": "offline"})
        return bool(me["agent"]["state"] == "offline")

    # --- customers ------------------------------------------------------------------------------------------------------

    async def _customers(self) -> None:
        while not self._over.is_set():
            going = [each for each in await self._calls() if each["state"] != "ended"]
            choice = self.random.random()
            if choice < 0.5 and len(going) < 5:
                busy = {each["number"] for each in going}
                number = self.random.choice([each.number for each in CUSTOMERS if each.number not in busy])
                await self._try(rehearsal.let_call(self.lab, number, DEMO_NUMBER), "rang")
            elif going and choice < 0.8:
                call = self.random.choice(going)
                await self._try(rehearsal.hang_up(self.lab, call["id"]), f"hung up while {call['state']}")
            elif going:
                await self._try(rehearsal.press(self.lab, self.random.choice(going)["id"], "5#"), "pressed keys")
            await self._pause(1.2)

    async def _calls(self) -> list[dict[str, Any]]:
        try:
            return await rehearsal.calls(self.lab)
        except CallCenterError:
            assert self.torn, "the carrier is away"
            return [{"state": "unknown", "id": "", "number": ""}]

    async def _try(self, asked: Awaitable[object], done: str = "") -> None:
        """Ask the carrier; a customer who is not there any more is no fault."""
        try:
            await asked
        except CallCenterError:
            self.done["the carrier refused"] += 1
        else:
            self.done[done] += 1 if done else 0

    # --- consultants ----------------------------------------------------------------------------------------------------

    async def _desk(self, desk: Consultant) -> None:
        while not self._over.is_set():
            me = await self._get(desk, "me")
            if me is not None:
                await self._act(desk, me)
            await self._pause(0.6)
        await desk.unplug()

    async def _act(self, desk: Consultant, me: dict[str, Any]) -> None:
        chance = self.random.random()
        if not me["agent"]["station_live"] or chance < 0.05:
            await self._reload(desk)
        elif me["offers"]:
            doing = "answer" if chance < 0.7 else "decline" if chance < 0.85 else ""
            if doing:
                await self._do(desk, "POST", f"calls/{me['offers'][0]['call_id']}/{doing}")
        elif me["call"]:
            await self._talk(desk, me["call"], chance)
        elif me["wrap_up"]:
            path = f"calls/{me['wrap_up']['id']}"
            await self._do(desk, "PUT", f"{path}/disposition", {"disposition_id": None, "note": "a note"})
            await self._do(desk, "POST", "me/wrap-up/finish")
        elif me["agent"]["state"] != "ready":
            await self._do(desk, "PUT", "me/state", {"state": "ready"})
        elif chance < 0.3:
            numbers = [each.number for each in CUSTOMERS] + [STRANGER]
            await self._do(desk, "POST", "calls", {"number": self.random.choice(numbers)}, "dialled")

    async def _talk(self, desk: Consultant, call: dict[str, Any], chance: float) -> None:
        doings: list[tuple[float, str, str, object, str]] = [
            (0.25, "POST", "hang-up", None, ""),
            (0.35, "POST", "dtmf", {"digits": "42"}, ""),
            (0.45, "POST", "hold", {"on": not call["held"]}, "held or resumed"),
            (0.60, "PUT", "draft", {"note": f"draft {chance}"}, ""),
        ]
        for until_chance, method, what, body, name in doings:
            if chance < until_chance:
                await self._do(desk, method, f"calls/{call['id']}/{what}", body, name)
                return

    async def _reload(self, desk: Consultant) -> None:
        """Leave the page and open it again, as another session."""
        await desk.unplug()
        desk.session = clock.new_id()
        try:
            await desk.plug_in()
        except (AssertionError, httpx.TransportError):
            self.done["a page could not open"] += 1
            await desk.unplug()
            if not self.torn:
                raise
        else:
            self.done["reloaded"] += 1

    async def _get(self, desk: Consultant, path: str) -> Any:
        answer = await self._send(desk, "GET", path, None)
        return None if answer is None else answer.json()

    async def _do(self, desk: Consultant, method: str, path: str, body: object = None, name: str = "") -> None:
        answer = await self._send(desk, method, path, body)
        if answer is not None:
            self.done[name or path.rpartition("/")[2]] += 1

    async def _send(self, desk: Consultant, method: str, path: str, body: object) -> httpx.Response | None:
        """Send a request; None when it was refused or, while processes die, got no answer."""
        try:
            answer = await desk.api.request(method, path, json=body)
        except httpx.TransportError:
            assert self.torn, f"{method} {path} got no answer"
            return None
        if answer.status_code in REFUSALS or (self.torn and answer.status_code in AWAY):
            self.done[f"refused {answer.status_code}"] += 1
            return None
        await ok(answer)
        return answer

    async def _pause(self, seconds: float) -> None:
        """Wait for a random while, or until it is over."""
        limit = self.random.expovariate(1 / seconds)
        try:
            async with asyncio.timeout(min(limit, 4 * seconds)):
                await self._over.wait()
        except TimeoutError:
            pass


Kill = Callable[[Product], Awaitable[None]]


async def kill_web(product: Product) -> None:
    """Kill the web process."""
    _kill(product, "web")


async def kill_switch(product: Product) -> None:
    """Kill the switch process: its calls are gone."""
    _kill(product, "switch")


async def kill_both(product: Product) -> None:
    """Kill web and switch."""
    _kill(product, "web")
    _kill(product, "switch")


async def kill_parent(product: Product) -> None:
    """Kill `callcenter serve` itself, wait until its children have gone by themselves, and start it again."""
    await product.kill_parent()
    await product.start()


KILLS: dict[str, Kill] = {"web": kill_web, "switch": kill_switch, "both": kill_both, "parent": kill_parent}


def _kill(product: Product, name: str) -> None:
    """Kill a child if it runs now; one that is being started again at this moment is left."""
    if product.pids(name):
        product.kill(name)
