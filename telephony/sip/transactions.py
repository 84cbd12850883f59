"""sippy's transaction layer (RFC 3261 17) with its pitfalls cured. Lives in the SIP thread; imported only there.

What is overridden, and why: reading (lenient, bounded, answers 400 and never prints), where responses go (the source,
not what a forged Via says), the ACK of 3xx-6xx (to the same hop, not the Contact), the ACK of 2xx (left to the dialog,
which also sees forked and late ones), expiry of unanswered invitations, and the target's transport parameter.
"""

from collections import Counter
from hashlib import md5
from time import monotonic
from typing import Any, Protocol

import sippy.Core.EventDispatcher
import sippy.Network_server
import sippy.SipTransactionManager
import structlog
from sippy.SipHeader import SipHeader
from sippy.SipResponse import SipResponse
from sippy.SipTransactionManager import COMPLETED, RINGING, TERMINATED, TRYING, SipTMRetransmitO, SipTransactionManager
from sippy.Time.Timeout import Timeout

from telephony.sip import parsing
from telephony.sip.quiet import hush
from telephony.sip.trace import Trace
from telephony.sip.transport import OneServer, open_server

hush(sippy.Core.EventDispatcher, sippy.Network_server, sippy.SipTransactionManager)

log = structlog.get_logger(__name__)

_SHORTEST = 32  # octets; below it is a keep-alive or nothing (RFC 5626 3.5.1)
_REFUSED = "SIP/2.0 403 "  # only strangers get it
_MOST_CACHED = 40_000  # answers kept for retransmitted requests, in 32 s
_INVITE_LIFE = 3600  # seconds an inbound call may ring; the caller's carrier gives up long before
_REPEAT_RINGING = 60  # seconds; RFC 3261 13.3.1.1: or a proxy on the way cancels the call


class Receiver(Protocol):
    """Who takes what the transaction layer does not settle itself; called in the SIP thread."""

    def request(self, request: Any, transaction: Any) -> Any:
        """Take a new request. Returns (None, cancelled(time, request), unacknowledged()); the answer is sent later."""

    def unwanted(self, peer: tuple[str, int], request: Any, now: float) -> bool:
        """Whether a request is one too many of a stranger's; `request` is None for one that was refused as such before."""

    def stray_answer(self, response: Any) -> None:
        """Take a 2xx to an INVITE that no transaction waits for: repeated, forked or late."""

    def dropped(self, peer: tuple[str, int], reason: str) -> None:
        """Take note of a datagram that was no message."""


