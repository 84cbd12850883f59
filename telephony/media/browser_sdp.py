"""What a browser offers and what it is answered: SDP (RFC 8866) with JSEP's attributes, G.711 and keys only."""

import re
from dataclasses import dataclass
from typing import Literal, cast

from callcenter.errors import Invalid
from telephony.legs import Law
from telephony.media import g711

_LONGEST = 100_000  # characters; Chromium's largest offers have some 10,000
_MEDIA = re.compile(r"([a-z]+) ([0-9]{1,5})(?:/[0-9]+)? ([A-Za-z0-9/]{1,40}) ([\x21-\x7e ]{1,500})")
_USERNAME = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 section 5.4
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_FINGERPRINT = re.compile(r"(sha-256|sha-384|sha-512) ((?:[0-9A-Fa-f]{2}:){31,63}[0-9A-Fa-f]{2})", re.IGNORECASE)
_MID = re.compile(r"[\x21-\x7e]{1,32}")
_RTPMAP = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9-]+)/([0-9]{1,6})(?:/1)?")

_REPLY = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class Section:
    """An m= line and its attributes, those of the session first."""

    kind: str
    port: int
    protocol: str
    formats: str
    attributes: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Return every value of an attribute."""
        return [value for key, value in self.attributes if key == name]

    def last(self, name: str) -> str:
        """Return an attribute's value nearest to the section, "" when it is not there."""
        values = self.all(name)
        return values[-1] if values else ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A browser's offer, as far as it concerns us. `index` is the place of the audio among `sections`."""

    sections: tuple[Section, ...]
    index: int
    bundled: bool
    username: str
    password: str
    lite: bool
    fingerprints: tuple[tuple[str, str], ...]
    setup: Literal["active", "passive", "actpass"]
    candidates: tuple[str, ...]
    laws: tuple[Law, ...]
    event_type: int | None

    @property
    def audio(self) -> Section:
        """The audio section."""
        return self.sections[self.index]


def parse_offer(text: str) -> Offer:
    """Read an offer; raises Invalid with a sentence that says what it lacks."""
    sections = _sections(text)
    found = [n for n, section in enumerate(sections) if section.kind == "audio" and section.protocol.endswith("RTP/SAVPF")]
    if not found:
        raise Invalid("The browser offered no audio: allow the microphone, then try again.", field="sdp")
    usable = [n for n in found if _laws(sections[n])]
    if not usable:
        raise Invalid("The browser offered no G.711 audio (PCMU or PCMA), which telephone calls need.", field="sdp")
    audio = sections[usable[0]]
    username, password, setup = audio.last("ice-ufrag"), audio.last("ice-pwd"), audio.last("setup")
    fingerprints = tuple(
        (match[1].lower(), match[2]) for each in audio.all("fingerprint") if (match := _FINGERPRINT.fullmatch(each))
    )
    whole = _USERNAME.fullmatch(username) and _PASSWORD.fullmatch(password) and fingerprints and _MID.fullmatch(audio.last("mid"))
    if not whole or setup not in ("active", "passive", "actpass"):
        raise Invalid("The browser's audio offer cannot be read: its ICE or DTLS part is missing or damaged.", field="sdp")
    bundle = [group.split()[1:] for group in audio.all("group") if group.startswith("BUNDLE ")]
    return Offer(
        sections=sections,
        index=usable[0],
        bundled=any(audio.last("mid") in each for each in bundle),
        username=username,
        password=password,
        lite=bool(audio.all("ice-lite")),
        fingerprints=fingerprints,
        setup=cast("Literal['active', 'passive', 'actpass']", setup),
        candidates=tuple(audio.all("candidate")[:50]),
        laws=_laws(audio),
        event_type=_event_type(audio),
    )


