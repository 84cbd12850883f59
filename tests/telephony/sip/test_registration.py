"""Registering: early refresh, un-registering, back-off, credentials; and asking an unregistered trunk whether it is there."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.config import Settings
from callcenter.errors import NotFound, Unavailable
from callcenter.phone import TrunkConfig
from telephony.media.rtp_port import RtpPorts
from telephony.sip import registration
from telephony.sip.exchange import Answer
from telephony.sip.registration import refresh_after, wait_after_failure
from telephony.sip.trunks import SipCarrier
from tests.telephony.sip.conftest import Line
from tests.telephony.sip.peer import Message, Notebook, Peer


@pytest.fixture
async def registrar(unused_rtp: RtpPorts) -> AsyncIterator[Line]:
    """Yield a carrier whose trunk registers with the peer; nothing is answered yet."""
    carrier = SipCarrier(Settings(sip="127.0.0.1:0"), unused_rtp)
    notes = Notebook()
    await carrier.start(notes)
    peer = await Peer.open(carrier.listening)
    config = TrunkConfig(1, "reg", "127.0.0.1", peer.port, username="alice", password="right", register=True)
    line = Line(carrier, notes, peer, config)
    line.configure()
    yield line
    await carrier.stop()
    peer.close()


def ok(line: Line, register: Message, expires: int, more: list[str] | None = None) -> str:
    contact = register.get("contact").partition(";expires")[0]
    return line.peer.response(register, 200, "OK", more=[f"Contact: {contact};expires={expires}", *(more or [])])


async def state(line: Line, wanted: str) -> str:
    found = await line.notes.until(lambda: [each for each in line.notes.states if each.state == wanted])
    return str(found[-1].detail).format(**found[-1].values)


async def test_registering_with_credentials_refreshing_early_and_unregistering(registrar: Line) -> None:
    line = registrar
    first = await line.peer.expect("REGISTER")
    assert first.get("to").startswith("<sip:alice@127.0.0.1")
    line.peer.send(line.peer.response(first, 401, more=['WWW-Authenticate: Digest realm="r", nonce="n"']))
    second = await line.peer.expect("REGISTER")
    assert 'username="alice"' in second.get("authorization")
    assert second.get("call-id") == first.get("call-id")
    line.peer.send(ok(line, second, 3, ["Service-Route: <sip:127.0.0.1:9;lr>", "Path: <sip:127.0.0.1;lr>"]))
    await state(line, "registered")
    assert [each.state for each in line.notes.states] == ["registering", "registered"]
    refresh = await line.peer.expect("REGISTER")  # within the three seconds: the carrier would have forgotten us after
    line.peer.send(ok(line, refresh, 3600))
    stopping = asyncio.ensure_future(line.carrier.stop())
    last = await line.peer.expect(lambda m: m.method == "REGISTER" and m.get("expires") == "0")
    assert last.get("contact").endswith("expires=0")
    line.peer.send(line.peer.response(last, 200))
    await stopping


async def test_the_service_route_leads_calls(registrar: Line) -> None:
    line = registrar
    register = await line.peer.expect("REGISTER")
    line.peer.send(ok(line, register, 3600, ["Service-Route: <sip:edge.example;lr>"]))
    await state(line, "registered")
    line.dial()
    assert (await line.peer.expect("INVITE")).get("route") == "<sip:edge.example;lr>"


async def test_a_wrong_password_is_said_and_not_tried_in_a_loop(registrar: Line) -> None:
    line = registrar
    for _ in range(2):
        register = await line.peer.expect("REGISTER")
        line.peer.send(line.peer.response(register, 401, more=['WWW-Authenticate: Digest realm="r", nonce="n"']))
    assert "password" in await state(line, "failed")


async def test_423_is_answered_with_the_longer_life(registrar: Line) -> None:
    line = registrar
    register = await line.peer.expect("REGISTER")
    line.peer.send(line.peer.response(register, 423, more=["Min-Expires: 1800"]))
    longer = await line.peer.expect("REGISTER")
    assert longer.get("expires") == "1800"
    line.peer.send(ok(line, longer, 1800))
    await state(line, "registered")


async def test_a_refused_registration_is_tried_again(registrar: Line) -> None:
    line = registrar
    register = await line.peer.expect("REGISTER")
    line.peer.send(line.peer.response(register, 503, "Busy"))
    assert "503" in await state(line, "failed")
    again = await line.peer.expect("REGISTER")
    line.peer.send(ok(line, again, 3600))
    await state(line, "registered")


async def test_a_call_to_our_registered_contact_comes_through_from_anywhere(registrar: Line) -> None:
    line = registrar
    register = await line.peer.expect("REGISTER")
    line.peer.send(ok(line, register, 3600))
    await state(line, "registered")
    contact = re.search(r"<([^>]+)>", register.get("contact"))
    assert contact is not None
    stranger = await Peer.open(line.carrier.listening, "127.0.0.2")
    stranger.send(stranger.invite(uri=contact[1]))
    _, offered = await line.notes.call()
    assert offered.dialled == "+48221234567"  # the request URI holds our own user: the number is in To
    stranger.send(stranger.invite(uri=contact[1].replace("line=", "line=x")))
    await stranger.expect(403)
    stranger.close()


async def test_a_removed_trunk_unregisters_and_takes_no_calls(registrar: Line) -> None:
    line = registrar
    register = await line.peer.expect("REGISTER")
    line.peer.send(ok(line, register, 3600))
    await state(line, "registered")
    line.carrier.configure([])
    gone = await line.peer.expect(lambda m: m.method == "REGISTER" and m.get("expires") == "0")
    line.peer.send(line.peer.response(gone, 200))
    line.peer.send(line.peer.invite())
    await line.peer.expect(403)
    assert line.carrier.states() == ()


async def test_a_host_that_cannot_be_found_is_a_failed_trunk(line: Line) -> None:
    line.configure(host="nowhere.invalid")
    assert "nowhere.invalid" in await state(line, "failed")


async def test_the_test_button_says_what_works(line: Line) -> None:
    testing = asyncio.ensure_future(line.carrier.test(1))
    options = await line.peer.expect("OPTIONS")
    line.peer.send(line.peer.response(options, 200, "OK"))
    report = await testing
    assert {each.name: each.ok for each in report.checks} == {
        "address": True,
        "options": True,
        "external_address": True,
        "rtp_ports": True,
    }
    with pytest.raises(NotFound):
        await line.carrier.test(77)


async def test_the_test_button_says_that_the_password_is_wrong(registrar: Line) -> None:
    line = registrar
    testing = asyncio.ensure_future(line.carrier.test(1))

    async def refuse() -> None:
        while True:
            message = await line.peer.expect(lambda m: m.method in ("REGISTER", "OPTIONS"))
            code = 401 if message.method == "REGISTER" else 404
            line.peer.send(line.peer.response(message, code, more=['WWW-Authenticate: Digest realm="r", nonce="n"']))

    refusing = asyncio.ensure_future(refuse())
    checks = {each.name: each for each in (await testing).checks}
    refusing.cancel()
    assert checks["options"].ok  # it answered, whatever it said
    assert not checks["registration"].ok
    assert "password" in checks["registration"].sentence


async def test_the_test_button_says_that_a_name_is_wrong(line: Line) -> None:
    line.configure(host="nowhere.invalid")
    report = await line.carrier.test(1)
    assert [each.ok for each in report.checks if each.name == "address"] == [False]


async def test_a_taken_address_is_a_sentence(line: Line, unused_rtp: RtpPorts) -> None:
    host, port = line.carrier.listening
    second = SipCarrier(Settings(sip=f"{host}:{port}"), unused_rtp)
    with pytest.raises(Unavailable, match="cannot listen"):
        await second.start(Notebook())
    await second.stop()


async def test_configuring_the_same_again_changes_nothing(line: Line) -> None:
    before = len(line.notes.states)
    line.carrier.configure([replace(line.config)])
    line.dial()
    await line.peer.expect("INVITE")
    assert len(line.notes.states) == before


@given(st.integers(1, 10_000_000))
def test_a_registration_is_always_refreshed_before_it_ends(expires: int) -> None:
    after = refresh_after(expires)
    assert after <= max(1.0, expires * 0.85)
    assert expires <= 60 or after <= expires - 30 or after <= expires * 0.85


@given(st.integers(1, 100), st.booleans())
def test_waiting_grows_to_five_minutes_and_no_further(failures: int, credentials: bool) -> None:
    seconds = wait_after_failure(failures, credentials=credentials)
    assert 1.6 <= seconds <= 360
    assert not credentials or seconds >= 96


async def test_a_trunk_that_does_not_answer_is_failed(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = Answer(408, "Request Timeout", None, 32.0)

    async def unanswered(_: object) -> Answer:
        return silent

    monkeypatch.setattr(registration.Registration, "options", unanswered)
    line.configure(name="again")
    assert "does not answer" in await state(line, "failed")
