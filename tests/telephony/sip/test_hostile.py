"""Datagrams nobody should send (RFC 4475's kinds and worse): counted, answered 400 where that is possible, never fatal."""

import contextlib
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.sip import parsing
from telephony.sip.trace import blanked
from tests.telephony.sip.conftest import Line
from tests.telephony.sip.peer import sdp

HEADERS = (
    "Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{n};rport\r\nFrom: <sip:a@b>;tag=x\r\nTo: <sip:c@d>\r\n"
    "Call-ID: torture-{n}\r\nContact: <sip:a@127.0.0.1>\r\n"
)


def message(start: str, extra: str = "CSeq: 1 INVITE\r\n", body: str = "") -> str:
    return f"{start}\r\n{HEADERS}{extra}\r\n{body}"


ANSWERED: dict[str, tuple[str, int]] = {
    "method of CSeq differs": (message("INVITE sip:c@d SIP/2.0", "CSeq: 1 OPTIONS\r\n"), 400),
    "CSeq out of range": (message("INVITE sip:c@d SIP/2.0", "CSeq: 36893488147419103232 INVITE\r\n"), 400),
    "CSeq without number": (message("INVITE sip:c@d SIP/2.0", "CSeq: INVITE\r\n"), 400),
    "negative Content-Length": (message("INVITE sip:c@d SIP/2.0", "CSeq: 1 INVITE\r\nContent-Length: -999\r\n"), 400),
    "Content-Length beyond the datagram": (
        message("INVITE sip:c@d SIP/2.0", "CSeq: 1 INVITE\r\nl: 9999\r\n", "v=0\r\n"),
        400,
    ),
    "two Content-Lengths": (message("INVITE sip:c@d SIP/2.0", "CSeq: 1 INVITE\r\nContent-Length: 0\r\nl: 7\r\n"), 400),
    "two From": (message("INVITE sip:c@d SIP/2.0", "CSeq: 1 INVITE\r\nFrom: <sip:z@z>;tag=2\r\n"), 400),
    "spaces in the request URI": (message("INVITE sip:c@d; lr SIP/2.0"), 400),
    "request URI in angle brackets": (message("INVITE <sip:c@d> SIP/2.0"), 416),
    "unknown scheme": (message("INVITE nobodyKnowsThis:totally SIP/2.0"), 416),
    "version 7": (message("INVITE sip:c@d SIP/7.0"), 505),
    "trailing space on the request line": (message("INVITE sip:c@d SIP/2.0  "), 400),
    "header without colon": (message("INVITE sip:c@d SIP/2.0", "CSeq: 1 INVITE\r\nno colon here\r\n"), 400),
    "Max-Forwards of 300000": (message("INVITE sip:c@d SIP/2.0", "CSeq: 1 INVITE\r\nMax-Forwards: 300000\r\n"), 400),
    "Expires of letters": (message("INVITE sip:c@d SIP/2.0", "CSeq: 1 INVITE\r\nExpires: soon\r\n"), 400),
    "unbalanced quotes in Contact": (message("INVITE sip:c@d SIP/2.0", 'CSeq: 1 INVITE\r\nContact: "x <sip:a@b>\r\n'), 400),
    "a port of letters": (message("INVITE sip:c@d:abc SIP/2.0"), 400),
}

DROPPED: dict[str, bytes] = {
    "no Via": b"INVITE sip:a@b SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
    "truncated in the middle of a header": b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nFro",
    "binary": bytes(range(256)) * 3,
    "64 kilobytes of one letter": b"A" * 65_000,
    "64 kilobytes of headers": b"INVITE sip:a@b SIP/2.0\r\n" + b"X: y\r\n" * 10_000,
    "response with a bad status": b"SIP/2.0 4294967301 Better not\r\nVia: SIP/2.0/UDP 1.1.1.1\r\n\r\n" + b" " * 20,
    "response without headers": b"SIP/2.0 200 OK\r\n\r\n" + b" " * 40,
    "HTTP": b"GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: lost\r\n\r\n",
    "an ACK with a wrong CSeq": message("ACK sip:c@d SIP/2.0", "CSeq: x ACK\r\n").encode(),
    "nulls": b"\0" * 500,
    "RTP": b"\x80\x08" + bytes(170),
}


async def healthy(line: Line) -> None:
    """The carrier still takes a call."""
    line.peer.send(line.peer.invite(call_id="afterwards"))
    await line.notes.until(lambda: any(o.provider_ref == "afterwards" for _, o in line.notes.offered))


@pytest.mark.parametrize("name", ANSWERED)
async def test_a_bad_request_is_told_so_and_counted(line: Line, name: str) -> None:
    text, code = ANSWERED[name]
    line.peer.send(text.format(port=line.peer.port, n=1))
    answer = await line.peer.expect(code)
    assert answer.to_tag
    assert line.carrier.counters["malformed"] == 1
    assert not line.notes.offered
    await healthy(line)


