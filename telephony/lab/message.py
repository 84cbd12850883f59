"""SIP messages as text: reading, writing, and the few header forms the built-in carrier needs (RFC 3261)."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple, Self

VERSION = "SIP/2.0"
LARGEST = 16_384  # octets of a message we are willing to read
_CSEQ_LIMIT = 2**31  # RFC 3261 8.1.1.5
_COMPACT = {  # RFC 3261 7.3.3
    "v": "Via",
    "f": "From",
    "t": "To",
    "i": "Call-ID",
    "m": "Contact",
    "l": "Content-Length",
    "c": "Content-Type",
    "e": "Content-Encoding",
    "k": "Supported",
    "s": "Subject",
}
_NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_TAG = re.compile(r";\s*tag\s*=\s*([^;,\s>]+)", re.IGNORECASE)
_BRANCH = re.compile(r";\s*branch\s*=\s*([^;,\s]+)", re.IGNORECASE)
_URI = re.compile(r"<([^<>]*)>|^\s*([a-zA-Z][a-zA-Z0-9+.-]*:[^;\s]*)")
_SIP_URI = re.compile(r"sips?:(?:([^@?>]*)@)?(\[[0-9A-Fa-f:.]+\]|[^:;?>\s]+)(?::(\d{1,5}))?", re.IGNORECASE)


class Malformed(ValueError):
    """A datagram that is no SIP message; the text says why."""


class Uri(NamedTuple):
    """What of a sip: URI matters to us; `user` without its parameters, `port` 0 when not given."""

    user: str
    host: str
    port: int


@dataclass(slots=True)
class Message:
    """A request (`method`, `uri`) or a response (`status`, `reason`), with headers in order and a body."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""

    def first(self, name: str) -> str:
        """Return the first value of a header, "" when there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    def every(self, name: str) -> list[str]:
        """Return all values of a header, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def add(self, name: str, value: str) -> Self:
        """Append a header; returns the message, so that headers read as a chain."""
        self.headers.append((name, value))
        return self

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.first("Call-ID")

    @property
    def cseq(self) -> int:
        """The number of CSeq; parse() has checked it."""
        return int(self.first("CSeq").split()[0])

    @property
    def cseq_method(self) -> str:
        """The method of CSeq."""
        return self.first("CSeq").split()[1]

    @property
    def branch(self) -> str:
        """The branch of the topmost Via, "" when it has none."""
        match = _BRANCH.search(self.first("Via").split(",")[0])
        return match.group(1) if match else ""

    @property
    def is_sdp(self) -> bool:
        """Whether the body is a session description."""
        return bool(self.body) and self.first("Content-Type").lower().startswith("application/sdp")

    def encode(self) -> bytes:
        """Return the message as it goes on the wire, with its Content-Length."""
        start = f"{self.method} {self.uri} {VERSION}" if self.method else f"{VERSION} {self.status} {self.reason}"
        lines = [start, *(f"{name}: {value}" for name, value in self.headers), f"Content-Length: {len(self.body)}"]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + self.body


def parse(data: bytes) -> Message:
    """Read a datagram; raises Malformed when it is no SIP message or lacks what every message has (RFC 3261 8.1.1)."""
    if len(data) > LARGEST:
        raise Malformed("too large")
    head, separator, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not separator:
        raise Malformed("no end of headers")
    text = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "surrogateescape"))  # folded lines, RFC 3261 7.3.1
    start, *lines = text.split("\r\n")
    message = _start_line(start)
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon or not _TOKEN.fullmatch(name):
            raise Malformed("a header line without a name")
        message.add(_COMPACT.get(name.lower(), name), value.strip())
    for name in _NEEDED:
        if not message.first(name):
            raise Malformed(f"no {name}")
    _check_cseq(message)
    message.body = _body(message, body)
    message.headers = [(name, value) for name, value in message.headers if name.lower() != "content-length"]
    return message


def _start_line(line: str) -> Message:
    parts = line.split(" ", 2)
    if len(parts) < 3:
        raise Malformed("no start line")
    if parts[0] == VERSION:
        if not re.fullmatch(r"[1-6][0-9][0-9]", parts[1]):
            raise Malformed("no status")
        return Message(status=int(parts[1]), reason=parts[2])
    if parts[2] != VERSION or not _TOKEN.fullmatch(parts[0]) or not parts[1]:
        raise Malformed("no request line")
    return Message(method=parts[0], uri=parts[1])


def _check_cseq(message: Message) -> None:
    match = re.fullmatch(r"([0-9]{1,10})\s+(\S+)", message.first("CSeq"))
    if not match or int(match.group(1)) >= _CSEQ_LIMIT or (message.method and match.group(2) != message.method):
        raise Malformed("bad CSeq")


def _body(message: Message, rest: bytes) -> bytes:
    length = message.first("Content-Length")
    if not length:
        return rest  # over UDP the datagram's end is the body's end, RFC 3261 18.3
    if not re.fullmatch(r"[0-9]{1,6}", length) or int(length) > len(rest):
        raise Malformed("bad Content-Length")
    return rest[: int(length)]


def tag_of(value: str) -> str:
    """Return the tag of a From or To value, "" when there is none."""
    match = _TAG.search(value.rpartition(">")[2] if ">" in value else value)
    return match.group(1) if match else ""


def uri_of(value: str) -> str:
    """Return the URI of a name-addr or addr-spec value (From, To, Contact ...), "" when there is none."""
    match = _URI.search(value)
    return (match.group(1) or match.group(2) or "").strip() if match else ""


def split_uri(uri: str) -> Uri:
    """Split a sip: URI; raises Malformed for anything else. Parameters of the user part are dropped."""
    match = _SIP_URI.match(uri.strip())
    if not match:
        raise Malformed(f"no sip: URI: {uri[:80]!r}")
    port = int(match.group(3) or 0)
    if port > 65535:
        raise Malformed("no such port")
    user = (match.group(1) or "").partition(":")[0].replace("%2B", "+").replace("%2b", "+")
    return Uri(user.partition(";")[0], match.group(2).strip("[]"), port)


def respond(request: Message, status: int, reason: str, tag: str = "") -> Message:
    """Build a response to a request: Vias, From, To (with our tag), Call-ID and CSeq copied (RFC 3261 8.2.6)."""
    response = Message(status=status, reason=reason)
    for value in request.every("Via"):
        response.add("Via", value)
    to = request.first("To")
    if tag and not tag_of(to):
        to = f"{to};tag={tag}"
    response.add("From", request.first("From")).add("To", to)
    return response.add("Call-ID", request.call_id).add("CSeq", request.first("CSeq"))
