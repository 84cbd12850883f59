"""RTP packets, hostile ones too; the outgoing stream; the statistics."""

import itertools
import struct

from hypothesis import given
from hypothesis import strategies as st

from telephony.media import rtp
from telephony.media.rtp import Receiver, Rewriter


@given(st.binary(max_size=100))
def test_no_datagram_breaks_the_parser(data: bytes) -> None:
    packet = rtp.parse(data)
    if packet is not None:
        assert data[0] >> 6 == 2
        assert len(packet.payload) <= len(data) - 12
        assert packet.payload in data


@given(
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=50),
    marker=st.booleans(),
    sources=st.lists(st.integers(0, 0xFFFFFFFF), max_size=15),
    extension=st.one_of(st.none(), st.binary(max_size=5).map(lambda words: words * 4)),
    padding=st.integers(0, 255),
)
def test_what_is_built_is_read_whatever_surrounds_the_payload(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool,
    sources: list[int],
    extension: bytes | None,
    padding: int,
) -> None:
    plain = rtp.build(payload_type, sequence, timestamp, ssrc, payload, marker)
    expected = rtp.Packet(payload_type, marker, sequence, timestamp, ssrc, payload)
    assert rtp.parse(plain) == expected
    first = 0x80 | len(sources) | (0x10 if extension is not None else 0) | (0x20 if padding else 0)
    middle = b"".join(source.to_bytes(4) for source in sources)
    if extension is not None:
        middle += struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
    tail = bytes(padding - 1) + bytes([padding]) if padding else b""
    assert rtp.parse(bytes([first]) + plain[1:12] + middle + payload + tail) == expected


def test_packets_that_lie_about_their_size_are_refused() -> None:
    good = rtp.build(0, 1, 2, 3, b"x" * 20)
    assert rtp.parse(good[:11]) is None
    assert rtp.parse(b"") is None
    assert rtp.parse(b"\x40" + good[1:]) is None  # version 1
    assert rtp.parse(b"\xa0" + good[1:-1] + b"\xff") is None  # more padding than packet
    assert rtp.parse(b"\xa0" + good[1:-1] + b"\x00") is None  # padding of nothing
    assert rtp.parse(b"\x8f" + good[1:]) is None  # 15 sources in 20 octets
    assert rtp.parse(b"\x90" + good[1:12] + b"\xbe\xde\xff\xff" + b"x" * 8) is None  # an endless extension
    assert rtp.parse(b"\x90" + good[1:14]) is None  # an extension cut off


def header(rewriter: Rewriter, timestamp: int, now: float, *, marker: bool = False, samples: int = 160) -> rtp.Packet:
    packet = rtp.parse(rewriter.header(8, timestamp & 0xFFFFFFFF, samples, marker, now))
    assert packet is not None
    return packet


def test_a_steady_source_is_one_steady_stream_across_the_wrap_of_its_timestamp() -> None:
    rewriter = Rewriter(ssrc=7)
    sent = [header(rewriter, 0xFFFFFF00 + 160 * n, 100 + n * 0.02) for n in range(10)]
    assert {packet.ssrc for packet in sent} == {7}
    assert [packet.marker for packet in sent] == [True] + [False] * 9
    for before, after in itertools.pairwise(sent):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 160


def test_a_lost_packet_stays_lost_and_takes_its_place_when_it_comes_late() -> None:
    rewriter = Rewriter()
    first = header(rewriter, 1000, 1.0)
    third = header(rewriter, 1320, 1.04)
    second = header(rewriter, 1160, 1.045)
    fourth = header(rewriter, 1480, 1.06)
    assert [(each.sequence - first.sequence) & 0xFFFF for each in (second, third, fourth)] == [1, 2, 3]
    assert [(each.timestamp - first.timestamp) & 0xFFFFFFFF for each in (second, third, fourth)] == [160, 320, 480]
    again = header(rewriter, 1160, 1.061)  # its number was used: this is another talk now
    assert (again.sequence - first.sequence) & 0xFFFF == 4
    assert again.marker


def test_a_late_packet_that_comes_twice_gets_no_number_twice() -> None:
    rewriter = Rewriter()
    first = header(rewriter, 1000, 1.0)
    header(rewriter, 1480, 1.06)  # two were lost
    late = header(rewriter, 1160, 1.065)
    again = header(rewriter, 1160, 1.066)
    assert [(each.sequence - first.sequence) & 0xFFFF for each in (late, again)] == [1, 4]


