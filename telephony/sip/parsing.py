"""From a datagram to a message of sippy's, or to a reason why not (and the 400 to answer with).

sippy's own reader wants UTF-8, splits lines at control characters, prints what it repairs and drops what it dislikes.
Here the datagram is decoded leniently, cut at Content-Length, unfolded, checked (RFC 3261 8.1.1, 8.2, 18.3, 21.4.1) and
only then given to sippy's message classes.
"""

import re
import secrets
from typing import Any

import sippy.SipAddress
import sippy.SipRequest
from sippy.MsgBody import MsgBody
from sippy.SipConf import SipConf
from sippy.SipContentType import SipContentType
from sippy.SipRequest import SipRequest
from sippy.SipResponse import SipResponse
from sippy.SipURL import SipURL

from telephony.sip import quiet as quiet

_COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type",
    "s": "subject", "k": "supported", "e": "content-encoding", "x": "session-expires", "o": "event", "r": "refer-to",
}  # fmt: skip
_ONCE = ("from", "to", "call-id", "cseq")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_REQUEST_LINE = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]{1,32}) (\S{1,2000}) SIP/(\d+\.\d+)")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.*))?")
_VIA_PROTOCOL = re.compile(r"SIP\s*/\s*2\.0\s*/\s*([A-Za-z]+)\s+", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+[ \t]*")
_LINE_END = re.compile(r"\r\n|\n|\r")
_AROUND = re.compile(r"\s*([;=])\s*")
_MOST_HEADERS = 200
_HIGHEST_CSEQ = 2**31

SipConf.my_uaname = "callcenter"
SipConf.my_address = "localhost"  # never looked up: every address we write is our own


class Malformed(ValueError):
    """A datagram that is no message we can take. `answer` is a ready response, or None when none can be made."""

    def __init__(self, reason: str, answer: str | None = None) -> None:
        super().__init__(reason)
        self.answer = answer


class LenientURL(SipURL):  # type: ignore[misc]  # sippy has no types
    """sippy's URI, with tel: kept as it came (sippy refuses it, or rewrites it as sip:)."""

    def __init__(self, url: str | None = None, *args: Any, **options: Any) -> None:
        if url is None or not url.lower().startswith("tel:"):
            super().__init__(url, *args, **options)
            return
        super().__init__(username=url[4:].partition(";")[0], host="localhost")
        self.original_uri = url
        self.tel = url

    tel: str | None = None

    def localStr(self, local_addr: Any = None) -> str:  # noqa: N802 - sippy's name
        """Return the URI as text."""
        return self.tel or str(super().localStr(local_addr))

    def getCopy(self) -> SipURL:  # noqa: N802 - sippy's name
        """Return a copy of the same kind."""
        return LenientURL(self.tel) if self.tel else super().getCopy()


sippy.SipAddress.SipURL = LenientURL
sippy.SipRequest.SipURL = LenientURL


def decode(data: bytes) -> str:
    """Return the text of octets that should be UTF-8 and may be Latin-1."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read(data: bytes) -> SipRequest | SipResponse:
    """Return the message in a datagram; raises Malformed."""
    head, body = _split(data)
    lines = _LINE_END.split(_CONTROL.sub("?", decode(head)))
    start, headers = lines[0], _headers(lines[1:])
    status = _STATUS_LINE.fullmatch(start)
    if status is None and _REQUEST_LINE.fullmatch(start) is None:
        raise Malformed("start line", None if start.startswith("SIP/") else answer(headers, 400, "Bad Request-Line"))
    try:
        body = _body(headers, body)
        _check(start, headers, is_request=status is None)
        return _build(start, headers, body, is_request=status is None)
    except Malformed as error:
        raise Malformed(str(error), error.answer if status is None else None) from None
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, AssertionError) as error:
        reply = answer(headers, 400, "Bad Request") if status is None else None
        raise Malformed(f"{type(error).__name__} in a header", reply) from None
    except Exception as error:  # noqa: BLE001 - sippy raises bare Exception for what it cannot parse
        reply = answer(headers, 400, "Bad Request") if status is None else None
        raise Malformed(type(error).__name__, reply) from None


def request(text: str, body: str | None = None, content_type: str = "application/sdp") -> SipRequest:
    """Return a request of our own from its start line and headers, with its body."""
    message = SipRequest(text)
    if body is not None:
        set_body(message, body, content_type)
    return message


def set_body(message: SipRequest | SipResponse, body: str, content_type: str = "application/sdp") -> None:
    """Give a message a body."""
    kind = SipContentType(content_type)
    kind.parse()
    message.setBody(MsgBody(body, kind))


def values(message: SipRequest | SipResponse, name: str) -> list[str]:
    """Return the values of a header as text, in order."""
    return [str(each.body) for each in message.headers if each.name == name]


def tokens(message: SipRequest | SipResponse, name: str) -> list[str]:
    """Return the comma-separated words of a header, in lower case."""
    return [word.strip().lower() for value in values(message, name) for word in value.split(",") if word.strip()]


def body_of(message: SipRequest | SipResponse) -> str | None:
    """Return the session description in a message (also within multipart/mixed), None without one."""
    body = message.getBody()
    if body is None:
        return None
    kind, text = str(body.mtype).partition(";")[0].strip().lower(), str(body.content)
    if kind == "application/sdp":
        return text
    if kind.startswith("multipart/"):
        part = re.search(r"content-type:\s*application/sdp.*?\r?\n\r?\n(.*?)(?:\r?\n--|\Z)", text, re.IGNORECASE | re.DOTALL)
        return part[1] + "\r\n" if part else None
    return None


def _split(data: bytes) -> tuple[bytes, bytes]:
    data = data.lstrip(b"\r\n")  # RFC 3261 7.5
    ends = [(at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n", b"\r\r") if (at := data.find(mark)) >= 0]
    if not ends:
        return data, b""
    at, length = min(ends)
    return data[:at], data[at + length :]


def _headers(lines: list[str]) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and headers:
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon and _NAME.fullmatch(name):
            lower = name.strip().lower()
            headers.append((_COMPACT.get(lower, lower), value.strip()))
        elif line.strip():
            headers.append(("", line))
    return [(name, _tidied(name, value)) for name, value in headers]


def _tidied(name: str, value: str) -> str:
    """Take out the white space RFC 3261 25.1 allows and sippy stumbles over (it would miss the tag, or the Via's host)."""
    if name == "via":
        return _VIA_PROTOCOL.sub(r"SIP/2.0/\1 ", value)
    if name in ("from", "to"):
        head, close, tail = value.rpartition(">")
        return head + close + _AROUND.sub(r"\1", tail)
    return value


def _body(headers: list[tuple[str, str]], body: bytes) -> bytes:
    lengths = {value for name, value in headers if name == "content-length"}
    if not lengths:
        return body
    length = lengths.pop()
    if lengths or not length.isascii() or not length.isdigit():
        raise Malformed("Content-Length", answer(headers, 400, "Bad Content-Length"))
    if int(length[:9]) > len(body):
        raise Malformed("truncated", answer(headers, 400, "Message Truncated"))
    return body[: int(length[:9])]


def _check(start: str, headers: list[tuple[str, str]], *, is_request: bool) -> None:
    names = [name for name, _ in headers]
    if "" in names or len(names) > _MOST_HEADERS:
        raise Malformed("header line", answer(headers, 400, "Bad Header"))
    if "via" not in names or any(names.count(each) != 1 for each in _ONCE):
        raise Malformed("missing or repeated header", answer(headers, 400, "Missing or Repeated Header"))
    found = dict(headers)
    cseq = re.fullmatch(r"(\d{1,10})\s+(\S+)", found["cseq"])
    if cseq is None or int(cseq[1]) >= _HIGHEST_CSEQ or not found["call-id"]:
        raise Malformed("CSeq", answer(headers, 400, "Bad CSeq"))
    if is_request:
        _check_request(start, headers, cseq[2], found.get("max-forwards", "70"))


def _check_request(start: str, headers: list[tuple[str, str]], sequence_method: str, forwards: str) -> None:
    method, uri, version = start.split(" ")
    if version != "SIP/2.0":
        raise Malformed("version", answer(headers, 505, "Version Not Supported"))
    if sequence_method != method:
        raise Malformed("CSeq method", answer(headers, 400, "CSeq Method Does Not Match"))
    if re.match(r"(sips?|tel):", uri, re.IGNORECASE) is None:
        raise Malformed("scheme", answer(headers, 416, "Unsupported URI Scheme"))
    if not re.fullmatch(r"\d{1,3}", forwards):
        raise Malformed("Max-Forwards", answer(headers, 400, "Bad Max-Forwards"))


def _build(start: str, headers: list[tuple[str, str]], body: bytes, *, is_request: bool) -> SipRequest | SipResponse:
    kept = [f"{name}: {value}" for name, value in headers if name not in ("content-length", "content-type")]
    message = (SipRequest if is_request else SipResponse)("\r\n".join([start, *kept]))
    for name in _ONCE:
        if message.countHFs(name) != 1:
            raise Malformed(name, answer(headers, 400, "Bad Request"))
        message.getHFBody(name)
    for name in ("via", "record-route", "contact", "expires", "max-forwards"):
        message.getHFBodys(name)
    if message.getHFBody("via").getBranch() is None and is_request:
        message.getHFBody("via").setParam("branch", secrets.token_hex(8))  # RFC 2543: none to match by, every one is new
    if body:
        set_body(message, decode(body), dict(headers).get("content-type", "application/sdp"))
    return message


def answer(headers: list[tuple[str, str]], code: int, phrase: str) -> str | None:
    """Build a response from whatever of a request could be read; None when that is too little, or it is an ACK."""
    found = dict(headers)
    if any(not found.get(each) for each in ("via", *_ONCE)) or found["cseq"].upper().endswith("ACK"):
        return None
    lines = [f"SIP/2.0 {code} {phrase}"]
    lines += [f"Via: {value}" for name, value in headers if name == "via"]
    tag = "" if ";tag=" in found["to"].lower() else f";tag={secrets.token_hex(8)}"
    lines += [f"From: {found['from']}", f"To: {found['to']}{tag}", f"Call-ID: {found['call-id']}", f"CSeq: {found['cseq']}"]
    return "\r\n".join([*lines, "Content-Length: 0", "", ""])
