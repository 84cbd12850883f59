"""Calls that come in, from a peer that says exactly what the test wants."""

import asyncio

import pytest

from callcenter import clock
from callcenter.phone import EndReason
from tests.telephony.sip.conftest import Line
from tests.telephony.sip.peer import Message, sdp


async def test_a_call_is_offered_answered_and_hung_up_by_the_caller(line: Line) -> None:
    before = clock.monotonic()
    leg, invite, answer = await line.called()
    offered = line.notes.offered[0][1]
    assert (offered.number, offered.dialled, offered.withheld, offered.trunk_id) == ("+48600100200", "+48221234567", False, 1)
    assert before <= offered.received <= clock.monotonic()
    assert leg.port.law == "pcma"
    assert f"m=audio {leg.port.local_address[1]} RTP/AVP 8 101" in answer.body
    line.peer.send(line.peer.within("BYE", Message(invite, ("", 0)), answer, 2, more=['Reason: Q.850;cause=16;text="Bye now"']))
    await line.peer.expect(200)
    ended = await line.notes.end()
    assert (ended.reason, ended.by, ended.text) == (EndReason.COMPLETED, "far", "Bye now")


async def test_100_comes_before_anybody_decides(line: Line) -> None:
    line.peer.send(line.peer.invite())
    await line.peer.expect(100)


async def test_ringing_is_told_with_our_tag_and_contact(line: Line) -> None:
    line.peer.send(line.peer.invite())
    leg, _ = await line.notes.call()
    leg.ring()
    ringing = await line.peer.expect(180)
    assert ringing.to_tag
    leg.answer()
    assert (await line.peer.expect(200)).to_tag == ringing.to_tag


async def test_a_caller_who_gives_up_gets_487_and_we_hear_of_it(line: Line) -> None:
    invite = line.peer.invite(branch="z9hG4bKone", tag="a", call_id="c1")
    line.peer.send(invite)
    leg, _ = await line.notes.call()
    leg.ring()
    ringing = await line.peer.expect(180)
    line.peer.send(
        line.peer.request("CANCEL", branch="z9hG4bKone", tag="a", call_id="c1", more=["Reason: SIP;cause=200;text=elsewhere"])
    )
    refused = await line.peer.expect(487)
    assert refused.to_tag == ringing.to_tag
    ended = await line.notes.end()
    assert (ended.reason, ended.by, ended.text) == (EndReason.CANCELLED, "far", "elsewhere")
    leg.answer()
    leg.hang_up(EndReason.COMPLETED)
    assert len(line.notes.ended) == 1


@pytest.mark.parametrize(
    ("reason", "code", "told"),
    [
        (EndReason.BUSY, 486, EndReason.BUSY),
        (EndReason.REJECTED, 603, EndReason.REJECTED),
        (EndReason.UNREACHABLE, 404, EndReason.UNREACHABLE),
        (EndReason.COMPLETED, 603, EndReason.REJECTED),
        (EndReason.FAILED, 503, EndReason.FAILED),
    ],
)
async def test_hanging_up_a_ringing_caller_says_why(line: Line, reason: EndReason, code: int, told: EndReason) -> None:
    line.peer.send(line.peer.invite())
    leg, _ = await line.notes.call()
    leg.hang_up(reason)
    await line.peer.expect(code)
    ended = await line.notes.end()
    assert (ended.reason, ended.by, ended.code) == (told, "near", code)


async def test_a_repeated_invite_is_one_call_and_gets_the_same_answer_again(line: Line) -> None:
    invite = line.peer.invite()
    line.peer.send(invite)
    line.peer.send(invite)
    leg, _ = await line.notes.call()
    leg.answer()
    first = await line.peer.expect(200)
    line.peer.send(invite)
    assert (await line.peer.expect(200)).text == first.text
    assert len(line.notes.offered) == 1


