"""SIP transactions over one UDP socket: retransmission, matching, acknowledging refusals (RFC 3261 17).

Answers always go back to where the request came from, as with `rport` (RFC 3581): pyVoIP writes our own Via into its BYE.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Protocol, cast

import structlog

from telephony.lab.message import Malformed, Message, parse, respond

log = structlog.get_logger(__name__)

T1 = 0.5  # seconds, RFC 3261 17.1.1.1
T2 = 4.0
LIFETIME = 64 * T1
_FINAL = 200
_REFUSAL = 300

Address = tuple[str, int]
OnResponse = Callable[[Message], None]


class Listener(Protocol):
    """Who takes the requests: the exchange."""

    def request_came(self, request: Message, transaction: "ServerTransaction") -> None:
        """A request came for the first time; answer it through the transaction."""

    def ack_came(self, request: Message) -> None:
        """An ACK that belongs to no refusal: it confirms a 200."""

    def cancel_came(self, transaction: "ServerTransaction") -> None:
        """The caller gave up this INVITE; CANCEL itself is answered already."""


def new_branch() -> str:
    """Return a branch with the magic cookie of RFC 3261 8.1.1.7."""
    return "z9hG4bK" + secrets.token_hex(10)


class ServerTransaction:
    """A request from a peer. `respond` may be called for provisional answers and once for a final one."""

    def __init__(self, wire: "Transactions", request: Message, peer: Address) -> None:
        self.request = request
        self.peer = peer
        self.on_unacknowledged: Callable[[], None] | None = None
        self._wire = wire
        self._last: bytes | None = None
        self._final = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def answered(self) -> bool:
        """Whether a final answer was sent."""
        return bool(self._final)

    def respond(self, response: Message) -> None:
        """Send an answer. A final one to INVITE is repeated until it is acknowledged, 64*T1 at most."""
        if self._final:
            return
        self._last = response.encode()
        self._wire.send(self._last, self.peer)
        if response.status < _FINAL:
            return
        self._final = response.status
        self._wire.forget_later(self)
        if self.request.method == "INVITE":
            self._repeat(T1, 0.0)

    def repeated(self) -> None:
        """The peer sent its request again: send the last answer again."""
        if self._last is not None:
            self._wire.send(self._last, self.peer)

    def acknowledged(self) -> None:
        """ACK came: stop repeating."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def refused(self) -> bool:
        """Whether the final answer was a refusal (300 and above)."""
        return self._final >= _REFUSAL

    def _repeat(self, delay: float, spent: float) -> None:
        delay = min(delay, LIFETIME - spent)

        def again() -> None:
            if spent + delay >= LIFETIME:
                self._timer = None
                if self.on_unacknowledged is not None:
                    self.on_unacknowledged()
                return
            self.repeated()
            self._repeat(min(2 * delay, T2), spent + delay)

        self._timer = asyncio.get_running_loop().call_later(delay, again)


