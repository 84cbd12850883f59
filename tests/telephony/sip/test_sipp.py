"""The carrier against SIPp: the outcomes of calls in and out, and a short run at a rate (reported, not judged)."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from callcenter import clock
from callcenter.config import Settings
from callcenter.phone import EndReason, LegOffered, Originate, TrunkConfig
from telephony.legs import CarrierLeg
from telephony.media.rtp_port import RtpPorts
from telephony.sip.registration import Registration
from telephony.sip.trunks import SipCarrier
from tests.telephony.sip import sipp
from tests.telephony.sip.peer import Notebook
from tests.telephony.sip.sipp import finished, ok_to_bye, recv, reply, request, running, scenario

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(sipp.SIPP is None, reason="sipp is not installed (apt-get install sip-tester)"),
]


class Answering(Notebook):
    """Answers whoever calls, at once."""

    def leg_offered(self, leg: CarrierLeg, offered: LegOffered) -> None:
        super().leg_offered(leg, offered)
        leg.ring()
        leg.answer()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Rig:
    """A carrier whose trunk is SIPp on `port`."""

    def __init__(self, carrier: SipCarrier, notes: Notebook, port: int) -> None:
        self.carrier, self.notes, self.port = carrier, notes, port

    def dial(self, **given: Any) -> Any:
        return self.carrier.originate(Originate(clock.new_id(), "call", 1, "+48600700800", "+48221234567", **given))

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.carrier.listening[1]}"


async def rig(notes: Notebook, ports: RtpPorts) -> Rig:
    carrier = SipCarrier(Settings(sip="127.0.0.1:0"), ports)
    await carrier.start(notes)
    port = free_port()
    carrier.configure([TrunkConfig(1, "sipp", "127.0.0.1", port, username="u", password="p")])
    return Rig(carrier, notes, port)


@pytest.fixture(autouse=True)
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIPp's scenarios know calls only: no OPTIONS between them."""
    monkeypatch.setattr(Registration, "start", lambda _: None)


@pytest.fixture
async def line(unused_rtp: RtpPorts) -> AsyncIterator[Rig]:
    found = await rig(Notebook(), unused_rtp)
    await found.carrier._trunks[1].resolve()
    yield found
    await found.carrier.stop()


@pytest.fixture
async def answering(unused_rtp: RtpPorts) -> AsyncIterator[Rig]:
    found = await rig(Answering(), unused_rtp)
    await found.carrier._trunks[1].resolve()
    yield found
    await found.carrier.stop()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("486 Busy Here", EndReason.BUSY),
        ("480 Temporarily Unavailable", EndReason.NO_ANSWER),
        ("603 Decline", EndReason.REJECTED),
        ("404 Not Found", EndReason.UNREACHABLE),
        ("503 Service Unavailable", EndReason.FAILED),
        ("302 Moved Temporarily", EndReason.UNREACHABLE),
    ],
)
async def test_sipp_refuses_our_call_and_gets_its_ack(line: Rig, tmp_path: Path, status: str, reason: EndReason) -> None:
    file = scenario(tmp_path, recv("INVITE"), reply("100 Trying"), reply("180 Ringing"), reply(status), recv("ACK"))
    async with running("-sf", str(file), "-p", str(line.port), "-m", "1", cwd=tmp_path) as process:
        line.dial()
        ended = await line.notes.end()
        await finished(process)
    assert (ended.reason, ended.by, ended.code) == (reason, "far", int(status[:3]))
    assert line.notes.ringing == [False]


async def test_sipp_answers_our_call_and_hangs_up(line: Rig, tmp_path: Path) -> None:
    bye = (
        "BYE [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "[$2]\n[$1]\nCall-ID: [call_id]\nCSeq: 7 BYE\nMax-Forwards: 70\nContent-Length: 0\n"
    )
    keep = (
        '<recv request="INVITE" rrs="true"><action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="f"/>'
        '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="t"/></action></recv>'
    )
    bye = bye.replace("[$2]", "From:[$t];tag=[call_number]").replace("[$1]", "To:[$f]")
    file = scenario(
        tmp_path,
        keep,
        reply("180 Ringing"),
        reply("200 OK", body=True),
        recv("ACK", extra='rrs="true"'),
        sipp.send(bye, 'retrans="500"'),
        recv("200"),
    )
    async with running("-sf", str(file), "-p", str(line.port), "-m", "1", cwd=tmp_path) as process:
        line.dial()
        ended = await line.notes.end()
        await finished(process)
    assert (ended.reason, ended.by) == (EndReason.COMPLETED, "far")


async def test_sipp_answers_and_we_hang_up(line: Rig, tmp_path: Path) -> None:
    file = scenario(
        tmp_path,
        recv("INVITE"),
        reply("183 Session Progress", body=True).replace('retrans="500"', ""),
        reply("200 OK", body=True),
        recv("ACK"),
        recv("BYE"),
        ok_to_bye(),
    )
    async with running("-sf", str(file), "-p", str(line.port), "-m", "1", cwd=tmp_path) as process:
        leg = line.dial()
        await line.notes.until(lambda: line.notes.answered == [leg])
        leg.hang_up(EndReason.COMPLETED)
        await finished(process)
    assert line.notes.ringing == [True]


