"""G.711 (ITU-T G.711): the two laws, translated octet by octet, and their way to and from 16-bit linear samples."""

import audioop

from telephony.legs import Law

RATE = 8000  # samples, and octets, a second
FRAME = 160  # octets in 20 ms

PAYLOAD_TYPE: dict[Law, int] = {"pcmu": 0, "pcma": 8}  # RFC 3551 section 6
LAW_OF_TYPE: dict[int, Law] = {0: "pcmu", 8: "pcma"}

_OCTETS = bytes(range(256))
_TRANSLATION: dict[tuple[Law, Law], bytes] = {
    ("pcmu", "pcma"): audioop.lin2alaw(audioop.ulaw2lin(_OCTETS, 2), 2),
    ("pcma", "pcmu"): audioop.lin2ulaw(audioop.alaw2lin(_OCTETS, 2), 2),
}
_SILENCE: dict[Law, bytes] = {"pcmu": b"\xff", "pcma": b"\xd5"}


def convert(payload: bytes, source: Law, target: Law) -> bytes:
    """Return `payload` in law `target`; the same object when the laws are one."""
    return payload if source == target else payload.translate(_TRANSLATION[source, target])


def silence(law: Law, octets: int = FRAME) -> bytes:
    """Return `octets` of digital silence."""
    return _SILENCE[law] * octets


def to_linear(payload: bytes, law: Law) -> bytes:
    """Return 16-bit samples in the machine's byte order, two octets for each one given."""
    return audioop.ulaw2lin(payload, 2) if law == "pcmu" else audioop.alaw2lin(payload, 2)


def from_linear(samples: bytes, law: Law) -> bytes:
    """Return G.711 octets, one for each 16-bit sample."""
    return audioop.lin2ulaw(samples, 2) if law == "pcmu" else audioop.lin2alaw(samples, 2)
