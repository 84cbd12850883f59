"""One browser on `/live`: replay, then what happens, each message once and in order.

Pushed messages wait in a bounded queue. A number that is not the next one means that somebody else wrote in between:
the missing ones are then read from the database, which is the truth. What can be sent at once is: the queue is for a page
that does not keep up, or catches up.
"""

import asyncio
import datetime as dt
from collections import deque
from typing import Any, Literal, NamedTuple, Protocol

import orjson
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from callcenter import clock, inbox
from callcenter.actor import Actor, Role
from callcenter.contacts import timeline_pages
from callcenter.contacts.timeline_pages import Of
from callcenter.db import Database
from callcenter.errors import CallCenterError
from callcenter.events import CallOffered, LiveEvent, Resync, TimelineChanged, Transient
from webui.at_once import Begun
from webui.validation import Id

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


class Looking(Transient):
    """The answer to a look: from now on the page hears of this timeline, or board; what it shows may be a moment old."""

    TYPE = "looking"
    contact_id: int | None = None
    organisation_id: int | None = None
    campaign_id: int | None = None


class Look(BaseModel):
    """What the page shows now: a contact or an organisation (it hears of their timeline: timeline.changed), a campaign's live
    page (campaign.board), or nothing of these.
    """

    model_config = ConfigDict(extra="forbid")
    type: Literal["look"]
    contact_id: Id | None = None
    organisation_id: Id | None = None
    campaign_id: Id | None = None


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


class Numbered(NamedTuple):
    """A numbered message on its way. `begun`: it waits in the middle of being sent."""

    seq: int
    text: str
    offer_id: str
    begun: Begun | None = None


Item = Numbered | str | Begun | None  # a message, one without a number (or in the middle of being sent), read the database


class LiveSocket:
    """A connected browser of one person."""

    def __init__(self, websocket: WebSocket, database: Database, actor: Actor, after: int | None, sent: Sent) -> None:
        self.websocket = websocket
        self.database = database
        self.actor = actor
        self.last = -1 if after is None else after
        self.known = 0  # the highest number pushed to us or read by us
        self._sent = sent
        self._queue: asyncio.Queue[Item] = asyncio.Queue(QUEUE_LIMIT)
        self._ending: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._idle = False  # the writer has nothing to do
        self._gone = False  # a message could not be sent
        self._heard: deque[float] = deque(maxlen=FLOOD_MESSAGES)
        self.looking: frozenset[Of] = frozenset()  # whose timeline the page shows, with whose entries stand on it
        self.watching: int | None = None  # the campaign whose board the page shows
        self.board_mark = ""  # of the board the page was told of last

    def push(self, seq: int, text: str, offer_id: str = "") -> None:
        """Send a numbered message."""
        self.known = max(self.known, seq)
        if seq != self.last + 1:
            self._put(Numbered(seq, text, offer_id))
        elif (begun := self._begin(text)) is None or not begun.done:
            self._put(Numbered(seq, text, offer_id, begun))
        else:
            self._left(seq, offer_id)

    def push_transient(self, text: str) -> None:
        """Send a message without a number."""
        begun = self._begin(text)
        if begun is None or not begun.done:
            self._put(begun or text)

    def _begin(self, text: str) -> Begun | None:
        """Send a message now, if nothing waits before it; None: it has to wait, or the far end is gone."""
        if not self._idle or not self._queue.empty():
            return None
        try:
            return Begun(self.websocket.send_text(text))
        except (RuntimeError, OSError, WebSocketDisconnect):
            self._gone = True  # Starlette calls a second try a fault of ours
            return None

    def _left(self, seq: int, offer_id: str) -> None:
        self.last = seq
        if offer_id:
            self._sent(offer_id, clock.monotonic())

    def behind(self, seq: int) -> None:
        """Read the database again if it holds numbers nobody pushed (another process wrote them)."""
        if seq > self.known:
            self.known = seq
            self._put(None)

    def end(self, code: int, reason: str) -> None:
        """Close the connection soon."""
        if not self._ending.done():
            self._ending.set_result((code, reason))

    def _put(self, item: Item) -> None:
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
        """Take the page's pings, and what it shows; anything else is against the rules."""
        try:
            while True:
                message = await self.websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                said = self._understood(message)
                if isinstance(said, str):
                    self.end(POLICY, said)
                    return
                if isinstance(said, Look):
                    self.looking = await self._seen(said)
                    supervises = self.actor.may(Role.SUPERVISOR)
                    self.watching, self.board_mark = said.campaign_id if supervises else None, ""
                    self.push_transient(transient(Looking(**said.model_dump(exclude={"type"}))))
                else:
                    self.push_transient(transient(Pong()))
        except SQLAlchemyError as error:
            self._database_away(error)

    def _understood(self, message: Any) -> Look | str | None:
        """Return what the page says it shows, None for a ping, or as text what is wrong with its message."""
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
        if said == {"type": "ping"}:
            return None
        try:
            return Look.model_validate(said, strict=True)
        except ValidationError:
            return "only a ping or a look may be sent"

    async def _seen(self, look: Look) -> frozenset[Of]:
        """Return whose entries the page is told of: of those it shows, as far as the person may see them."""
        of = Of(look.contact_id, look.organisation_id)
        if of == Of():
            return frozenset()
        async with self.database.reading(self.actor) as uow:
            try:
                await timeline_pages.check_visible(uow, of)
            except CallCenterError:
                return frozenset()
            return frozenset({of, *(Of(each) for each in await timeline_pages.members(uow, of))})

    def looks_at(self, event: TimelineChanged) -> bool:
        """Tell whether the page shows what the event is about."""
        return Of(event.contact_id) in self.looking or Of(None, event.organisation_id) in self.looking

    async def _write(self) -> None:
        try:
            await self._catch_up()
            while True:
                self._idle = True
                item = await self._queue.get()
                self._idle = False
                if self._gone:
                    return
                match item:
                    case Numbered():
                        await self._send_numbered(item)
                    case Begun():
                        await item
                    case str():
                        await self.websocket.send_text(item)
                    case None:
                        await self._catch_up()
        except SQLAlchemyError as error:
            self._database_away(error)

    def _database_away(self, error: SQLAlchemyError) -> None:
        log.warning("live.database", user_id=self.actor.user_id, reason=type(error).__name__)
        self.end(TRY_AGAIN, "database away")

    async def _send_numbered(self, message: Numbered) -> None:
        if message.seq == self.last + 1:
            await (message.begun or self.websocket.send_text(message.text))
            self._left(message.seq, message.offer_id)
        elif message.seq > self.last:
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
