"""A browser's part, played by aiortc in this process: it speaks a tone and keeps what it hears."""

import asyncio
import fractions
from typing import Any

import aiortc
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import PCMA_CODEC, PCMU_CODEC
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from av import AudioFrame


class Tone(AudioStreamTrack):
    """A sine, paced by the clock as aiortc's own silence is."""

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self._hertz = hertz

    async def recv(self) -> AudioFrame:
        frame = await super().recv()
        assert isinstance(frame, AudioFrame)
        assert frame.pts is not None
        position = np.arange(frame.samples) + frame.pts
        samples = (8000 * np.sin(2 * np.pi * self._hertz * position / 8000)).astype(np.int16)
        made = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        made.pts, made.sample_rate, made.time_base = frame.pts, 8000, fractions.Fraction(1, 8000)
        return made


class Browser:
    """One page with a microphone. `heard` is what came out of its loudspeaker, linear 8 kHz."""

    def __init__(self, hertz: float = 600) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.heard: list[Any] = []
        self._listening: asyncio.Task[None] | None = None
        sender = self.connection.addTrack(Tone(hertz))
        transceiver = next(each for each in self.connection.getTransceivers() if each.sender is sender)
        codecs = [PCMA_CODEC, PCMU_CODEC]
        transceiver.setCodecPreferences(
            [RTCRtpCodecCapability(mimeType=each.mimeType, clockRate=8000, channels=1) for each in codecs]
        )
        self.connection.on("track", self._track)

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def take(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))

    def _track(self, track: aiortc.MediaStreamTrack) -> None:
        self._listening = asyncio.create_task(self._listen(track))

    async def _listen(self, track: aiortc.MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                self.heard.append(frame.to_ndarray()[0][:: frame.sample_rate // 8000])
        except MediaStreamError:
            return

    def samples(self) -> bytes:
        """Return everything heard as 16-bit samples."""
        return b"".join(each.astype(np.int16).tobytes() for each in self.heard)

    @property
    def transport(self) -> Any:
        """aiortc's DTLS transport, to send packets of one's own through."""
        return self.connection.getSenders()[0].transport

    async def close(self) -> None:
        await self.connection.close()
        if self._listening is not None:
            await self._listening

    async def vanish(self) -> None:
        """Go without a goodbye: as when the machine sleeps or the network is pulled."""
        self.transport._task.cancel()
        self.transport._ssl = None
        await self.connection.close()
