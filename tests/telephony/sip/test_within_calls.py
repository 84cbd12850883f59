"""What the far end may ask within a call: hold, other addresses and laws, refreshes, and what we do not offer."""

import asyncio
from typing import Any

import pytest

from callcenter.phone import EndReason
from telephony.sip import session_timer
from tests.telephony.sip.conftest import Line
from tests.telephony.sip.peer import PATIENCE, Message, Peer, sdp


class Call:
    """An answered inbound call, seen from the caller."""

    def __init__(self, line: Line, leg: Any, invite: str, answer: Message) -> None:
        self.line, self.leg, self.answer, self.cseq = line, leg, answer, 1
        self.invite = Message(invite, ("", 0))

    async def ask(self, method: str, **given: Any) -> Message:
        """Send a request within the call and return the final answer; an INVITE's 2xx is acknowledged."""
        self.cseq += 1
        number = self.cseq
        self.line.peer.send(self.line.peer.within(method, self.invite, self.answer, number, **given))
        final = await self.line.peer.expect(lambda m: m.code >= 200 and m.get("cseq") == f"{number} {method}")
        if method == "INVITE":
            self.line.peer.send(self.line.peer.within("ACK", self.invite, self.answer, number, **given.get("ack", {})))
        return final


@pytest.fixture
async def call(line: Line) -> Call:
    return Call(line, *await line.called())


@pytest.mark.parametrize(
    ("more", "address", "answered", "sending"),
    [
        ("a=sendonly\r\n", "127.0.0.1", "a=recvonly", False),
        ("a=recvonly\r\n", "127.0.0.1", "a=sendonly", True),
        ("a=inactive\r\n", "127.0.0.1", "a=inactive", False),
        ("", "0.0.0.0", "a=recvonly", False),
        ("a=sendrecv\r\n", "127.0.0.1", "a=sendrecv", True),
    ],
)
async def test_hold_is_answered_with_the_mirrored_direction(
    call: Call, more: str, address: str, answered: str, sending: bool
) -> None:
    body = sdp("8 101", more="a=rtpmap:101 telephone-event/8000\r\n" + more).replace("c=IN IP4 127.0.0.1", f"c=IN IP4 {address}")
    answer = await call.ask("INVITE", body=body)
    assert answer.code == 200
    assert answered in answer.body
    assert call.leg.port.sending is sending
    back = await call.ask("INVITE", body=sdp("8 101"))
    assert "a=sendrecv" in back.body
    assert call.leg.port.sending is True


async def test_a_new_address_latches_anew_and_a_new_law_is_told(call: Call) -> None:
    port = call.leg.port
    audio = await Peer.open(port.local_address)
    audio.send(b"\x80\x08" + bytes(170))
    async with asyncio.timeout(PATIENCE):
        while port.latched is None:
            await asyncio.sleep(0)
    await call.ask("INVITE", body=sdp())  # a mere refresh opens no window to strangers
    assert port.latched == audio.address
    await call.ask("INVITE", body=sdp("0 101", port=40500))
    assert port.latched is None
    audio.close()
    assert port.remote == ("127.0.0.1", 40500)
    assert call.leg.port.law == "pcmu"
    assert call.line.notes.media == [call.leg]


async def test_the_answer_to_an_unchanged_description_keeps_its_version(call: Call) -> None:
    same = await call.ask("INVITE", body=sdp())
    changed = await call.ask("INVITE", body=sdp(port=40502))
    version = [
        line.split()[2] for each in (call.answer, same, changed) for line in each.body.split("\r\n") if line.startswith("o=")
    ]
    assert version == ["1", "1", "2"]


async def test_a_re_invite_without_sdp_gets_our_offer(call: Call) -> None:
    answer = await call.ask("INVITE", ack={"body": sdp("0", port=40600)})
    assert "RTP/AVP 8 0 101" in answer.body
    await call.line.notes.until(lambda: call.line.notes.media)
    assert call.leg.port.remote == ("127.0.0.1", 40600)


async def test_a_re_invite_we_cannot_speak_is_488_and_the_call_goes_on(call: Call) -> None:
    assert (await call.ask("INVITE", body=sdp("3"))).code == 488
    assert (await call.ask("OPTIONS")).code == 200
    assert not call.line.notes.ended


