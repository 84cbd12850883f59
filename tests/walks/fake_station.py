"""A fake switch whose stations are real to a browser: aiortc answers the offer in this process, customers stay scripted.

The browser hears a tone while it is plugged in; what it says is received and counted, so a walk can see that audio flows.
"""

import asyncio
import fractions
import math
import struct
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from callcenter.phone import CloseStation, Command, OpenStation, Query, Reply, StationAnswer, StationLive
from callcenter.phone_fake import FakePhone, FakeStation

RATE, SAMPLES = 8000, 160  # 20 ms frames of G.711
TONE_HERTZ = 440


class Tone(MediaStreamTrack):
    """A sine, 20 ms a frame, in time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0
        self._began: float | None = None

    async def recv(self) -> AudioFrame:
        """Return the next frame when it is due."""
        now = asyncio.get_running_loop().time()
        self._began = self._began or now
        await asyncio.sleep(max(0.0, self._began + self._sent / RATE - now))
        values = (int(8000 * math.sin(2 * math.pi * TONE_HERTZ * (self._sent + k) / RATE)) for k in range(SAMPLES))
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(struct.pack(f"<{SAMPLES}h", *values))
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent, fractions.Fraction(1, RATE)
        self._sent += SAMPLES
        return frame


class FakeStationPhone(FakePhone):
    """FakePhone with stations a browser can plug into. `heard` counts frames by session; `opened` sessions in order."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: Counter[str] = Counter()
        self.opened: list[str] = []
        self._peers: dict[str, RTCPeerConnection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, query: Query, timeout: float = 5.0) -> Reply:
        """Answer a browser's offer with a real connection; everything else as FakePhone does."""
        if not isinstance(query, OpenStation) or not self.up:
            return await super().ask(query, timeout)
        self.queries.append(query)
        self.opened.append(query.session)
        old = self._peers.pop(query.station_id, None)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers[query.station_id] = peer
        peer.on("track", lambda track: self._spawn(self._listen(track, query.session)))
        peer.on("connectionstatechange", lambda: self._changed(peer, query))
        peer.addTrack(Tone())
        await peer.setRemoteDescription(RTCSessionDescription(query.sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        if old is not None:
            await old.close()
        return StationAnswer(peer.localDescription.sdp)

    def send(self, command: Command) -> None:
        """Do a command; a closed station loses its connection."""
        if isinstance(command, CloseStation):
            station = self.stations.get(command.station_id)
            if station is not None and command.session in ("", station.session) and command.station_id in self._peers:
                self._spawn(self._peers.pop(command.station_id).close())
        super().send(command)

    def restart(self) -> None:
        """Restart the switch: browsers lose their connection, too."""
        for peer in self._peers.values():
            self._spawn(peer.close())
        self._peers.clear()
        super().restart()

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(peer.close() for peer in self._peers.values()), return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _changed(self, peer: RTCPeerConnection, query: OpenStation) -> None:
        if self._peers.get(query.station_id) is not peer:
            return
        if peer.connectionState == "connected":
            self.stations[query.station_id] = FakeStation(query.station_id, query.session, live=True)
            self._happened(StationLive(query.station_id, query.session))
        elif peer.connectionState in {"failed", "closed"}:
            self.browser_lost(query.station_id)

    async def _listen(self, track: MediaStreamTrack, session: str) -> None:
        try:
            while True:
                await track.recv()
                self.heard[session] += 1
        except MediaStreamError:
            return
