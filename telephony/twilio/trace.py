"""The last requests and webhooks of an account, for a person who looks for what went wrong; secrets are blanked."""

import re
import time
from collections import deque
from collections.abc import Iterable
from urllib.parse import urlencode

from callcenter.phone import TraceLine

KEPT = 100  # messages of an account
_LONGEST = 4000  # characters of a message
_UNTOLD = frozenset({"Body"})  # what people write to each other is nobody's who reads a trace
# The one-time token of a stream, in TwiML as it is or quoted in JSON, and the account's own in the account's resource.
_SECRETS = re.compile(r"""(name=\W{1,8}token\W{1,8}value=\W{1,8}|"auth_token":\s*")[\w-]+""")
_BODY = re.compile(r'("body":\s*")(?:[^"\\]|\\.)*')


def blanked(text: str) -> str:
    """Return a message without what opens anything."""
    return _BODY.sub(r"\1***", _SECRETS.sub(r"\1***", text))


def form(fields: Iterable[tuple[str, str]]) -> str:
    """Write a form as it is sent, a field a line."""
    return "\n".join(f"{name}={'***' if name in _UNTOLD else value}" for name, value in fields)


class Trace:
    """A ring of messages."""

    def __init__(self) -> None:
        self._lines: deque[TraceLine] = deque(maxlen=KEPT)

    def record(self, sent: bool, peer: str, text: str) -> None:
        """Keep a message, `sent` by us or received."""
        self._lines.append(TraceLine(time.time(), sent, peer, blanked(text[:_LONGEST])))

    def lines(self) -> tuple[TraceLine, ...]:
        """Return what was kept, oldest first."""
        return tuple(self._lines)


def query(fields: Iterable[tuple[str, str]]) -> str:
    """Write the fields of a query string."""
    text = urlencode(list(fields))
    return f"?{text}" if text else ""
