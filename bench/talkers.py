"""Both ends of many calls: browsers that protect and send prepared packets, customers on plain RTP, 50 a second each.

Each frame carries the time it was sent; the kernel stamps its arrival (SO_TIMESTAMPNS), so that what is measured is the
way through the switch and not how busy this process is. Sending is spread evenly over the 20 ms of a frame.
"""

import asyncio
import gc
import os
import socket
import struct
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pylibsrtp

from bench.station import Station
from telephony.legs import Law
from telephony.media import g711, rtcp, rtp
from tests.peers.programs import Address

FRAME_SECONDS = 0.02
LATE_MS = 20.0
LEFT_SECONDS = 0.5  # what is later than this is lost
STAMP = struct.Struct("!QH")  # sent at (ns since 1970), measurement
FILLER = bytes(160 - STAMP.size)
_PACKET = 172  # octets: RTP's header and 20 ms
_ARRIVED = struct.Struct("@qq")
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h
_SPACE = socket.CMSG_SPACE(_ARRIVED.size)
_BATCH = 32


@dataclass
class Way:
    """One direction in one measurement: frames sent, and the delay of each that arrived, in ms."""

    sent: int = 0
    delays: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def late(self) -> float:
        """Return the share of frames that were late, in percent; those that never arrived were."""
        return self.lost + 100 * sum(1 for each in self.delays if each > LATE_MS) / max(1, self.sent)

    @property
    def lost(self) -> float:
        """Return the share of frames that never arrived, in percent."""
        return 100 * (self.sent - len(self.delays)) / max(1, self.sent)


class End:
    """One end of a call: an RTP stream out of a socket, and the delays of what comes in."""

    def __init__(self, talkers: "Talkers", out: str, receives: str) -> None:
        self._talkers, self._out, self._receives = talkers, out, receives
        self._sequence = 0
        self._speaks: socket.socket | None = None
        self._hears: list[socket.socket] = []
        self._target: Any = None

    def speak(self) -> None:
        """Send the next frame."""
        if self._speaks is None:
            return
        self._sequence += 1
        header = rtp.build(
            g711.PAYLOAD_TYPE[self._talkers.law], self._sequence & 0xFFFF, self._sequence * 160 & 0xFFFFFFFF, 7, b""
        )
        watched = self._talkers.watching
        if watched:
            self._talkers.ways[self._out].sent += 1
        stamp = STAMP.pack(time.time_ns(), self._talkers.measurement * watched)
        with suppress(BlockingIOError):  # counts as lost
            self._speaks.sendto(self.protected(header + stamp + FILLER), self._target)

    def protected(self, packet: bytes) -> bytes:
        """Return what goes onto the wire."""
        return packet

    def hear(self, opened: socket.socket, other: Callable[[bytes, Any], None] | None = None) -> socket.socket:
        """Read a socket from now on; what is not RTP goes to `other`."""
        opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._hears.append(opened)
        asyncio.get_running_loop().add_reader(opened.fileno(), self._readable, opened, other)
        return opened

    def talk(self, speaks: socket.socket, target: Any) -> None:
        """Send to `target` from now on."""
        self._speaks, self._target = speaks, target

    def opened(self, data: bytes) -> bytes | None:
        """Return the RTP packet in a datagram, None when it is none."""
        return data

    def _readable(self, opened: socket.socket, other: Callable[[bytes, Any], None] | None) -> None:
        for _ in range(_BATCH):
            try:
                data, extra, _, source = opened.recvmsg(2048, _SPACE)
            except OSError:
                return
            if not 127 < data[0] < 192:  # STUN and DTLS (RFC 7983)
                if other is not None:
                    other(data, source)
                continue
            packet = self.opened(data)
            if packet is None or len(packet) != _PACKET:
                continue
            sent, measurement = STAMP.unpack_from(packet, 12)
            if measurement == self._talkers.measurement:
                seconds, nanoseconds = _ARRIVED.unpack(extra[0][2])
                self._talkers.ways[self._receives].delays.append((seconds * 10**9 + nanoseconds - sent) / 1e6)

    def close(self) -> None:
        """Free the sockets."""
        self._speaks = None
        for each in self._hears:
            asyncio.get_running_loop().remove_reader(each.fileno())
            each.close()


