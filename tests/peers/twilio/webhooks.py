"""Requests Twilio makes of the app: signed, recorded, and misbehaving when a fault says so."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from twilio.request_validator import RequestValidator

from tests.peers.twilio.faults import Faults

PATIENCE = 15.0  # seconds Twilio waits for an answer


@dataclass
class Posted:
    """A request that was made. `status` 0: no answer; `error` says why."""

    name: str
    method: str
    url: str
    params: dict[str, str]
    status: int = 0
    body: str = ""
    content_type: str = ""
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether the app took it."""
        return 200 <= self.status < 300


class Webhooks:
    """Makes the requests. `posted` keeps them, oldest first, repeats included."""

    def __init__(self, auth_token: str, faults: Faults, patience: float = PATIENCE) -> None:
        self.posted: list[Posted] = []
        self.patience = patience
        self.verify = True  # the certificates of https and wss
        self._validator = RequestValidator(auth_token)
        self._faults = faults
        self._session: aiohttp.ClientSession | None = None
        self._repeats: set[asyncio.Task[Posted]] = set()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP client, also of the media sockets."""
        if self._session is None:
            # A connection for each request: one kept open may be closed by the app in the moment it is used again.
            connector = aiohttp.TCPConnector(limit=0, ssl=self.verify, force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def close(self) -> None:
        """End what is under way."""
        for task in self._repeats:
            task.cancel()
        await asyncio.gather(*self._repeats, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def signature(self, url: str, params: dict[str, str]) -> str:
        """Return X-Twilio-Signature of a request."""
        right: str = self._validator.compute_signature(url, params)
        return "bm90IHRoZSByaWdodCBzaWduYXR1cmU=" if self._faults.wrong_signature else right

    async def request(self, name: str, url: str, params: dict[str, str], method: str = "POST") -> Posted:
        """Make a request, and again when the fault `twice` is on; a lost one is an answer of status 0."""
        if name in self._faults.lose:
            return Posted(name, method, url, params, error="lost")
        token = uuid.uuid4().hex
        if self._faults.twice:
            again = asyncio.create_task(self._again(name, url, params, method, token))
            self._repeats.add(again)
            again.add_done_callback(self._repeats.discard)
        return await self._once(name, url, params, method, token)

    async def _again(self, name: str, url: str, params: dict[str, str], method: str, token: str) -> Posted:
        await asyncio.sleep(self._faults.twice_after)
        return await self._once(name, url, params, method, token)

    async def _once(self, name: str, url: str, params: dict[str, str], method: str, token: str) -> Posted:
        if method == "GET":
            url += ("&" if urlsplit(url).query else "?") + urlencode(params)
        form = params if method == "POST" else {}
        posted = Posted(name, method, url, dict(params))
        self.posted.append(posted)
        headers = {
            "X-Twilio-Signature": self.signature(url, form),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        timeout = aiohttp.ClientTimeout(total=self.patience)
        try:
            async with self.session.request(
                method, url, data=form if method == "POST" else None, headers=headers, timeout=timeout
            ) as answer:
                posted.body = await answer.text()
                posted.content_type = answer.content_type
                posted.status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            posted.error = f"{type(error).__name__} {error}"
        return posted


@dataclass
class Outbox:
    """The status callbacks of one call or message, in order, or in such disorder as the faults want."""

    faults: Faults
    spawn: Callable[[Coroutine[Any, Any, None]], object]
    seed: str
    _held: list[Callable[[], Coroutine[Any, Any, object]]] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0

    def put(self, send: Callable[[], Coroutine[Any, Any, object]], *, last: bool) -> None:
        """Send a callback when its turn comes; `last`: no other follows."""
        if not self.faults.order:
            self._start([send])
            return
        self._held.append(send)
        if last:
            held, self._held = self._held, []
            self._start(self._disordered(held))

    def _disordered(
        self, held: list[Callable[[], Coroutine[Any, Any, object]]]
    ) -> list[Callable[[], Coroutine[Any, Any, object]]]:
        match self.faults.order:
            case "reversed":
                return held[::-1]
            case "end_first":
                return [held[-1], *held[:-1]]
            case "shuffled":
                self.faults.shuffled(self.seed).shuffle(held)
        return held

    def _start(self, sends: list[Callable[[], Coroutine[Any, Any, object]]]) -> None:
        self.waiting += len(sends)
        self.spawn(self._run(sends))

    async def _run(self, sends: list[Callable[[], Coroutine[Any, Any, object]]]) -> None:
        async with self._turn:
            for send in sends:
                if self.faults.late:
                    await asyncio.sleep(self.faults.late)
                try:
                    await send()
                finally:
                    self.waiting -= 1
