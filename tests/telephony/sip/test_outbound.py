"""Calls that go out, to a peer that says exactly what the test wants."""

import asyncio
import hashlib
import re
from typing import Any

import pytest

from callcenter import clock
from callcenter.phone import EndReason, Originate
from telephony.sip import outbound
from tests.telephony.sip.conftest import Line
from tests.telephony.sip.peer import Message, sdp


async def test_a_call_rings_is_answered_and_hung_up_by_us(line: Line) -> None:
    leg = line.dial()
    invite = await line.peer.expect("INVITE")
    assert invite.uri == f"sip:+48600700800@127.0.0.1:{line.peer.port}"
    line.peer.send(line.peer.response(invite, 100, "Trying"))
    line.peer.send(line.peer.response(invite, 180, "Ringing"))
    await line.notes.until(lambda: line.notes.ringing == [False])
    line.peer.send(line.peer.response(invite, 200, "OK", body=sdp("0 101", port=40200)))
    ack = await line.peer.expect("ACK")
    assert ack.to_tag == "far"
    await line.notes.until(lambda: line.notes.answered == [leg])
    assert (leg.port.law, leg.port.remote) == ("pcmu", ("127.0.0.1", 40200))
    leg.hang_up(EndReason.COMPLETED)
    bye = await line.peer.expect("BYE")
    line.peer.send(line.peer.response(bye, 200, "OK"))
    ended = await line.notes.end()
    assert (ended.reason, ended.by) == (EndReason.COMPLETED, "near")


async def test_early_media_sets_the_port_before_the_answer(line: Line) -> None:
    leg = line.dial()
    invite = await line.peer.expect("INVITE")
    assert not leg.port
    line.peer.send(line.peer.response(invite, 180))
    line.peer.send(line.peer.response(invite, 183, "Session Progress", body=sdp("8")))
    await line.notes.until(lambda: line.notes.ringing == [False, True])
    assert leg.port.law == "pcma"
    line.peer.send(line.peer.response(invite, 200, "OK"))  # no SDP again: the early one holds
    await line.peer.expect("ACK")
    await line.notes.until(lambda: line.notes.answered)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (486, EndReason.BUSY),
        (600, EndReason.BUSY),
        (480, EndReason.NO_ANSWER),
        (408, EndReason.NO_ANSWER),
        (603, EndReason.REJECTED),
        (403, EndReason.FAILED),
        (404, EndReason.UNREACHABLE),
        (484, EndReason.UNREACHABLE),
        (302, EndReason.UNREACHABLE),
        (503, EndReason.FAILED),
    ],
)
async def test_each_refusal_is_acknowledged_where_it_came_from_and_told_as_what_it_is(
    line: Line, code: int, reason: EndReason
) -> None:
    line.dial()
    invite = await line.peer.expect("INVITE")
    elsewhere = ["Contact: <sip:x@127.0.0.1:9;transport=TCP>", 'Reason: Q.850;cause=17;text="said the exchange"']
    line.peer.send(line.peer.response(invite, code, "Because", more=elsewhere))
    ack = await line.peer.expect("ACK")
    assert ack.branch == invite.branch
    ended = await line.notes.end()
    assert (ended.reason, ended.by, ended.code, ended.text) == (reason, "far", code, "said the exchange")
    again = line.peer.response(invite, code, "Because", more=elsewhere)
    line.peer.send(again)
    await line.peer.expect("ACK")  # our ACK was lost: the same refusal gets it again


async def test_ring_time_out_sends_cancel_and_is_no_answer(line: Line) -> None:
    line.dial(ring_seconds=1)
    invite = await line.peer.expect("INVITE")
    line.peer.send(line.peer.response(invite, 180))
    cancel = await line.peer.expect("CANCEL")
    assert cancel.branch == invite.branch
    line.peer.send(line.peer.response(cancel, 200))
    line.peer.send(line.peer.response(invite, 487))
    await line.peer.expect("ACK")
    ended = await line.notes.end()
    assert (ended.reason, ended.by, ended.code) == (EndReason.NO_ANSWER, "switch", 408)


@pytest.mark.parametrize(("silent", "ring"), [(0.5, 30), (30.0, 1)])
async def test_a_carrier_that_says_nothing_is_a_failure_and_no_customer_who_does_not_answer(
    line: Line, monkeypatch: pytest.MonkeyPatch, silent: float, ring: int
) -> None:
    monkeypatch.setattr(outbound, "SILENT", silent)
    line.dial(ring_seconds=ring)
    invite = await line.peer.expect("INVITE")
    ended = await line.notes.end()
    assert (ended.reason, ended.by, ended.code, ended.text) == (EndReason.FAILED, "switch", 408, "The carrier does not answer.")
    line.peer.send(line.peer.response(invite, 100))
    await line.peer.expect("CANCEL")  # it is back: nobody is to be rung now