async def test_sipp_challenges_our_call(line: Rig, tmp_path: Path) -> None:
    challenge = reply(
        "407 Proxy Authentication Required", more='Proxy-Authenticate: Digest realm="r", nonce="n", algorithm=MD5\n'
    )
    checked = recv("INVITE").replace(
        "/>",
        '><action><ereg regexp="Digest.*response=" search_in="hdr" header="Proxy-Authorization:" check_it="true" assign_to="a"/>'
        "</action></recv>",
    )
    used = '<Reference variables="a"/>'
    file = scenario(
        tmp_path,
        recv("INVITE"),
        challenge,
        recv("ACK"),
        checked,
        reply("200 OK", body=True),
        recv("ACK"),
        recv("BYE"),
        ok_to_bye(),
        used,
    )
    async with running("-sf", str(file), "-p", str(line.port), "-m", "1", cwd=tmp_path) as process:
        leg = line.dial()
        await line.notes.until(lambda: line.notes.answered == [leg])
        leg.hang_up(EndReason.COMPLETED)
        await finished(process)


async def test_sipp_is_cancelled_when_it_rings_too_long(line: Rig, tmp_path: Path) -> None:
    last = "[last_Via:]\n[last_From:]\n[last_To:];tag=[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n"
    cancelled = f"SIP/2.0 200 OK\n{last}Content-Length: 0\n"
    refused = cancelled.replace("200 OK", "487 Request Terminated").replace("[last_CSeq:]", "CSeq: [$n] INVITE")
    keep = '<recv request="INVITE"><action><ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="n"/></action></recv>'
    file = scenario(
        tmp_path,
        keep,
        reply("180 Ringing"),
        recv("CANCEL"),
        sipp.send(cancelled),
        sipp.send(refused, 'retrans="500"'),
        recv("ACK"),
    )
    async with running("-sf", str(file), "-p", str(line.port), "-m", "1", cwd=tmp_path) as process:
        line.dial(ring_seconds=1)
        ended = await line.notes.end()
        await finished(process)
    assert (ended.reason, ended.by) == (EndReason.NO_ANSWER, "switch")


async def test_sipp_calls_is_answered_and_hangs_up(answering: Rig, tmp_path: Path) -> None:
    file = scenario(
        tmp_path,
        request("INVITE", body=True, tag=""),
        recv("100", optional=True),
        recv("180", optional=True),
        recv("200", extra='rrs="true"'),
        request("ACK"),
        request("BYE", sequence=2),
        recv("200"),
    )
    async with running(
        "-sf", str(file), "-s", "+48221234567", "-p", str(answering.port), "-m", "1", answering.target, cwd=tmp_path
    ) as process:
        await finished(process)
        ended = await answering.notes.end()
    assert (ended.reason, ended.by) == (EndReason.COMPLETED, "far")
    assert answering.notes.offered[0][1].number == "+48600100200"


async def test_sipp_calls_and_gives_up(line: Rig, tmp_path: Path) -> None:
    file = scenario(
        tmp_path,
        request("INVITE", body=True, tag=""),
        recv("100"),
        '<pause milliseconds="100"/>',
        request("CANCEL", branch="[branch-3]", tag=""),
        recv("200"),
        recv("487"),
        request("ACK", branch="[branch-6]", tag="[peer_tag_param]").replace(
            "[next_url]", "sip:[service]@[remote_ip]:[remote_port]"
        ),
    )
    async with running(
        "-sf", str(file), "-s", "+48221234567", "-p", str(line.port), "-m", "1", line.target, cwd=tmp_path
    ) as process:
        ended = await line.notes.end()
        await finished(process)
    assert (ended.reason, ended.by) == (EndReason.CANCELLED, "far")


async def test_a_short_run_at_a_rate_loses_no_call(answering: Rig, tmp_path: Path) -> None:
    """One second of 50 calls a second each way; what the machine can do is measured by the bench."""
    uac = ("-sn", "uac", "-s", "+48221234567", "-p", str(answering.port), "-r", "50", "-m", "50", answering.target)
    async with running(*uac, cwd=tmp_path) as process:
        text = await finished(process)
    await answering.notes.until(lambda: len(answering.notes.ended) == 50)
    assert "Successful call" in text
    before = clock.monotonic()
    async with running("-sn", "uas", "-p", str(answering.port), "-m", "50", cwd=tmp_path) as process:
        legs = [answering.dial() for _ in range(50)]
        await answering.notes.until(lambda: all(leg in answering.notes.answered for leg in legs))
        print(f"50 calls out set up in {clock.monotonic() - before:.2f} s")  # noqa: T201 - the figure is for the reader of -s
        for leg in legs:
            leg.hang_up(EndReason.COMPLETED)
        await answering.notes.until(lambda: len(answering.notes.ended) == 100)
    await asyncio.sleep(0)
