"""The switch's side of calls over Media Streams, bridged to browsers, and both ends of them: what bench/twilio.py measures."""

import asyncio
import base64
import time
from collections import Counter
from typing import Any

import orjson

from bench.relay import Relay
from bench.talkers import FILLER, STAMP, BrowserEnd, End, Talkers
from callcenter.config import Settings
from callcenter.phone import PortRole
from telephony.legs import Law, Port
from telephony.media.bridge import Bridge
from telephony.media.webrtc import BrowserPort
from telephony.twilio.port import StreamPort
from telephony.twilio.streams import PATH, Streams

Address = tuple[str, int]


class StreamRelay(Relay):
    """Bridged calls whose customers come by Media Streams (bench.child.Part)."""

    def __init__(self) -> None:
        super().__init__()
        self._streams = Streams(Settings(streams="127.0.0.1:0"), Counter())
        self._opened: list[tuple[Bridge, BrowserPort]] = []

    async def admit(self, offers: list[str]) -> list[tuple[str, int, str]]:
        """Answer each browser's offer; returns the answer, the port streams connect to, and the token of this one."""
        await self._streams.open()
        return [await self._admit(offer) for offer in offers]

    async def _admit(self, offer: str) -> tuple[str, int, str]:
        browser = await BrowserPort.open(offer, law="pcmu")
        bridge = Bridge(self._ticker, self._sounds)
        bridge.join("agent", PortRole.AGENT, browser)

        def began(port: StreamPort, _: str) -> None:
            trunk: Port = port
            bridge.join("customer", PortRole.CUSTOMER, trunk)
            self._calls.append((bridge, browser, trunk))

        return browser.answer, self._streams.port, self._streams.expect(began)

    async def close(self) -> None:
        """End all calls."""
        await super().close()
        await self._streams.close()


class StreamEnd(End, asyncio.Protocol):
    """A customer as Twilio passes them on: frames as JSON in a WebSocket, written and read with as little work as can be."""

    def __init__(self, talkers: Talkers, token: str) -> None:
        End.__init__(self, talkers, "trunk to browser", "browser to trunk")
        self._token = token
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._chunk = 0
        self._open = False
        self.began = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        """Ask for a WebSocket (asyncio)."""
        self._transport = transport
        key = base64.b64encode(bytes(16)).decode()
        transport.write(
            f"GET {PATH} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take frames, the time they came being now (asyncio)."""
        now = time.time_ns()
        self._held += data
        if not self._open:
            head, found, rest = self._held.partition(b"\r\n\r\n")
            if not found:
                return
            assert b" 101 " in head, head  # noqa: S101 - a measurement of nothing else
            self._open, self._held = True, rest
            self._start()
        while len(self._held) >= 4:
            size, start = (int.from_bytes(self._held[2:4], "big"), 4) if self._held[1] == 126 else (self._held[1], 2)
            if len(self._held) < start + size:
                return
            self._heard(self._held[start : start + size], now)
            self._held = self._held[start + size :]

    def _start(self) -> None:
        start = {"streamSid": "MZ1", "callSid": "CA1", "mediaFormat": {"encoding": "audio/x-mulaw"}}
        self._write(orjson.dumps({"event": "start", "start": {**start, "customParameters": {"token": self._token}}}))
        self.began.set()

    def _heard(self, message: bytes, now: int) -> None:
        _, found, rest = message.partition(b'"payload":"')
        if not found:
            if b'"mark"' in message:
                self._write(message)
            return
        payload = base64.b64decode(rest.partition(b'"')[0])
        sent, measurement = STAMP.unpack_from(payload)
        if measurement == self._talkers.measurement:
            self._talkers.ways[self._receives].delays.append((now - sent) / 1e6)

    def speak(self) -> None:
        """Send the next frame."""
        watched = self._talkers.watching
        if watched:
            self._talkers.ways[self._out].sent += 1
        self._chunk += 1
        stamp = STAMP.pack(time.time_ns(), self._talkers.measurement * watched)
        payload = base64.b64encode(stamp + FILLER)
        self._write(
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"%b"},'
            b'"streamSid":"MZ1"}' % (self._chunk, self._chunk, self._chunk * 20, payload)
        )

    def _write(self, message: bytes) -> None:
        """Send a text message, masked with zeros: the switch unmasks it all the same."""
        if self._transport is not None:
            size = bytes([0x80 | len(message)]) if len(message) < 126 else b"\xfe" + len(message).to_bytes(2, "big")
            self._transport.write(b"\x81" + size + bytes(4) + message)

    def close(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()


class StreamTalkers(Talkers):
    """Both ends of all calls: browsers, and customers by Media Streams (bench.child.Part)."""

    law: Law = "pcmu"  # what streams carry: nothing is translated on the way, so that stamps stay what they are

    async def make(self, count: int) -> list[str]:
        """Make so many more calls; returns each browser's offer."""
        made = [BrowserEnd(self) for _ in range(count)]
        self.browsers += made
        return [await each.station.offer() for each in made]

    async def join(self, answers: list[tuple[str, int, str]]) -> None:
        """Connect the calls made last, and let everybody speak, evenly."""
        made = self.browsers[-len(answers) :]
        await asyncio.gather(*(each.station.take(answer) for each, (answer, _, _) in zip(made, answers, strict=True)))
        loop = asyncio.get_running_loop()
        for browser, (_, port, token) in zip(made, answers, strict=True):
            browser.connected()
            customer = StreamEnd(self, token)
            await loop.create_connection(lambda customer=customer: customer, "127.0.0.1", port)  # type: ignore[misc]
            await customer.began.wait()
            self.customers.append(customer)
        self.speak_evenly()