class ClientTransaction:
    """A request of ours, repeated until answered. No answer in 64*T1 becomes a 408 of our own making."""

    def __init__(self, wire: "Transactions", request: Message, peer: Address, on_response: OnResponse) -> None:
        self.request = request
        self.peer = peer
        self._wire = wire
        self._on_response = on_response
        self._timer: asyncio.TimerHandle | None = None
        self._answered = False
        self._send(T1, 0.0)

    def _send(self, delay: float, spent: float) -> None:
        self._wire.send(self.request.encode(), self.peer)
        delay = min(delay, LIFETIME - spent)

        def again() -> None:
            if spent + delay >= LIFETIME:
                self.response_came(respond(self.request, 408, "Request Timeout"))
                return
            longest = LIFETIME if self.request.method == "INVITE" else T2
            self._send(min(2 * delay, longest), spent + delay)

        self._timer = asyncio.get_running_loop().call_later(delay, again)

    def response_came(self, response: Message) -> None:
        """Take an answer; a refused INVITE is acknowledged here, each time it comes (RFC 3261 17.1.1.3)."""
        if response.status < _FINAL and self.request.method != "INVITE":
            return
        self.stop()
        if self.request.method == "INVITE" and response.status >= _REFUSAL:
            self._acknowledge(response)
        first_final = response.status >= _FINAL and not self._answered
        repeated_ok = self._answered and self.request.method == "INVITE" and _FINAL <= response.status < _REFUSAL
        if first_final:
            self._answered = True
            self._wire.forget_later(self)
        if first_final or repeated_ok or (response.status < _FINAL and not self._answered):
            self._on_response(response)

    def expect_end(self) -> None:
        """The INVITE was cancelled: without an answer in 64*T1 it is over (RFC 3261 9.1)."""
        self.stop()
        timeout = respond(self.request, 408, "Request Timeout")
        self._timer = asyncio.get_running_loop().call_later(LIFETIME, self.response_came, timeout)

    def stop(self) -> None:
        """Send no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _acknowledge(self, response: Message) -> None:
        ack = Message(method="ACK", uri=self.request.uri)
        ack.add("Via", self.request.first("Via")).add("Max-Forwards", "70").add("From", self.request.first("From"))
        ack.add("To", response.first("To")).add("Call-ID", self.request.call_id).add("CSeq", f"{self.request.cseq} ACK")
        self._wire.send(ack.encode(), self.peer)


class Transactions(asyncio.DatagramProtocol):
    """The socket and all transactions on it. `counters` count datagrams by what became of them."""

    def __init__(self, listener: Listener) -> None:
        self.address: Address = ("", 0)
        self.counters = {"received": 0, "malformed": 0, "failed": 0}
        self._listener = listener
        self._transport: asyncio.DatagramTransport | None = None
        self._servers: dict[tuple[str, str, Address], ServerTransaction] = {}
        self._clients: dict[tuple[str, str], ClientTransaction] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the socket (asyncio's call)."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        """Take a datagram (asyncio's call); whatever is in it, the carrier goes on."""
        self.counters["received"] += 1
        if not data.strip(b"\r\n\0 "):
            return  # keep-alive, RFC 5626 3.5.1
        try:
            message = parse(data)
        except Malformed as error:
            self.counters["malformed"] += 1
            log.info("malformed datagram dropped", peer=peer[0], octets=len(data), why=str(error))
            return
        try:
            if message.method:
                self._request(message, peer[:2])
            else:
                self._response(message)
        except Malformed as error:
            self.counters["malformed"] += 1
            log.info("message dropped", peer=peer[0], method=message.method, why=str(error))
        except Exception:
            self.counters["failed"] += 1
            log.exception("message failed", peer=peer[0], method=message.method)

    def send(self, data: bytes, peer: Address) -> None:
        """Send a datagram; an address that cannot be reached is as if it were lost."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, peer)

    def via(self, branch: str) -> str:
        """Return our own Via value."""
        host, port = self.address
        return f"SIP/2.0/UDP {host}:{port};branch={branch};rport"

    def request(self, message: Message, peer: Address, on_response: OnResponse) -> ClientTransaction:
        """Send a request whose topmost Via is ours; `on_response` gets each provisional and one final answer."""
        transaction = ClientTransaction(self, message, peer, on_response)
        self._clients[message.branch, message.method] = transaction
        return transaction

    def forget_later(self, transaction: ServerTransaction | ClientTransaction) -> None:
        """Keep a finished transaction for late repetitions, then drop it."""
        if self._transport is None or self._transport.is_closing():
            return
        asyncio.get_running_loop().call_later(LIFETIME, self._forget, transaction)

    def close(self) -> None:
        """Close the socket; what is repeating stops."""
        for server in self._servers.values():
            server.acknowledged()
        for client in self._clients.values():
            client.stop()
        if self._transport is not None:
            self._transport.close()

    def _forget(self, transaction: ServerTransaction | ClientTransaction) -> None:
        request = transaction.request
        if isinstance(transaction, ServerTransaction):
            self._servers.pop((request.branch, request.method, transaction.peer), None)
        else:
            self._clients.pop((request.branch, request.method), None)

    def _request(self, request: Message, peer: Address) -> None:
        if request.method == "ACK":
            refused = self._servers.get((request.branch, "INVITE", peer))
            if refused is not None and refused.refused:
                refused.acknowledged()
            else:
                self._listener.ack_came(request)
            return
        key = (request.branch, request.method, peer)
        known = self._servers.get(key)
        if known is not None and known.request.cseq == request.cseq:
            known.repeated()
            return
        transaction = self._servers[key] = ServerTransaction(self, request, peer)
        if request.method == "CANCEL":
            self._cancel(request, transaction)
        else:
            self._listener.request_came(request, transaction)

    def _cancel(self, request: Message, transaction: ServerTransaction) -> None:
        invite = self._servers.get((request.branch, "INVITE", transaction.peer))
        if invite is None:
            transaction.respond(respond(request, 481, "Call/Transaction Does Not Exist", secrets.token_hex(4)))
            return
        transaction.respond(respond(request, 200, "OK", secrets.token_hex(4)))
        if not invite.answered:
            self._listener.cancel_came(invite)

    def _response(self, response: Message) -> None:
        transaction = self._clients.get((response.branch, response.cseq_method))
        if transaction is not None:
            transaction.response_came(response)
