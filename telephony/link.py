"""The contact centre's end of the link: Phone over a Unix socket, joined again whenever it breaks.

telephony/link_server.py is the other end and describes the lines.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from pydantic import TypeAdapter

from callcenter import clock
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, NotPermitted, TooMany, Unavailable
from callcenter.phone import (
    COMMAND,
    EVENT,
    QUERY,
    REPLY,
    Command,
    EndReason,
    Event,
    LegEnded,
    LinkDown,
    LinkUp,
    Originate,
    Query,
    Refusal,
    Reply,
    SendText,
    Snapshot,
    TextStatus,
)
from telephony.lines import PULSE, VERSION, Lines, Pulse
from telephony.link_server import LinkServer

__all__ = ["LinkServer", "SwitchLink"]

log = structlog.get_logger(__name__)

SHORTEST_WAIT = 0.05  # seconds between two tries to connect, doubled up to
LONGEST_WAIT = 1.0
REPLACED_WAIT = 5.0  # after a newer contact centre took the switch

_SNAPSHOT: TypeAdapter[Snapshot] = TypeAdapter(Snapshot)
_ERRORS: dict[int, type[CallCenterError]] = {each.status: each for each in (Conflict, NotFound, NotPermitted, TooMany)}


class _Queued(NamedTuple):
    event: Event
    boot_id: str = ""  # and the number there; empty for what this end says itself
    number: int = 0


class SwitchLink:
    """Phone whose switch is another process, listening on the Unix socket `path`. `run` keeps it joined.

    A switch that says nothing for as long as `pulse` allows is as good as away: LinkDown.
    """

    def __init__(self, path: Path, pulse: Pulse = PULSE) -> None:
        self._path = path
        self._pulse = pulse
        self._web_id = clock.new_id()
        self._boot_id = ""
        self._have = self._taken = 0  # last event received, last event the consumer is done with
        self._up: Lines | None = None
        self._replaced = False
        self._sent = 0
        self._not_done: deque[tuple[int, Command]] = deque()
        self._queue: deque[_Queued] = deque()
        self._filled = asyncio.Event()
        self._asked: dict[int, asyncio.Future[Reply]] = {}
        self._questions = 0
        self.counters: Counter[str] = Counter()

    @property
    def up(self) -> bool:
        """Whether the switch can be reached now."""
        return self._up is not None

    # --- Phone --------------------------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Send a command, in order, without waiting (Phone)."""
        if self._up is None:
            self._lose(command)
            return
        self._sent += 1
        self._not_done.append((self._sent, command))
        self._up.write({"t": "command", "n": self._sent}, COMMAND.dump_json(command))

    async def ask(self, query: Query, timeout: float = 5.0) -> Reply:  # noqa: ASYNC109 - as Phone says
        """Send a query and wait for its reply; raises what a Refusal says, else Unavailable (Phone)."""
        if self._up is None:
            raise Unavailable("The telephone switch cannot be reached. Try again in a moment.")
        self._questions += 1
        number = self._questions
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            self._up.write({"t": "query", "id": number}, QUERY.dump_json(query))
            async with asyncio.timeout(timeout):
                reply = await future
        except TimeoutError:
            raise Unavailable("The telephone switch did not answer in time. Try again.") from None
        finally:
            del self._asked[number]
        if isinstance(reply, Refusal):
            raise refused(reply)
        return reply

    async def events(self) -> AsyncIterator[Event]:
        """Yield events in order; asking for the next one takes the last (Phone)."""
        while True:
            while not self._queue:
                self._filled.clear()
                await self._filled.wait()
            queued = self._queue[0]
            yield queued.event
            self._queue.popleft()
            if queued.number and queued.boot_id == self._boot_id:
                self._taken = queued.number
                if self._up is not None:
                    self._up.write({"t": "taken", "boot": self._boot_id, "n": queued.number})

    def _put(self, event: Event, number: int = 0) -> None:
        self._queue.append(_Queued(event, self._boot_id if number else "", number))
        self._filled.set()

    def _lose(self, command: Command, *, sent: bool = False) -> None:
        """Say what became of a command that is not done; one that was `sent` may have been, by a switch that is gone now."""
        if isinstance(command, Originate):
            text = "The telephone switch could not be reached."
            self._put(LegEnded(leg_id=command.leg_id, reason=EndReason.FAILED, by="switch", text=text, lost=sent))
        elif isinstance(command, SendText):
            text = "The telephone switch could not be reached."
            self._put(TextStatus(command.message_id, "uncertain" if sent else "failed", words=text))
        else:
            log.warning("link.command_dropped", command=command.kind)

    # --- the connection -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        wait = SHORTEST_WAIT
        while True:
            lines = Lines(self, self._count, self._pulse)
            try:
                await asyncio.get_running_loop().create_unix_connection(lambda lines=lines: lines, str(self._path))  # type: ignore[misc]
            except OSError as error:
                log.debug("link.away", error=str(error))
            else:
                wait = SHORTEST_WAIT
                try:
                    self._hello(lines)
                    await lines.closed.wait()
                finally:
                    lines.close()
            await asyncio.sleep(REPLACED_WAIT if self._replaced else wait)
            self._replaced = False
            wait = min(2 * wait, LONGEST_WAIT)

    def _count(self, name: str) -> None:
        self.counters[name] += 1

    def _hello(self, lines: Lines) -> None:
        known = {"web": self._web_id, "boot": self._boot_id, "have": self._have, "taken": self._taken}
        lines.write({"t": "hello", "version": VERSION, **known})
        for number, command in self._not_done:
            lines.write({"t": "command", "n": number}, COMMAND.dump_json(command))
        lines.write({"t": "ready"})

    # --- LineReader ---------------------------------------------------------------------------------------------------

    def line(self, lines: Lines, message: dict[str, Any]) -> None:
        """Take one message of the switch (LineReader)."""
        match message["t"]:
            case "event":
                self._event(int(message["n"]), message["m"])
            case "reply":
                self._reply(int(message["id"]), REPLY.validate_python(message["m"]))
            case "done":
                self._done(int(message["n"]))
            case "hello":
                self._greeted(str(message["boot"]), int(message["done"]))
            case "up":
                self._joined(lines, _SNAPSHOT.validate_python(message["m"]))
            case "replaced":
                log.error("link.replaced", hint="a newer contact centre has taken the switch")
                self._replaced = True
            case _:
                raise ValueError("unknown line")

    def gone(self, lines: Lines) -> None:
        """Note that the connection ended (LineReader)."""
        if lines is not self._up:
            return
        self._up = None
        log.warning("link.down")
        self._put(LinkDown())
        for future in self._asked.values():
            if not future.done():
                future.set_exception(Unavailable("The telephone switch was lost while it worked on this. Try again."))

    def _event(self, number: int, body: object) -> None:
        if number <= self._have:
            self.counters["link_events_repeated"] += 1
            return
        if number > self._have + 1 and self._have:
            log.warning("link.events_missing", count=number - self._have - 1)
        self._have = number
        self._put(EVENT.validate_python(body), number)

    def _reply(self, number: int, reply: Reply) -> None:
        future = self._asked.get(number)
        if future is not None and not future.done():
            future.set_result(reply)

    def _joined(self, lines: Lines, snapshot: Snapshot) -> None:
        self._up = lines
        log.info("link.up", boot=self._boot_id)
        self._put(LinkUp(snapshot))

    def _done(self, number: int) -> None:
        while self._not_done and self._not_done[0][0] <= number:
            self._not_done.popleft()

    def _greeted(self, boot_id: str, done: int) -> None:
        if boot_id == self._boot_id:
            self._done(done)
            return
        if self._boot_id:
            log.warning("link.switch_restarted", boot=boot_id)
        self._boot_id, self._have, self._taken = boot_id, 0, 0
        lost = [command for _, command in self._not_done]
        self._not_done.clear()
        for command in lost:
            self._lose(command, sent=True)


def refused(refusal: Refusal) -> CallCenterError:
    """Return the error a refusal stands for."""
    if refusal.status == Invalid.status:
        return Invalid(refusal.sentence, **refusal.values)
    return _ERRORS.get(refusal.status, Unavailable)(refusal.sentence, **refusal.values)
