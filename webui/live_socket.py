"""One browser on `/live`: replay, then what happens, each message once and in order.

Pushed messages wait in a bounded queue. A number that is not the next one means that somebody else wrote in between:
the missing ones are then read from the database, which is the truth.
"""

import asyncio
import datetime as dt
from collections import deque
from typing import Any, Protocol

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from callcenter import clock, inbox
from callcenter.actor import Actor
from callcenter.db import Database
from callcenter.events import CallOffered, LiveEvent, Resync, Transient

log = structlog.get_logger(__name__)

QUEUE_LIMIT = 1000
REPLAY_LIMIT = 500
MESSAGE_LIMIT = 256  # characters of a message from the page
FLOOD_MESSAGES, FLOOD_SECONDS = 20, 10.0
CLOSE_SECONDS = 3.0
# Close codes: RFC 6455 section 7.4 and IANA's registry; 4401 is ours: sign in again.
POLICY, TRY_AGAIN, RESTARTING, SIGNED_OUT = 1008, 1013, 1012, 4401


class Pong(Transient):
    """The answer to the page's ping."""

    TYPE = "pong"


class Sent(Protocol):
    """Who wants to know when a pop-up left for the browser."""

    def __call__(self, offer_id: str, at: float) -> None:
        """Take note that the offer was sent at `at` (clock.monotonic())."""


def wire(seq: int | None, kind: str, at: dt.datetime, data: str) -> str:
    """Write a message as it crosses the wire; `data` is JSON already."""
    when = at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return f'{{"seq":{"null" if seq is None else seq},"type":"{kind}","at":"{when}","data":{data}}}'


def transient(event: LiveEvent) -> str:
    """Write a message that has no number."""
    return wire(None, event.TYPE, clock.now(), event.model_dump_json())


class LiveSocket:
    """A connected browser of one person."""

    def __init__(self, websocket: WebSocket, database: Database, actor: Actor, after: int | None, sent: Sent) -> None:
        self.websocket = websocket
        self.database = database
        self.actor = actor
        self.last = -1 if after is None else after
        self.known = 0  # the highest number pushed to us or read by us
        self._sent = sent
        self._queue: asyncio.Queue[tuple[int, str, str] | str | None] = asyncio.Queue(QUEUE_LIMIT)
        self._ending: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._heard: deque[float] = deque(maxlen=FLOOD_MESSAGES)

    def push(self, seq: int, text: str, offer_id: str = "") -> None:
        """Send a numbered message."""
        self.known = max(self.known, seq)
        self._put((seq, text, offer_id))

    def push_transient(self, text: str) -> None:
        """Send a message without a number."""
        self._put(text)

    def behind(self, seq: int) -> None:
        """Read the database again if it holds numbers nobody pushed (another process wrote them)."""
        if seq > self.known:
            self.known = seq
            self._put(None)

    def end(self, code: int, reason: str) -> None:
        """Close the connection soon."""
        if not self._ending.done():
            self._ending.set_result((code, reason))

    def _put(self, item: tuple[int, str, str] | str | None) -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.end(TRY_AGAIN, "too slow")  # it comes back and replays

    async def run(self) -> None:
        """Serve the connection until either side ends it."""
        tasks: list[asyncio.Future[Any]] = [asyncio.create_task(self._write()), asyncio.create_task(self._read())]
        try:
            await asyncio.wait([*tasks, self._ending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect | OSError):
                log.error("live.failed", user_id=self.actor.user_id, exc_info=result)
                self.end(1011, "failed")
        if self._ending.done():
            await self._close(*self._ending.result())

    async def _close(self, code: int, reason: str) -> None:
        log.info("live.closing", user_id=self.actor.user_id, code=code, reason=reason)
        if self.websocket.client_state is not WebSocketState.CONNECTED:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.websocket.close(code, reason)
        except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect) as error:
            log.info("live.not_closed", user_id=self.actor.user_id, reason=str(error) or type(error).__name__)

    async def _read(self) -> None:
        """Take the page's pings; anything else is against the rules."""
        while True:
            message = await self.websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            problem = self._problem(message)
            if problem:
                self.end(POLICY, problem)
                return
            self.push_transient(transient(Pong()))

    def _problem(self, message: Any) -> str:
        """Return what is wrong with a message from the page, "" when it is a ping in good time."""
        now = clock.monotonic()
        if len(self._heard) == FLOOD_MESSAGES and now - self._heard[0] < FLOOD_SECONDS:
            return "too many messages"
        self._heard.append(now)
        text = message.get("text")
        if text is None or len(text) > MESSAGE_LIMIT:
            return "message too large or not text"
        try:
            said = orjson.loads(text)
        except orjson.JSONDecodeError:
            return "not JSON"
        return "" if said == {"type": "ping"} else "only a ping may be sent"

    async def _write(self) -> None:
        try:
            await self._catch_up()
            while True:
                item = await self._queue.get()
                if isinstance(item, str):
                    await self.websocket.send_text(item)
                elif item is None:
                    await self._catch_up()
                else:
                    await self._send_numbered(*item)
        except SQLAlchemyError as error:
            log.warning("live.database", user_id=self.actor.user_id, reason=type(error).__name__)
            self.end(TRY_AGAIN, "database away")

    async def _send_numbered(self, seq: int, text: str, offer_id: str) -> None:
        if seq == self.last + 1:
            await self.websocket.send_text(text)
            self.last = seq
            if offer_id:
                self._sent(offer_id, clock.monotonic())
        elif seq > self.last:
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Send what the database holds after the last number sent, or `resync` when that is too much or pruned."""
        async with self.database.reading() as uow:
            newest = await inbox.last_seq(uow, self.actor.id)
            if self.last < 0:
                self.last = newest
            missing = newest - self.last
            rows = await inbox.after(uow, self.actor.id, self.last, REPLAY_LIMIT) if 0 < missing <= REPLAY_LIMIT else []
        if missing < 0 or missing > REPLAY_LIMIT or (missing and (not rows or rows[0].seq != self.last + 1)):
            await self.websocket.send_text(transient(Resync(seq=newest)))
            self.last = self.known = newest
            return
        for row in rows:
            await self.websocket.send_text(wire(row.seq, row.type, row.at, orjson.dumps(row.data).decode()))
            self.last = row.seq
            if row.type == CallOffered.TYPE:
                self._sent(str(row.data["offer_id"]), clock.monotonic())
        self.known = max(self.known, self.last)
