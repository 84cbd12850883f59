"""One call leg of the built-in carrier: a dialog seen from its user agent (RFC 3261 12 and 13)."""

import secrets
from collections.abc import Callable
from typing import Literal, Protocol, Self

from telephony.lab.message import Message, respond, tag_of, uri_of
from telephony.lab.transactions import Address, ClientTransaction, ServerTransaction, Transactions, new_branch

ALLOWED = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"
State = Literal["calling", "ringing", "answering", "answered", "ended"]


class LegListener(Protocol):
    """What a leg tells. After leg_ended nothing follows; a hang-up of our own is not told."""

    def leg_progress(self, leg: "Leg", response: Message) -> None:
        """A provisional answer other than 100 came."""

    def leg_answered(self, leg: "Leg", message: Message) -> None:
        """200 came (a leg we dialled; ACK is sent), or the ACK for our 200."""

    def leg_requested(self, leg: "Leg", request: Message, transaction: ServerTransaction) -> None:
        """A request inside the call other than BYE: answer it through the transaction."""

    def leg_ended(self, leg: "Leg", status: int, reason: str) -> None:
        """The far end refused (its status), gave up (487) or hung up (200)."""


class Leg:
    """A leg; make it with `dial` or `incoming`. `far_sdp` is the last session description of the far end."""

    def __init__(
        self,
        wire: Transactions,
        legs: "dict[str, Leg]",
        listener: LegListener,
        call_id: str,
        *,
        local: str,
        remote: str,
        peer: Address,
    ) -> None:
        self.call_id = call_id
        self.peer = peer
        self.state: State = "calling"
        self.far_sdp = b""
        self.listener = listener
        self._wire = wire
        self._legs = legs
        self._local = local
        self._remote = remote
        self._target = ""
        self._cseq = 1
        self._invite: ServerTransaction | None = None  # the INVITE of theirs not yet acknowledged
        self._dialled: ClientTransaction | None = None
        self._provisional = False
        self._leaving = False  # hang-up wanted as soon as the state allows it
        legs[call_id] = self

    @classmethod
    def dial(
        cls,
        wire: Transactions,
        legs: "dict[str, Leg]",
        listener: LegListener,
        peer: Address,
        *,
        uri: str,
        caller: str,
        sdp: bytes,
        extra: tuple[tuple[str, str], ...] = (),
    ) -> Self:
        """Send INVITE for `uri` to `peer`; `caller` is the From value without a tag, `extra` more headers."""
        host = wire.address[0]
        local = f"{caller};tag={secrets.token_hex(6)}"
        leg = cls(wire, legs, listener, f"{secrets.token_hex(12)}@{host}", local=local, remote=f"<{uri}>", peer=peer)
        leg._target = uri
        invite = leg._request("INVITE", sdp, "application/sdp")
        invite.headers += [("Allow", ALLOWED), *extra]
        leg._dialled = wire.request(invite, peer, leg._invite_answered)
        return leg

    @classmethod
    def incoming(cls, wire: Transactions, legs: "dict[str, Leg]", listener: LegListener, transaction: ServerTransaction) -> Self:
        """Take an INVITE that opens a call; 100 goes out at once (pyVoIP needs it before anything else)."""
        request = transaction.request
        local = f"{request.first('To')};tag={secrets.token_hex(6)}"
        leg = cls(wire, legs, listener, request.call_id, local=local, remote=request.first("From"), peer=transaction.peer)
        leg.state = "ringing"
        leg.far_sdp = request.body if request.is_sdp else b""
        leg._target = uri_of(request.first("Contact"))
        leg._invite = transaction
        transaction.respond(respond(request, 100, "Trying"))
        return leg

    @property
    def contact(self) -> str:
        """Our Contact value."""
        host, port = self._wire.address
        return f"<sip:{host}:{port}>"

    def belongs(self, request: Message) -> bool:
        """Whether a request carries this dialog's tags (RFC 3261 12.2.2)."""
        return tag_of(request.first("To")) == tag_of(self._local) and tag_of(request.first("From")) == tag_of(self._remote)

    def ring(self, sdp: bytes = b"") -> None:
        """Send 180, or 183 with early media."""
        if self.state == "ringing":
            self._answer(183 if sdp else 180, "Session Progress" if sdp else "Ringing", sdp)

    def accept(self, sdp: bytes) -> None:
        """Send 200; it is repeated until ACK, and without one the call ends."""
        if self.state != "ringing" or self._invite is None:
            return
        self.state = "answering"
        self._invite.on_unacknowledged = self._unacknowledged
        self._answer(200, "OK", sdp)

    def refuse(self, status: int, reason: str) -> None:
        """Refuse a call not yet answered."""
        if self.state == "ringing":
            self._answer(status, reason)
            self._close()

    def hang_up(self) -> None:
        """End the leg in whatever state: CANCEL, a refusal or BYE. Safe to repeat."""
        if self.state == "ringing":
            self.refuse(480, "Temporarily Unavailable")
        elif self.state == "answered":
            self._bye()
        elif self.state in ("calling", "answering"):
            self._leaving = True
            if self.state == "calling" and self._provisional:
                self._cancel()

    def request(self, method: str, body: bytes, content_type: str, on_response: Callable[[Message], None]) -> None:
        """Send a request inside the call; a 200 for INVITE is acknowledged here."""

        def answered(response: Message) -> None:
            if method == "INVITE" and 200 <= response.status < 300:
                self._acknowledge(response)
            if response.is_sdp:
                self.far_sdp = response.body
            on_response(response)

        self._cseq += 1
        self._wire.request(self._request(method, body, content_type), self.peer, answered)

    def reply(self, transaction: ServerTransaction, status: int, reason: str, sdp: bytes = b"") -> None:
        """Answer a request inside the call."""
        response = respond(transaction.request, status, reason).add("Contact", self.contact).add("Allow", ALLOWED)
        if sdp:
            response.add("Content-Type", "application/sdp")
            response.body = sdp
        transaction.respond(response)

    # --- what the exchange hands to the leg -----------------------------------------------------------------------

    def request_came(self, request: Message, transaction: ServerTransaction) -> None:
        """Take a request inside the call."""
        if not self.belongs(request):
            self.reply(transaction, 481, "Call/Transaction Does Not Exist")
        elif request.method == "BYE":
            self.reply(transaction, 200, "OK")
            if self._invite is not None:
                self._invite.acknowledged()
            self._end(200, "OK")
        elif request.method == "INVITE" and self._invite is not None:
            self.reply(transaction, 491, "Request Pending")
        else:
            if request.method == "INVITE":
                self._invite = transaction
                self._target = uri_of(request.first("Contact")) or self._target
            if request.is_sdp:
                self.far_sdp = request.body
            self.listener.leg_requested(self, request, transaction)

    def ack_came(self, request: Message) -> None:
        """Take the ACK for a 200. Tags are not compared: pyVoIP invents one here."""
        if self._invite is None or request.cseq != self._invite.request.cseq:
            return
        self._invite.acknowledged()
        self._invite = None
        if request.is_sdp:
            self.far_sdp = request.body
        if self.state != "answering":
            return
        self.state = "answered"
        if self._leaving:
            self._bye()
        else:
            self.listener.leg_answered(self, request)

    def cancel_came(self) -> None:
        """The caller gave up before an answer."""
        if self.state == "ringing":
            self._answer(487, "Request Terminated")
            self._end(487, "Request Terminated")

    # --- inside -----------------------------------------------------------------------------------------------------

    def _request(self, method: str, body: bytes = b"", content_type: str = "", branch: str = "") -> Message:
        message = Message(method=method, uri=self._target, body=body)
        message.add("Via", self._wire.via(branch or new_branch())).add("Max-Forwards", "70")
        message.add("From", self._local).add("To", self._remote).add("Call-ID", self.call_id)
        message.add("CSeq", f"{self._cseq} {method}")
        if method not in ("CANCEL", "BYE"):
            message.add("Contact", self.contact)
        message.add("User-Agent", "callcenter built-in carrier")
        if body:
            message.add("Content-Type", content_type)
        return message

    def _answer(self, status: int, reason: str, sdp: bytes = b"") -> None:
        if self._invite is None:
            return
        response = respond(self._invite.request, status, reason, tag_of(self._local)).add("Contact", self.contact)
        response.add("Allow", ALLOWED)
        if sdp:
            response.add("Content-Type", "application/sdp")
            response.body = sdp
        self._invite.respond(response)

    def _invite_answered(self, response: Message) -> None:
        if tag_of(response.first("To")) and response.status < 300:
            self._remote = response.first("To")
            self._target = uri_of(response.first("Contact")) or self._target
        if response.is_sdp:
            self.far_sdp = response.body
        if response.status < 200:
            self._progress(response)
        elif response.status < 300:
            self._accepted(response)
        elif self.state != "ended":
            was_leaving = self._leaving
            self._close()
            if not was_leaving:
                self.listener.leg_ended(self, response.status, response.reason)

    def _progress(self, response: Message) -> None:
        first, self._provisional = not self._provisional, True
        if self._leaving:
            if first:
                self._cancel()
        elif response.status != 100 and self.state == "calling":
            self.listener.leg_progress(self, response)

    def _accepted(self, response: Message) -> None:
        self._acknowledge(response)
        if self.state != "calling":
            return  # their 200 again
        self.state = "answered"
        if self._leaving:  # it crossed our CANCEL
            self._bye()
        else:
            self.listener.leg_answered(self, response)

    def _acknowledge(self, response: Message) -> None:
        ack = Message(method="ACK", uri=uri_of(response.first("Contact")) or self._target)
        ack.add("Via", self._wire.via(new_branch())).add("Max-Forwards", "70").add("From", self._local)
        ack.add("To", response.first("To")).add("Call-ID", self.call_id).add("CSeq", f"{response.cseq} ACK")
        self._wire.send(ack.encode(), self.peer)

    def _cancel(self) -> None:
        if self._dialled is None:
            return
        cancel = self._request("CANCEL", branch=self._dialled.request.branch)
        cancel.headers = [(name, f"<{self._dialled.request.uri}>" if name == "To" else value) for name, value in cancel.headers]
        cancel.uri = self._dialled.request.uri
        self._wire.request(cancel, self.peer, lambda _response: None)
        self._dialled.expect_end()

    def _bye(self) -> None:
        self._cseq += 1
        self._wire.request(self._request("BYE"), self.peer, lambda _response: None)
        self._close()

    def _unacknowledged(self) -> None:
        if self.state == "answering":  # RFC 3261 13.3.1.4: no ACK in 64*T1, so the call is ended with BYE
            self._bye()
            self.listener.leg_ended(self, 408, "Request Timeout")

    def _end(self, status: int, reason: str) -> None:
        if self.state == "ended":
            return
        told = not self._leaving
        self._close()
        if told:
            self.listener.leg_ended(self, status, reason)

    def _close(self) -> None:
        self.state = "ended"
        self._invite = None
        self._legs.pop(self.call_id, None)
