"""Browser ports against aiortc's own client, over real ICE, DTLS and SRTP."""

import asyncio
import struct
from collections.abc import AsyncIterator

import aioice.ice
import pytest
from aiortc.sdp import candidate_from_sdp

from callcenter import clock
from callcenter.errors import Invalid, Unavailable
from telephony.legs import Frame, Port
from telephony.media import g711, rtp, webrtc
from telephony.media.webrtc import BrowserPort
from tests.telephony.media.browser import Browser
from tests.telephony.media.rig import strength, tone, until


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meet on 127.0.0.1, so that the tests run on a machine without a network."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


async def test_a_browser_is_told_the_external_address_with_the_same_port_and_connects() -> None:
    browser = Browser()
    port = await BrowserPort.open(await browser.offer(), external_address="203.0.113.7")
    try:
        told = [candidate_from_sdp(line[12:]) for line in port.answer.splitlines() if line.startswith("a=candidate:")]
        own = [each for each in told if each.ip == "127.0.0.1"]
        outside = [each for each in told if each.ip == "203.0.113.7"]
        assert [each.port for each in outside] == [each.port for each in own]
        assert len(own) == 1
        assert (outside[0].type, outside[0].protocol, outside[0].component) == ("host", "udp", 1)
        assert outside[0].priority < own[0].priority
        assert outside[0].foundation != own[0].foundation
        await browser.take(port.answer)
        await until(lambda: port.live)
    finally:
        port.close()
        await port.closed()
        await browser.close()


@pytest.mark.parametrize(
    "external",
    [
        "",  # not set
        "127.0.0.1",  # our own: nothing new
        "2001:db8::7",  # of another family than any socket of ours
        "no-such-name.invalid",
    ],
)
async def test_nothing_is_added_for_an_external_address_that_says_nothing_new(external: str) -> None:
    browser = Browser()
    port = await BrowserPort.open(await browser.offer(), external_address=external)
    assert port.answer.count("a=candidate:") == 1
    port.close()
    await port.closed()
    await browser.close()


async def test_the_external_address_may_be_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def look_up(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(2, 2, 17, "", ("203.0.113.9", 0))]

    browser = Browser()
    offer = await browser.offer()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    port = await BrowserPort.open(offer, external_address="calls.example.com")
    monkeypatch.undo()
    assert asked == ["calls.example.com"]
    assert "203.0.113.9" in port.answer
    port.close()
    await port.closed()
    await browser.close()


class Meeting:
    """A browser and our port, connected."""

    def __init__(self, browser: Browser, port: BrowserPort) -> None:
        self.browser, self.port = browser, port
        self.said: list[str] = []
        port.on_live = lambda: self.said.append("live")
        port.on_lost = lambda: self.said.append("lost")


@pytest.fixture
async def meeting() -> AsyncIterator[Meeting]:
    browser = Browser()
    met = Meeting(browser, await BrowserPort.open(await browser.offer()))
    await browser.take(met.port.answer)
    await until(lambda: met.port.live)
    yield met
    met.port.close()
    await met.port.closed()
    await browser.close()


async def test_a_browser_is_heard_as_it_speaks_and_hears_what_is_sent(meeting: Meeting) -> None:
    port: Port = meeting.port
    received: list[Frame] = []
    port.on_frame = received.append
    assert meeting.said == ["live"]
    assert port.law == "pcma"
    await until(lambda: len(received) >= 40)
    assert strength(b"".join(frame.payload for frame in received[-40:]), "pcma", 600) > 0.9
    assert {len(frame.payload) for frame in received} == {160}
    assert clock.monotonic() - port.heard < 5
    for frame in tone(1000, "pcma", 60):
        port.send(Frame(frame, port.quality().sent * 160))
        await asyncio.sleep(0.01)
    await until(lambda: len(meeting.browser.heard) >= 30)
    heard = g711.from_linear(meeting.browser.samples(), "pcma")
    assert strength(heard[-160 * 25 :], "pcma", 1000) > 0.8
    assert port.quality().received >= 40
    assert port.quality().lost == 0


async def test_the_browser_sees_the_stream_that_was_announced(meeting: Meeting) -> None:
    ssrc = meeting.port.rewriter.ssrc
    assert f"a=ssrc:{ssrc} cname:" in meeting.port.answer
    seen: list[rtp.Packet] = []
    transport = meeting.browser.transport

    async def look(data: bytes, arrival_time_ms: int) -> None:
        packet = rtp.parse(data)
        assert packet is not None
        seen.append(packet)

    transport._handle_rtp_data = look
    for timestamp in (100, 260, 7_000_000):  # the third from another source
        meeting.port.send(Frame(b"x" * 160, timestamp))
    await until(lambda: len(seen) == 3)
    assert {packet.ssrc for packet in seen} == {ssrc}
    assert [(packet.sequence - seen[0].sequence) & 0xFFFF for packet in seen] == [0, 1, 2]
    assert [packet.marker for packet in seen] == [True, False, True]


async def test_no_sender_receiver_or_decoder_of_aiortc_runs_for_us(meeting: Meeting) -> None:
    router = meeting.port._dtls._rtp_router
    assert not router.receivers
    assert not router.senders


