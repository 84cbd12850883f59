"""Where Media Streams connect: a WebSocket server that knows one path, and nobody without a one-time token."""

import asyncio
import contextlib
import secrets
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import orjson
import structlog
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from callcenter.config import Settings, host_port
from callcenter.errors import Unavailable
from telephony.twilio.port import StreamPort

log = structlog.get_logger(__name__)

PATH = "/streams"
Began = Callable[[StreamPort, str], None]  # a stream, and the CallSid it belongs to

_START_SECONDS = 10.0  # from the connection until it shows a token
_CLOSE_SECONDS = 2.0  # for the far end to close, too
_LARGEST = 32 * 1024  # octets of a message; 20 ms of audio are 300
_MOST_UNSENT = 16 * 1024  # octets Twilio has not read, a second of audio, before frames are dropped
_MOST_OPEN = 2000  # sockets
_MOST_STRANGERS = 100  # of them without a token yet


class Streams:
    """The server, and the tokens of the calls whose streams are expected."""

    def __init__(self, settings: Settings, counters: Counter[str]) -> None:
        self._settings, self._counters = settings, counters
        self._expected: dict[str, Began] = {}
        self._server: asyncio.Server | None = None
        self._sockets: set[Socket] = set()
        self._strangers = 0
        self._empty = asyncio.Event()

    async def open(self) -> None:
        """Listen, if it does not yet; raises Unavailable with a sentence."""
        if self._server is not None:
            return
        try:
            host, port = host_port(self._settings.streams)
            self._server = await asyncio.get_running_loop().create_server(lambda: Socket(self), host, port, ssl=self._tls())
        except (OSError, ValueError) as error:
            raise Unavailable(
                "The audio streams cannot listen on {address}: {reason}", address=self._settings.streams, reason=str(error)
            ) from None
        log.info("twilio.listening", address=self._settings.streams)

    def _tls(self) -> ssl.SSLContext | None:
        if self._settings.tls_cert is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._settings.tls_cert, self._settings.tls_key)
        return context

    @property
    def port(self) -> int:
        """The port it listens on, 0 while it does not."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server is not None and self._server.sockets else 0

    async def close(self) -> None:
        """Listen no more and end what is open. Safe to repeat."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for socket in list(self._sockets):
            socket.hang_up()
        if self._sockets:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._empty.wait()
        for socket in list(self._sockets):
            socket.abort()

    # --- tokens -------------------------------------------------------------------------------------------------------

    def expect(self, began: Began) -> str:
        """Return a token for one stream, whose start is told to `began`."""
        token = secrets.token_urlsafe(24)
        self._expected[token] = began
        return token

    def expect_no_more(self, token: str) -> None:
        """A token is good no more."""
        self._expected.pop(token, None)

    def claim(self, token: str) -> Began | None:
        """Use a token; None for one that is used, or was never given out."""
        began = self._expected.pop(token, None)
        self._counters["twilio_streams" if began is not None else "twilio_streams_refused"] += 1
        return began

    # --- sockets ------------------------------------------------------------------------------------------------------

    def admit(self, socket: "Socket") -> bool:
        """Take a new connection, unless there are too many."""
        self._sockets.add(socket)
        self._strangers += 1
        fits = len(self._sockets) <= _MOST_OPEN and self._strangers <= _MOST_STRANGERS
        if not fits:
            self._counters["twilio_streams_refused"] += 1
        return fits

    def known(self) -> None:
        """A connection showed a token, or went without one."""
        self._strangers -= 1

    def gone(self, socket: "Socket") -> None:
        """A connection is over."""
        self._sockets.discard(socket)
        if not self._sockets:
            self._empty.set()

    def malformed(self) -> None:
        """A message was none."""
        self._counters["twilio_streams_malformed"] += 1


class Socket(asyncio.Protocol):
    """One connection. It speaks WebSocket (RFC 6455) without compression, and hands audio on as it comes."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._ws = ServerProtocol(max_size=_LARGEST)
        self._transport: asyncio.Transport | None = None
        self._port: StreamPort | None = None
        self._stranger = True
        self._closing = False
        self._parts = b""
        self._timer: asyncio.TimerHandle | None = None

    # --- asyncio.Protocol ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give it a moment to say who it is (asyncio)."""
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(_START_SECONDS, self.abort)
        if not self._streams.admit(self):
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Take what comes (asyncio)."""
        self._ws.receive_data(data)
        for event in self._ws.events_received():
            if isinstance(event, Request):
                self._shake_hands(event)
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.CONT):
                self._message(event)
        self._flush()

    def eof_received(self) -> None:
        """Let it close (asyncio)."""
        self._ws.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the leg (asyncio)."""
        self._transport = None
        self._known()
        if self._timer is not None:
            self._timer.cancel()
        self._streams.gone(self)
        port, self._port = self._port, None
        if port is not None:
            port.gone()

    # --- WebSocket ----------------------------------------------------------------------------------------------------

    def _shake_hands(self, request: Request) -> None:
        if request.path.partition("?")[0] == PATH:
            self._ws.send_response(self._ws.accept(request))
        else:
            self._ws.send_response(self._ws.reject(404, "Not Found\n"))

    def _message(self, frame: Frame) -> None:
        text = self._parts + frame.data if self._parts else frame.data
        self._parts = b"" if frame.fin else bytes(text)
        if not frame.fin or self._ws.state is not State.OPEN:
            return
        try:
            message = orjson.loads(text)
            if self._port is not None:
                self._port.take(message)
            elif message["event"] == "start":
                self._start(message["start"])
            elif message["event"] != "connected":
                self._refuse()
        except (ValueError, KeyError, TypeError):  # as a rule nothing of Twilio's
            self._streams.malformed()
            if self._port is None:
                self._refuse()

    def _start(self, start: Any) -> None:
        """Join the stream with the call whose token it shows."""
        sid, call, law = str(start["streamSid"]), str(start["callSid"]), start["mediaFormat"]["encoding"]
        began = self._streams.claim(str(start["customParameters"]["token"])) if law == "audio/x-mulaw" else None
        if began is None:
            log.warning("twilio.stream_refused", call=call[:40])
            self._refuse()
            return
        self._known()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._port = StreamPort(self, sid)
        began(self._port, call)

    def _known(self) -> None:
        if self._stranger:
            self._stranger = False
            self._streams.known()

    def _refuse(self) -> None:
        """Close on somebody who is not expected (RFC 6455 7.4.1: policy)."""
        self._close(1008)

    def _flush(self) -> None:
        if self._transport is None:
            return
        for data in self._ws.data_to_send():
            if data:
                self._transport.write(data)
            else:  # nothing comes after it
                self._transport.close()
        if self._ws.close_expected() and not self._closing:
            self._closing = True
            self._soon_gone()

    # --- port.Wire ----------------------------------------------------------------------------------------------------

    def write(self, message: bytes) -> bool:
        """Send a text message (port.Wire)."""
        transport = self._transport
        if transport is None or self._ws.state is not State.OPEN or transport.get_write_buffer_size() > _MOST_UNSENT:
            return False
        self._ws.send_text(message)
        transport.write(b"".join(self._ws.data_to_send()))
        return True

    def hang_up(self) -> None:
        """Close in good order (port.Wire)."""
        self._port = None
        self._close(1000)

    def _close(self, code: int) -> None:
        if self._transport is None:
            return
        if self._ws.state is not State.OPEN:
            if self._ws.state is State.CONNECTING:
                self.abort()
            return
        try:
            self._ws.send_close(code)
        except ProtocolError:
            self.abort()
            return
        self._flush()

    def _soon_gone(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self.abort)

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()
