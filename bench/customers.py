"""A carrier whose customers answer, are busy or never answer, as a campaign's day draws it; who answered hangs up by themselves.

Each number is called once. Times are clock.monotonic(), but `came`, which is compared with the product's own clock.
"""

import asyncio
import re
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from callcenter import clock

Address = tuple[str, int]
_NUMBER = re.compile(rb"^INVITE sip:(\+?\d+)")
_URI = re.compile(rb"<([^>]+)>")
_COPIED = (b"via:", b"from:", b"to:", b"call-id:", b"cseq:")
_AGAIN = 0.5  # seconds until an answer that nobody acknowledged is sent again (RFC 3261, 13.3.1.4)
_TIMES = 7


@dataclass(frozen=True, slots=True)
class Conduct:
    """What a customer does: `answers` after `ring` seconds and talks for `talk`, is `busy` after `ring`, or never answers."""

    kind: str  # answers, busy, silent
    ring: float = 0.0
    talk: float = 0.0


@dataclass(slots=True)
class Customer:
    """A customer's call. `came`: when its INVITE did (epoch seconds). `end`: far (theirs), near (ours), refused, cancelled."""

    number: str
    invite: bytes
    peer: Address
    conduct: Conduct
    came: float
    tag: str = field(default_factory=lambda: secrets.token_hex(6))
    packets: int = 1
    answered: float = 0.0
    acknowledged: bool = False
    end: str = ""
    last: bytes = b""


@dataclass
class Customers(asyncio.DatagramProtocol):
    """Listens on `port`; asks `conduct` about each call; keeps `calls` by Call-ID, as they came. An async context manager."""

    port: int
    conduct: Callable[[], Conduct]
    calls: dict[bytes, Customer] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        """Listen. Audio sent here is thrown away by the system."""
        self._audio = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._audio.bind(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        self._transport.close()
        self._audio.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take a message of the product's."""
        method = data.split(b" ", 1)[0]
        call = self.calls.get(_header(data, b"call-id"))
        if method == b"INVITE":
            self._invited(call, data, addr)
        elif method == b"SIP/2.0":
            return
        elif method == b"ACK":
            if call is not None:
                call.acknowledged = True
        elif method == b"CANCEL" and call is not None:
            self._reply(data, addr, b"200 OK", call.tag)
            if not call.answered and not call.end:
                self._refuse(call, b"487 Request Terminated", "cancelled")
        else:
            self._reply(data, addr, b"200 OK", call.tag if call else "")
            if method == b"BYE" and call is not None:
                call.end = call.end or "near"

    def _invited(self, known: Customer | None, data: bytes, addr: Address) -> None:
        if known is not None:
            if _header(known.invite, b"cseq") != _header(data, b"cseq"):
                self.odd.append(f"re-INVITE for {known.number}")
            known.packets += 1
            if known.last:
                self._transport.sendto(known.last, addr)
            return
        found = _NUMBER.match(data)
        number = found[1].decode() if found else ""
        call = Customer(number, data, addr, self.conduct(), clock.now().timestamp())
        self.calls[_header(data, b"call-id")] = call
        self._reply(data, addr, b"100 Trying", "")
        self._reply(data, addr, b"180 Ringing", call.tag)
        loop = asyncio.get_running_loop()
        if call.conduct.kind == "answers":
            loop.call_later(call.conduct.ring, self._answer, call)
        elif call.conduct.kind == "busy":
            loop.call_later(call.conduct.ring, partial(self._refuse, call, b"486 Busy Here", "refused"))

    def _answer(self, call: Customer) -> None:
        if call.end:
            return
        sdp = (
            f"v=0\r\no=customer 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self._audio.getsockname()[1]} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        )
        call.answered = clock.monotonic()
        call.last = self._reply(call.invite, call.peer, b"200 OK", call.tag, sdp.encode(), self._contact())
        loop = asyncio.get_running_loop()
        loop.call_later(_AGAIN, self._answer_again, call, 1)
        loop.call_later(call.conduct.talk, self._hang_up, call)

    def _answer_again(self, call: Customer, times: int) -> None:
        if not call.acknowledged and not call.end and times < _TIMES:
            self._transport.sendto(call.last, call.peer)
            asyncio.get_running_loop().call_later(_AGAIN * 2**times, self._answer_again, call, times + 1)

    def _contact(self) -> bytes:
        return f"Contact: <sip:127.0.0.1:{self.port}>".encode()

    def _refuse(self, call: Customer, status: bytes, end: str) -> None:
        if not call.end:
            call.end = end
            call.last = self._reply(call.invite, call.peer, status, call.tag)

    def _hang_up(self, call: Customer) -> None:
        """Say BYE as the called side: From is the To that was answered, to the Contact of the INVITE."""
        if call.end:
            return
        call.end = "far"
        target = _URI.search(_header(call.invite, b"contact"))
        lines = [
            b"BYE " + (target[1] if target else b"sip:127.0.0.1") + b" SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{secrets.token_hex(8)};rport".encode(),
            b"From: " + _header(call.invite, b"to") + f";tag={call.tag}".encode(),
            b"To: " + _header(call.invite, b"from"),
            b"Call-ID: " + _header(call.invite, b"call-id"),
            b"CSeq: 1 BYE",
            b"Max-Forwards: 70",
            b"Content-Length: 0",
        ]
        self._transport.sendto(b"\r\n".join([*lines, b"", b""]), call.peer)

    def _reply(self, data: bytes, addr: Address, status: bytes, tag: str, body: bytes = b"", *more: bytes) -> bytes:
        lines = [b"SIP/2.0 " + status]
        for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
            if line.lower().startswith(_COPIED):
                untagged = tag and line.lower().startswith(b"to:") and b"tag=" not in line
                lines.append(line + f";tag={tag}".encode() if untagged else line)
        lines += [*more, *([b"Content-Type: application/sdp"] if body else []), f"Content-Length: {len(body)}".encode()]
        reply = b"\r\n".join([*lines, b"", body])
        self._transport.sendto(reply, addr)
        return reply


def _header(data: bytes, name: bytes) -> bytes:
    """Return the value of the first header of that name, b"" for none."""
    for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        key, colon, value = line.partition(b":")
        if colon and key.strip().lower() == name:
            return value.strip()
    return b""