def test_a_pause_between_talk_spurts_is_no_loss() -> None:
    rewriter = Rewriter()
    first = header(rewriter, 1000, 1.0)
    after = header(rewriter, 1000 + 160 * 10, 1.2, marker=True)
    assert (after.sequence - first.sequence) & 0xFFFF == 1
    assert (after.timestamp - first.timestamp) & 0xFFFFFFFF == 1600


def test_another_source_goes_on_by_the_clock_with_the_marker_set() -> None:
    rewriter = Rewriter()
    first = header(rewriter, 1000, 1.0)
    other = header(rewriter, 900_000_000, 1.5)
    assert other.marker
    assert (other.sequence - first.sequence) & 0xFFFF == 1
    assert (other.timestamp - first.timestamp) & 0xFFFFFFFF == 4000
    at_once = header(rewriter, 5, 1.501)  # earlier than the last frame was over: never backwards
    assert (at_once.timestamp - other.timestamp) & 0xFFFFFFFF == 160


def test_a_source_that_stood_still_for_long_goes_on_by_the_clock() -> None:
    rewriter = Rewriter()
    first = header(rewriter, 1000, 1.0)
    after = header(rewriter, 1160, 11.0)
    assert after.marker
    assert (after.timestamp - first.timestamp) & 0xFFFFFFFF == 80000


@given(
    st.lists(st.tuples(st.integers(-3000, 20000), st.sampled_from([80, 160, 240]), st.booleans(), st.floats(0, 3)), max_size=60)
)
def test_no_sequence_number_is_used_twice_whatever_the_source_does(steps: list[tuple[int, int, bool, float]]) -> None:
    rewriter = Rewriter()
    timestamp, now = 0xFFFFF000, 10.0
    used: set[int] = set()
    for move, samples, marker, wait in steps:
        timestamp, now = timestamp + move, now + wait
        packet = header(rewriter, timestamp, now, marker=marker, samples=samples)
        assert packet.sequence not in used
        used.add(packet.sequence)


def packets(*sequences: int, ssrc: int = 1) -> list[rtp.Packet]:
    return [rtp.Packet(0, False, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, ssrc, b"") for sequence in sequences]


def test_loss_order_and_duplicates_are_counted_across_the_wrap() -> None:
    receiver = Receiver()
    taken = [receiver.take(each) for each in packets(65533, 65534, 65536, 65535, 65536, 65539)]
    assert taken == [True, True, True, True, False, True]
    assert (receiver.received, receiver.lost, receiver.reordered, receiver.duplicates) == (5, 2, 1, 1)
    assert receiver.highest == 65539


def test_one_wild_sequence_is_ignored_and_two_are_a_restart() -> None:
    receiver = Receiver()
    assert [receiver.take(each) for each in packets(10, 11, 40000, 12, 40001, 40002, 40003)] == [
        True,
        True,
        False,
        True,
        True,
        True,
        True,
    ]
    assert receiver.restarts == 1
    assert receiver.lost == 0
    assert receiver.received == 6


def test_loss_before_a_restart_is_remembered() -> None:
    receiver = Receiver()
    for each in packets(10, 13) + packets(500, 502, ssrc=2):
        assert receiver.take(each)
    assert receiver.lost == 3


@given(st.permutations(range(1000, 1020)))
def test_a_shuffled_stream_loses_nothing(order: list[int]) -> None:
    receiver = Receiver()
    assert all(receiver.take(each) for each in packets(*order))
    assert (receiver.lost, receiver.received, receiver.duplicates) == (0, 20, 0)


def test_jitter_is_that_of_rfc_3550_and_a_new_talk_is_none() -> None:
    receiver = Receiver()
    for n in range(100):  # every other packet is 10 ms late: |D| is 80 samples each time
        receiver.arrived(160 * n, 1.0 + 0.02 * n + 0.01 * (n % 2))
    assert 9 < receiver.jitter_ms < 10.1
    before = receiver.jitter
    receiver.arrived(2_000_000_000, 3.0)
    assert receiver.jitter == before
