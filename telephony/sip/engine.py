"""One listening address: requests and responses cross here between the SIP thread and the switch's loop.

The SIP thread reads, matches, retransmits and answers 100; all decisions are taken on the loop. Calls into the engine
come from the loop, calls out of it (the Owner's) run on the loop.
"""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog
from sippy.SipHeader import SipHeader

from callcenter.errors import Unavailable
from telephony.sip import parsing, thread
from telephony.sip.trace import Trace
from telephony.sip.transactions import Transactions

log = structlog.get_logger(__name__)

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY"
SUPPORTED = "timer"

_PEOPLE_WAIT = 5.0  # seconds for the SIP thread to open or close a socket


class Owner(Protocol):
    """Who decides about what arrives; called on the loop."""

    def request_arrived(self, incoming: "Incoming") -> None:
        """Decide about a new request (never ACK or CANCEL)."""

    def unwanted(self, peer: tuple[str, int], request: Any, now: float) -> bool:
        """Whether a new request is one too many of a stranger's. Called in the SIP thread: reads only."""

    def stray_answer(self, response: Any) -> None:
        """Take a 2xx to an INVITE whose transaction is over."""

    def dropped(self, peer: tuple[str, int], reason: str) -> None:
        """A datagram was no message."""


class Incoming:
    """A request that waits for our answer. `received` is clock.monotonic() at the datagram, `tag` ours for the dialog."""

    __slots__ = (
        "_engine",
        "_transaction",
        "answered",
        "on_ack",
        "on_cancel",
        "on_silence",
        "received",
        "request",
        "source",
        "tag",
    )

    def __init__(self, engine: "Engine", request: Any, transaction: Any) -> None:
        self._engine, self._transaction = engine, transaction
        self.request = request
        self.source: tuple[str, int] = request.getSource()
        self.received = float(request.rtime.monot)
        self.tag = request.getHFBody("to").getTag() or secrets.token_hex(8)
        self.answered = False
        self.on_cancel: Callable[[list[str]], None] | None = None  # gets the Reason headers
        self.on_ack: Callable[[Any], None] | None = None
        self.on_silence: Callable[[], None] | None = None  # our 2xx was never acknowledged

    @property
    def method(self) -> str:
        """The request's method."""
        return str(self.request.getMethod())

    def respond(self, code: int, phrase: str, headers: Sequence[str] = (), body: str | None = None) -> None:
        """Answer; a second final answer does nothing. `headers` are whole lines."""
        if self.answered:
            return
        self.answered = code >= 200
        response = self.request.genResponse(code, phrase)
        if code > 100 and response.getHFBody("to").getTag() is None:
            response.getHFBody("to").setTag(self.tag)
        response.appendHeaders([SipHeader(line) for line in headers])
        if body is not None:
            parsing.set_body(response, body)
        thread.post(self._engine.send_response, response, self._transaction, self)

    # --- in the SIP thread ---

    def cancelled(self, _: Any, cancel: Any) -> None:
        """CANCEL came, or the invitation expired; 487 is sent."""
        self._engine.to_loop(self._cancelled, parsing.values(cancel, "reason") if cancel is not None else [])

    def acknowledged(self, ack: Any) -> None:
        """ACK came."""
        self._engine.to_loop(self._call, "on_ack", ack)

    def unacknowledged(self) -> None:
        """No ACK in 32 s."""
        self._engine.to_loop(self._call, "on_silence")

    # --- on the loop ---

    def _cancelled(self, reasons: list[str]) -> None:
        self.answered = True
        self._call("on_cancel", reasons)

    def _call(self, name: str, *arguments: Any) -> None:
        callback = getattr(self, name)
        if callback is not None:
            callback(*arguments)

    def forget(self) -> None:
        """Break the cycles with the call when it is over."""
        self.on_ack = self.on_cancel = self.on_silence = None


class Outgoing:
    """A request on its way; `on_response` gets each response on the loop, a made-up 408 when none comes."""

    __slots__ = ("_engine", "on_response", "transaction")

    def __init__(self, engine: "Engine", on_response: Callable[[Any], None] | None) -> None:
        self._engine = engine
        self.on_response = on_response
        self.transaction: Any = None

    def cancel(self) -> None:
        """CANCEL an INVITE, when a provisional response has come or as soon as one comes."""
        thread.post(self._engine.cancel_transaction, self)

    def responded(self, response: Any) -> None:
        """In the SIP thread: pass a response on."""
        if response.getSCode()[0] >= 200:
            self.transaction = None
        self._engine.to_loop(self._deliver, response)

    def _deliver(self, response: Any) -> None:
        final = response.getSCode()[0] >= 200
        callback = self.on_response
        if final:
            self.on_response = None
            self._engine.settled()
        if callback is not None:
            callback(response)