async def test_our_200_is_repeated_until_the_ack_comes(line: Line) -> None:
    invite = line.peer.invite()
    line.peer.send(invite)
    leg, _ = await line.notes.call()
    leg.answer()
    first = await line.peer.expect(200)
    again = await line.peer.expect(200)
    assert again.text == first.text
    assert not line.notes.answered
    line.peer.send(line.peer.within("ACK", Message(invite, ("", 0)), first, 1))
    await line.notes.until(lambda: line.notes.answered == [leg])


async def test_an_invite_without_sdp_gets_our_offer_and_the_ack_decides(line: Line) -> None:
    invite = line.peer.invite(body="")
    line.peer.send(invite)
    leg, _ = await line.notes.call()
    leg.answer()
    answer = await line.peer.expect(200)
    assert "RTP/AVP 8 0 101" in answer.body
    line.peer.send(line.peer.within("ACK", Message(invite, ("", 0)), answer, 1, body=sdp("0 101", port=40100)))
    await line.notes.until(lambda: line.notes.answered)
    assert leg.port.law == "pcmu"
    assert leg.port.remote == ("127.0.0.1", 40100)


async def test_an_ack_whose_answer_is_unusable_ends_the_call(line: Line) -> None:
    invite = line.peer.invite(body="")
    line.peer.send(invite)
    leg, _ = await line.notes.call()
    leg.answer()
    answer = await line.peer.expect(200)
    line.peer.send(line.peer.within("ACK", Message(invite, ("", 0)), answer, 1, body=sdp("3")))
    await line.peer.expect("BYE")
    assert (await line.notes.end()).reason is EndReason.FAILED
    assert not line.notes.answered


@pytest.mark.parametrize(
    "body",
    [
        sdp("3 96", more="a=rtpmap:96 opus/48000\r\n"),
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5000 RTP/AVP 31\r\n",
        "this is no description",
        sdp("8", port=0),
        sdp("8").replace("m=audio", "m=audio 1 2\r\nm=audio"),
        sdp("8").replace("RTP/AVP", "RTP/SAVP"),
        sdp("8").replace("127.0.0.1\r\nt=", "224.0.0.1\r\nt="),
    ],
)
async def test_no_audio_we_can_speak_is_488(line: Line, body: str) -> None:
    line.peer.send(line.peer.invite(body=body))
    await line.peer.expect(488)
    assert not line.notes.offered


async def test_video_is_refused_within_the_answer(line: Line) -> None:
    _, _, answer = await line.called(body=sdp() + "m=video 5000 RTP/AVP 31\r\n")
    assert "m=video 0 RTP/AVP 31" in answer.body


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"more": ["Require: 100rel, foo"]}, 420),
        ({"headers": {"Max-Forwards": "0"}}, 483),
        ({"headers": {"Contact": None}}, 400),
        ({"headers": {"Contact": "*"}}, 400),
        ({"more": ["Session-Expires: 30"]}, 422),
        ({"content_type": "text/plain", "body": "hello"}, 415),
        ({"more": ["Content-Encoding: gzip"]}, 415),
    ],
)
async def test_an_invite_we_cannot_take_is_refused_as_the_rfc_says(line: Line, given: dict[str, object], code: int) -> None:
    line.peer.send(line.peer.invite(**given))
    await line.peer.expect(code)
    assert not line.notes.offered


async def test_the_same_call_by_another_way_is_482(line: Line) -> None:
    line.peer.send(line.peer.invite(call_id="x", tag="t"))
    await line.notes.call()
    line.peer.send(line.peer.invite(call_id="x", tag="t"))
    await line.peer.expect(482)
    assert line.carrier.counters["looped"] == 1
    assert len(line.notes.offered) == 1


async def test_a_stranger_gets_403_and_is_counted(line: Line) -> None:
    line.configure(host="127.0.0.9")
    line.peer.send(line.peer.invite())
    await line.peer.expect(403)
    assert line.carrier.counters["foreign"] == 1
    line.peer.send(line.peer.request("OPTIONS"))
    await line.peer.expect(403)
    assert not line.notes.offered


