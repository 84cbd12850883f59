"""Mixing for three and more: every listener hears the sum of those it should, in frames of 20 ms."""

import audioop
import secrets
from collections.abc import Callable, Iterable

from telephony.legs import Frame, Law, Port
from telephony.media import g711

_OCTETS = 2 * g711.FRAME  # of 20 ms, linear
_PRIME = 2 * _OCTETS  # a source starts to be heard when 40 ms have come: room for jitter
_MOST = 6 * _OCTETS  # what is older than 120 ms is left out, so that nobody falls behind


class Source:
    """What one speaker said and nobody has heard yet, linear."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._flowing = False

    def put(self, payload: bytes, law: Law) -> None:
        """Take a frame of any length."""
        self._waiting += g711.to_linear(payload, law)
        if len(self._waiting) > _MOST:
            del self._waiting[: len(self._waiting) - _PRIME]

    def take(self) -> bytes | None:
        """Return the next 20 ms, None while there is nothing, or not enough to start with."""
        if len(self._waiting) < (_OCTETS if self._flowing else _PRIME):
            self._flowing = False
            return None
        self._flowing = True
        taken = bytes(self._waiting[:_OCTETS])
        del self._waiting[:_OCTETS]
        return taken


class Mixer:
    """Sources by key, listeners by key; `mix` is called once a tick."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._listeners: list[tuple[Port, tuple[str, ...]]] = []
        self._timestamp = secrets.randbits(32)

    def arrange(self, listeners: Iterable[tuple[Port, tuple[str, ...]]]) -> None:
        """Set who hears which sources; sources that stay keep what waits in them."""
        self._listeners = list(listeners)
        keys = {key for _, heard in self._listeners for key in heard}
        self._sources = {key: self._sources.get(key) or Source() for key in keys}

    @property
    def idle(self) -> bool:
        """Whether nobody needs mixing."""
        return not self._listeners

    def input(self, key: str, port: Port) -> Callable[[Frame], None] | None:
        """Return what takes a source's frames, None when nobody hears it through the mixer."""
        source = self._sources.get(key)
        if source is None:
            return None

        def put(frame: Frame) -> None:
            source.put(frame.payload, port.law)

        return put

    def mix(self, tick: int) -> None:
        """Send every listener its 20 ms."""
        taken = {key: source.take() for key, source in self._sources.items()}
        timestamp = (self._timestamp + tick * g711.FRAME) & 0xFFFFFFFF
        encoded: dict[tuple[tuple[str, ...], Law], bytes] = {}  # several may hear the same
        for port, heard in self._listeners:
            payload = encoded.get((heard, port.law))
            if payload is None:
                payload = encoded[heard, port.law] = _sum([part for key in heard if (part := taken[key])], port.law)
            port.send(Frame(payload, timestamp))


def _sum(parts: list[bytes], law: Law) -> bytes:
    if not parts:
        return g711.silence(law)
    total = parts[0]
    for part in parts[1:]:
        total = audioop.add(total, part, 2)  # clips, does not wrap
    return g711.from_linear(total, law)
