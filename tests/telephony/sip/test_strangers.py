"""A flood of requests from addresses no trunk allows: a few are refused, the rest is dropped and counted."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from callcenter.config import Settings
from callcenter.phone import TrunkConfig
from telephony.media.rtp_port import RtpPorts
from telephony.sip import trunks
from telephony.sip.strangers import Rate, Strangers
from telephony.sip.trunks import SipCarrier
from tests.telephony.sip.conftest import Line
from tests.telephony.sip.peer import Message, Notebook, Peer
from tests.telephony.waiting import until

FLOOD = 100


@pytest.fixture
async def guarded(unused_rtp: RtpPorts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    """Yield a carrier that answers strangers three times each, five times together, and never again; its trunk is the peer."""
    monkeypatch.setattr(trunks, "_LAST_WORDS_SECONDS", 0.2)
    carrier = SipCarrier(Settings(sip="127.0.0.1:0"), unused_rtp, Strangers(Rate(3, 0), Rate(5, 0)))
    notes = Notebook()
    await carrier.start(notes)
    peer = await Peer.open(carrier.listening)
    line = Line(carrier, notes, peer, TrunkConfig(1, "peer", "127.0.0.1", peer.port))
    line.configure()
    peer.send(peer.response(await peer.expect("OPTIONS"), 200, "OK"))
    await notes.until(lambda: any(each.state == "ready" for each in notes.states))
    yield line
    await carrier.stop()
    peer.close()


def refusals(peer: Peer) -> int:
    """Return how many requests were refused; an answer may come again."""
    return len({each.branch for each in peer.arrived if each.code == 403})


def told(logged: Sequence[Any]) -> int:
    return sum(each["count"] for each in logged if each["event"] == "sip_strangers_dropped")


async def test_a_flood_of_strangers_is_dropped_and_the_trunk_calls_all_the_while(
    guarded: Line, peers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunks, "_REPORT_SECONDS", 0.05)
    line = guarded
    first, second = await peers(line.carrier.listening, "127.0.0.2"), await peers(line.carrier.listening, "127.0.0.3")
    same = first.invite()
    first.send(same)
    await first.expect(403)
    with structlog.testing.capture_logs() as logged:
        for number in range(FLOOD):
            first.send(first.invite())
            first.send(same)
            first.send(first.request("OPTIONS"))
            line.peer.send(line.peer.invite(call_id=f"ours-{number}"))
        await line.notes.until(lambda: len(line.notes.offered) == FLOOD)  # no call of the trunk's is lost
        for _ in range(FLOOD):
            second.send(second.invite())
        line.peer.send(line.peer.invite(call_id="last"))  # one socket, in order: all the others were read before
        await line.notes.until(lambda: len(line.notes.offered) == FLOOD + 1)
        await second.expect(403)
        assert line.carrier.counters["foreign"] == 4
        await until(lambda: told(logged) == 4 * FLOOD - 4)
    await until(lambda: (refusals(first), refusals(second)) == (2, 2))  # and one of the first was told again
    assert line.carrier.counters["strangers_dropped"] == 4 * FLOOD - 4


async def test_what_belongs_to_a_call_is_answered_from_anywhere(guarded: Line, peers: Any) -> None:
    line = guarded
    _, invite, answer = await line.called()
    other = await peers(line.carrier.listening, "127.0.0.2")
    for _ in range(10):
        other.send(other.invite())
    other.send(other.within("BYE", Message(invite, ("", 0)), answer, 2))
    await other.expect(200)
    assert (await line.notes.end()).by == "far"


def test_a_source_gets_its_burst_and_then_its_rate() -> None:
    strangers = Strangers(Rate(2, 1), Rate(100, 100))
    assert [strangers.answers("a", 10.0) for _ in range(3)] == [True, True, False]
    assert strangers.answers("b", 10.0)
    assert [strangers.answers("a", at) for at in (10.5, 11.0, 11.5, 12.0)] == [False, True, False, True]
    assert (strangers.dropped, strangers.taken(), strangers.taken()) == (3, 3, 0)


def test_all_together_get_no_more_than_the_common_rate() -> None:
    strangers = Strangers(Rate(2, 2), Rate(10, 10))
    assert sum(strangers.answers(f"source {n}", 1.0) for n in range(50)) == 10
    assert sum(strangers.answers(f"source {n}", 2.0) for n in range(50)) == 10


def test_a_thousand_forged_sources_take_no_memory_and_make_room_when_they_are_quiet() -> None:
    strangers = Strangers(Rate(1, 1), Rate(10**6, 10**6), most_sources=3)
    assert [strangers.answers(each, 1.0) for each in "abcd"] == [True, True, True, False]
    assert strangers.answers("d", 2.0)
    assert len(strangers._sources) <= 3


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 2)), max_size=60))
def test_never_more_than_burst_and_rate_allow(asked: list[tuple[str, float]]) -> None:
    strangers, now, answered = Strangers(Rate(2, 3), Rate(4, 5)), 0.0, {"a": 0, "b": 0, "c": 0}
    for source, pause in asked:
        now += pause
        answered[source] += strangers.answers(source, now)
    assert sum(answered.values()) <= 4 + 5 * now + 1e-6
    assert all(count <= 2 + 3 * now + 1e-6 for count in answered.values())
    assert sum(answered.values()) + strangers.dropped == len(asked)
