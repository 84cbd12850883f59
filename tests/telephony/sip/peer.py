"""A far end on a real UDP socket that says exactly what a test tells it to, and a listener that writes down what it hears."""

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from callcenter.phone import EndReason, LegOffered, TrunkState
from telephony.legs import CarrierLeg
from telephony.sip.addresses import bracketed

PATIENCE = 20.0  # seconds; a condition that does not come in this time will not come

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP {payloads}\r\n{more}"


def sdp(payloads: str = "8 0 101", port: int = 40000, more: str = "a=rtpmap:101 telephone-event/8000\r\n") -> str:
    """Return a session description."""
    return SDP.format(payloads=payloads, port=port, more=more)


@dataclass
class Message:
    """A message as it came, with its headers taken apart."""

    text: str
    source: tuple[str, int]
    start: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    def __post_init__(self) -> None:
        head, _, self.body = self.text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.start = lines[0]
        self.headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def get(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def method(self) -> str:
        return "" if self.start.startswith("SIP/") else self.start.split()[0]

    @property
    def uri(self) -> str:
        return self.start.split()[1]

    @property
    def code(self) -> int:
        return int(self.start.split()[1]) if self.start.startswith("SIP/") else 0

    @property
    def to_tag(self) -> str:
        match = re.search(r";tag=([^;>\s]+)", self.get("to"))
        return match[1] if match else ""

    @property
    def branch(self) -> str:
        match = re.search(r"branch=([^;\s]+)", self.get("via"))
        return match[1] if match else ""


class Peer(asyncio.DatagramProtocol):
    """A scripted far end."""

    def __init__(self) -> None:
        self.arrived: list[Message] = []
        self._news = asyncio.Event()
        self._taken: set[int] = set()
        self.target: tuple[str, int] = ("", 0)
        self.transport: Any = None

    @classmethod
    async def open(cls, target: tuple[str, int] = ("", 0), host: str = "127.0.0.1") -> "Peer":
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_datagram_endpoint(cls, local_addr=(host, 0))
        peer.target = target
        return peer

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.arrived.append(Message(data.decode("utf-8", "replace"), addr[:2]))
        self._news.set()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.transport.get_extra_info("sockname")[:2]
        return host, port

    @property
    def port(self) -> int:
        return self.address[1]

    def close(self) -> None:
        self.transport.close()

    def send(self, data: str | bytes) -> None:
        self.transport.sendto(data if isinstance(data, bytes) else data.encode(), self.target)

    async def expect(self, wanted: str | int | Callable[[Message], bool], *, seconds: float = PATIENCE) -> Message:
        """Return the first message not yet taken that is a request of this method or a response with this code."""

        def fits(message: Message) -> bool:
            if callable(wanted):
                return wanted(message)
            return message.method == wanted if isinstance(wanted, str) else message.code == wanted

        async with asyncio.timeout(seconds):
            while True:
                for number, message in enumerate(self.arrived):
                    if number not in self._taken and fits(message):
                        self._taken.add(number)
                        return message
                self._news.clear()
                await self._news.wait()

    def request(self, method: str, **given: Any) -> str:
        """Return a request; each header may be given, None leaves it out. `more` are whole lines, `body` the body."""
        tag, call_id = given.get("tag", secrets.token_hex(4)), given.get("call_id", secrets.token_hex(8))
        sequence = given.get("cseq", 1)
        host, port = bracketed(self.address[0]), self.port
        headers: dict[str, str | None] = {
            "Via": f"SIP/2.0/UDP {host}:{port};branch={given.get('branch', 'z9hG4bK' + secrets.token_hex(6))};rport",
            "Max-Forwards": "70",
            "From": f"<sip:+48600100200@127.0.0.1>;tag={tag}",
            "To": f"<sip:+48221234567@127.0.0.1>{';tag=' + given['to_tag'] if given.get('to_tag') else ''}",
            "Call-ID": call_id,
            "CSeq": f"{sequence} {method}",
            "Contact": f"<sip:peer@{host}:{port}>",
        }
        headers.update(given.get("headers", {}))
        lines = [f"{method} {given.get('uri', 'sip:+48221234567@127.0.0.1')} SIP/2.0"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        lines += given.get("more", [])
        body = str(given.get("body", ""))
        if body:
            lines.append(f"Content-Type: {given.get('content_type', 'application/sdp')}")
        return "\r\n".join([*lines, f"Content-Length: {len(body.encode())}", "", ""]) + body

    def invite(self, **given: Any) -> str:
        given.setdefault("body", sdp())
        return self.request("INVITE", **given)

    def response(
        self, to: Message, code: int, phrase: str = "X", *, tag: str = "far", more: list[str] | None = None, body: str = ""
    ) -> str:
        """Return a response to a request that came."""
        lines = [f"SIP/2.0 {code} {phrase}", *(f"Via: {each}" for each in to.all("via"))]
        marked = to.get("to") if to.to_tag or code == 100 else f"{to.get('to')};tag={tag}"
        lines += [f"From: {to.get('from')}", f"To: {marked}", f"Call-ID: {to.get('call-id')}", f"CSeq: {to.get('cseq')}"]
        lines += more or []
        if not any(each.lower().startswith("contact") for each in more or []):
            lines.append(f"Contact: <sip:peer@{bracketed(self.address[0])}:{self.port}>")
        if body:
            lines.append("Content-Type: application/sdp")
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]) + body

    def within(self, method: str, first: Message, answer: Message, cseq: int, **given: Any) -> str:
        """Return a request of the caller within the dialog that its INVITE `first` and our 200 `answer` made."""
        contact = re.search(r"<([^>]+)>", answer.get("contact"))
        headers = {"From": first.get("from"), "To": answer.get("to"), "Call-ID": first.get("call-id"), **given.pop("headers", {})}
        return self.request(method, uri=contact[1] if contact else first.uri, cseq=cseq, headers=headers, **given)

    def within_called(self, method: str, invite: Message, cseq: int, *, tag: str = "far", **given: Any) -> str:
        """Return a request of the one who was called, within the dialog of our INVITE."""
        contact = re.search(r"<([^>]+)>", invite.get("contact"))
        headers = {"From": f"{invite.get('to')};tag={tag}", "To": invite.get("from"), "Call-ID": invite.get("call-id")}
        return self.request(
            method, uri=contact[1] if contact else "", cseq=cseq, headers={**headers, **given.pop("headers", {})}, **given
        )


