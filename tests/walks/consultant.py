"""A consultant without a browser: the JSON API, the live updates, and audio through aiortc, a WebRTC not ours."""

import asyncio
import fractions
import json
import math
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from callcenter import clock
from tests.walks.whole import Product, ok, until

RATE = 8000


class Tone(MediaStreamTrack):
    """A microphone that hums at one pitch; 0 Hz sends one silent frame a second, enough to stay live."""

    kind = "audio"

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self.hertz = hertz
        self.position = 0
        self.started = 0.0

    async def recv(self) -> AudioFrame:
        """Give the next 20 ms, in time."""
        loop = asyncio.get_running_loop()
        self.started = self.started or loop.time()
        slowly = 1 if self.hertz else 50
        await asyncio.sleep(max(0.0, self.started + slowly * self.position / RATE - loop.time()))
        n = np.arange(self.position, self.position + 160)
        samples = (np.sin(2 * math.pi * self.hertz * n / RATE) * 8000).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.position, fractions.Fraction(1, RATE)
        self.position += 160
        return frame


def loudest(samples: np.ndarray[Any, Any], rate: int = RATE) -> float:
    """Return the strongest pitch in hertz (FFT), 0 for silence."""
    samples = samples.astype(float)
    if len(samples) < rate // 10 or np.sqrt(np.mean(samples**2)) < 50:
        return 0.0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / rate)[int(np.argmax(spectrum))])


async def rest(api: httpx.AsyncClient) -> None:
    """Let a consultant be done with everything, so that the next story finds a free desk: no call, no wrap-up, offline."""
    me = await ok(await api.get("me"))
    for call_id in [*(each["call_id"] for each in me["offers"]), *([me["call"]["id"]] if me["call"] else [])]:
        await ok(await api.post(f"calls/{call_id}/hang-up"))
    await ok(await api.post("me/wrap-up/finish"))
    await ok(await api.put("me/state", json={"state": "offline"}))


class Consultant:
    """One consultant at work, from this moment on. Use as an async context manager.

    `events` are the live messages since; like a page, it connects again when the web goes away and asks for what it missed.
    """

    def __init__(self, product: Product, token: str, *, tone: float = 440.0, session: str = "") -> None:
        self.product = product
        self.token = token
        self.tone = tone
        self.session = session or clock.new_id()
        self.api = product.api(token)
        self.events: list[dict[str, Any]] = []
        self.heard: list[np.ndarray[Any, Any]] = []
        self.peer: RTCPeerConnection | None = None
        self.seq = 0
        self.faults: list[str] = []
        self._connected = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Connect to the live updates."""
        self.seq = (await ok(await self.api.get("me")))["seq"]
        self._tasks.append(asyncio.create_task(self._stay()))
        await asyncio.wait_for(self._connected.wait(), 30)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close everything."""
        await self.unplug()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        await self.api.aclose()
        assert error is not None or not self.faults, self.faults

    async def _stay(self) -> None:
        """Be connected, again and again; numbered messages come once each and without a gap."""
        while True:
            address = f"ws://127.0.0.1:{self.product.http_port}/live?after={self.seq}"
            with suppress(OSError, WebSocketException, TimeoutError):
                async with connect(address, additional_headers={"Authorization": f"Bearer {self.token}"}) as socket:
                    self._connected.set()
                    async for text in socket:
                        self._take(json.loads(text))
            await asyncio.sleep(0.1)

    def _take(self, message: dict[str, Any]) -> None:
        if message["seq"] is not None:
            if message["seq"] != self.seq + 1:
                self.faults.append(f"{self.seq} is followed by {message}")
            self.seq = message["seq"]
        elif message["type"] == "resync":
            self.seq = message["data"]["seq"]
        self.events.append(message)

    async def plug_in(self) -> None:
        """Open the audio path to the switch."""
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.addTrack(Tone(self.tone))

        @self.peer.on("track")
        def _track(track: MediaStreamTrack) -> None:
            self._tasks.append(asyncio.create_task(self._hear(track)))

        await self.peer.setLocalDescription(await self.peer.createOffer())
        offer = {"session": self.session, "sdp": self.peer.localDescription.sdp}
        answer = await ok(await self.api.post("me/station", json=offer))
        await self.peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        await until("the station to be live", self._live)

    async def unplug(self) -> None:
        """Close the audio path, as a page that goes away does."""
        if self.peer is not None:
            await self.peer.close()
            self.peer = None

    async def _live(self) -> bool:
        return bool((await ok(await self.api.get("me")))["agent"]["station_live"])

    async def _hear(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                samples = frame.to_ndarray().reshape(-1)
                if frame.layout.name == "stereo":
                    samples = samples[::2]
                step = max(1, frame.sample_rate // RATE)
                self.heard.append(samples[::step])

    async def ready(self) -> None:
        """Open the audio path and take the state ready."""
        await self.plug_in()
        await ok(await self.api.put("me/state", json={"state": "ready"}))

    async def event(self, kind: str, *, seconds: float = 30, **wanted: object) -> dict[str, Any]:
        """Wait for a live message of a type whose data has these values; returns its data."""

        async def found() -> dict[str, Any] | None:
            for each in self.events:
                if each["type"] == kind and all(each["data"].get(key) == value for key, value in wanted.items()):
                    return dict(each["data"])
            return None

        try:
            return await until(f"{kind} {wanted}", found, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}, but {[each['type'] for each in self.events]}") from None

    async def hears(self, hertz: float, *, within: float = 15) -> None:
        """Wait until the loudest pitch of the last second is `hertz`."""

        async def tone() -> bool:
            if not self.heard:
                return False
            return abs(loudest(np.concatenate(self.heard[-50:])) - hertz) < 15

        await until(f"a tone of {hertz} Hz", tone, within)