async def test_a_network_that_is_allowed_may_call(line: Line) -> None:
    line.configure(host="127.0.0.9", allow=("127.0.0.0/24",))
    line.peer.send(line.peer.invite())
    await line.notes.call()


async def test_both_hang_up_at_once(line: Line) -> None:
    leg, invite, answer = await line.called()
    leg.hang_up(EndReason.COMPLETED)
    ours = await line.peer.expect("BYE")
    line.peer.send(line.peer.within("BYE", Message(invite, ("", 0)), answer, 2))
    crossing = await line.peer.expect(lambda m: m.code == 200 and "BYE" in m.get("cseq"))
    assert crossing
    line.peer.send(line.peer.response(ours, 200, "OK"))
    assert (await line.notes.end()).by == "near"
    assert len(line.notes.ended) == 1


async def test_our_bye_follows_the_callers_contact_and_routes(line: Line) -> None:
    route = f"<sip:127.0.0.1:{line.peer.port};lr>"
    leg, _, _ = await line.called(
        headers={"Contact": "<sip:deep@10.9.9.9:5099;transport=UDP>"},
        more=[f"Record-Route: {route}", "Record-Route: <sip:10.1.1.1;lr>"],
    )
    leg.hang_up(EndReason.COMPLETED)
    bye = await line.peer.expect("BYE")
    assert bye.uri == "sip:deep@10.9.9.9:5099;transport=UDP"
    assert bye.all("route") == [route, "<sip:10.1.1.1;lr>"]


@pytest.mark.parametrize("transport", ["UDP", "udp", "tcp", "TLS"])
async def test_a_contact_with_a_transport_parameter_gets_its_bye(line: Line, transport: str) -> None:
    leg, _, _ = await line.called(headers={"Contact": f"<sip:peer@127.0.0.1:{line.peer.port};transport={transport}>"})
    leg.hang_up(EndReason.COMPLETED)
    await line.peer.expect("BYE")


async def test_a_hundred_calls_at_once(line: Line) -> None:
    invites = [line.peer.invite(call_id=f"many-{n}", tag=f"t{n}") for n in range(100)]
    for each in invites:
        line.peer.send(each)
    await line.notes.until(lambda: len(line.notes.offered) == 100)
    for leg, _ in line.notes.offered:
        leg.answer()
    for each in invites:
        call_id = Message(each, ("", 0)).get("call-id")
        answer = await line.peer.expect(lambda m, c=call_id: m.code == 200 and m.get("call-id") == c)  # type: ignore[misc]
        line.peer.send(line.peer.within("ACK", Message(each, ("", 0)), answer, 1))
    await line.notes.until(lambda: len(line.notes.answered) == 100)
    for leg, _ in line.notes.offered:
        leg.hang_up(EndReason.COMPLETED)
    for _ in range(100):
        bye = await line.peer.expect("BYE")
        line.peer.send(line.peer.response(bye, 200, "OK"))
    await line.notes.until(lambda: len(line.notes.ended) == 100)


async def test_no_audio_port_left_refuses_the_caller(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.configure(rtp_ports="41000-41001")
    await line.called()
    line.peer.send(line.peer.invite())
    await line.notes.until(lambda: len(line.notes.offered) == 2)
    line.notes.offered[1][0].answer()
    await line.peer.expect(503)
    assert (await line.notes.end()).reason is EndReason.FAILED


async def test_stopping_hangs_up_and_says_so(line: Line) -> None:
    await line.called()
    stopping = asyncio.ensure_future(line.carrier.stop())
    bye = await line.peer.expect("BYE")
    line.peer.send(line.peer.response(bye, 200, "OK"))
    await stopping
    assert (await line.notes.end()).reason is EndReason.COMPLETED
