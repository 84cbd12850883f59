"""The UDP socket of a listening address, in the shape sippy's transaction layer expects of a network server.

sippy's own opens three senders and three receivers per socket, which reorder messages (113 of 800 calls failed at 200/s),
shares ports silently, reads at most 8 kB and asks the DNS for every datagram. This one has one receiver, sends from the
SIP thread itself, binds exclusively, and takes addresses only. TCP and TLS become classes beside it, chosen in `open_server`.
"""

import contextlib
import ipaddress
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog
from sippy.Core.EventDispatcher import ED2
from sippy.Network_server import Remote_address
from sippy.Time.MonoTime import MonoTime

from callcenter import clock

log = structlog.get_logger(__name__)

_LARGEST = 65_535
_BUFFER = 4 * 2**20  # octets the kernel keeps for us in a burst

Received = Callable[[bytes, Any, "UdpServer", Any], None]


class _Options:
    """What sippy asks a server for besides sending."""

    def isWildCard(self) -> bool:  # noqa: N802 - sippy's name
        return False


class UdpServer:
    """One bound UDP socket; `received(data, peer, server, time)` is called in the SIP thread, stamped in the receiving one."""

    transport = "udp"

    def __init__(self, address: tuple[str, int], received: Received, counters: Counter[str]) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self.uopts = _Options()
        self._received: Received | None = received
        self._counters = counters
        self._thread = threading.Thread(target=self._receive, name="sip-receiver", daemon=True)
        self._thread.start()

    def getSIPaddr(self) -> tuple[tuple[str, int], str]:  # noqa: N802 - sippy's name
        """Return the address sippy writes where a message leaves it open; ours never do."""
        return self.address, self.transport

    def addr2str(self, address: tuple[str, int]) -> str:
        """Return an address as sippy logs it."""
        return f"{self.transport}:{address[0]}:{address[1]}"

    def send_to(self, data: str | bytes, address: tuple[str, int]) -> None:
        """Send a datagram to an IP address; names are counted and dropped, they were to be resolved before."""
        octets = data if isinstance(data, bytes) else data.encode()
        host = address[0].strip("[]")
        try:
            ipaddress.ip_address(host)
            self._socket.sendto(octets, (host, int(address[1])))
        except (OSError, ValueError, OverflowError, TypeError) as error:
            self._counters["send_failed"] += 1
            log.debug("sip_send_failed", host=str(host)[:80], error=str(error)[:120])

    def _receive(self) -> None:
        while self._received is not None:
            try:
                data, address = self._socket.recvfrom(_LARGEST)
            except OSError:
                if self._received is None:
                    return
                continue  # an ICMP error of an earlier datagram
            if not data or address is None:
                continue
            # Not sippy's clock: it reads CLOCK_MONOTONIC_RAW, which drifts from the one all latencies are measured with.
            received = MonoTime(monot=clock.monotonic(), realt=time.time())
            ED2.callFromThread(self._arrived, data, Remote_address(address[:2], self.transport), received)

    def _arrived(self, data: bytes, peer: Any, received: Any) -> None:
        if self._received is not None:
            self._received(data, peer, self, received)

    def shutdown(self) -> None:
        """Close the socket and end its thread."""
        self._received = None
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # ENOTCONN, and yet it wakes the receiver
        self._thread.join(2)
        self._socket.close()


class OneServer:
    """What sippy's transaction layer asks for a server by address: with one socket, always the same answer."""

    def __init__(self, server: UdpServer) -> None:
        self.server = server

    def getServer(self, address: Any, is_local: bool = False) -> UdpServer:  # noqa: N802 - sippy's name
        """Return the only server."""
        return self.server

    def rotateCache(self) -> None:  # noqa: N802 - sippy's name
        """Forget looked-up addresses: there are none."""

    def shutdown(self) -> None:
        """Close the server."""
        self.server.shutdown()


def open_server(transport: str, address: tuple[str, int], received: Received, counters: Counter[str]) -> UdpServer:
    """Open the network server of a transport: the one place that chooses. Raises OSError when the address is taken."""
    if transport != "udp":
        raise OSError(f"transport {transport} is not there")
    return UdpServer(address, received, counters)
