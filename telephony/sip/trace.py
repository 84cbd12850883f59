"""The last messages of each trunk, for a person who looks for what went wrong; credentials are blanked."""

import re
import time
from collections import deque
from collections.abc import Callable

from callcenter.phone import TraceLine

KEPT = 100  # messages of a trunk
_LONGEST = 4000  # characters of a message
_CREDENTIALS = re.compile(r"^(?:proxy-)?authorization\s*:.*$", re.IGNORECASE | re.MULTILINE)
_SECRET = re.compile(r'\b(response|cnonce)\s*=\s*(?:"[^"]*"?|[^\s,]+)', re.IGNORECASE)


def blanked(text: str) -> str:
    """Return a message without the part of credentials a password could be guessed from."""
    if "uthorization" not in text and "UTHORIZATION" not in text:
        return text
    return _CREDENTIALS.sub(lambda line: _SECRET.sub(r'\1="***"', line[0]), text)


class Trace:
    """Ring buffers by trunk; 0 holds what no trunk claimed. `trunk_of` maps a peer's (address, port) to a trunk.

    Written from the SIP thread and read from the loop: single deque operations only.
    """

    def __init__(self, trunk_of: Callable[[tuple[str, int]], int]) -> None:
        self._trunk_of = trunk_of
        self._lines: dict[int, deque[tuple[float, bool, tuple[str, int], str]]] = {}

    def record(self, sent: bool, peer: tuple[str, int], text: str) -> None:
        """Keep a message."""
        ring = self._lines.setdefault(self._trunk_of(peer), deque(maxlen=KEPT))
        ring.append((time.time(), sent, peer, blanked(text)[:_LONGEST]))

    def lines(self, trunk_id: int) -> tuple[TraceLine, ...]:
        """Return a trunk's last messages, oldest first."""
        kept = list(self._lines.get(trunk_id, ()))
        return tuple(TraceLine(at, sent, f"{peer[0]}:{peer[1]}", text) for at, sent, peer, text in kept)

    def forget(self, known: set[int]) -> None:
        """Drop the messages of trunks that are gone."""
        for trunk_id in set(self._lines) - known - {0}:
            self._lines.pop(trunk_id, None)
