"""A consultant's browser: G.711 over WebRTC, passed through without decoding.

The only file that touches what aiortc and aioice keep private (both are pinned exactly). ICE and DTLS are theirs, run
without their RTCPeerConnection: no sender, receiver, jitter buffer or decoder thread of theirs exists. Packets are
taken where the datagram arrives, unprotected and handed on; what goes out is protected and sent on the nominated pair.
"""

import asyncio
import datetime as dt
import functools
from collections.abc import Callable, Sequence
from typing import Any

import pylibsrtp
import structlog
from aioice.ice import StunProtocol
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceServer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.sdp import candidate_from_sdp, candidate_to_sdp

from callcenter import clock
from callcenter.errors import Unavailable
from telephony.legs import Law
from telephony.media import browser_sdp, external, rtcp, rtp
from telephony.media.stream import RtpStream

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 20.0  # from the answer until the audio path stands, or it is given up
SILENT_SECONDS = 10.0  # without any sign of the browser, whose consent checks come every five: it is gone
WATCH_SECONDS = 2.5  # between two looks, and between two RTCP reports
STUN_SECONDS = 2  # an unreachable STUN server may hold up an answer for so long

_closing: set[asyncio.Task[None]] = set()  # the loop holds tasks weakly


@functools.cache
def _certificate_of(day: dt.date) -> RTCCertificate:
    return RTCCertificate.generateCertificate()


def _certificate() -> RTCCertificate:
    """Return this process's certificate, a new one each day (they last for 30; making one takes a millisecond)."""
    return _certificate_of(clock.now().date())


