"""The engine's own promises: the thread, its order, its silence, and what a trunk is chosen by."""

import asyncio
import gc
import time
import weakref
from collections import Counter
from typing import Any

import pytest

from callcenter.config import Settings
from callcenter.phone import EndReason, TrunkConfig
from telephony.media.rtp_port import RtpPorts
from telephony.sip import thread
from telephony.sip.transport import UdpServer
from telephony.sip.trunks import SipCarrier
from tests.telephony.sip.conftest import Line
from tests.telephony.sip.peer import Message, Notebook, sdp


async def test_posted_calls_run_in_order_and_soon(line: Line) -> None:
    ran: list[int] = []
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    for number in range(500):
        thread.post(ran.append, number)
    thread.post(loop.call_soon_threadsafe, done.set)
    await asyncio.wait_for(done.wait(), 20)
    assert ran == list(range(500))


async def test_an_error_in_a_posted_call_is_logged_and_the_next_one_runs(capsys: pytest.CaptureFixture[str]) -> None:
    thread.start()
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def wrong() -> None:
        raise RuntimeError("wrong on purpose")

    thread.post(wrong)
    thread.post(loop.call_soon_threadsafe, done.set)
    await asyncio.wait_for(done.wait(), 20)
    assert "sip_call_failed" in capsys.readouterr().out


async def test_an_error_of_ours_answers_500_and_the_next_request_is_served(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: Any) -> None:
        raise RuntimeError("wrong on purpose")

    with monkeypatch.context() as patched:
        patched.setattr(line.notes, "leg_offered", wrong)
        line.peer.send(line.peer.invite())
        await line.peer.expect(500)
    line.peer.send(line.peer.request("OPTIONS"))
    await line.peer.expect(200)


async def test_datagrams_arrive_in_the_order_they_were_sent(line: Line) -> None:
    for number in range(200):
        line.peer.send(line.peer.invite(call_id=f"in-order-{number}", tag=f"t{number}"))
    await line.notes.until(lambda: len(line.notes.offered) == 200)
    assert [offered.provider_ref for _, offered in line.notes.offered] == [f"in-order-{number}" for number in range(200)]


def test_a_name_is_never_looked_up_when_sending() -> None:
    thread.start()
    counters: Counter[str] = Counter()
    server = UdpServer(("127.0.0.1", 0), lambda *_: None, counters)
    before = time.monotonic()
    server.send_to("x", ("some.name.example", 5060))
    server.send_to("x", ("127.0.0.1", 99999))
    assert counters["send_failed"] == 2
    assert time.monotonic() - before < 5
    server.shutdown()
    server.shutdown()


def test_a_socket_is_never_shared() -> None:
    thread.start()
    first = UdpServer(("127.0.0.1", 0), lambda *_: None, Counter())
    with pytest.raises(OSError, match="in use"):
        UdpServer(first.address, lambda *_: None, Counter())
    first.shutdown()


@pytest.mark.parametrize(
    ("method", "code"),
    [("OPTIONS", 200), ("BYE", 481), ("NOTIFY", 481), ("REGISTER", 405), ("SUBSCRIBE", 405), ("MESSAGE", 405), ("FANCY", 501)],
)
async def test_requests_outside_calls_are_answered(line: Line, method: str, code: int) -> None:
    line.peer.send(line.peer.request(method))
    answer = await line.peer.expect(code)
    assert code != 405 or "INVITE" in answer.get("allow")


async def test_a_cancel_for_nothing_is_481(line: Line) -> None:
    line.peer.send(line.peer.request("CANCEL"))
    await line.peer.expect(481)


async def test_two_trunks_at_one_address_are_told_apart(line: Line, peers: Any) -> None:
    other = await peers(line.carrier.listening)
    second = TrunkConfig(2, "second", "127.0.0.1", other.port, username="acct2", domain="two.example")
    line.carrier.configure([line.config, second])
    await other.expect("OPTIONS")
    other.send(other.invite())
    await line.notes.until(lambda: len(line.notes.offered) == 1)
    line.peer.send(line.peer.invite())
    await line.notes.until(lambda: len(line.notes.offered) == 2)
    third = await peers(line.carrier.listening)
    third.send(third.invite(uri="sip:acct2@127.0.0.1"))
    await line.notes.until(lambda: len(line.notes.offered) == 3)
    third.send(third.invite(headers={"To": "<sip:x@two.example>"}))
    await line.notes.until(lambda: len(line.notes.offered) == 4)
    assert [offered.trunk_id for _, offered in line.notes.offered] == [2, 1, 2, 2]
    assert any("INVITE" in each.text for each in line.carrier.trace(2))


