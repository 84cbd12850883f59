"""A carrier leg's audio: one UDP socket on the switch's loop, latched to one source so that no stranger is heard."""

import asyncio
import secrets
import socket
from collections.abc import Callable

import structlog

from callcenter import clock
from callcenter.errors import Unavailable
from telephony.legs import Law
from telephony.media import rtp
from telephony.media.stream import RtpStream

log = structlog.get_logger(__name__)

Address = tuple[str, int]

_DATAGRAM = 2048  # larger than any G.711 packet; the rest of a giant one is cut off
_BATCH = 8  # datagrams read before the loop's other work gets its turn
_TOS = 0xB8  # DSCP EF, expedited forwarding (RFC 3246)
_RECEIVE_BUFFER = 65536  # octets: seconds of a call, and what is older is worth nothing


class RtpPorts:
    """Gives out RTP ports on even numbers of a range, starting at random and going round, so that none is reused soon."""

    def __init__(self, ports: range, host: str = "0.0.0.0") -> None:  # noqa: S104 - carriers come from outside
        self._host = host
        self._even = range(ports.start + ports.start % 2, ports.stop, 2)
        self._next = secrets.randbelow(max(1, len(self._even)))
        self.in_use = 0

    def open(self, law: Law = "pcma", event_type: int | None = None) -> "RtpPort":
        """Return a port on a free number; raises Unavailable when there is none."""
        for _ in range(len(self._even)):
            number = self._even[self._next]
            self._next = (self._next + 1) % len(self._even)
            bound = self._bind(number)
            if bound is not None:
                self.in_use += 1
                return RtpPort(bound, law=law, event_type=event_type, released=self._release)
        raise Unavailable("No RTP port is free: enlarge the range of ports, or see what else uses it.")

    def _bind(self, number: int) -> socket.socket | None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.bind((self._host, number))
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            if family == socket.AF_INET:
                opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _TOS)
            else:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _TOS)
        except OSError as error:
            opened.close()
            log.debug("rtp port not free", port=number, error=str(error))
            return None
        return opened

    def _release(self) -> None:
        self.in_use -= 1


class RtpPort(RtpStream):
    """An audio end on a UDP socket (telephony.legs.Port).

    Nothing goes out and nothing is taken before `remote` is set from the far SDP. Then the first source that sends
    G.711 or an event is latched, carriers being behind NAT, and everything from elsewhere is counted and dropped.
    """

    def __init__(self, bound: socket.socket, *, law: Law, event_type: int | None, released: Callable[[], None]) -> None:
        super().__init__(law=law, event_type=event_type)
        self._socket = bound
        self._released = released
        self._remote: Address | None = None
        self._latched: tuple[object, ...] | None = None  # as the socket gives it, to compare without taking apart
        self._target: tuple[object, ...] | None = None
        self._early = self._unsent = 0
        name = bound.getsockname()
        self.local_address: Address = (name[0], name[1])  # as bound, the host may be 0.0.0.0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bound.fileno(), self._readable)

    @property
    def remote(self) -> Address | None:
        """Where the far SDP says it listens; packets go there until a source is latched, and to that one then."""
        return self._remote

    @remote.setter
    def remote(self, address: Address | None) -> None:
        self._remote = address
        if address is None:
            self._target = self._latched = None
        elif self._latched is None and not self._closed:
            self._target = address

    @property
    def latched(self) -> Address | None:
        """The source that was latched."""
        return None if self._latched is None else (str(self._latched[0]), int(str(self._latched[1])))

    def relatch(self) -> None:
        """Forget the latched source (a re-INVITE came): the next one is latched, and `remote` is sent to until then."""
        if not self._closed:
            self._latched = None
            self._target = self._remote

    def close(self) -> None:
        """Free the socket; nothing more comes or goes. Safe to repeat."""
        if self._closed:
            return
        self._target = None
        self.silence()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._released()

    @property
    def counters(self) -> dict[str, int]:
        """Everything counted beside quality(), by name."""
        return {
            "malformed": self.malformed,
            "foreign": self.foreign,
            "early": self._early,
            "unsent": self._unsent,
            "duplicates": self.receiver.duplicates,
            "reordered": self.receiver.reordered,
            "restarts": self.receiver.restarts,
        }

    def _transmit(self, packet: bytes) -> None:
        if self._target is None:
            return
        try:
            self._socket.sendto(packet, self._target)
            self.sent += 1
        except OSError:  # a full buffer, no route: audio is never sent twice
            self._unsent += 1

    def _readable(self) -> None:
        now = clock.monotonic()
        for _ in range(_BATCH):
            try:
                data, source = self._socket.recvfrom(_DATAGRAM)
            except OSError:  # nothing left
                return
            self._take(data, source, now)
            if self._closed:
                return

    def _take(self, data: bytes, source: tuple[object, ...], now: float) -> None:
        if source != self._latched and self._latched is not None:
            self.foreign += 1
            return
        packet = rtp.parse(data)
        if packet is None:
            self.malformed += 1
        elif self.knows(packet.payload_type) and (self._latched is not None or self._latch(source)):
            self.receive(packet, now)

    def _latch(self, source: tuple[object, ...]) -> bool:
        if self._remote is None:
            self._early += 1
            return False
        self._latched = self._target = source
        log.debug("rtp latched", source=str(source[0]), port=source[1], expected=self._remote[0])
        return True
