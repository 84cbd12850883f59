"""Session descriptions as the demo customers read and write them (RFC 8866, RFC 3264): one G.711 audio stream."""

import re
import secrets
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Law = Literal["pcmu", "pcma"]
PAYLOAD_TYPES: dict[Law, int] = {"pcmu": 0, "pcma": 8}  # RFC 3551 table 4
EVENT = 101
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_ANSWERS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_AUDIO = re.compile(r"m=audio (\d{1,5})(?:/\d+)? RTP/AVPF?((?: \d{1,3})+)$")


@dataclass(frozen=True, slots=True)
class Media:
    """The far end's audio: where it listens, the laws it takes in its order, its telephone-event type, its direction."""

    host: str
    port: int
    laws: tuple[Law, ...]
    event: int | None
    direction: str


def read(body: bytes) -> Media | None:
    """Return the first audio stream of a description, None when there is none we understand."""
    lines = [line.strip() for line in body.decode("utf-8", "replace").splitlines()]
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")] + [len(lines)]
    for start, end in pairwise(starts):
        audio = _AUDIO.match(lines[start])
        if audio:
            return _media(audio, lines[: starts[0]] + lines[start:end])
    return None


def _media(audio: re.Match[str], lines: list[str]) -> Media | None:
    host = _last(r"c=IN IP[46] ([^\s/]+)", lines)
    if not host:
        return None
    direction = _last(f"a=({'|'.join(DIRECTIONS)})", lines) or "sendrecv"
    if host == "0.0.0.0":  # noqa: S104 - hold as RFC 2543 wrote it, not an address we bind
        direction = "inactive"
    offered = [int(each) for each in audio.group(2).split()]
    by_type = {number: law for law, number in PAYLOAD_TYPES.items()}
    event = int(_last(r"(?i)a=rtpmap:(\d{1,3}) telephone-event/8000", lines) or -1)
    laws = tuple(by_type[each] for each in offered if each in by_type)
    return Media(host, int(audio.group(1)), laws, event if event in offered else None, direction)


def _last(pattern: str, lines: list[str]) -> str:
    """Return the first group of the last line that matches: a stream's own lines stand after the session's."""
    found = [match.group(1) for match in (re.fullmatch(pattern, line) for line in lines) if match]
    return found[-1] if found else ""


def write(host: str, port: int, laws: tuple[Law, ...], *, event: int | None = EVENT, direction: str = "sendrecv") -> bytes:
    """Return a description of one audio stream at host:port."""
    numbers = [str(PAYLOAD_TYPES[law]) for law in laws] + ([str(event)] if event is not None else [])
    family = "IP6" if ":" in host else "IP4"
    session = secrets.randbelow(2**31)
    lines = [
        "v=0",
        f"o=lab {session} {session} IN {family} {host}",
        "s=call",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(numbers)}",
        *(f"a=rtpmap:{PAYLOAD_TYPES[law]} {law.upper()}/8000" for law in laws),
        *([f"a=rtpmap:{event} telephone-event/8000", f"a=fmtp:{event} 0-15"] if event is not None else []),
        "a=ptime:20",
        f"a={direction}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def mirrored(direction: str) -> str:
    """Return the direction that answers an offered one (RFC 3264 6.1)."""
    return _ANSWERS.get(direction, "sendrecv")