@pytest.mark.parametrize(
    ("number_from", "more", "dialled"),
    [
        ("request_uri", [], "+48221234567"),
        ("to", [], "+48600111222"),
        ("P-Called-Party-ID", ["P-Called-Party-ID: <sip:600333444@x>"], "+48600333444"),
        ("X-Number", ["X-Number: 600333444;q=1"], "+48600333444"),
        ("X-Number", [], "+48221234567"),
    ],
)
async def test_the_dialled_number_stands_where_the_carrier_writes_it(
    line: Line, number_from: str, more: list[str], dialled: str
) -> None:
    line.configure(number_from=number_from)
    line.peer.send(line.peer.invite(headers={"To": "<sip:600111222@x>"}, more=more))
    _, offered = await line.notes.call()
    assert offered.dialled == dialled


async def test_the_external_address_is_what_the_carrier_is_told(line: Line) -> None:
    line.configure(external_address="192.0.2.44")
    _, _, answer = await line.called()
    assert "c=IN IP4 192.0.2.44" in answer.body
    assert "192.0.2.44" in answer.get("contact")


async def test_nothing_refers_to_a_call_that_is_over(line: Line) -> None:
    leg, invite = await line.connected()
    line.peer.send(line.peer.within_called("BYE", invite, 3))
    await line.notes.end()
    assert leg.leg_id not in line.carrier._legs
    assert leg.audio is None


async def test_a_carrier_can_stop_twice_and_another_start_at_once(line: Line) -> None:
    await line.carrier.stop()
    await line.carrier.stop()
    await line.carrier.start(line.notes)
    assert line.carrier.listening[1]


async def test_calls_over_ipv6(peers: Any) -> None:
    notes = Notebook()
    carrier = SipCarrier(Settings(sip="[::1]:0"), RtpPorts(range(44000, 44100), "::1"))
    await carrier.start(notes)
    far = await peers(carrier.listening, "::1")
    far.send(far.invite())
    await far.expect(403)
    carrier.configure([TrunkConfig(1, "six", "::1", far.port)])
    far.send(far.response(await far.expect("OPTIONS"), 200))
    await notes.until(lambda: any(each.state == "ready" for each in notes.states))
    body = sdp("8 101").replace("IN IP4 127.0.0.1", "IN IP6 ::1")
    far.send(far.invite(body=body))
    leg, _ = await notes.call()
    leg.answer()
    answer = await far.expect(200)
    assert "c=IN IP6 ::1" in answer.body
    leg.hang_up(EndReason.COMPLETED)
    far.send(far.response(await far.expect("BYE"), 200))
    await notes.end()
    await carrier.stop()


async def test_an_answer_nobody_acknowledges_is_taken_back(line: Line) -> None:
    line.peer.send(line.peer.invite())
    leg, _ = await line.notes.call()
    leg.answer()
    await line.peer.expect(200)
    leg._incoming.on_silence()  # what the transaction layer does after 32 seconds
    await line.peer.expect("BYE")
    ended = await line.notes.end()
    assert (ended.reason, ended.code) == (EndReason.FAILED, 408)
    assert not line.notes.answered


async def test_an_ended_call_leaves_no_garbage(line: Line) -> None:
    leg, invite, answer = await line.called()
    line.peer.send(line.peer.within("BYE", Message(invite, ("", 0)), answer, 2))
    await line.notes.end()
    ended = weakref.ref(leg)
    line.carrier._dialogs.clear()
    for kept in (line.notes.offered, line.notes.answered, line.notes.ended):
        kept.clear()
    gc.disable()
    try:
        del leg
        for _ in range(5):
            await asyncio.sleep(0)  # the loop's own handles let go
        assert ended() is None
    finally:
        gc.enable()


async def test_no_password_reaches_log_or_trace(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    line.configure(username="u", password="hunter2-secret", register=True)
    register = await line.peer.expect("REGISTER")
    line.peer.send(line.peer.response(register, 401, more=['WWW-Authenticate: Digest realm="r", nonce="n"']))
    second = await line.peer.expect("REGISTER")
    line.peer.send(line.peer.response(second, 403))
    await line.notes.until(lambda: any(each.state == "failed" for each in line.notes.states))
    told = capsys.readouterr().out + repr(line.carrier.trace(1)) + repr(line.carrier.states())
    assert "hunter2" not in told
    assert second.get("authorization").partition('response="')[2][:32] not in told
