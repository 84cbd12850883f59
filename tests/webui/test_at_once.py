"""A message that can leave leaves at once; one that cannot waits, and the order stays."""

import asyncio
from typing import Any

import pytest
import structlog
from starlette.websockets import WebSocketDisconnect, WebSocketState

from callcenter.actor import Actor
from callcenter.events import QueueState
from tests.webui.conftest import Person, Site
from webui.at_once import Begun
from webui.live_socket import LiveSocket, transient


async def test_what_need_not_wait_is_done_at_once() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    assert Begun(work()).done
    assert done == [1]


async def test_what_has_to_wait_goes_on_where_it_is_awaited() -> None:
    gate, done = asyncio.Event(), list[str]()

    async def work() -> None:
        done.append("begun")
        await gate.wait()
        await asyncio.sleep(0)
        done.append("over")

    begun = Begun(work())
    assert (begun.done, done) == (False, ["begun"])
    waiting = asyncio.ensure_future(_await(begun))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.wait_for(waiting, 10)
    assert (begun.done, done) == (True, ["begun", "over"])


async def test_errors_come_out_and_a_cancellation_goes_in() -> None:
    seen: list[str] = []

    async def fails(wait: asyncio.Event | None = None) -> None:
        try:
            if wait is not None:
                await wait.wait()
            raise ValueError("on purpose")
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    with pytest.raises(ValueError, match="on purpose"):
        Begun(fails())
    gate = asyncio.Event()
    later = asyncio.ensure_future(_await(Begun(fails(gate))))
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(ValueError, match="on purpose"):
        await later
    given_up = asyncio.ensure_future(_await(Begun(fails(asyncio.Event()))))
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert seen == ["cancelled"]


async def _await(begun: Begun) -> None:
    await begun


class Wire:
    """A WebSocket whose far end reads while `open` is set."""

    client_state = WebSocketState.CONNECTED

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.broken = self.over = False
        self.sent: list[str] = []

    async def send_text(self, text: str) -> None:
        if self.broken:
            self.broken, self.over = False, True
            raise WebSocketDisconnect(1006)
        if self.over:
            raise RuntimeError('Cannot call "send" once a close message has been sent.')
        await self.open.wait()
        self.sent.append(text)

    async def receive(self) -> Any:
        await asyncio.Event().wait()

    async def close(self, code: int, reason: str) -> None:
        self.sent.append(f"close {code} {reason}")


async def connected(site: Site, person: Person, wire: Wire) -> tuple[LiveSocket, asyncio.Task[None], list[str]]:
    offers: list[str] = []
    actor = Actor(person.id, person.login, person.role)
    socket = LiveSocket(wire, site.database, actor, 0, lambda offer_id, at: offers.append(offer_id))  # type: ignore[arg-type]
    task = asyncio.create_task(socket.run())
    async with asyncio.timeout(30):
        while not socket._idle:
            await asyncio.sleep(0.01)
    return socket, task, offers


async def test_a_message_leaves_before_the_loop_does_anything_else(site: Site, consultant: Person) -> None:
    wire = Wire()
    socket, task, offers = await connected(site, consultant, wire)
    first = socket.last + 1
    socket.push(first, "pop-up", "offer")
    assert (wire.sent, offers, socket.last) == (["pop-up"], ["offer"], first)
    socket.end(1012, "over")
    await task


async def test_behind_a_far_end_that_does_not_read_everything_waits_in_order(site: Site, consultant: Person) -> None:
    wire = Wire()
    socket, task, offers = await connected(site, consultant, wire)
    first = socket.last + 1
    wire.open.clear()
    socket.push(first, "one", "offer")
    queue = transient(QueueState(waiting=1, longest_seconds=0))
    socket.push_transient(queue)
    socket.push(first + 1, "two")
    await asyncio.sleep(0)
    socket.push(first + 2, "three")
    assert (wire.sent, offers) == ([], [])
    wire.open.set()
    async with asyncio.timeout(30):
        while len(wire.sent) < 4:
            await asyncio.sleep(0.01)
    assert wire.sent == ["one", queue, "two", "three"]
    assert offers == ["offer"]
    socket.push(first + 3, "four")
    assert wire.sent[-1] == "four"
    socket.end(1012, "over")
    await task


async def test_a_far_end_that_is_gone_ends_the_connection(site: Site, consultant: Person) -> None:
    wire = Wire()
    socket, task, offers = await connected(site, consultant, wire)
    wire.broken = True
    with structlog.testing.capture_logs() as logged:
        socket.push(socket.last + 1, "pop-up", "offer")
        await asyncio.wait_for(task, 30)
    assert (wire.sent, offers) == ([], [])
    assert [each["event"] for each in logged if each["log_level"] == "error"] == []