async def test_a_key_pressed_in_the_browser_is_told_and_keeps_the_browser_heard(meeting: Meeting) -> None:
    digits: list[tuple[str, int]] = []
    port = meeting.port
    port.set_law("pcma", event_type=126)
    port.on_digit = lambda digit, milliseconds: digits.append((digit, milliseconds))
    for sequence, (samples, end) in enumerate([(160, 0), (800, 1), (800, 1), (800, 1)]):
        packet = rtp.build(126, 50000 + sequence, 77, 99, struct.pack("!BBH", 10, end << 7, samples))
        await meeting.browser.transport._send_rtp(packet)
    await until(lambda: digits)
    assert digits == [("*", 100)]


async def test_forged_and_malformed_packets_are_counted_and_dropped(meeting: Meeting) -> None:
    received: list[Frame] = []
    port = meeting.port
    await until(lambda: port.heard > 0)
    pair = port._connection._nominated[1]
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=pair.local_addr)
    port.on_frame = received.append
    for datagram in (
        rtp.build(8, 1, 2, 3, b"forged" * 20),
        b"\x80",
        b"\x80\xc8\x00\x06" + bytes(40),
        b"\xbf" * 3000,
        b"",
        b"\x16\xfe" * 20,
    ):
        transport.sendto(datagram)
    await until(lambda: port.foreign == 4)
    count = len(received)
    await until(lambda: len(received) > count + 3)
    assert not [frame for frame in received if b"forged" in frame.payload]
    assert port.live
    transport.close()


async def test_a_browser_that_closes_is_lost_once(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "SILENT_SECONDS", 1000)  # its goodbye is what counts, not that it is silent
    await meeting.browser.close()
    await until(lambda: "lost" in meeting.said)
    meeting.port.close()
    await meeting.port.closed()
    assert meeting.said == ["live", "lost"]
    assert not meeting.port.live
    meeting.port.send(Frame(b"x" * 160, 0))
    meeting.port.send_digits("1")


async def test_a_browser_that_vanishes_without_goodbye_is_lost(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(webrtc, "WATCH_SECONDS", 0.1)
    meeting.port._timer.cancel()  # type: ignore[union-attr]
    meeting.port._watch()
    await meeting.browser.vanish()
    await until(lambda: "lost" in meeting.said)


async def test_a_closed_port_is_silent_and_tells_nothing(meeting: Meeting) -> None:
    received: list[Frame] = []
    meeting.port.on_frame = received.append
    meeting.port.close()
    meeting.port.close()
    count = len(received)
    await meeting.port.closed()
    await until(lambda: meeting.browser.connection.connectionState in ("closed", "failed"))
    assert len(received) == count
    assert meeting.said == ["live"]
    assert not meeting.port._connection._protocols


async def test_a_port_may_be_closed_before_it_is_live() -> None:
    browser = Browser()
    port = await BrowserPort.open(await browser.offer())
    port.close()
    await port.closed()
    assert not port.live
    await browser.close()


async def test_a_browser_that_never_connects_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "CONNECT_SECONDS", 0.2)
    browser = Browser()
    lost: list[bool] = []
    port = await BrowserPort.open(await browser.offer(), on_lost=lambda: lost.append(True))
    await browser.close()
    await until(lambda: lost)
    await port.closed()
    assert lost == [True]


async def test_a_certificate_that_is_not_the_one_announced_is_refused() -> None:
    browser = Browser()
    offer = await browser.offer()
    lines = [
        line[:-2] + ("AA" if line[-2:] != "AA" else "BB") if line.startswith("a=fingerprint") else line
        for line in offer.splitlines()
    ]
    lost: list[bool] = []
    port = await BrowserPort.open("\r\n".join(lines) + "\r\n", on_lost=lambda: lost.append(True))
    await browser.take(port.answer)
    await until(lambda: lost)
    assert not port.live
    await port.closed()
    await browser.close()


async def test_the_law_asked_for_is_the_one_the_browser_sends() -> None:
    browser = Browser()
    port = await BrowserPort.open(await browser.offer(), law="pcmu")
    received: list[Frame] = []
    port.on_frame = received.append
    await browser.take(port.answer)
    await until(lambda: len(received) >= 25)
    assert port.law == "pcmu"
    assert strength(b"".join(frame.payload for frame in received), "pcmu", 600) > 0.8
    port.close()
    await port.closed()
    await browser.close()


async def test_the_browser_gets_reports_it_can_read(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "WATCH_SECONDS", 0.05)
    meeting.port._timer.cancel()  # type: ignore[union-attr]
    meeting.port.send(Frame(b"x" * 160, 0))
    meeting.port._watch()
    sender, receiver = meeting.browser.connection.getSenders()[0], meeting.browser.connection.getReceivers()[0]

    async def both() -> list[str]:
        return [each.type for stats in (await sender.getStats(), await receiver.getStats()) for each in stats.values()]

    async with asyncio.timeout(15):
        while not {"remote-inbound-rtp", "remote-outbound-rtp"} <= set(await both()):
            await asyncio.sleep(0.02)


async def test_a_machine_with_only_loopback_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser()
    offer = await browser.offer()
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    with pytest.raises(Unavailable, match="no network interface but loopback"):
        await BrowserPort.open(offer)
    await browser.close()


async def test_an_offer_without_usable_audio_is_refused_with_a_sentence() -> None:
    with pytest.raises(Invalid, match="not SDP"):
        await BrowserPort.open("hello")
