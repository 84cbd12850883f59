"""A dialog (RFC 3261 12): who talks to whom under which tags and routes, and the requests within it."""

import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from telephony.sip import addresses, parsing
from telephony.sip.addresses import bracketed, parse_uri

SIP_PORT = 5060
AGENT = "callcenter"
_TAG = re.compile(r";\s*tag\s*=\s*[^;,\s>]*", re.IGNORECASE)

Peer = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a far end reaches us: `host` goes into Via, Contact and SDP, without brackets."""

    host: str
    port: int

    @property
    def text(self) -> str:
        """HOST:PORT as headers want it."""
        return f"{bracketed(self.host)}:{self.port}"


@dataclass(slots=True)
class Dialog:
    """Our half of a dialog. `local` and `remote` are From/To values without tags; `peer` is where messages came from."""

    call_id: str
    local: str
    local_tag: str
    remote: str
    remote_tag: str
    target: str
    place: Place
    contact: str
    peer: Peer
    routes: tuple[str, ...] = ()
    sequence: int = 0
    remote_sequence: int = -1

    def request(
        self, method: str, headers: Sequence[str] = (), body: str | None = None, *, sequence: int | None = None
    ) -> tuple[Any, Peer]:
        """Return a request within the dialog and where to send it. `sequence` repeats a number (ACK), else it is the next."""
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        uri, routes = self._route()
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.place.text};branch=z9hG4bK{secrets.token_hex(12)};rport",
            *(f"Route: {each}" for each in routes),
            "Max-Forwards: 70",
            f"From: {self.local};tag={self.local_tag}",
            f"To: {self.remote}" + (f";tag={self.remote_tag}" if self.remote_tag else ""),
            f"Call-ID: {self.call_id}",
            f"CSeq: {sequence} {method}",
            *((f"Contact: {self.contact}",) if method in ("INVITE", "UPDATE", "ACK") else ()),
            f"User-Agent: {AGENT}",
            *headers,
        ]
        first = addresses.parse(self.routes[0]) if self.routes else None
        return parsing.request("\r\n".join(lines), body), next_hop(first.uri if first else parse_uri(self.target), self.peer)

    def _route(self) -> tuple[str, tuple[str, ...]]:
        """Return the request URI and Route headers: loose routing, or strict for an old first proxy (12.2.1.1)."""
        first = addresses.parse(self.routes[0]) if self.routes else None
        if first is None or "lr" in first.uri.parameters:
            return self.target, self.routes
        inside = re.search(r"<([^>]*)>", self.routes[0])
        return (inside[1] if inside else self.routes[0]), (*self.routes[1:], f"<{self.target}>")

    def learn(self, message: Any, peer: Peer) -> None:
        """Take a new target from a message's Contact (target refresh)."""
        self.target = contact_uri(message) or self.target
        self.peer = peer


def contact_uri(message: Any) -> str | None:
    """Return the URI of a message's Contact, None without one that can be called."""
    for value in parsing.values(message, "contact"):
        inside = re.search(r"<([^>\s]*)>", value)
        uri = inside[1] if inside else value.partition(";")[0].strip()
        parsed = parse_uri(uri)
        if parsed is not None and parsed.scheme != "tel":
            return uri
    return None


def untagged(value: str) -> str:
    """Return a From or To value without its tag."""
    head, close, tail = value.rpartition(">")
    return head + close + _TAG.sub("", tail)


def next_hop(uri: addresses.Uri | None, peer: Peer) -> Peer:
    """Return the address to send to: the URI's when it is one we can reach, else where the far end's messages come from.

    A name is not looked up (that would stop the loop), and a private address given by a peer with a public one is behind
    its NAT: both times the peer's own address is right.
    """
    if uri is None:
        return peer
    try:
        host = ipaddress.ip_address(uri.host.strip("[]"))
        source = ipaddress.ip_address(peer[0].strip("[]"))
    except ValueError:
        return peer
    if host.version != source.version or host.is_unspecified or host.is_multicast or (host.is_private and source.is_global):
        return peer
    return str(host), uri.port or SIP_PORT


def from_invite(request: Any, tag: str, peer: Peer, place: Place, contact: str) -> Dialog:
    """Return the dialog an inbound INVITE opens (12.1.1)."""
    return Dialog(
        call_id=str(request.getHFBody("call-id")),
        local=untagged(parsing.values(request, "to")[0]),
        local_tag=tag,
        remote=untagged(parsing.values(request, "from")[0]),
        remote_tag=request.getHFBody("from").getTag() or "",
        target=contact_uri(request) or "",
        place=place,
        contact=contact,
        peer=peer,
        routes=tuple(parsing.values(request, "record-route")),
        sequence=secrets.randbelow(10_000),
        remote_sequence=request.getHFBody("cseq").getCSeqNum(),
    )


def from_answer(response: Any, early: Dialog, peer: Peer) -> Dialog:
    """Return the dialog a response to our INVITE opens or confirms (12.1.2)."""
    return Dialog(
        call_id=early.call_id,
        local=early.local,
        local_tag=early.local_tag,
        remote=early.remote,
        remote_tag=response.getHFBody("to").getTag() or "",
        target=contact_uri(response) or early.target,
        place=early.place,
        contact=early.contact,
        peer=peer,
        routes=tuple(reversed(parsing.values(response, "record-route"))),
        sequence=response.getHFBody("cseq").getCSeqNum(),
    )
