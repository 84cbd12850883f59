"""Agents over the API: the live updates, a station that says nothing, and hands that answer and hang up by a rule."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.station import Station
from callcenter import clock
from tests.walks.whole import Product, ok, until

Rule = Callable[[dict[str, Any]], bool]
Hears = Callable[[dict[str, Any]], None]


class Agent:
    """What is offered is answered when `answers` says so, and hung up after `talk` seconds. Use as an async context manager.

    `answering` are milliseconds from the click to call.answered (the customer's ACK included); `hung_up` counts its calls,
    `refused` holds what the API would not do. Live messages are acted on, told to `hears`, and not kept.
    """

    def __init__(self, product: Product, token: str, *, answers: Rule, talk: float = 0.5, hears: Hears | None = None) -> None:
        self.answering: list[float] = []
        self.refused: list[str] = []
        self.hung_up = 0
        self._product, self._token = product, token
        self._api = product.api(token)
        self._answers, self._talk, self._hears = answers, talk, hears
        self._session = ""
        self._station: Station | None = None
        self._clicked: dict[str, float] = {}
        self._socket: ClientConnection | None = None
        self._working: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Connect to the live updates."""
        seq = (await ok(await self._api.get("me")))["seq"]
        address = f"ws://127.0.0.1:{self._product.http_port}/live?after={seq}"
        self._socket = await connect(address, additional_headers={"Authorization": f"Bearer {self._token}"})
        self._do(self._listen(self._socket))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close everything."""
        for task in list(self._working):
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        if self._station is not None:
            await self._station.close()
        await self._api.aclose()

    async def ready(self) -> None:
        """Open the audio path and take the state ready."""
        await self._plug_in()
        await ok(await self._api.put("me/state", json={"state": "ready"}))

    async def take(self, state: str) -> None:
        """Take a state, or ask for it after the call."""
        await ok(await self._api.put("me/state", json={"state": state}))

    async def reload(self) -> None:
        """Be a page that is loaded again: a new audio path takes the place of the old one, which then goes."""
        old = self._station
        await self._plug_in()
        if old is not None:
            await old.close()

    async def _plug_in(self) -> None:
        self._session = clock.new_id()
        self._station = Station()
        offer = {"session": self._session, "sdp": await self._station.offer()}
        answer = await ok(await self._api.post("me/station", json=offer))
        await self._station.take(answer["sdp"])
        await until("the station to be live", self._live)

    async def _live(self) -> bool:
        agent = (await ok(await self._api.get("me")))["agent"]
        return bool(agent["station_live"] and agent["station_session"] == self._session)

    async def _listen(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in socket:
                message = orjson.loads(text)
                kind, data = message["type"], message["data"]
                if self._hears is not None:
                    self._hears(message)
                if kind == "call.offered" and self._answers(data):
                    self._do(self._answer(data["call_id"]))
                elif kind == "call.answered" and data["call_id"] in self._clicked:
                    self.answering.append((clock.monotonic() - self._clicked.pop(data["call_id"])) * 1000)
                    self._do(self._hang_up(data["call_id"]))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _answer(self, call_id: str) -> None:
        self._clicked[call_id] = clock.monotonic()
        response = await self._api.post(f"calls/{call_id}/answer")
        if not response.is_success:
            self.refused.append(f"answer: {response.status_code} {response.text}")

    async def _hang_up(self, call_id: str) -> None:
        await asyncio.sleep(self._talk)
        response = await self._api.post(f"calls/{call_id}/hang-up")
        if response.is_success:
            self.hung_up += 1
        else:
            self.refused.append(f"hang up: {response.status_code} {response.text}")