async def test_a_carrier_that_only_tries_is_not_silent(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "SILENT", 0.3)
    line.dial(ring_seconds=1)
    invite = await line.peer.expect("INVITE")
    line.peer.send(line.peer.response(invite, 100))
    await line.peer.expect("CANCEL")
    assert (await line.notes.end()).reason is EndReason.NO_ANSWER


async def test_hanging_up_before_any_response_cancels_once_one_comes(line: Line) -> None:
    leg = line.dial()
    invite = await line.peer.expect("INVITE")
    leg.hang_up(EndReason.COMPLETED)
    ended = await line.notes.end()
    assert (ended.reason, ended.by) == (EndReason.CANCELLED, "near")
    assert not any(each.method == "CANCEL" for each in line.peer.arrived)
    line.peer.send(line.peer.response(invite, 100))
    await line.peer.expect("CANCEL")


async def test_a_200_that_crosses_our_cancel_leaves_no_ghost(line: Line) -> None:
    leg = line.dial()
    invite = await line.peer.expect("INVITE")
    line.peer.send(line.peer.response(invite, 180))
    await line.notes.until(lambda: line.notes.ringing)
    leg.hang_up(EndReason.COMPLETED)
    await line.peer.expect("CANCEL")
    line.peer.send(line.peer.response(invite, 200, "OK", body=sdp()))
    ack = await line.peer.expect("ACK")
    bye = await line.peer.expect("BYE")
    assert ack.to_tag == bye.to_tag == "far"
    line.peer.send(line.peer.response(bye, 200))
    assert (await line.notes.end()).reason is EndReason.CANCELLED
    assert len(line.notes.ended) == 1
    assert not line.notes.answered


async def test_a_second_fork_that_answers_is_acknowledged_and_hung_up(line: Line) -> None:
    leg, invite = await line.connected()
    line.peer.send(line.peer.response(invite, 200, "OK", tag="fork", body=sdp()))
    await line.peer.expect(lambda m: m.method == "ACK" and m.to_tag == "fork")
    await line.peer.expect(lambda m: m.method == "BYE" and m.to_tag == "fork")
    assert line.notes.answered == [leg]
    assert not line.notes.ended


async def test_a_repeated_200_is_acknowledged_again(line: Line) -> None:
    _, invite = await line.connected()
    line.peer.send(line.peer.response(invite, 200, "OK", body=sdp("8 101")))
    await line.peer.expect("ACK")
    assert not any(each.method == "BYE" for each in line.peer.arrived)


async def test_an_answer_without_audio_is_hung_up(line: Line) -> None:
    line.dial()
    invite = await line.peer.expect("INVITE")
    line.peer.send(line.peer.response(invite, 200, "OK", body=sdp("3")))
    await line.peer.expect("ACK")
    await line.peer.expect("BYE")
    assert (await line.notes.end()).reason is EndReason.FAILED


async def test_the_person_called_hangs_up(line: Line) -> None:
    _, invite = await line.connected()
    line.peer.send(line.peer.within_called("BYE", invite, 7))
    await line.peer.expect(lambda m: m.code == 200 and "BYE" in m.get("cseq"))
    ended = await line.notes.end()
    assert (ended.reason, ended.by) == (EndReason.COMPLETED, "far")


async def test_a_lost_invite_is_repeated(line: Line) -> None:
    line.dial()
    first = await line.peer.expect("INVITE")
    again = await line.peer.expect("INVITE")
    assert again.text == first.text


