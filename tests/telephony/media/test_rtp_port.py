"""RTP ports on real sockets: latching, laws, keys both ways, counters."""

import asyncio
import gc
import socket
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from callcenter import clock
from callcenter.errors import Unavailable
from telephony.legs import Frame, Port
from telephony.media import g711, rtp
from telephony.media.rtp_port import RtpPort, RtpPorts
from tests.telephony.media.rig import Peer, frames_of, strength, tone, until


def free_range(count: int) -> range:
    """Return a range of ports, all free a moment ago."""
    for start in range(31000, 60000, 50):
        try:
            for number in range(start, start + count):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind(("127.0.0.1", number))
        except OSError:
            continue
        return range(start, start + count)
    raise AssertionError("no free ports")


@pytest.fixture
async def port() -> AsyncIterator[RtpPort]:
    opened = RtpPorts(range(20000, 30000), "127.0.0.1").open("pcma", event_type=101)
    yield opened
    opened.close()


@contextmanager
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


async def test_ports_are_even_differ_and_run_out_with_a_sentence() -> None:
    numbers = free_range(9)
    ports = RtpPorts(numbers, "127.0.0.1")
    opened = [ports.open() for _ in range(len([n for n in numbers if n % 2 == 0]))]
    found = [each.local_address[1] for each in opened]
    assert all(number % 2 == 0 for number in found)
    assert len(set(found)) == len(found)
    with pytest.raises(Unavailable, match="No RTP port is free"):
        ports.open()
    opened[0].close()
    opened[0].close()
    assert ports.in_use == len(found) - 1
    again = ports.open()
    assert again.local_address[1] == found[0]
    for each in [*opened, again]:
        each.close()
    assert ports.in_use == 0


