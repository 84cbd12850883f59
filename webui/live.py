"""Live updates: a commit's messages go to the sockets of exactly the people they are for.

`LiveHub.publish` is an after-commit listener; `LiveHub.run` watches for messages other processes wrote, ends sockets
whose sign-in has ended, writes the pop-ups' stamps and forgets old messages. A connected socket says nothing about the
agent's state: that is the station's business.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from callcenter import clock, inbox
from callcenter.actor import Actor
from callcenter.db import Committed, Database, Outgoing
from callcenter.events import CallOffered, Resync, SwitchState, TimelineChanged, Transient, all_types
from webui import boards, metrics, security
from webui.live_socket import POLICY, RESTARTING, SIGNED_OUT, TRY_AGAIN, LiveSocket, transient, wire
from webui.stamps import Stamps

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
RECHECK_SECONDS = 5.0
PRUNE_SECONDS = 60.0
KEEP = dt.timedelta(hours=24)
SOCKETS_PER_PERSON = 20
_MAX_SEQ = 2**31 - 1


class LiveHub:
    """All connected browsers of this process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.stamps = Stamps(database)
        self.boards = boards.Boards(database)
        self.switch_up = self.draining = False
        self._sockets: dict[int, set[LiveSocket]] = {}
        self._closed = False

    @property
    def count(self) -> int:
        """How many sockets are connected."""
        return sum(len(each) for each in self._sockets.values())

    def publish(self, committed: Committed) -> None:
        """Push a commit's messages to whom they are for (an after-commit listener)."""
        for outgoing in committed.outgoing:
            if isinstance(outgoing.event, SwitchState):
                self.switch_up, self.draining = outgoing.event.up, outgoing.event.draining
            if isinstance(outgoing.event, Transient):
                self._push_transient(outgoing)
            else:
                self._push_numbered(outgoing, committed.at)

    def _push_transient(self, outgoing: Outgoing) -> None:
        text, event = transient(outgoing.event), outgoing.event
        if isinstance(event, TimelineChanged):
            for socket in [each for sockets in self._sockets.values() for each in sockets if each.looks_at(event)]:
                socket.push_transient(text)
            return
        for user_id in list(self._sockets) if outgoing.recipients is None else outgoing.recipients:
            for socket in self._sockets.get(user_id, ()):
                socket.push_transient(text)

    def _push_numbered(self, outgoing: Outgoing, at: dt.datetime) -> None:
        event, data = outgoing.event, ""
        offer_id = event.offer_id if isinstance(event, CallOffered) else ""
        for user_id, seq in outgoing.seq.items():
            sockets = self._sockets.get(user_id)
            if sockets:
                data = data or event.model_dump_json()
                text = wire(seq, event.TYPE, at, data)
                for socket in sockets:
                    socket.push(seq, text, offer_id)

    def end_session(self, session_id: int | None) -> None:
        """Close the sockets of a session that was ended just now."""
        for sockets in self._sockets.values():
            for socket in sockets:
                if session_id is not None and socket.actor.session_id == session_id:
                    socket.end(SIGNED_OUT, "signed out")

    async def serve(self, websocket: WebSocket, actor: Actor, after: int | None) -> None:
        """Serve one accepted connection until it ends."""
        socket = LiveSocket(websocket, self.database, actor, after, self.stamps.sent)
        mine = self._sockets.setdefault(actor.id, set())
        mine.add(socket)
        metrics.SOCKETS.set(self.count)
        if self._closed:
            socket.end(RESTARTING, "restarting")
        elif len(mine) > SOCKETS_PER_PERSON:
            socket.end(TRY_AGAIN, "too many pages open")
        try:
            await socket.run()
        finally:
            mine.discard(socket)
            if not mine and self._sockets.get(actor.id) is mine:
                del self._sockets[actor.id]
            metrics.SOCKETS.set(self.count)

    async def run(self) -> None:
        """Do the regular work until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.stamps.run())
                tasks.create_task(_regularly(POLL_SECONDS, self.poll))
                tasks.create_task(_regularly(RECHECK_SECONDS, self.recheck))
                tasks.create_task(_regularly(boards.SECONDS, self.tell_boards))
                tasks.create_task(_regularly(PRUNE_SECONDS, self.prune))
        finally:
            self._end_all()

    async def poll(self) -> None:
        """Wake the sockets whose person has messages nobody pushed: another process wrote them."""
        if not self._sockets:
            return
        counter = inbox.EventCounter
        async with self.database.reading() as uow:
            query = select(counter.user_id, counter.last_seq).where(counter.user_id.in_(list(self._sockets)))
            newest = (await uow.session.execute(query)).all()
        for user_id, last_seq in newest:
            for socket in self._sockets.get(user_id, ()):
                socket.behind(last_seq)

    async def recheck(self) -> None:
        """Close the sockets whose sign-in has ended or whose role changed; whose account roles changed loads the page anew."""
        for socket in [each for sockets in self._sockets.values() for each in sockets]:
            actor = await security.authenticate(socket.websocket)
            if actor is None or (actor.user_id, actor.role) != (socket.actor.user_id, socket.actor.role):
                socket.end(SIGNED_OUT, "signed out")
            elif actor.accounts != socket.actor.accounts:
                socket.actor = actor
                socket.push_transient(transient(Resync(seq=max(socket.last, 0))))

    async def tell_boards(self) -> None:
        """Tell the pages that watch a campaign that something of it changed."""
        await self.boards.round([each for sockets in self._sockets.values() for each in sockets])

    async def prune(self) -> None:
        """Forget messages nobody will replay."""
        total, pruned = 0, 1
        while pruned:
            async with self.database.unit_of_work() as uow:
                pruned = await inbox.prune(uow, clock.now() - KEEP)
            total += pruned
        if total:
            log.info("live.pruned", messages=total)

    async def close(self) -> None:
        """Close all sockets and write what is waiting, before the process stops."""
        self._end_all()
        await self.stamps.flush()

    def _end_all(self) -> None:
        self._closed = True
        for sockets in self._sockets.values():
            for socket in sockets:
                socket.end(RESTARTING, "restarting")


async def _regularly(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except (SQLAlchemyError, OSError) as error:  # the database is away: the next round may do better
            log.warning("live.round_failed", work=getattr(work, "__name__", ""), reason=type(error).__name__)
        except Exception:  # a fault of ours in one round must not end the process, and the calls' pages with it
            log.exception("live.round_failed", work=getattr(work, "__name__", ""))


async def connect(websocket: WebSocket) -> None:
    """`/live?after=SEQ`: refuse foreign pages, ask who it is, then serve.

    A wrong origin is refused before the connection stands (403). Who is not signed in is closed with 4401, so that the
    page can tell it from a network that is gone.
    """
    token = security.bearer(websocket.headers)
    checked = "origin" in websocket.headers or token is None
    ours = security.allowed_host(websocket.headers.get("host", ""), websocket.app.state.settings)
    if not ours or (checked and not security.same_origin(websocket)):
        log.warning("live.foreign_origin", origin=websocket.headers.get("origin", "")[:200], address=security.address(websocket))
        await websocket.close(POLICY)
        return
    after = websocket.query_params.get("after", "")
    try:
        actor = await security.authenticate(websocket)
    except SQLAlchemyError as error:
        log.warning("live.database", reason=type(error).__name__)
        await websocket.accept()
        await websocket.close(TRY_AGAIN, "database away")
        return
    await websocket.accept()
    if actor is None:
        await websocket.close(SIGNED_OUT, "not signed in")
    elif after and not (after.isascii() and after.isdigit() and int(after[:11]) <= _MAX_SEQ):
        await websocket.close(POLICY, "after is a number")
    else:
        hub: LiveHub = websocket.app.state.live
        await hub.serve(websocket, actor, int(after) if after else None)


async def describe(_request: Request) -> Response:
    """`/api/v1/live.json`: every message of `/live`, from the classes that make them."""
    messages = {}
    for each in sorted(all_types(), key=lambda each: each.TYPE):
        schema = each.model_json_schema(mode="serialization")
        messages[each.TYPE] = {"durable": not issubclass(each, Transient), "summary": each.__doc__ or "", "data": schema}
    body = {
        "path": "/live",
        "query": {"after": "Last seq received; absent: only what happens from now on."},
        "envelope": {"seq": "integer, or null for transient messages", "type": "string", "at": "date-time", "data": "object"},
        "send": {
            "ping": {"type": "ping"},
            "look": dict.fromkeys(("contact_id", "organisation_id", "campaign_id"), "integer or null") | {"type": "look"},
        },
        "close": {
            str(POLICY): "against the rules: origin, size, flood, anything but a ping or a look",
            str(RESTARTING): "restarting: connect again",
            str(TRY_AGAIN): "too slow or database away: connect again with ?after=",
            str(SIGNED_OUT): "not signed in any more",
        },
        "messages": messages,
    }
    return JSONResponse(body, headers={"cache-control": "no-cache"})


ROUTES: list[BaseRoute] = [WebSocketRoute("/live", connect), Route("/api/v1/live.json", describe)]