@dataclass
class Ended:
    """A leg's end."""

    reason: EndReason
    by: str
    code: int | None
    text: str


class Notebook:
    """A LegListener that writes everything down."""

    def __init__(self) -> None:
        self.offered: list[tuple[CarrierLeg, LegOffered]] = []
        self.ringing: list[bool] = []
        self.answered: list[CarrierLeg] = []
        self.media: list[CarrierLeg] = []
        self.ended: list[tuple[CarrierLeg, Ended]] = []
        self.states: list[TrunkState] = []
        self._news = asyncio.Event()

    def leg_offered(self, leg: CarrierLeg, offered: LegOffered) -> None:
        self.offered.append((leg, offered))
        self._news.set()

    def leg_ringing(self, leg: CarrierLeg, early_media: bool) -> None:
        self.ringing.append(early_media)
        self._news.set()

    def leg_answered(self, leg: CarrierLeg) -> None:
        self.answered.append(leg)
        self._news.set()

    def leg_media(self, leg: CarrierLeg) -> None:
        self.media.append(leg)
        self._news.set()

    def leg_ended(self, leg: CarrierLeg, reason: EndReason, by: Any, code: int | None, text: str) -> None:
        self.ended.append((leg, Ended(reason, by, code, text)))
        if leg.port is not None:
            leg.port.close()
        self._news.set()

    def trunk_changed(self, state: TrunkState) -> None:
        self.states.append(state)
        self._news.set()

    async def until(self, condition: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
        """Wait until a condition about what was written down holds."""
        async with asyncio.timeout(seconds):
            while not (result := condition()):
                self._news.clear()
                await self._news.wait()
        return result

    async def call(self) -> tuple[Any, LegOffered]:
        await self.until(lambda: self.offered)
        return self.offered[-1]

    async def end(self) -> Ended:
        await self.until(lambda: self.ended)
        return self.ended[-1][1]
