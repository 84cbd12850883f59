"""Session descriptions (RFC 8866) and offer/answer (RFC 3264) for G.711 and telephone-event over RTP.

Reading is lenient in what does not matter and bounded in everything; writing is strict.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal

from telephony.legs import Law

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

PAYLOADS: dict[Law, int] = {"pcmu": 0, "pcma": 8}  # RFC 3551
DTMF = 101  # the payload type we offer for RFC 4733 events
_LAWS: dict[int, Law] = {0: "pcmu", 8: "pcma"}
_LONGEST, _MOST_LINES, _MOST_MEDIA = 20_000, 600, 16
_MIRROR: dict[str, Direction] = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_PROFILES = ("RTP/AVP", "RTP/AVPF")


class Unusable(ValueError):
    """A description we cannot work with (488): unreadable, no audio, no common codec."""


@dataclass(slots=True)
class Media:
    """One m= line with what belongs to it."""

    kind: str
    port: int
    profile: str
    formats: tuple[str, ...]
    address: str = ""
    direction: Direction = "sendrecv"
    maps: dict[str, str] = field(default_factory=dict)  # payload type -> "NAME/RATE", upper case
    packet_ms: int = 20


@dataclass(frozen=True, slots=True)
class Agreed:
    """What two descriptions come to: where their audio goes, in which law, and who may send.

    `address` is "" when the far end hides it (a name, 0.0.0.0): send where its packets come from. `direction` is ours.
    """

    address: str
    port: int
    law: Law
    dtmf: int | None
    direction: Direction
    packet_ms: int
    index: int


def parse(text: str) -> list[Media]:
    """Read a description into its media; raises Unusable."""
    if len(text) > _LONGEST:
        raise Unusable("the session description is too long")
    lines = re.split(r"\r\n|\n|\r", text)
    if len(lines) > _MOST_LINES or not lines[0].startswith("v="):
        raise Unusable("this is no session description")
    media: list[Media] = []
    session = Media("session", 0, "", ())
    for line in lines:
        kind, _, value = line.partition("=")
        if kind == "m":
            media.append(_media_line(value, session))
            if len(media) > _MOST_MEDIA:
                raise Unusable("the session description has too many streams")
        elif kind == "c":
            (media[-1] if media else session).address = _connection(value)
        elif kind == "a":
            _attribute(media[-1] if media else session, value)
    return media


def _media_line(value: str, session: Media) -> Media:
    parts = value.split()
    port = parts[1].partition("/")[0] if len(parts) > 3 else ""
    if not port.isascii() or not port.isdigit() or int(port[:6]) > 65535:
        raise Unusable("a stream of the session description cannot be read")
    formats = tuple(parts[3:])
    return Media(parts[0].lower(), int(port), parts[2].upper(), formats, session.address, session.direction)


def _connection(value: str) -> str:
    """Return the address of a c= line, "" for a name or what no audio can go to."""
    parts = value.split()
    text = parts[2].partition("/")[0] if len(parts) > 2 else ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if address.is_multicast or text == "255.255.255.255":
        raise Unusable("the session description asks for audio to many addresses")
    return str(address)


def _attribute(media: Media, value: str) -> None:
    name, _, rest = value.strip().partition(":")
    if name in _MIRROR:
        media.direction = name  # type: ignore[assignment]  # the four keys are the four directions
    elif name == "ptime" and rest.strip().isascii() and rest.strip().isdigit():
        media.packet_ms = min(max(int(rest.strip()[:4]), 10), 200)
    elif name == "rtpmap":
        number, _, codec = rest.strip().partition(" ")
        if number.isascii() and number.isdigit():
            media.maps[number] = codec.strip().upper()


def agree(media: list[Media], laws: tuple[Law, ...]) -> Agreed:
    """Choose audio and law from the far end's description, in its own order of preference; raises Unusable."""
    for index, each in enumerate(media):
        if each.kind != "audio" or each.port == 0 or each.profile not in _PROFILES:
            continue
        law = next((found for text in each.formats if (found := _law(each, text)) in laws), None)
        if law is not None:
            return _agreed(each, law, index)
    raise Unusable("no audio stream with a codec both sides speak" if media else "no audio stream")


def _law(media: Media, text: str) -> Law | None:
    if text not in ("0", "8"):
        return None
    law = _LAWS[int(text)]
    mapped = media.maps.get(text, "")
    return law if not mapped or mapped.startswith(f"{law.upper()}/8000") else None


def _agreed(media: Media, law: Law, index: int) -> Agreed:
    dtmf = next((int(n) for n in media.formats if n.isdigit() and _is_event(media, n)), None)
    held = bool(media.address) and ipaddress.ip_address(media.address).is_unspecified  # RFC 3264 8.4, the older hold
    direction: Direction = _MIRROR[media.direction]
    if held:
        direction = "recvonly" if media.direction in ("sendrecv", "sendonly") else "inactive"
    return Agreed("" if held else media.address, media.port, law, dtmf, direction, media.packet_ms, index)


def _is_event(media: Media, text: str) -> bool:
    return media.maps.get(text, "").startswith("TELEPHONE-EVENT/8000") and 96 <= int(text[:4]) < 128


@dataclass(slots=True)
class Local:
    """Our side of a session: where we listen; `version` rises with every change (RFC 3264 8)."""

    address: str
    port: int
    session: int
    version: int = 1

    def _head(self) -> list[str]:
        family = "IP6" if ":" in self.address else "IP4"
        return [
            "v=0",
            f"o=- {self.session} {self.version} IN {family} {self.address}",
            "s=-",
            f"c=IN {family} {self.address}",
            "t=0 0",
        ]

    def offer(self, laws: tuple[Law, ...], direction: Direction = "sendrecv") -> str:
        """Return an offer of these laws, in this order, with telephone-event."""
        lines = self._head()
        payloads = " ".join(str(PAYLOADS[law]) for law in laws)
        lines.append(f"m=audio {self.port} RTP/AVP {payloads} {DTMF}")
        lines += [f"a=rtpmap:{PAYLOADS[law]} {law.upper()}/8000" for law in laws]
        lines += _events(DTMF)
        lines += ["a=ptime:20", f"a={direction}"]
        return "\r\n".join(lines) + "\r\n"

    def answer(self, offered: list[Media], agreed: Agreed) -> str:
        """Return the answer: the agreed stream, every other one refused with port 0 (RFC 3264 6)."""
        lines = self._head()
        for index, each in enumerate(offered):
            if index != agreed.index:
                lines.append(f"m={each.kind} 0 {each.profile} {' '.join(each.formats)}")
                continue
            payload = PAYLOADS[agreed.law]
            events = f" {agreed.dtmf}" if agreed.dtmf is not None else ""
            lines.append(f"m=audio {self.port} {each.profile} {payload}{events}")
            lines.append(f"a=rtpmap:{payload} {agreed.law.upper()}/8000")
            if agreed.dtmf is not None:
                lines += _events(agreed.dtmf)
            lines += ["a=ptime:20", f"a={agreed.direction}"]
        return "\r\n".join(lines) + "\r\n"


def _events(payload: int) -> list[str]:
    return [f"a=rtpmap:{payload} telephone-event/8000", f"a=fmtp:{payload} 0-16"]
