"""The switch's end of the link: a Unix socket in a private folder, one contact centre at a time.

Lines from either end: ping (lines.py). From the web: hello {web, boot, have, taken}, repeated commands, ready; then
command {n, m}, query {id, m}, taken {boot, n}. From the switch: hello {boot, done}, event {n, m}, up {m}, done {n},
reply {id, m}, replaced. Events are numbered from 1 per boot and kept until the web says it took them, so that a web
restart loses none.
"""

import asyncio
import contextlib
import os
import tempfile
from collections import Counter, deque
from pathlib import Path
from typing import Any, Protocol

import structlog

from callcenter.errors import CallCenterError, Unavailable
from callcenter.phone import COMMAND, EVENT, QUERY, REPLY, Command, Event, Query, Refusal, Reply, Snapshot
from telephony.lines import PULSE, VERSION, Lines, Pulse

log = structlog.get_logger(__name__)

KEPT = 50_000  # events waiting for a web that is away; the snapshot reconciles what was dropped beyond
WEBS_KNOWN = 16  # contact centres whose commands are remembered as done


class SwitchEnd(Protocol):
    """The switch, as the link drives it."""

    boot_id: str

    def perform(self, command: Command) -> None:
        """Do a command; what comes of it is events."""

    async def answer(self, query: Query) -> Reply:
        """Answer a query; raises CallCenterError with a sentence when it cannot."""

    def snapshot(self) -> Snapshot:
        """Return all that lives now."""

    def web_present(self, present: bool) -> None:
        """The contact centre came or went."""


class LinkServer:
    """Listens for the contact centre on `path` and joins it with `switch`; one that hangs is let go, its calls go on."""

    def __init__(
        self, path: Path, switch: SwitchEnd, kept: int = KEPT, counters: Counter[str] | None = None, pulse: Pulse = PULSE
    ) -> None:
        self._path = path
        self._pulse = pulse
        self._switch = switch
        self._events: deque[tuple[int, bytes]] = deque()
        self._kept = kept
        self._number = 0
        self._web: Lines | None = None
        self._web_id = ""
        self._ready = False  # the web has its snapshot; its commands are new ones
        self._repeats = False  # commands before `ready` are repeats for this boot
        self._done: dict[str, int] = {}  # by web, the last command of it that was done
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._open: set[Lines] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.counters = Counter[str]() if counters is None else counters

    async def start(self) -> None:
        """Listen; raises Unavailable when another switch answers there or the folder is somebody else's."""
        own_folder(self._path.parent)
        if await somebody_answers(self._path):
            raise Unavailable("Another switch is already running in {folder}. Stop it first.", folder=str(self._path.parent))
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        before = os.umask(0o177)
        try:
            self._server = await asyncio.get_running_loop().create_unix_server(self._connection, str(self._path))
        finally:
            os.umask(before)
        self._inode = self._path.stat().st_ino
        log.info("link.listening", path=str(self._path))

    async def stop(self) -> None:
        """Stop listening, close the connections, remove the socket's file."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(FileNotFoundError):
                if self._path.stat().st_ino == self._inode:
                    self._path.unlink()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lines in list(self._open):
            lines.close()
            await lines.closed.wait()

    def emit(self, event: Event) -> None:
        """Tell the contact centre, now or when it is back."""
        self._number += 1
        body = EVENT.dump_json(event)
        if len(self._events) >= self._kept:
            self._events.popleft()
            self.counters["link_events_dropped"] += 1
        self._events.append((self._number, body))
        if self._web is not None:
            self._web.write({"t": "event", "n": self._number}, body)

    def _connection(self) -> Lines:
        lines = Lines(self, self._count, self._pulse)
        self._open.add(lines)
        return lines

    def _count(self, name: str) -> None:
        self.counters[name] += 1

    # --- LineReader ---------------------------------------------------------------------------------------------------

    def line(self, lines: Lines, message: dict[str, Any]) -> None:
        """Take one message of a web (LineReader)."""
        kind = message["t"]
        if kind == "hello":
            self._hello(lines, message)
            return
        if lines is not self._web:
            raise ValueError("hello comes first")
        match kind:
            case "ready":
                self._begin(lines)
            case "command":
                self._command(lines, int(message["n"]), message["m"])
            case "query":
                self._query(lines, int(message["id"]), message["m"])
            case "taken":
                if message["boot"] == self._switch.boot_id:
                    self._taken(int(message["n"]))
            case _:
                raise ValueError("unknown line")

    def gone(self, lines: Lines) -> None:
        """Note that a connection ended (LineReader)."""
        self._open.discard(lines)
        if lines is self._web:
            self._web, self._ready = None, False
            log.info("link.web_gone")
            self._switch.web_present(present=False)

    def _hello(self, lines: Lines, message: dict[str, Any]) -> None:
        web_id, same_boot = str(message["web"]), message["boot"] == self._switch.boot_id
        have, taken = int(message["have"]), int(message["taken"])  # all of it is read before the present web is let go
        if self._web is not None and self._web is not lines:
            if web_id < self._web_id:  # ids sort by time: a web that was replaced tries again
                self.counters["link_webs_refused"] += 1
                lines.write({"t": "replaced"})
                lines.close()
                return
            log.warning("link.web_replaced")
            self._web.write({"t": "replaced"})
            self._web.close()
        self._web_id = web_id
        self._done = {web_id: self._done.pop(web_id, 0)} | dict(list(self._done.items())[: WEBS_KNOWN - 1])
        self._web, self._ready, self._repeats = lines, False, same_boot
        if same_boot:
            self._taken(taken)
        lines.write({"t": "hello", "version": VERSION, "boot": self._switch.boot_id, "done": self._done[web_id]})
        for number, body in self._events:
            if not same_boot or number > have:
                lines.write({"t": "event", "n": number}, body)

    def _begin(self, lines: Lines) -> None:
        self._ready = True
        lines.write({"t": "up"}, REPLY.dump_json(self._switch.snapshot()))
        log.info("link.web_present", waiting=len(self._events))
        self._switch.web_present(present=True)

    def _taken(self, number: int) -> None:
        while self._events and self._events[0][0] <= number:
            self._events.popleft()

    def _command(self, lines: Lines, number: int, body: object) -> None:
        if (not self._ready and not self._repeats) or number <= self._done[self._web_id]:
            self.counters["link_commands_repeated"] += 1
        else:
            command = COMMAND.validate_python(body)
            self._done[self._web_id] = number  # before it is tried, so that one that fails is not tried again
            self._switch.perform(command)
        lines.write({"t": "done", "n": number})

    def _query(self, lines: Lines, number: int, body: object) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(lines, number, QUERY.validate_python(body)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, lines: Lines, number: int, query: Query) -> None:
        try:
            reply = await self._switch.answer(query)
        except CallCenterError as error:
            reply = Refusal(sentence=error.sentence, status=error.status, values={k: str(v) for k, v in error.values.items()})
        except Exception:  # the asker gets a sentence, the log what happened
            log.exception("link.query_failed", query=query.kind)
            reply = Refusal(sentence="The switch could not do this. The log of the switch says why.", status=500)
        lines.write({"t": "reply", "id": number}, REPLY.dump_json(reply))


def own_folder(folder: Path) -> None:
    """Make `folder` private (0700); raises Unavailable when it is another user's in the shared temporary folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)
    elif folder.parent == Path(tempfile.gettempdir()):
        raise Unavailable("The folder {folder} belongs to another user. Choose a shorter data folder.", folder=str(folder))


async def somebody_answers(path: Path) -> bool:
    """Tell whether a process listens on the Unix socket `path`."""
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    writer.close()
    return True