async def test_a_number_used_by_another_program_is_skipped() -> None:
    numbers = range(*(free_range(6)[i] for i in (0, -1)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", numbers.start))
        ports = RtpPorts(numbers, "127.0.0.1")
        opened = [ports.open() for _ in range(len(numbers) // 2 - (numbers.start % 2 == 0))]
        assert numbers.start not in [each.local_address[1] for each in opened]
        for each in opened:
            each.close()


async def test_an_ipv6_port_works() -> None:
    opened = RtpPorts(range(20000, 30000), "::1").open()
    received: list[Frame] = []
    opened.on_frame = received.append
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as far:
        far.bind(("::1", 0))
        far.setblocking(False)
        opened.remote = ("::1", far.getsockname()[1])
        far.sendto(rtp.build(8, 1, 2, 3, b"x" * 160), opened.local_address)
        await until(lambda: received)
        opened.send(Frame(b"y" * 160, 0))
        assert (await asyncio.get_running_loop().sock_recv(far, 2048))[12:] == b"y" * 160
    assert opened.latched == ("::1", opened.remote[1])
    opened.close()


async def test_frames_go_both_ways_as_they_are(port: RtpPort) -> None:
    as_protocol: Port = port
    received: list[Frame] = []
    port.on_frame = received.append
    with peer() as far:
        port.remote = far.address
        far.send(port.local_address, b"\x01" * 160, marker=True)
        far.send(port.local_address, b"\x02" * 80)
        await until(lambda: len(received) == 2)
        assert received == [Frame(b"\x01" * 160, 5000, True), Frame(b"\x02" * 80, 5160, False)]
        assert clock.monotonic() - as_protocol.heard < 10
        for frame in frames_of(tone(440, "pcma", 3)):
            port.send(frame)
        await until(lambda: len(far.packets) == 3)
        assert {packet.payload_type for packet in far.packets} == {8}
        assert [
            (b.sequence - a.sequence, b.timestamp - a.timestamp) for a, b in zip(far.packets, far.packets[1:], strict=False)
        ] == [(1, 160)] * 2
    assert (port.quality().received, port.quality().sent, port.quality().lost) == (2, 3, 0)


async def test_the_other_law_is_translated_and_the_law_can_change(port: RtpPort) -> None:
    received: list[Frame] = []
    port.on_frame = received.append
    with peer() as far:
        port.remote = far.address
        far.send(port.local_address, bytes(range(160)), payload_type=0)
        await until(lambda: received)
        assert received[0].payload == g711.convert(bytes(range(160)), "pcmu", "pcma")
        port.set_law("pcmu", event_type=96)
        far.send(port.local_address, bytes(range(160)), payload_type=0)
        await until(lambda: len(received) == 2)
        assert received[1].payload == bytes(range(160))
        port.send(Frame(b"z" * 160, 0))
        await until(lambda: far.packets)
        assert far.packets[0].payload_type == 0


async def test_the_first_source_after_the_sdp_is_latched_and_a_foreign_one_is_counted_and_dropped(port: RtpPort) -> None:
    received: list[Frame] = []
    port.on_frame = received.append
    with peer() as announced, peer() as real, peer() as foreign:
        foreign.send(port.local_address, b"early" * 32)
        await until(lambda: port.counters["early"] == 1)
        port.remote = announced.address
        port.send(Frame(b"a" * 160, 0))
        await until(lambda: announced.packets)  # the SDP is believed until somebody speaks
        real.raw(port.local_address, b"\x80\x08 cut off")
        real.send(port.local_address, b"x" * 160, payload_type=13)  # comfort noise: neither latches
        real.send(port.local_address, b"r" * 160)
        await until(lambda: len(received) == 1)
        assert port.latched == real.address
        foreign.send(port.local_address, b"f" * 160)
        announced.send(port.local_address, b"f" * 160)
        await until(lambda: port.quality().foreign == 2)
        port.send(Frame(b"b" * 160, 160))
        await until(lambda: real.packets)
        assert len(received) == 1
        assert len(announced.packets) == 1
        assert not foreign.packets
        port.remote = foreign.address  # a re-INVITE with another address
        port.relatch()
        port.send(Frame(b"c" * 160, 320))
        await until(lambda: foreign.packets)
        foreign.send(port.local_address, b"n" * 160)
        await until(lambda: len(received) == 2)
        assert port.latched == foreign.address


async def test_malformed_datagrams_are_counted_and_the_call_goes_on(port: RtpPort) -> None:
    received: list[Frame] = []
    port.on_frame = received.append
    with peer() as far:
        port.remote = far.address
        far.send(port.local_address, b"x" * 160)
        for datagram in (b"", b"\x00", b"\x80\x08", b"\xff" * 2000, b"\x9f" + bytes(60), b"\x00" * 60000):
            far.raw(port.local_address, datagram)
        far.send(port.local_address, b"y" * 160)
        await until(lambda: len(received) == 2)
    assert port.counters["malformed"] == 6


async def test_loss_and_duplicates_show_in_the_quality(port: RtpPort) -> None:
    received: list[Frame] = []
    port.on_frame = received.append
    with peer() as far:
        port.remote = far.address
        for sequence in (1, 2, 2, 5):
            far.raw(port.local_address, rtp.build(8, sequence, sequence * 160, 9, b"x" * 160))
        await until(lambda: len(received) == 3)
    assert port.quality().lost == 2
    assert port.counters["duplicates"] == 1
    assert port.quality().law == "pcma"


async def test_a_key_is_told_once_however_often_its_packets_come(port: RtpPort) -> None:
    digits: list[tuple[str, int]] = []
    frames: list[Frame] = []
    port.on_digit = lambda digit, milliseconds: digits.append((digit, milliseconds))
    port.on_frame = frames.append
    with peer() as far:
        port.remote = far.address
        for code, samples in ((1, 800), (1, 800), (11, 160), (16, 800), (200, 800)):
            far.event(port.local_address, code, samples // 2)
            for _ in range(3):
                far.event(port.local_address, code, samples, end=True)
            far.timestamp += samples
        far.raw(port.local_address, rtp.build(101, far.sequence, far.timestamp, far.ssrc, b"\x01"))
        far.sequence += 1
        far.send(port.local_address, b"x" * 160)
        await until(lambda: frames)
    assert digits == [("1", 100), ("1", 100), ("#", 20)]


async def test_a_key_whose_end_packets_were_lost_is_told_after_a_while_or_with_the_next_key(port: RtpPort) -> None:
    digits: list[str] = []
    port.on_digit = lambda digit, _: digits.append(digit)
    with peer() as far:
        port.remote = far.address
        far.event(port.local_address, 5, 400)
        far.timestamp += 2000
        far.event(port.local_address, 6, 400)
        await until(lambda: digits)
        assert digits == ["5"]
        await until(lambda: len(digits) == 2)
    assert digits == ["5", "6"]


async def test_a_key_held_for_nine_seconds_is_one_key(port: RtpPort) -> None:
    digits: list[tuple[str, int]] = []
    port.on_digit = lambda digit, milliseconds: digits.append((digit, milliseconds))
    with peer() as far:
        port.remote = far.address
        far.event(port.local_address, 7, 0xFFFF)
        far.timestamp += 0xFFFF
        far.event(port.local_address, 7, 8000, end=True)
        await until(lambda: digits)
    assert digits == [("7", (0xFFFF + 8000) // 8)]


async def test_keys_are_sent_as_events_in_the_place_of_audio(port: RtpPort) -> None:
    with peer() as far:
        port.remote = far.address
        port.send(Frame(b"a" * 160, 0))
        port.send_digits("1#x")
        port.send(Frame(b"b" * 160, 160))  # falls into the event

        def events() -> list[rtp.Packet]:
            return [packet for packet in far.packets if packet.payload_type == 101]

        def audio_is_back() -> bool:
            port.send(Frame(b"c" * 160, 10000))
            return far.packets[-1].payload_type == 8

        await until(lambda: len(events()) == 14)
        await until(audio_is_back)
        sent = events()
        assert b"b" * 160 not in [packet.payload for packet in far.packets]
        assert [packet.sequence for packet in sent[:7]] == [(sent[0].sequence + n) & 0xFFFF for n in range(7)]
        assert len({packet.timestamp for packet in sent[:7]}) == 1
        assert [packet.payload[0] for packet in sent] == [1] * 7 + [11] * 7
        assert [packet.payload[1] >> 7 for packet in sent] == [0, 0, 0, 0, 1, 1, 1] * 2
        assert [int.from_bytes(packet.payload[2:]) for packet in sent[:7]] == [160, 320, 480, 640, 800, 800, 800]
        assert [packet.marker for packet in sent] == ([True] + [False] * 6) * 2
        apart = (sent[7].timestamp - sent[0].timestamp) & 0xFFFFFFFF
        assert apart >= 800 + 480
        last = far.packets[-1]
        assert (last.timestamp - sent[7].timestamp) & 0xFFFFFFFF >= 800
        assert last.marker
        assert len({packet.ssrc for packet in far.packets}) == 1


async def test_two_ports_understand_each_others_keys(port: RtpPort) -> None:
    other = RtpPorts(range(20000, 30000), "127.0.0.1").open("pcmu", event_type=101)
    port.remote, other.remote = other.local_address, port.local_address
    digits: list[str] = []
    other.on_digit = lambda digit, _: digits.append(digit)
    port.send_digits("0159*#ad")
    await until(lambda: len(digits) == 8)
    other.close()
    assert "".join(digits) == "0159*#AD"


async def test_without_events_a_key_is_sent_as_its_two_tones(port: RtpPort) -> None:
    port.set_law("pcmu", event_type=None)
    with peer() as far:
        port.remote = far.address
        port.send_digits("5")
        await until(lambda: len(far.packets) == 5)
        assert {packet.payload_type for packet in far.packets} == {0}
        assert strength(far.audio(0), "pcmu", 770) > 0.3
        assert strength(far.audio(0), "pcmu", 1336) > 0.3


async def test_a_port_on_hold_sends_nothing_and_a_closed_one_neither_sends_nor_takes(port: RtpPort) -> None:
    received: list[Frame] = []
    port.on_frame = received.append
    with peer() as far:
        port.remote = far.address
        port.sending = False
        port.send(Frame(b"h" * 160, 0))
        port.sending = True
        port.send(Frame(b"s" * 160, 160))
        await until(lambda: far.packets)
        assert [packet.payload for packet in far.packets] == [b"s" * 160]
        port.send_digits("123")
        port.close()
        port.send(Frame(b"x" * 160, 320))
        port.send_digits("4")
        port.remote = far.address
        port.relatch()
        port.send(Frame(b"x" * 160, 320))
        far.send(port.local_address, b"y" * 160)
    assert not received
    assert port.quality().sent <= 3


async def used_port() -> RtpPort:
    """Return a port that took a key and is sending one."""
    opened = RtpPorts(range(20000, 30000), "127.0.0.1").open(event_type=101)
    opened.on_digit = lambda *_: None
    with peer() as far:
        opened.remote = far.address
        far.event(opened.local_address, 1, 800, end=True)
        await until(lambda: opened.heard)
        opened.send_digits("1")
        await until(lambda: far.packets)
    return opened


async def test_a_closed_port_leaves_nothing_to_the_garbage_collector() -> None:
    opened = await used_port()
    reference = weakref.ref(opened)
    gc.disable()
    try:
        opened.close()
        del opened
        await asyncio.sleep(0)
        assert reference() is None
    finally:
        gc.enable()