class Engine:
    """The transactions of one listening address."""

    def __init__(self, owner: Owner, trunk_of: Callable[[tuple[str, int]], int]) -> None:
        self._owner = owner
        self.counters: Counter[str] = Counter()
        self.trace = Trace(trunk_of)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transactions: Transactions | None = None
        self.address: tuple[str, int] = ("", 0)
        self._outstanding = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def start(self, address: tuple[str, int]) -> None:
        """Open the address; raises Unavailable when it is taken or not ours."""
        thread.start()
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[tuple[str, int]] = self._loop.create_future()
        thread.post(self._open, address, opened)
        try:
            self.address = await asyncio.wait_for(opened, _PEOPLE_WAIT)
        except OSError as error:
            raise Unavailable(
                "SIP cannot listen on {address}: {reason}. Stop the program that uses it, or choose another address with --sip.",
                address=f"{address[0]}:{address[1]}",
                reason=error.strerror or str(error),
            ) from error

    def _open(self, address: tuple[str, int], opened: "asyncio.Future[tuple[str, int]]") -> None:
        try:
            self._transactions = Transactions(address, self, self.trace, self.counters)
        except OSError as error:
            self.to_loop(opened.set_exception, error)
            return
        self.to_loop(opened.set_result, self._transactions.l4r.server.address)

    async def stop(self) -> None:
        """Close the address. Requests still on their way get no response."""
        if self._loop is None or self._transactions is None:
            return
        closed = self._loop.create_future()
        thread.post(self._close, closed)
        await asyncio.wait_for(closed, _PEOPLE_WAIT)
        self._loop = None

    def _close(self, closed: "asyncio.Future[None]") -> None:
        transactions, self._transactions = self._transactions, None
        if transactions is not None:
            transactions.close()
        self.to_loop(closed.set_result, None)

    def to_loop(self, function: Callable[..., object], *arguments: Any) -> None:
        """From the SIP thread: call on the loop, or drop it when the loop is gone."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            log.debug("sip_loop_gone")

    # --- Receiver, in the SIP thread --------------------------------------------------------------------------------

    def request(self, request: Any, transaction: Any) -> Any:
        """Take a new request from the transactions."""
        incoming = Incoming(self, request, transaction)
        transaction.limited = request.countHFs("expires") > 0
        if incoming.method == "INVITE":
            if transaction.r487.getHFBody("to").getTag() is None:
                transaction.r487.getHFBody("to").setTag(incoming.tag)
            if self._transactions is not None:
                self._transactions.sendResponse(request.genResponse(100, "Trying"), transaction)
        self.to_loop(self._arrived, incoming)
        return None, incoming.cancelled, incoming.unacknowledged

    def unwanted(self, peer: tuple[str, int], request: Any, now: float) -> bool:
        """Drop what a stranger asks too often."""
        return self._owner.unwanted(peer, request, now)

    def stray_answer(self, response: Any) -> None:
        """Take a 2xx nobody waits for."""
        self.counters["stray"] += 1
        self.to_loop(self._owner.stray_answer, response)

    def dropped(self, peer: tuple[str, int], reason: str) -> None:
        """Take note of garbage."""
        self.to_loop(self._owner.dropped, peer, reason)

    def send_response(self, response: Any, transaction: Any, incoming: Incoming) -> None:
        """Send an answer, unless the transaction is over (cancelled meanwhile, closed)."""
        if self._transactions is None or transaction.tid is None:
            return
        try:
            self._transactions.sendResponse(response, transaction, ack_cb=incoming.acknowledged)
        except ValueError:
            self.counters["late_answers"] += 1

    def send_request(self, request: Any, outgoing: Outgoing) -> None:
        """Start a client transaction."""
        if self._transactions is not None:
            outgoing.transaction = self._transactions.newTransaction(request, outgoing.responded)

    def cancel_transaction(self, outgoing: Outgoing) -> None:
        """Cancel a client transaction."""
        if self._transactions is not None and outgoing.transaction is not None:
            self._transactions.cancelTransaction(outgoing.transaction)

    def send_text(self, text: str, address: tuple[str, int]) -> None:
        """Send a message outside transactions."""
        if self._transactions is not None:
            self._transactions.transmitData(self._transactions.l4r.server, text, address)

    # --- on the loop ------------------------------------------------------------------------------------------------

    def _arrived(self, incoming: Incoming) -> None:
        try:
            self._owner.request_arrived(incoming)
        except Exception:
            log.exception("sip_request_failed", method=incoming.method)
            incoming.respond(500, "Server Internal Error")

    def send(self, request: Any, address: tuple[str, int], on_response: Callable[[Any], None] | None = None) -> Outgoing:
        """Send a request to an IP address in a transaction of its own."""
        outgoing = Outgoing(self, on_response)
        self._outstanding += 1
        self._quiet.clear()
        request.setTarget((address, "udp"))
        thread.post(self.send_request, request, outgoing)
        return outgoing

    def send_ack(self, ack: Any, address: tuple[str, int]) -> None:
        """Send the ACK of a 2xx, which belongs to no transaction (RFC 3261 13.2.2.4)."""
        thread.post(self.send_text, str(ack), address)

    def settled(self) -> None:
        """A request of ours has its final response."""
        self._outstanding -= 1
        if self._outstanding <= 0:
            self._quiet.set()

    async def settle(self, seconds: float) -> None:
        """Wait until every request of ours is answered, at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), seconds)
