"""A carrier all of whose customers are busy: it notes when each INVITE came, and refuses it (RFC 3261, 17.2)."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from callcenter import clock

_NUMBER = re.compile(rb"^INVITE sip:\+?(\d+)")
_COPIED = (b"via:", b"from:", b"to:", b"call-id:", b"cseq:")


@dataclass
class Call:
    """An INVITE: when its first packet came, when it was refused (clock.monotonic()), and how often it was sent."""

    number: str
    came: float
    refused: float = 0.0
    packets: int = 1


@dataclass
class BusyCarrier(asyncio.DatagramProtocol):
    """Listens on `port`; refuses after `ring` seconds. `calls` by Call-ID, in the order they came. An async context manager."""

    port: int
    ring: float = 0.0
    calls: dict[bytes, Call] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        """Listen."""
        address = ("127.0.0.1", self.port)
        self._came = asyncio.Event()
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=address)
        return self

    async def another(self, seconds: float) -> bool:
        """Wait until another call comes, at most so long; tells whether one did."""
        self._came.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._came.wait()
        return self._came.is_set()

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a request: refuse an INVITE, say yes to anything else but an ACK."""
        method = data.split(b" ", 1)[0]
        if method == b"INVITE":
            self._invited(data, addr)
        elif method not in (b"ACK", b"SIP/2.0"):
            self._answer(data, addr, b"200 OK")

    def _invited(self, data: bytes, addr: tuple[str, int]) -> None:
        call_id = next(line for line in data.split(b"\r\n") if line.lower().startswith(b"call-id:"))
        known = self.calls.get(call_id)
        if known is not None:
            known.packets += 1
            if known.refused:
                self._answer(data, addr, b"486 Busy Here")
            return
        number = _NUMBER.match(data)
        call = self.calls[call_id] = Call(number[1].decode() if number else "", clock.monotonic())
        self._came.set()
        self._answer(data, addr, b"100 Trying")
        if self.ring:
            asyncio.get_running_loop().call_later(self.ring, self._refuse, call, data, addr)
        else:
            self._refuse(call, data, addr)

    def _refuse(self, call: Call, data: bytes, addr: tuple[str, int]) -> None:
        call.refused = clock.monotonic()
        self._answer(data, addr, b"486 Busy Here")

    def _answer(self, data: bytes, addr: tuple[str, int], status: bytes) -> None:
        lines = [b"SIP/2.0 " + status]
        for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
            if line.lower().startswith(_COPIED):
                tagged = line.lower().startswith(b"to:") and b"tag=" not in line and not status.startswith(b"100")
                lines.append(line + b";tag=busy" if tagged else line)
        self._transport.sendto(b"\r\n".join([*lines, b"Content-Length: 0", b"", b""]), addr)