@pytest.mark.parametrize("name", DROPPED)
async def test_garbage_is_dropped_and_counted(line: Line, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = len(line.peer.arrived)
    line.peer.send(DROPPED[name])
    await healthy(line)
    await line.peer.expect(100)
    assert line.carrier.counters["malformed"] == 1
    assert len(line.peer.arrived) == before + 1
    assert "Traceback" not in capsys.readouterr().out


async def test_keep_alives_are_no_garbage(line: Line) -> None:
    line.peer.send("\r\n\r\n")
    await healthy(line)
    assert line.carrier.counters["keepalive"] == 1
    assert "malformed" not in line.carrier.counters


VIA = "SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKq;rport"
GOOD: dict[str, str] = {
    "compact names, folded lines and odd case": (
        "INVITE sip:+48221234567@d SIP/2.0\r\nv: SIP / 2.0 / UDP 127.0.0.1:{port} ;branch=z9hG4bKq;rport\r\n"
        "f:\r\n  <sip:+48600100200@b> ;\r\n tag=1\r\nt: <sip:c@d>\r\ni: good\r\nCsEq: 0009\r\n  INVITE\r\n"
        "m: <sip:a@127.0.0.1>\r\n"
    ),
    "tel: everywhere": (
        f"INVITE tel:+48221234567 SIP/2.0\r\nVia: {VIA}\r\nFrom: <tel:+48-600-100-200;isub=1>;tag=1\r\n"
        "To: <tel:+48221234567;phone-context=x>\r\nCall-ID: good\r\nCSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1>\r\n"
    ),
    "unknown headers and parameters": (
        f"INVITE sip:+48221234567@d;unknown=1;x SIP/2.0\r\nVia: {VIA};new=p\r\n"
        'From: "Q\\"uote" <sip:+48600100200@b;z=1>;tag=1;other="a;b"\r\nTo: <sip:c@d>\r\nCall-ID: good\r\nCSeq: 1 INVITE\r\n'
        "Contact: <sip:a@127.0.0.1>\r\nX-Strange: \x01\x02,,,;;;\r\nNewFangled: newfangled value\r\n"
    ),
    "line feeds only": (
        f"INVITE sip:+48221234567@d SIP/2.0\nVia: {VIA}\nFrom: sip:+48600100200@b;tag=1\n"
        "To: sip:c@d\nCall-ID: good\nCSeq: 1 INVITE\nContact: sip:a@127.0.0.1\n"
    ),
}


@pytest.mark.parametrize("name", GOOD)
async def test_odd_but_lawful_messages_are_calls(line: Line, name: str) -> None:
    end = "\n" if "\r\n" not in GOOD[name] else "\r\n"
    body = sdp()
    line.peer.send(
        GOOD[name].format(port=line.peer.port) + f"Content-Type: application/sdp{end}Content-Length: {len(body)}{end}{end}{body}"
    )
    leg, offered = await line.notes.call()
    assert (offered.number, offered.dialled) == ("+48600100200", "+48221234567")
    leg.answer()
    await line.peer.expect(200)


async def test_a_latin_1_name_is_a_name(line: Line) -> None:
    text = line.peer.invite(headers={"From": '"J\xf3zef \x85 \xa3" <sip:+48600100200@b>;tag=1'})
    line.peer.send(text.encode("latin-1"))
    _, offered = await line.notes.call()
    assert offered.name == "Józef ? £"


async def test_an_answer_goes_to_the_sender_not_to_whom_the_via_names(line: Line) -> None:
    line.peer.send(
        line.peer.request("OPTIONS", headers={"Via": "SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKv;received=192.0.2.1;rport"})
    )
    assert "received=127.0.0.1" in (await line.peer.expect(200)).get("via")


async def test_a_flood_of_noise_is_logged_sparsely_and_remembers_nothing(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    noise = random.Random(1)
    for _ in range(300):
        line.peer.send(noise.randbytes(80))
    await healthy(line)
    await line.notes.until(lambda: line.carrier.counters["malformed"] == 300)
    assert capsys.readouterr().out.count("sip_malformed") <= 10
    assert len(line.carrier.trace(1)) <= 100


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_octets_are_a_message_or_malformed(data: bytes) -> None:
    with contextlib.suppress(parsing.Malformed):
        parsing.read(data)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_message_is_a_message_or_malformed(data: st.DataObject) -> None:
    whole = bytearray((message("INVITE sip:c@d SIP/2.0") + sdp()).format(port=5060, n=1).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    answer = None
    try:
        parsing.read(bytes(whole[: data.draw(st.integers(1, len(whole)))]))
    except parsing.Malformed as error:
        answer = error.answer
    assert answer is None or answer.startswith("SIP/2.0 ")


def test_credentials_are_blanked_in_the_trace() -> None:
    text = (
        'REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username="u", response="deadbeef", cnonce="c0ffee"\r\n'
        "proxy-authorization: Digest response=cafe\r\n"
    )
    shown = blanked(text)
    assert not any(secret in shown for secret in ("deadbeef", "c0ffee", "cafe"))
    assert 'username="u"' in shown


def test_os_noise_is_never_a_message() -> None:
    for _ in range(50):
        with pytest.raises(parsing.Malformed):
            parsing.read(os.urandom(200))