class Transactions(SipTransactionManager):  # type: ignore[misc]  # sippy has no types
    """The transactions of one listening address. Raises OSError when it is taken."""

    provisional_retr = _REPEAT_RINGING

    def __init__(self, address: tuple[str, int], receiver: Receiver, trace: Trace, counters: Counter[str]) -> None:
        # Not calling sippy's: it would open its own kind of sockets. The attributes are the ones it sets.
        self.receiver, self.trace, self.counters = receiver, trace, counters
        self.tclient: dict[Any, Any] = {}
        self.tserver: dict[Any, Any] = {}
        self.l1rcache: dict[bytes, Any] = {}
        self.l2rcache: dict[bytes, Any] = {}
        self.req_consumers: dict[str, Any] = {}
        self.req_cb = receiver.request
        self.init_time = monotonic()
        self.global_config: dict[str, Any] = {}
        self.l4r = OneServer(open_server("udp", address, self.handleIncoming, counters))
        self.cp_timer = Timeout(self.rCachePurge, 32, -1)

    # --- in ---------------------------------------------------------------------------------------------------------

    def handleIncoming(self, data_in: bytes, ra: Any, server: Any, rtime: Any) -> None:  # noqa: N802 - sippy's name
        """Take a datagram."""
        if len(data_in) < _SHORTEST and not data_in.strip():
            self.counters["keepalive"] += 1
            return
        self.counters["received"] += 1
        checksum = md5(data_in, usedforsecurity=False).digest()
        known = self.l1rcache.get(checksum) or self.l2rcache.get(checksum)
        if known is not None:
            self._again(known, ra, rtime)
            return
        try:
            message = parsing.read(data_in)
        except parsing.Malformed as error:
            self._refuse(data_in, ra, server, checksum, error)
            return
        message.rtime = rtime
        message.setSource(ra)
        if not isinstance(message, SipResponse) and self.receiver.unwanted(ra.address, message, rtime.monot):
            return
        self.trace.record(False, ra.address, parsing.decode(data_in))
        if len(self.l1rcache) > _MOST_CACHED:
            self.rCachePurge()
        if isinstance(message, SipResponse):
            self._response(message, checksum)
        else:
            self._request(message, ra, checksum, server)

    def _again(self, known: Any, ra: Any, rtime: Any) -> None:
        """Answer a request that comes again as it was answered before."""
        self.counters["retransmitted"] += 1
        if known.data is None or (known.data.startswith(_REFUSED) and self.receiver.unwanted(ra.address, None, rtime.monot)):
            return
        self.transmitData(known.userv, known.data, known.address)

    def _refuse(self, data: bytes, ra: Any, server: Any, checksum: bytes, error: parsing.Malformed) -> None:
        self.counters["malformed"] += 1
        self.trace.record(False, ra.address, parsing.decode(data[:4000]))
        self.receiver.dropped(ra.address, str(error))
        if error.answer is not None:
            self.transmitData(server, error.answer, ra.address, checksum)

    def _response(self, response: Any, checksum: bytes) -> None:
        transaction = self.tclient.get(response.getTId(True, True))
        code, method = response.getSCode()[0], response.getHFBody("cseq").getCSeq()[1]
        if transaction is not None and transaction.state is not TERMINATED:
            self.incomingResponse(response, transaction, checksum)
        elif method == "INVITE" and 200 <= code < 300:
            self.receiver.stray_answer(response)
        else:
            self.counters["unmatched"] += 1

    def _request(self, request: Any, ra: Any, checksum: bytes, server: Any) -> None:
        via = request.getHFBody("via")
        host, port = ra.address
        if via.getAddr()[0] != host or "received" in via.params:
            via.params["received"] = host  # never the sender's own claim: we would answer to a victim
        if "rport" in via.params:
            via.params["rport"] = str(port)  # RFC 3581
        self.incomingRequest(request, checksum, request.getTIds(), server)

    def timerE(self, t: Any) -> None:  # noqa: N802 - sippy's name
        """Let an inbound invitation without an Expires header ring on; sippy would refuse it after 300 s."""
        if not getattr(t, "prolonged", False) and not getattr(t, "limited", False):
            t.prolonged = True
            t.teE = Timeout(self.timerE, _INVITE_LIFE, 1, t)
            return
        super().timerE(t)

    # --- responses to our requests ----------------------------------------------------------------------------------

    def incomingResponse(self, msg: Any, t: Any, checksum: bytes) -> None:  # noqa: N802 - sippy's name
        """Take a response that matches a transaction."""
        code = msg.getSCode()[0]
        for name in ("teA", "teB"):
            timer = getattr(t, name)
            if timer is not None:
                timer.cancel()
                setattr(t, name, None)
        if code < 200:
            self._provisional(msg, t)
            return
        if t.needack and code >= 300:
            self._acknowledge(msg, t, checksum)
        del self.tclient[t.tid]
        callback = t.resp_cb
        t.cleanup()
        if callback is not None:
            callback(msg)

    def _provisional(self, msg: Any, t: Any) -> None:
        if t.state is TRYING:
            t.state = RINGING
            if t.cancelPending:
                t.cancelPending = False
                self.cancelTransaction(t)
        t.teB = Timeout(self.timerB, t.expires if t.needack else 32.0, 1, t)
        if t.resp_cb is not None:
            t.resp_cb(msg)

    def _acknowledge(self, msg: Any, t: Any, checksum: bytes) -> None:
        """ACK a 3xx-6xx: same hop, same branch, same Route (RFC 3261 17.1.1.3); again for each repetition."""
        tag = msg.getHFBody("to").getTag()
        if tag is not None:
            t.ack.getHFBody("to").setTag(tag)
        t.ack.appendHeaders([SipHeader(name="route", body=each) for each in t.routes])
        self.transmitData(t.userv, t.ack.localStr(t.userv.getSIPaddr()), t.address, checksum)

    def cancelTransaction(self, t: Any, extra_headers: Any = None) -> None:  # noqa: N802 - sippy's name
        """CANCEL an invitation, as soon as a provisional response allows it (RFC 3261 9.1)."""
        if t.state in (COMPLETED, TERMINATED) or t.tid is None:
            return
        super().cancelTransaction(t, extra_headers)

    def newTransaction(self, msg: Any, resp_cb: Any = None, *args: Any, **options: Any) -> Any:  # noqa: N802 - sippy's name
        """Send a request. Its target's transport may be written in any case; we speak UDP."""
        options["userv"] = self.l4r.server
        t = super().newTransaction(msg, resp_cb, *args, **options)
        t.routes = msg.getHFBCopys("route")
        return t

    # --- out --------------------------------------------------------------------------------------------------------

    def transmitData(  # noqa: N802 - sippy's name
        self, userv: Any, data: str, address: tuple[str, int], cachesum: bytes | None = None, lossemul: int = 0
    ) -> None:
        """Send a message, keep it for retransmissions of what it answers, and trace it."""
        userv.send_to(data, address)
        self.counters["sent"] += 1
        self.trace.record(True, address, data)
        if cachesum is not None:
            self.l1rcache[cachesum] = SipTMRetransmitO(userv, data, address, None, lossemul)

    def close(self) -> None:
        """Stop every timer, forget every transaction, close the socket; sippy's own leaves the timers running."""
        self.cp_timer.cancel()
        for t in [*self.tclient.values(), *self.tserver.values()]:
            for name in ("teA", "teB", "teC", "teD", "teE", "teF", "teG"):
                timer = getattr(t, name, None)
                if timer is not None:
                    timer.cancel()
            t.cleanup()
        self.l4r.shutdown()
        for kept in (self.tclient, self.tserver, self.l1rcache, self.l2rcache):
            kept.clear()