def _response(message: Message, header: str, password: str) -> tuple[str, str]:
    """Return (the response the credentials have, the one they should have)."""
    given = {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', message.get(header))}
    algorithm = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[given.get("algorithm", "MD5")]

    def h(text: str) -> str:
        return algorithm(text.encode()).hexdigest()

    a1, a2 = h(f"{given['username']}:{given['realm']}:{password}"), h(f"{message.method}:{given['uri']}")
    middle = f"{given['nonce']}:{given['nc']}:{given['cnonce']}:{given['qop']}" if "qop" in given else given["nonce"]
    return given["response"], h(f"{a1}:{middle}:{a2}")


@pytest.mark.parametrize(
    ("code", "challenge", "answer"),
    [(407, "Proxy-Authenticate", "Proxy-Authorization"), (401, "WWW-Authenticate", "Authorization")],
)
@pytest.mark.parametrize("extra", ["", ', qop="auth"', ', qop="auth,auth-int", algorithm=SHA-256', ", algorithm=md5, opaque=xyz"])
async def test_a_challenge_is_answered_with_the_right_digest(
    line: Line, code: int, challenge: str, answer: str, extra: str
) -> None:
    line.configure(username="u", auth_username="auth", password="s3cret")
    line.dial()
    first = await line.peer.expect("INVITE")
    line.peer.send(line.peer.response(first, code, more=[f'{challenge}: Digest realm="a, b", nonce="n1"{extra}']))
    await line.peer.expect("ACK")
    second = await line.peer.expect("INVITE")
    given, right = _response(second, answer.lower(), "s3cret")
    assert given == right
    assert int(second.get("cseq").split()[0]) == int(first.get("cseq").split()[0]) + 1
    assert second.branch != first.branch
    line.peer.send(line.peer.response(second, 200, "OK", body=sdp()))
    await line.peer.expect("ACK")
    await line.notes.until(lambda: line.notes.answered)
    shown = "".join(each.text for each in line.carrier.trace(1))
    assert given not in shown
    assert 'response="***"' in shown


async def test_a_stale_nonce_is_tried_again_and_a_wrong_password_is_not(line: Line) -> None:
    line.configure(username="u", password="s3cret")
    line.dial()
    for nonce, stale in (("n1", ""), ("n2", ", stale=TRUE")):
        invite = await line.peer.expect("INVITE")
        line.peer.send(line.peer.response(invite, 407, more=[f'Proxy-Authenticate: Digest realm="r", nonce="{nonce}"{stale}']))
        await line.peer.expect("ACK")
    third = await line.peer.expect("INVITE")
    assert 'nonce="n2"' in third.get("proxy-authorization")
    line.peer.send(line.peer.response(third, 407, more=['Proxy-Authenticate: Digest realm="r", nonce="n3"']))
    ended = await line.notes.end()
    assert (ended.reason, ended.code) == (EndReason.FAILED, 407)
    assert "password" in ended.text


async def test_a_known_leg_id_is_not_dialled_twice(line: Line) -> None:
    command = Originate(clock.new_id(), "c", 1, "+48600700800", "+48221234567")
    leg = line.carrier.originate(command)
    assert line.carrier.originate(command) is leg
    invite = await line.peer.expect("INVITE")
    line.peer.send(line.peer.response(invite, 486))
    await line.notes.end()
    assert line.carrier.originate(command) is leg
    assert line.carrier.counters["calls_out"] == 1


async def test_an_unknown_trunk_fails_the_call(line: Line) -> None:
    line.carrier.originate(Originate("leg", "c", 99, "+48600700800", ""))
    assert not line.notes.ended
    assert (await line.notes.end()).reason is EndReason.FAILED


async def test_a_host_that_does_not_exist_fails_the_call_with_a_sentence(line: Line) -> None:
    line.configure(host="nowhere.invalid")
    line.dial()
    ended = await line.notes.end()
    assert (ended.reason, ended.by) == (EndReason.FAILED, "switch")
    assert "nowhere.invalid" in ended.text


@pytest.mark.parametrize(
    ("form", "user"), [("plus", "+48600700800"), ("bare", "48600700800"), ("zeros", "0048600700800"), ("national", "600700800")]
)
async def test_the_number_is_written_as_the_carrier_wants_it(line: Line, form: str, user: str) -> None:
    line.configure(number_format=form, domain="carrier.example", trusted=True)
    line.dial(caller_id="+48221234567")
    invite = await line.peer.expect("INVITE")
    assert invite.uri == f"sip:{user}@carrier.example"
    assert "@carrier.example" in invite.get("from")
    assert invite.get("p-asserted-identity").startswith("<sip:")


async def test_an_anonymous_call_hides_the_caller_but_not_from_a_trusted_carrier(line: Line) -> None:
    line.configure(trusted=True)
    line.dial(anonymous=True)
    invite = await line.peer.expect("INVITE")
    assert "anonymous.invalid" in invite.get("from")
    assert invite.get("privacy") == "id"
    assert "+48221234567" in invite.get("p-asserted-identity")


async def test_a_hostile_caller_id_cannot_write_headers(line: Line) -> None:
    line.dial(caller_id="1\r\nX-Evil: yes", number="+48600\r\nX-Evil: 1")
    invite = await line.peer.expect("INVITE")
    assert not invite.all("x-evil")


async def test_the_outbound_proxy_gets_the_call_by_a_route(line: Line, peers: Any) -> None:
    proxy = await peers(line.carrier.listening)
    line.configure(outbound_proxy=f"127.0.0.1:{proxy.port}")
    line.dial()
    invite = await proxy.expect("INVITE")
    assert invite.get("route") == f"<sip:127.0.0.1:{proxy.port};lr>"


async def test_stopping_cancels_what_rings(line: Line) -> None:
    line.dial()
    invite = await line.peer.expect("INVITE")
    line.peer.send(line.peer.response(invite, 180))
    await line.notes.until(lambda: line.notes.ringing)
    stopping = asyncio.ensure_future(line.carrier.stop())
    cancel = await line.peer.expect("CANCEL")
    line.peer.send(line.peer.response(cancel, 200))
    line.peer.send(line.peer.response(invite, 487))
    await stopping
    assert (await line.notes.end()).by == "near"
