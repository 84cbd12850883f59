"""A peer on a plain UDP socket, and measures of audio."""

import asyncio
import math
import socket
import struct
from collections.abc import Callable
from typing import cast

import numpy as np

from telephony.legs import Frame, Law
from telephony.media import g711, rtp


async def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until `condition()` is true; fails the test after a generous time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def tone(hertz: float, law: Law, frames: int = 50, loudness: int = 8000) -> list[bytes]:
    """Return `frames` frames of 20 ms of a sine."""
    count = frames * 160
    samples = (round(loudness * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(count))
    octets = g711.from_linear(struct.pack(f"={count}h", *samples), law)
    return [octets[start : start + 160] for start in range(0, count, 160)]


def strength(octets: bytes, law: Law, hertz: float) -> float:
    """Return the share (0-1) of the audio's energy within 30 Hz of `hertz`."""
    samples = np.frombuffer(g711.to_linear(octets, law), dtype=np.int16).astype(float)
    if not len(samples):
        return 0.0
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    total = float(power.sum())
    near = np.abs(np.fft.rfftfreq(len(samples), 1 / 8000) - hertz) < 30
    return float(power[near].sum()) / total if total else 0.0


def loudness(octets: bytes, law: Law) -> float:
    """Return the root mean square of the samples."""
    samples = np.frombuffer(g711.to_linear(octets, law), dtype=np.int16).astype(float)
    return float(np.sqrt((samples**2).mean())) if len(samples) else 0.0


class Peer:
    """A far end: a UDP socket on 127.0.0.1 that keeps what it receives."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.packets: list[rtp.Packet] = []
        self.sequence = 100
        self.timestamp = 5000
        self.ssrc = 0x1234
        asyncio.get_running_loop().add_reader(self.socket.fileno(), self._readable)

    @property
    def address(self) -> tuple[str, int]:
        return cast("tuple[str, int]", self.socket.getsockname())

    def send(self, to: tuple[str, int], payload: bytes, payload_type: int = 8, marker: bool = False) -> None:
        self.raw(to, rtp.build(payload_type, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc, payload, marker))
        self.sequence += 1
        self.timestamp += len(payload)

    def raw(self, to: tuple[str, int], datagram: bytes) -> None:
        self.socket.sendto(datagram, to)

    def event(self, to: tuple[str, int], code: int, samples: int, *, end: bool = False, payload_type: int = 101) -> None:
        """Send one packet of an event; its timestamp stands until the caller moves `timestamp`."""
        payload = struct.pack("!BBH", code, end << 7 | 10, samples)
        self.raw(to, rtp.build(payload_type, self.sequence, self.timestamp, self.ssrc, payload))
        self.sequence += 1

    def audio(self, payload_type: int = 8) -> bytes:
        return b"".join(packet.payload for packet in self.packets if packet.payload_type == payload_type)

    def _readable(self) -> None:
        packet = rtp.parse(self.socket.recv(2048))
        assert packet is not None
        self.packets.append(packet)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        self.socket.close()


def frames_of(payloads: list[bytes], timestamp: int = 0) -> list[Frame]:
    """Return frames stamped one after another."""
    return [Frame(payload, timestamp + 160 * n) for n, payload in enumerate(payloads)]