def _sections(text: str) -> tuple[Section, ...]:
    lines = text.split("\n") if len(text) <= _LONGEST else []
    if not lines or lines[0].strip() != "v=0":
        raise Invalid("The browser's audio offer cannot be read: it is not SDP.", field="sdp")
    session: list[tuple[str, str]] = []
    sections: list[tuple[re.Match[str], list[tuple[str, str]]]] = []
    for line in lines:
        if line.startswith("m="):
            match = _MEDIA.fullmatch(line[2:].strip())
            if match is None:
                raise Invalid("The browser's audio offer cannot be read: it is not SDP.", field="sdp")
            sections.append((match, [*session]))
        elif line.startswith("a="):
            name, _, value = line[2:].strip().partition(":")
            (sections[-1][1] if sections else session).append((name, value))
    return tuple(Section(match[1], int(match[2]), match[3], match[4], tuple(attributes)) for match, attributes in sections)


def _laws(section: Section) -> tuple[Law, ...]:
    """Return the laws offered, most liked first; their payload types are static (RFC 3551)."""
    types = [int(each) for each in section.formats.split() if each.isdigit()]
    return tuple(g711.LAW_OF_TYPE[each] for each in types if each in g711.LAW_OF_TYPE)


def _event_type(section: Section) -> int | None:
    for each in section.all("rtpmap"):
        match = _RTPMAP.fullmatch(each)
        if match and match[2].lower() == "telephone-event" and match[3] == "8000" and match[1] in section.formats.split():
            return int(match[1])
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """Our side of the answer. `laws` in our order: the browser sends the first."""

    laws: tuple[Law, ...]
    ssrc: int
    name: str  # of the stream, its track and its canonical end-point: any word
    username: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: Literal["active", "passive"]
    candidates: tuple[str, ...]


def build_answer(offer: Offer, answer: Answer) -> str:
    """Return the SDP that takes the audio and refuses everything else that was offered."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    if offer.bundled:
        lines.append(f"a=group:BUNDLE {offer.audio.last('mid')}")
    lines.append("a=msid-semantic:WMS *")
    for place, section in enumerate(offer.sections):
        lines += _taken(offer, answer) if place == offer.index else _refused(section)
    return "\r\n".join(lines) + "\r\n"


def _refused(section: Section) -> list[str]:
    lines = [f"m={section.kind} 0 {section.protocol} {section.formats}", "c=IN IP4 0.0.0.0", "a=inactive"]
    return [*lines, f"a=mid:{section.last('mid')}"] if _MID.fullmatch(section.last("mid")) else lines


def _taken(offer: Offer, answer: Answer) -> list[str]:
    types = [str(g711.PAYLOAD_TYPE[law]) for law in answer.laws]
    maps = [f"a=rtpmap:{g711.PAYLOAD_TYPE[law]} {law.upper()}/8000" for law in answer.laws]
    if offer.event_type is not None:
        types.append(str(offer.event_type))
        maps += [f"a=rtpmap:{offer.event_type} telephone-event/8000", f"a=fmtp:{offer.event_type} 0-15"]
    direction = next((name for name, _ in reversed(offer.audio.attributes) if name in _REPLY), "sendrecv")
    return [
        f"m=audio 9 UDP/TLS/RTP/SAVPF {' '.join(types)}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        *(f"a=candidate:{candidate}" for candidate in answer.candidates),
        "a=end-of-candidates",
        f"a=ice-ufrag:{answer.username}",
        f"a=ice-pwd:{answer.password}",
        *(f"a=fingerprint:{algorithm} {value}" for algorithm, value in answer.fingerprints),
        f"a=setup:{answer.setup}",
        f"a=mid:{offer.audio.last('mid')}",
        f"a={_REPLY[direction]}",
        f"a=msid:{answer.name} {answer.name}",
        "a=rtcp-mux",
        *maps,
        "a=ptime:20",
        f"a=ssrc:{answer.ssrc} cname:{answer.name}",
        f"a=ssrc:{answer.ssrc} msid:{answer.name} {answer.name}",
    ]
