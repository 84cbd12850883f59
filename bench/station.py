"""A browser's end of the audio path and nothing more: ICE and DTLS of aiortc's, an offer written here, no codec, no clock.

Fifty of them stand ready at no cost; the bridges' load takes the keys and the socket and sends what it likes.
"""

import asyncio
from typing import Any

from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.sdp import candidate_from_sdp, candidate_to_sdp

from telephony.legs import Law
from telephony.media import g711

_certificates: list[RTCCertificate] = []


class Station:
    """One audio path: `offer`, then `take` the answer, which returns once it stands. `law`: of the audio, G.711's."""

    def __init__(self, law: Law = "pcma") -> None:
        self._law = law
        if not _certificates:
            _certificates.append(RTCCertificate.generateCertificate())
        self._gatherer = RTCIceGatherer(iceServers=[])
        self.ice = RTCIceTransport(self._gatherer)
        self.dtls = RTCDtlsTransport(self.ice, _certificates)

    async def offer(self) -> str:
        """Return an offer of one law both ways."""
        await self._gatherer.gather()
        own = self._gatherer.getLocalParameters()
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0"]
        number = g711.PAYLOAD_TYPE[self._law]
        lines += [f"m=audio 9 UDP/TLS/RTP/SAVPF {number}", "c=IN IP4 0.0.0.0", "a=mid:0", "a=sendrecv", "a=rtcp-mux"]
        lines += [f"a=candidate:{candidate_to_sdp(each)}" for each in self._gatherer.getLocalCandidates()]
        lines += [f"a=ice-ufrag:{own.usernameFragment}", f"a=ice-pwd:{own.password}", "a=setup:actpass"]
        prints = self.dtls.getLocalParameters().fingerprints
        lines += [f"a=fingerprint:{each.algorithm} {each.value}" for each in prints if each.algorithm == "sha-256"]
        return "\r\n".join([*lines, f"a=rtpmap:{number} {self._law.upper()}/8000"]) + "\r\n"

    async def take(self, answer: str) -> None:
        """Connect to who answered; raises TimeoutError or ConnectionError."""
        fields = [line[2:].partition(":") for line in answer.splitlines() if line.startswith("a=")]
        given: dict[str, list[str]] = {}
        for name, _, value in fields:
            given.setdefault(name, []).append(value)
        for candidate in given["candidate"]:
            await self.ice.addRemoteCandidate(candidate_from_sdp(candidate))
        await self.ice.addRemoteCandidate(None)
        setup: Any = "client" if given["setup"][0] == "passive" else "server"
        self.dtls._set_role(setup)
        algorithm, _, value = given["fingerprint"][0].partition(" ")
        async with asyncio.timeout(30):
            await self.ice.start(RTCIceParameters(usernameFragment=given["ice-ufrag"][0], password=given["ice-pwd"][0]))
            if self.ice.state == "completed":
                await self.dtls.start(RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(algorithm=algorithm, value=value)]))
        if self.dtls.state != "connected":
            raise ConnectionError(f"ICE {self.ice.state}, DTLS {self.dtls.state}")

    async def close(self) -> None:
        """Say goodbye and free the sockets."""
        await self.dtls.stop()
        await self.ice.stop()
