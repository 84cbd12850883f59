"""JSON lines over a local socket, the form of the link between web and switch at both of its ends.

A line is one JSON object. What is malformed or longer than LONGEST is counted, logged without its content (it may
hold a trunk's password) and skipped: the link goes on with the next line. Both ends say {"t": "ping"} every so often: an
end that hangs says nothing, and is given up.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import orjson
import structlog

log = structlog.get_logger(__name__)

LONGEST = 1 << 20  # octets of one line, either way
MOST_UNSENT = 64 << 20  # octets waiting for an end that does not read, before it is given up

VERSION = 4


class Pulse(NamedTuple):
    """How often an end says that it lives, and how many of these intervals the other may be silent for.

    Counted in intervals of the end that listens: one that hung itself does not blame the other.
    """

    every: float = 2.0  # seconds
    silent: int = 3


PULSE = Pulse()


class LineReader(Protocol):
    """What stands behind one end of a connection."""

    def line(self, lines: "Lines", message: dict[str, Any]) -> None:
        """Take one message; raises ValueError when it makes no sense here."""

    def gone(self, lines: "Lines") -> None:
        """The connection is over."""


class Lines(asyncio.Protocol):
    """One end of a connection: splits what comes into messages, writes messages as lines."""

    def __init__(self, reader: LineReader, counted: Callable[[str], None], pulse: Pulse = PULSE) -> None:
        self._reader = reader
        self._counted = counted
        self._pulse = pulse
        self._silent = 0  # intervals since something was heard
        self._beat: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._held = bytearray()
        self._skipping = False
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio)."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream socket's transport is one
        self._transport = transport
        self._beat = asyncio.get_running_loop().call_later(self._pulse.every, self._beats)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the reader (asyncio)."""
        self._transport = None
        if self._beat is not None:
            self._beat.cancel()
        self.closed.set()
        self._reader.gone(self)

    def data_received(self, data: bytes) -> None:
        """Hand each whole line on (asyncio)."""
        self._silent = 0
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._held += part
            line, self._held = self._held, bytearray()
            if self._skipping:
                self._skipping = False
            elif len(line) > LONGEST:
                self._refuse("long", len(line))
            else:
                self._take(line)
        self._held += rest
        if self._skipping:
            self._held.clear()
        elif len(self._held) > LONGEST:
            self._refuse("long", len(self._held))
            self._held.clear()
            self._skipping = True

    def _take(self, line: bytearray) -> None:
        try:
            message = orjson.loads(line)
            if message["t"] != "ping":
                self._reader.line(self, message)
        except (ValueError, TypeError, KeyError) as error:
            self._refuse(type(error).__name__, len(line))
        except Exception:  # one message must not end the link; what failed is in the log
            self._counted("link_errors")
            log.exception("link.error")

    def _beats(self) -> None:
        """Say that this end lives, and give the other up when it has said nothing for too long."""
        if self._transport is None:
            return
        if self._silent >= self._pulse.silent:
            self._counted("link_hung")
            log.error("link.hung", seconds=self._silent * self._pulse.every)
            self._transport.abort()  # a close would wait for what it does not read
            return
        self._silent += 1
        self.write({"t": "ping"})
        self._beat = asyncio.get_running_loop().call_later(self._pulse.every, self._beats)

    def _refuse(self, why: str, octets: int) -> None:
        self._counted("link_malformed")
        log.warning("link.malformed", why=why, octets=octets)

    def write(self, envelope: dict[str, Any], body: bytes | None = None) -> None:
        """Send a message; `body` is JSON that becomes its member "m". An end that does not read is given up."""
        if self._transport is None or self._transport.is_closing():
            return
        line = orjson.dumps(envelope)
        if body is not None:
            line = line[:-1] + b',"m":' + body + b"}"
        if len(line) > LONGEST:
            self._refuse("long to send", len(line))
            return
        self._transport.write(line + b"\n")
        if self._transport.get_write_buffer_size() > MOST_UNSENT:
            log.error("link.not_read", octets=self._transport.get_write_buffer_size())
            self._transport.abort()

    def close(self) -> None:
        """Send what waits, then close."""
        if self._transport is not None:
            self._transport.close()