class BrowserPort(RtpStream):
    """An audio end in a browser (telephony.legs.Port). Make it with `open`; `answer` goes back to the browser.

    `on_live` is called once when the audio path stands, `on_lost` at most once when it is gone or never came; neither
    after `close`.
    """

    def __init__(self, offer: browser_sdp.Offer, ice: RTCIceTransport, law: Law, outside: str = "") -> None:
        super().__init__(law=law, event_type=offer.event_type)
        self.answer = ""
        self.live = False
        self.on_live: Callable[[], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        self._ice = ice
        self._outside = outside
        self._connection = ice._connection
        self._dtls = RTCDtlsTransport(ice, [_certificate()])
        self._rx: pylibsrtp.Session | None = None
        self._tx: pylibsrtp.Session | None = None
        self._name = f"callcenter-{self.rewriter.ssrc:08x}"
        self._octets = 0
        self._alive = clock.monotonic()
        self._lost_before = self._expected_before = 0
        self._their_report = rtcp.Heard()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._teardown: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        offer_sdp: str,
        *,
        stun_servers: Sequence[str] = (),
        external_address: str = "",
        law: Law = "pcma",
        on_live: Callable[[], None] | None = None,
        on_lost: Callable[[], None] | None = None,
    ) -> "BrowserPort":
        """Answer an offer and begin to connect; `law` is used when the browser has it.

        `external_address` (an address or a name) is where browsers outside find this machine behind a 1:1 NAT.

        Raises Invalid for an offer without usable audio, Unavailable on a machine with no network but loopback.
        """
        offer = browser_sdp.parse_offer(offer_sdp)
        laws: tuple[Law, ...] = tuple(sorted(set(offer.laws), key=lambda each: each != law))
        gatherer = RTCIceGatherer(iceServers=[RTCIceServer(urls=[*stun_servers])] if stun_servers else [])
        gather = gatherer._connection.get_component_candidates
        gatherer._connection.get_component_candidates = functools.partial(gather, timeout=STUN_SECONDS)  # type: ignore[method-assign]
        await gatherer.gather()
        del gatherer._connection.get_component_candidates
        if not gatherer.getLocalCandidates():
            await gatherer._connection.close()
            raise Unavailable(
                "This machine has no network interface but loopback, which browsers do not speak over: connect it to a network."
            )
        port = cls(offer, RTCIceTransport(gatherer), laws[0], await external.address_of(external_address))
        port.on_live, port.on_lost = on_live, on_lost
        port._start(offer, laws)
        return port

    def _start(self, offer: browser_sdp.Offer, laws: tuple[Law, ...]) -> None:
        setup: Any = "passive" if offer.setup == "active" else "active"
        local = self._ice.iceGatherer.getLocalParameters()
        candidates = external.with_external(self._ice.iceGatherer.getLocalCandidates(), self._outside)
        self.answer = browser_sdp.build_answer(
            offer,
            browser_sdp.Answer(
                laws=laws,
                ssrc=self.rewriter.ssrc,
                name=self._name,
                username=str(local.usernameFragment),
                password=str(local.password),
                fingerprints=tuple((each.algorithm, each.value) for each in self._dtls.getLocalParameters().fingerprints),
                setup=setup,
                candidates=tuple(candidate_to_sdp(each) for each in candidates),
            ),
        )
        self._connection.ice_controlling = offer.lite
        self._dtls._set_role("server" if setup == "passive" else "client")
        self._dtls.on("statechange", self._state_changed)
        self._ice.on("statechange", self._state_changed)
        self._tasks = [
            self._loop.create_task(self._connect(offer)),
            self._loop.create_task(self._add_candidates(offer.candidates)),
        ]

    # --- coming up ---------------------------------------------------------------------------------------------------

    async def _connect(self, offer: browser_sdp.Offer) -> None:
        remote = RTCIceParameters(usernameFragment=offer.username, password=offer.password, iceLite=offer.lite)
        fingerprints = [RTCDtlsFingerprint(algorithm=algorithm, value=value) for algorithm, value in offer.fingerprints]
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._ice.start(remote)
                if self._ice.state == "completed":
                    await self._dtls.start(RTCDtlsParameters(fingerprints=fingerprints))
        except TimeoutError:
            log.info("browser did not connect", ice=self._ice.state, dtls=self._dtls.state)
        except Exception as error:  # noqa: BLE001 - what a browser can provoke in OpenSSL is open; the station is lost either way
            log.warning("browser's connection failed", error=repr(error))
        if self._dtls.state != "connected":
            self._lose()
            return
        self._rx, self._tx = self._dtls._rx_srtp, self._dtls._tx_srtp
        for protocol in self._connection._protocols:
            protocol.datagram_received = functools.partial(self._datagram, protocol, protocol.datagram_received)  # type: ignore[method-assign]
        self._alive = clock.monotonic()
        self._timer = self._loop.call_later(WATCH_SECONDS, self._watch)
        self.live = True
        if self.on_live is not None:
            self.on_live()

    async def _add_candidates(self, candidates: Sequence[str]) -> None:
        """Tell ICE where the browser listens: addresses first, then names (mDNS), which take time to resolve.

        The end of candidates is never told: the browser's own checks may come from where it did not say (RFC 8445
        section 7.3.1.3), and _connect gives up by the clock.
        """
        parsed = []
        for text in candidates:
            try:
                parsed.append(candidate_from_sdp(text))
            except (ValueError, AssertionError, IndexError):
                log.info("browser's candidate not readable", candidate=text[:200])
        for candidate in sorted(parsed, key=lambda each: each.ip.endswith(".local")):
            try:
                await self._ice.addRemoteCandidate(candidate)
            except (ValueError, OSError) as error:
                log.info("browser's candidate not usable", candidate=candidate.ip[:200], error=str(error))

    # --- receiving ---------------------------------------------------------------------------------------------------

    def _datagram(
        self, protocol: StunProtocol, original: Callable[[bytes, tuple[Any, ...]], None], data: bytes, source: tuple[Any, ...]
    ) -> None:
        """Take SRTP and SRTCP (RFC 7983: first octet 128-191) where they arrive; STUN and DTLS go their way."""
        if data and 127 < data[0] < 192:
            self._protected(data)
            return
        pair = self._connection._nominated.get(1)
        if pair is not None and pair.protocol is protocol and pair.remote_addr == source[:2]:
            self._alive = clock.monotonic()
        original(data, source)

    def _protected(self, data: bytes) -> None:
        if self._rx is None:
            return
        now = clock.monotonic()
        try:
            if rtcp.is_rtcp(data):
                stamp = rtcp.sender_stamp(self._rx.unprotect_rtcp(data))
                if stamp is not None:
                    self._their_report = rtcp.Heard(stamp, now)
                self._alive = now
                return
            packet = rtp.parse(self._rx.unprotect(data))
        except (pylibsrtp.Error, ValueError):  # forged, replayed, or larger than any packet
            self.foreign += 1
            return
        self._alive = now
        if packet is None:
            self.malformed += 1
        elif self.knows(packet.payload_type):
            self.receive(packet, now)

    # --- sending -----------------------------------------------------------------------------------------------------

    def _transmit(self, packet: bytes) -> None:
        pair = self._connection._nominated.get(1)
        if self._tx is None or pair is None:
            return
        try:
            pair.protocol.transport.sendto(self._tx.protect(packet), pair.remote_addr)
        except (pylibsrtp.Error, ValueError):  # a carrier's packet too large for SRTP's buffer
            return
        self.sent += 1
        self._octets += len(packet) - 12

    def _report(self, now: float) -> None:
        """Send the RTCP report browsers make their statistics from."""
        pair = self._connection._nominated.get(1)
        if self._tx is None or pair is None:
            return
        reception = self._reception()
        data = rtcp.report(
            self.rewriter.ssrc, self._name, self.rewriter.at(now), self.sent, self._octets, reception, self._their_report, now
        )
        pair.protocol.transport.sendto(self._tx.protect_rtcp(data), pair.remote_addr)

    def _reception(self) -> rtcp.Reception | None:
        receiver = self.receiver
        if receiver.ssrc is None:
            return None
        expected = receiver.received + receiver.lost
        lately, lost_lately = expected - self._expected_before, receiver.lost - self._lost_before
        self._expected_before, self._lost_before = expected, receiver.lost
        fraction = max(0, lost_lately) * 256 // lately if lately > 0 else 0
        return rtcp.Reception(receiver.ssrc, min(255, fraction), receiver.lost, receiver.highest, int(receiver.jitter))

    # --- going ---------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        now = clock.monotonic()
        if now - self._alive > SILENT_SECONDS:
            log.info("browser not heard of", seconds=round(now - self._alive, 1))
            self._lose()
            return
        self._report(now)
        self._timer = self._loop.call_later(WATCH_SECONDS, self._watch)

    def _state_changed(self) -> None:
        if self.live and (self._dtls.state in ("closed", "failed") or self._ice.state in ("failed", "closed")):
            self._lose()

    def _lose(self) -> None:
        """The path is gone: tell it once, and free what is left."""
        if self._teardown is None:
            on_lost = self.on_lost
            self.close()
            if on_lost is not None:
                on_lost()

    def close(self) -> None:
        """Be silent at once and free the sockets in a moment. Safe to repeat."""
        if self._teardown is not None:
            return
        self.live = False
        self.on_live = self.on_lost = None
        self.silence()
        self._rx = self._tx = None
        if self._timer is not None:
            self._timer.cancel()
        self._teardown = self._loop.create_task(self._tear_down())
        _closing.add(self._teardown)
        self._teardown.add_done_callback(_closing.discard)

    async def closed(self) -> None:
        """Wait until a closed port's sockets are free."""
        if self._teardown is not None:
            await asyncio.shield(self._teardown)

    async def _tear_down(self) -> None:
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._dtls.stop()
        for protocol in self._connection._protocols:
            protocol.__dict__.pop("datagram_received", None)  # ends the circle of references through _datagram
        await self._ice.stop()
        self._dtls.remove_all_listeners()
