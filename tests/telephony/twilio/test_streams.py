"""The door of the audio streams: who is let in, and how long a stranger may stand there."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from callcenter.config import Settings
from callcenter.errors import Unavailable
from telephony.legs import Frame
from telephony.twilio import streams as module
from telephony.twilio.port import StreamPort
from telephony.twilio.streams import Streams
from tests.telephony.waiting import until

START = {"streamSid": "MZ1", "callSid": "CA1", "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}


class Door:
    """A server, and what came through it."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.streams = Streams(Settings(streams="127.0.0.1:0"), self.counters)
        self.came: list[tuple[StreamPort, str]] = []

    def expect(self) -> str:
        return self.streams.expect(lambda port, call: self.came.append((port, call)))

    def connect(self, path: str = "/streams") -> connect:
        return connect(f"ws://127.0.0.1:{self.streams.port}{path}", compression="deflate", ping_interval=None)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    await door.streams.open()
    yield door
    await door.streams.close()


def start(token: str, **changed: Any) -> str:
    return orjson.dumps({"event": "start", "start": {**START, "customParameters": {"token": token}, **changed}}).decode()


async def closed(socket: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        async with asyncio.timeout(30):
            while True:
                await socket.recv()
    return socket.close_code


async def test_a_stream_with_a_token_is_a_port_and_audio_goes_both_ways(door: Door) -> None:
    async with door.connect() as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers
        await socket.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        await socket.send(start(door.expect()))
        await until(lambda: door.came)
        port, call = door.came[0]
        assert call == "CA1"
        heard: list[Frame] = []
        port.on_frame = heard.append
        await socket.send('{"event":"media","media":{"track":"inbound","chunk":"1","timestamp":"20","payload":"/////w=="}}')
        await until(lambda: heard)
        assert heard == [Frame(b"\xff\xff\xff\xff", 160, True)]
        port.send(Frame(b"\x7f" * 160, 0))
        assert orjson.loads(await socket.recv())["event"] == "media"
        await socket.send("no JSON")
        await until(lambda: door.counters["twilio_streams_malformed"] == 1)
        port.close()
        assert await closed(socket) == 1000


@pytest.mark.parametrize(
    "message",
    [
        start("wrong"),
        start(""),
        orjson.dumps({"event": "start", "start": START}).decode(),
        '{"event":"media","media":{"chunk":"1","timestamp":"20","payload":"/w=="}}',
        "[]",
        "x",
    ],
)
async def test_a_stranger_is_shown_the_door(door: Door, message: str) -> None:
    async with door.connect() as socket:
        await socket.send(message)
        assert await closed(socket) == 1008
    assert not door.came


async def test_a_token_opens_once(door: Door) -> None:
    token = door.expect()
    async with door.connect() as first, door.connect() as second:
        await first.send(start(token))
        await until(lambda: door.came)
        await second.send(start(token))
        assert await closed(second) == 1008
    assert len(door.came) == 1
    assert (door.counters["twilio_streams"], door.counters["twilio_streams_refused"]) == (1, 1)


async def test_a_token_that_is_no_longer_expected_opens_nothing(door: Door) -> None:
    token = door.expect()
    door.streams.expect_no_more(token)
    async with door.connect() as socket:
        await socket.send(start(token))
        assert await closed(socket) == 1008


async def test_a_law_that_is_not_ours_is_refused(door: Door) -> None:
    async with door.connect() as socket:
        await socket.send(start(door.expect(), mediaFormat={"encoding": "audio/opus"}))
        assert await closed(socket) == 1008


async def test_another_path_is_not_found(door: Door) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with door.connect("/other"):
            pass
    assert refused.value.response.status_code == 404


async def test_who_says_nothing_is_cut_off(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_START_SECONDS", 0.1)
    async with door.connect() as socket:
        await closed(socket)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.streams.port)
    assert await reader.read() == b""
    writer.close()


async def test_a_message_too_large_ends_it(door: Door) -> None:
    async with door.connect() as socket:
        await socket.send("x" * 40_000)
        assert await closed(socket) == 1009


async def test_too_many_strangers_find_no_room_and_those_known_stay(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_STRANGERS", 2)
    async with door.connect() as known:
        await known.send(start(door.expect()))
        await until(lambda: door.came)
        async with door.connect(), door.connect():
            with pytest.raises((OSError, WebSocketException)):
                async with door.connect():
                    pass
            door.came[0][0].send(Frame(b"\x7f" * 160, 0))
            assert await known.recv()
        async with door.connect() as another:
            await another.send(start(door.expect()))
            await until(lambda: len(door.came) == 2)


async def test_a_broken_socket_is_told(door: Door) -> None:
    lost: list[int] = []
    async with door.connect() as socket:
        await socket.send(start(door.expect()))
        await until(lambda: door.came)
        door.came[0][0].on_lost = lambda: lost.append(1)
        socket.transport.abort()
        await until(lambda: lost)


async def test_an_address_that_is_taken_is_told(door: Door, tmp_path: Path) -> None:
    second = Streams(Settings(streams=f"127.0.0.1:{door.streams.port}"), Counter())
    with pytest.raises(Unavailable):
        await second.open()
    with pytest.raises(Unavailable):
        await Streams(Settings(streams="nowhere"), Counter()).open()
