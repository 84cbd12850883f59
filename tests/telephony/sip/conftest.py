"""A SIP carrier on loopback with one trunk that leads to a scripted peer."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from callcenter import clock
from callcenter.config import Settings
from callcenter.phone import Originate, TrunkConfig
from telephony.media.rtp_port import RtpPorts
from telephony.sip import trunks
from telephony.sip.trunks import SipCarrier
from tests.telephony.sip.peer import Message, Notebook, Peer, sdp


@dataclass
class Line:
    """What a test has at hand: our carrier, what it told, and the far end."""

    carrier: SipCarrier
    notes: Notebook
    peer: Peer
    config: TrunkConfig

    def configure(self, **changes: Any) -> None:
        self.config = replace(self.config, **changes)
        self.carrier.configure([self.config])

    def dial(self, number: str = "+48600700800", **given: Any) -> Any:
        command = Originate(clock.new_id(), clock.new_id(), 1, number, given.pop("caller_id", "+48221234567"), **given)
        return self.carrier.originate(command)

    async def called(self, **given: Any) -> tuple[Any, str, Message]:
        """Let the peer call, answer and acknowledge; returns our leg, the INVITE and the 200."""
        invite = self.peer.invite(**given)
        self.peer.send(invite)
        leg, _ = await self.notes.call()
        leg.answer()
        answer = await self.peer.expect(200)
        self.peer.send(self.peer.within("ACK", Message(invite, ("", 0)), answer, 1))
        await self.notes.until(lambda: leg in self.notes.answered)
        return leg, invite, answer

    async def connected(self, **given: Any) -> tuple[Any, Message]:
        """Dial, and let the peer answer; returns our leg and the INVITE."""
        leg = self.dial(**given)
        invite = await self.peer.expect("INVITE")
        self.peer.send(self.peer.response(invite, 200, "OK", body=sdp("8 101")))
        await self.peer.expect("ACK")
        await self.notes.until(lambda: leg in self.notes.answered)
        return leg, invite


@pytest.fixture
async def line(unused_rtp: RtpPorts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    """Yield a carrier whose only trunk is the peer (no registration)."""
    monkeypatch.setattr(trunks, "_LAST_WORDS_SECONDS", 0.2)  # most tests leave the peer silent
    carrier = SipCarrier(Settings(sip="127.0.0.1:0", rtp_ports="42000-43999"), unused_rtp)
    notes = Notebook()
    await carrier.start(notes)
    peer = await Peer.open(carrier.listening)
    line = Line(carrier, notes, peer, TrunkConfig(1, "peer", "127.0.0.1", peer.port))
    line.configure()
    first = await peer.expect("OPTIONS")
    peer.send(peer.response(first, 200, "OK"))
    await notes.until(lambda: any(each.state == "ready" for each in notes.states))
    yield line
    await carrier.stop()
    peer.close()


@pytest.fixture
def unused_rtp() -> RtpPorts:
    return RtpPorts(range(42000, 44000), "127.0.0.1")


@pytest.fixture
async def peers() -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that opens more peers."""
    opened: list[Peer] = []

    async def one(target: tuple[str, int], host: str = "127.0.0.1") -> Peer:
        opened.append(await Peer.open(target, host))
        return opened[-1]

    yield one
    for each in opened:
        each.close()