@pytest.mark.parametrize(
    ("method", "code"),
    [("REFER", 405), ("NOTIFY", 405), ("MESSAGE", 405), ("PRACK", 405), ("FANCY", 501), ("OPTIONS", 200), ("UPDATE", 200)],
)
async def test_every_request_within_a_call_gets_an_answer_and_the_call_goes_on(call: Call, method: str, code: int) -> None:
    more = ["Refer-To: <sip:a@b>"] if method == "REFER" else []
    assert (await call.ask(method, more=more)).code == code
    assert not call.line.notes.ended


async def test_info_with_a_digit_is_a_digit(call: Call) -> None:
    pressed: list[tuple[str, int]] = []
    call.leg.port.on_digit = lambda digit, ms: pressed.append((digit, ms))
    assert (await call.ask("INFO", body="Signal=5\r\nDuration=160\r\n", content_type="application/dtmf-relay")).code == 200
    assert pressed == [("5", 160)]
    assert (await call.ask("INFO", body="x", content_type="text/plain")).code == 415


async def test_an_old_sequence_number_is_500_and_a_foreign_tag_481(call: Call) -> None:
    call.line.peer.send(call.line.peer.within("OPTIONS", call.invite, call.answer, 1))
    await call.line.peer.expect(500)
    call.line.peer.send(call.line.peer.within("BYE", call.invite, call.answer, 9, headers={"From": "<sip:x@y>;tag=forged"}))
    await call.line.peer.expect(481)
    assert not call.line.notes.ended


async def test_session_expires_is_accepted_and_the_caller_refreshes(line: Line) -> None:
    _, _, answer = await line.called(more=["Supported: timer", "Session-Expires: 1800"])
    assert answer.get("session-expires").replace(" ", "") == "1800;refresher=uac"
    assert answer.get("require") == "timer"


async def test_update_refreshes_and_too_short_is_422(call: Call) -> None:
    answer = await call.ask("UPDATE", more=["Supported: timer", "Session-Expires: 90;refresher=uac"])
    assert answer.get("session-expires").startswith("90")
    assert (await call.ask("UPDATE", more=["Session-Expires: 20"])).get("min-se") == "90"


async def test_a_session_nobody_refreshes_is_hung_up(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_timer, "MIN_SECONDS", 1)
    await line.called(more=["Supported: timer", "Session-Expires: 1;refresher=uac"])
    await line.peer.expect("BYE")
    ended = await line.notes.end()
    assert (ended.reason, ended.by) == (EndReason.FAILED, "switch")


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
async def test_we_refresh_when_that_is_our_part(line: Line, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(session_timer, "MIN_SECONDS", 1)
    allow = ["Allow: INVITE, ACK, BYE, UPDATE"] if method == "UPDATE" else []
    await line.called(more=["Supported: timer", "Session-Expires: 2;refresher=uas", *allow])
    refresh = await line.peer.expect(method)
    assert refresh.get("session-expires").startswith("2;")
    body = sdp("8 101") if method == "INVITE" else ""
    line.peer.send(line.peer.response(refresh, 200, body=body, more=["Session-Expires: 2;refresher=uac"]))
    if method == "INVITE":
        await line.peer.expect(lambda m: m.method == "ACK" and m.get("cseq") == refresh.get("cseq").replace("INVITE", "ACK"))
    await line.peer.expect(method)  # and again
    assert not line.notes.ended


async def test_a_call_the_far_end_forgot_is_over_when_we_refresh(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_timer, "MIN_SECONDS", 1)
    await line.called(more=["Supported: timer", "Session-Expires: 2;refresher=uas", "Allow: UPDATE"])
    refresh = await line.peer.expect("UPDATE")
    line.peer.send(line.peer.response(refresh, 481))
    assert (await line.notes.end()).code == 481


async def test_the_person_called_may_put_us_on_hold(line: Line) -> None:
    leg, invite = await line.connected()
    line.peer.send(line.peer.within_called("INVITE", invite, 5, body=sdp("8 101", more="a=sendonly\r\n")))
    answer = await line.peer.expect(lambda m: m.code == 200 and m.get("cseq") == "5 INVITE")
    assert "a=recvonly" in answer.body
    assert leg.port.sending is False