class BrowserEnd(End):
    """A browser: SRTP over the sockets of ICE, which are taken from aioice; what is not SRTP is given back to it."""

    def __init__(self, talkers: "Talkers") -> None:
        super().__init__(talkers, "browser to trunk", "trunk to browser")
        self.station = Station(talkers.law)
        self._tx: pylibsrtp.Session | None = None
        self._rx: pylibsrtp.Session | None = None

    def connected(self) -> None:
        """Take the sockets over once the path stands; the switch may have chosen another than we did."""
        connection, loop = self.station.ice._connection, asyncio.get_running_loop()
        pair = connection._nominated[1]
        self._tx, self._rx = self.station.dtls._tx_srtp, self.station.dtls._rx_srtp
        for protocol in connection._protocols:
            number = protocol.transport.get_extra_info("socket").fileno()
            loop._remove_reader(number)  # type: ignore[attr-defined]
            heard = self.hear(socket.socket(fileno=os.dup(number)), protocol.datagram_received)
            if protocol is pair.protocol:
                self.talk(heard, pair.remote_addr)

    def protected(self, packet: bytes) -> bytes:
        """Return SRTP."""
        return self._tx.protect(packet) if self._tx is not None else packet

    def opened(self, data: bytes) -> bytes | None:
        """Return the RTP in SRTP; reports are nobody's business."""
        return None if rtcp.is_rtcp(data) or self._rx is None else self._rx.unprotect(data)


class Talkers:
    """Both ends of all calls (bench.child.Part)."""

    law: Law = "pcma"

    def __init__(self) -> None:
        self.measurement = 0
        self.watching = False  # whether frames sent now count
        self.ways: dict[str, Way] = {}
        self._begin()
        self.browsers: list[BrowserEnd] = []
        self.customers: list[End] = []
        self._bound: list[socket.socket] = []
        self._speaking: asyncio.Task[None] | None = None

    async def offers(self, count: int) -> list[tuple[str, Address]]:
        """Make so many more calls; returns each browser's offer and its customer's address."""
        found: list[tuple[str, Address]] = []
        for _ in range(count):
            browser = BrowserEnd(self)
            self.browsers.append(browser)
            bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            bound.setblocking(False)
            bound.bind(("127.0.0.1", 0))
            self._bound.append(bound)
            found.append((await browser.station.offer(), bound.getsockname()))
        return found

    async def connect(self, answers: list[tuple[str, Address]]) -> None:
        """Connect the calls made last, and let everybody speak, evenly."""
        browsers = self.browsers[-len(answers) :]
        await asyncio.gather(*(each.station.take(answer) for each, (answer, _) in zip(browsers, answers, strict=True)))
        for browser, bound, (_, target) in zip(browsers, self._bound[-len(answers) :], answers, strict=True):
            browser.connected()
            customer = End(self, "trunk to browser", "browser to trunk")
            customer.talk(customer.hear(bound), target)
            self.customers.append(customer)
        self.speak_evenly()

    async def measure(self, seconds: float) -> "tuple[dict[str, Way], array[float]]":
        """Watch the frames sent in the next `seconds`; returns them, and by how many ms we sent them too late ourselves."""
        self._begin()
        await asyncio.sleep(seconds)
        self.watching = False  # frames go on, those on their way are waited for
        await asyncio.sleep(LEFT_SECONDS)
        return self.ways, self.behind

    async def close(self) -> None:
        """Hang up."""
        if self._speaking is not None:
            self._speaking.cancel()
        for end in [*self.browsers, *self.customers]:
            end.close()
        await asyncio.gather(*(each.station.close() for each in self.browsers), return_exceptions=True)

    def _begin(self) -> None:
        self.measurement += 1
        self.watching = True
        self.behind: array[float] = array("d")  # ms by which frames were sent later than they should
        self.ways = {"browser to trunk": Way(), "trunk to browser": Way()}

    def speak_evenly(self) -> None:
        """Let everybody speak from now on."""
        if self._speaking is not None:
            self._speaking.cancel()
        gc.collect()
        gc.freeze()
        self._speaking = asyncio.create_task(self._speak())

    async def _speak(self) -> None:
        """Let one end after the other send its next frame, so that each has its turn every 20 ms."""
        ends = [end for pair in zip(self.browsers, self.customers, strict=True) for end in pair]
        step, began, n = FRAME_SECONDS / len(ends), time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.001, began + n * step - time.monotonic()))
            now = time.monotonic()
            self.behind.append((now - began - n * step) * 1000)
            for _ in range(int((now - began) / step) - n):
                ends[n % len(ends)].speak()
                n += 1
