"""The peer behaves as Twilio says it does: seen with Twilio's own library, and with an app that checks every signature."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callcenter.phone_fake import Outcome
from tests.peers.twilio import TwilioPeer
from tests.peers.twilio_app import App, client_of, unused
from tests.telephony.waiting import until

OURS, CUSTOMER = "+48221000000", "+48500000101"
ALL = ["initiated", "ringing", "answered", "completed"]


@pytest.fixture
async def peer() -> AsyncIterator[TwilioPeer]:
    async with TwilioPeer() as peer:
        peer.pace = 0.1
        peer.ringing_seconds = 0.01
        peer.detection_seconds = 0.01
        yield peer
        assert not [each for each in peer.alerts if each.code == 0]


@pytest.fixture
async def app(peer: TwilioPeer) -> AsyncIterator[App]:
    async with App(peer) as app:
        peer.own(OURS, voice_url=f"{app.url}/voice/in", status_callback=f"{app.url}/number", sms_url=f"{app.url}/sms")
        yield app


@pytest.fixture
async def client(peer: TwilioPeer) -> AsyncIterator[Client]:
    client = client_of(peer)
    yield client
    await unused(client)


async def dial(client: Client, app: App, number: str = CUSTOMER, **more: Any) -> Any:
    more.setdefault("url", f"{app.url}/voice/out")
    return await client.calls.create_async(
        to=number, from_=OURS, status_callback=f"{app.url}/status", status_callback_event=ALL, **more
    )


# --- the account ------------------------------------------------------------------------------------------------------


async def test_a_wrong_token_is_refused_with_twilios_code(peer: TwilioPeer) -> None:
    client = client_of(peer, password="wrong")
    with pytest.raises(TwilioRestException) as refused:
        await client.api.accounts(peer.account_sid).fetch_async()
    await unused(client)
    assert (refused.value.status, refused.value.code) == (401, 20003)


async def test_an_api_key_makes_requests_but_does_not_see_the_account(peer: TwilioPeer, app: App) -> None:
    client = client_of(peer, *peer.add_api_key())
    assert len(await client.incoming_phone_numbers.list_async()) == 1
    with pytest.raises(TwilioRestException):
        await client.api.accounts(peer.account_sid).fetch_async()
    await unused(client)


async def test_the_account_is_active(peer: TwilioPeer, client: Client) -> None:
    account = await client.api.accounts(peer.account_sid).fetch_async()
    assert (account.status, account.type, account.sid) == ("active", "Full", peer.account_sid)


async def test_a_number_is_found_and_its_webhooks_set(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.own("+48221000099")
    (number,) = await client.incoming_phone_numbers.list_async(phone_number=OURS)
    assert number.capabilities["voice"]
    changed = await number.update_async(voice_url="https://example.org/voice", voice_method="GET")
    assert (changed.voice_url, changed.voice_method) == ("https://example.org/voice", "GET")
    again = await client.incoming_phone_numbers(number.sid).fetch_async()
    assert (again.voice_url, again.sms_url) == ("https://example.org/voice", f"{app.url}/sms")


# --- calls out --------------------------------------------------------------------------------------------------------


async def test_a_call_out_rings_is_answered_obeys_and_ends(peer: TwilioPeer, app: App, client: Client) -> None:
    app.documents["out"] = "<Say>Good morning</Say><Play digits='1w2'/>"
    made = await dial(client, app)
    assert (made.status, made.direction, made.start_time) == ("queued", "outbound-api", None)
    call = peer.call(made.sid)
    await call.over()
    await until(lambda: len(app.told("/status")) == 4)
    assert app.told("/status") == ["initiated", "ringing", "in-progress", "completed"]
    assert app.told("/status", "SequenceNumber") == ["0", "1", "2", "3"]
    last = app.form("/status")
    assert (last["CallSid"], last["SipResponseCode"], last["CallDuration"], last["Duration"]) == (made.sid, "200", "1", "1")
    assert (call.said, call.digits) == ([("Say", "Good morning")], "12")
    shown = await client.calls(made.sid).fetch_async()
    assert (shown.status, shown.duration, shown.price) == ("completed", "1", "-0.01400")
    assert shown.end_time >= shown.start_time
    assert not app.forged


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Outcome.BUSY, "busy", "486"),
        (Outcome.NO_ANSWER, "no-answer", "480"),
        (Outcome.REJECTED, "busy", "603"),
        (Outcome.UNREACHABLE, "failed", "404"),
        (Outcome.CARRIER_DOWN, "failed", "503"),
    ],
)
async def test_a_call_nobody_answers_ends_as_it_was_scripted(
    peer: TwilioPeer, app: App, client: Client, outcome: Outcome, status: str, code: str
) -> None:
    peer.when_called(CUSTOMER, outcome)
    call = peer.call((await dial(client, app)).sid)
    await until(lambda: app.told("/status")[-1:] == [status])
    assert app.form("/status")["SipResponseCode"] == code
    assert (call.answered, call.price) == (False, None)
    assert "/voice/out" not in [path for path, _ in app.posted]


async def test_a_ringing_call_is_canceled_and_an_ended_one_cannot_be_changed(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.when_called(CUSTOMER, Outcome.RINGS)
    made = await dial(client, app)
    await until(lambda: peer.call(made.sid).status == "ringing")
    assert (await client.calls(made.sid).update_async(status="canceled")).status == "canceled"
    with pytest.raises(TwilioRestException) as refused:
        await client.calls(made.sid).update_async(status="completed")
    assert refused.value.code == 21220


async def test_a_call_that_rings_too_long_is_given_up(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.when_called(CUSTOMER, Outcome.RINGS)
    call = peer.call((await dial(client, app, timeout=1)).sid)
    await call.over()
    assert call.status == "no-answer"


async def test_a_call_in_progress_is_sent_elsewhere(peer: TwilioPeer, app: App, client: Client) -> None:
    app.documents["out"] = app.connect()
    made = await dial(client, app)
    await until(lambda: app.sockets and app.sockets[0].audio)
    await client.calls(made.sid).update_async(twiml="<Response><Say>Elsewhere</Say></Response>")
    await peer.call(made.sid).over()
    assert peer.call(made.sid).said == [("Say", "Elsewhere")]
    await until(lambda: app.sockets[0].over)
    assert app.sockets[0].of("stop")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"to": "500"}, 21211),
        ({"from_": "12"}, 21212),
        ({"from_": "+48221999999"}, 21210),
        ({"url": "not an address"}, 21205),
        ({"status_callback_event": ["rung"]}, 21626),
        ({"timeout": "soon"}, 20001),
    ],
)
async def test_wrong_parameters_are_refused_with_their_codes(
    client: Client, app: App, changed: dict[str, Any], code: int
) -> None:
    given: dict[str, Any] = {"to": CUSTOMER, "from_": OURS, "url": f"{app.url}/voice/out"}
    with pytest.raises(TwilioRestException) as refused:
        await client.calls.create_async(**given | changed)
    assert (refused.value.status, refused.value.code) == (400, code)


async def test_an_answering_machine_is_told_of_beside_the_call(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.when_detected(CUSTOMER, "machine_start")
    app.documents["out"] = "<Pause length='600'/>"
    made = await dial(client, app, machine_detection="Enable", async_amd="true", async_amd_status_callback=f"{app.url}/amd")
    await until(lambda: app.told("/amd", "AnsweredBy") == ["machine_start"])
    assert (await client.calls(made.sid).fetch_async()).answered_by == "machine_start"
    await client.calls(made.sid).update_async(status="completed")
    await until(lambda: app.told("/status")[-1:] == ["completed"])


async def test_calls_are_listed_newest_first_filtered_and_in_pages(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.when_called(CUSTOMER, Outcome.BUSY)
    made = [(await dial(client, app)).sid for _ in range(5)]
    other = await dial(client, app, "+48500000102", twiml="<Response><Pause length='600'/></Response>", url=None)
    await until(lambda: all(peer.call(sid).ended for sid in made) and peer.call(other.sid).answered)
    listed = await client.calls.list_async(to=CUSTOMER, status="busy", page_size=2)
    assert [each.sid for each in listed] == made[::-1]
    assert [each.sid for each in await client.calls.list_async(status="in-progress")] == [other.sid]


async def test_calls_are_let_out_at_the_accounts_rate_and_too_many_waiting_are_429(
    peer: TwilioPeer, app: App, client: Client
) -> None:
    peer.rate.per_second = 0.5
    peer.longest_queue = 2
    peer.when_called(CUSTOMER, Outcome.RINGS)
    made = [(await dial(client, app)).sid for _ in range(2)]
    await until(lambda: peer.call(made[0]).status == "ringing")
    assert peer.call(made[1]).status == "queued"
    await dial(client, app)
    await until(lambda: peer.rate.waiting == 2)
    with pytest.raises(TwilioRestException) as refused:
        await dial(client, app)
    assert (refused.value.status, refused.value.code) == (429, 20429)


# --- calls in ---------------------------------------------------------------------------------------------------------


async def test_a_caller_is_rejected_without_being_picked_up(peer: TwilioPeer, app: App) -> None:
    app.documents["in"] = "<Reject reason='busy'/>"
    call = peer.customer_calls(CUSTOMER, OURS)
    await until(lambda: app.told("/number") == ["busy"])
    assert (call.answered, call.ended) == (False, True)
    first = app.form("/voice/in")
    assert (first["CallStatus"], first["Direction"], first["From"], first["To"]) == ("ringing", "inbound", CUSTOMER, OURS)


async def test_a_first_pause_and_a_redirect_do_not_pick_up(peer: TwilioPeer, app: App) -> None:
    asked = 0

    async def think(form: dict[str, str]) -> str:
        nonlocal asked
        asked += 1
        assert form["CallStatus"] == "ringing"
        return "<Reject/>" if asked == 3 else "<Pause length='1'/><Redirect>/voice/in</Redirect>"

    app.documents["in"] = think
    call = peer.customer_calls(CUSTOMER, OURS)
    await call.over()
    assert (asked, call.status, call.answered) == (3, "no-answer", False)


async def test_a_caller_who_gives_up_while_it_rings_is_told_of_by_the_number(peer: TwilioPeer, app: App) -> None:
    thinking = asyncio.Event()

    async def think(_: dict[str, str]) -> str:
        await thinking.wait()
        return "<Hangup/>"

    app.documents["in"] = think
    call = peer.customer_calls(CUSTOMER, OURS)
    await until(lambda: app.posted)
    call.hang_up()
    await until(lambda: app.told("/number") == ["no-answer"])
    thinking.set()
    assert not call.answered


async def test_keys_are_gathered(peer: TwilioPeer, app: App) -> None:
    app.documents["in"] = "<Gather numDigits='3' action='/voice/keys'><Say>Three keys</Say><Pause length='600'/></Gather>"
    app.documents["keys"] = "<Hangup/>"
    call = peer.customer_calls(CUSTOMER, OURS)
    await until(lambda: call.said)
    call.press("159")
    await call.over()
    assert app.form("/voice/keys")["Digits"] == "159"


@pytest.mark.parametrize(
    ("document", "code"),
    [("", 11200), ("<Say>", 12100), ("<Shout>Hey</Shout>", 12200)],
)
async def test_what_is_no_twiml_is_noted_and_ends_the_call(peer: TwilioPeer, app: App, document: str, code: int) -> None:
    app.documents["in"] = document
    call = peer.customer_calls(CUSTOMER, OURS)
    await call.over()
    assert [each.code for each in peer.alerts] == [code]
    assert call.status == ("completed" if code == 12200 else "failed")


async def test_an_app_that_takes_too_long_is_not_waited_for_and_the_fallback_is_asked(
    peer: TwilioPeer, app: App, client: Client
) -> None:
    peer.webhooks.patience = 0.2
    never = asyncio.Event()

    async def think(_: dict[str, str]) -> str:
        await never.wait()
        return "<Hangup/>"

    app.documents |= {"in": think, "fallback": "<Say>Please call later</Say>"}
    call = peer.customer_calls(CUSTOMER, OURS)
    await call.over()
    assert (call.status, [each.code for each in peer.alerts]) == ("failed", [11200])
    (number,) = await client.incoming_phone_numbers.list_async()
    await number.update_async(voice_fallback_url=f"{app.url}/voice/fallback", voice_fallback_method="GET")
    call = peer.customer_calls(CUSTOMER, OURS)
    await call.over()
    assert (call.status, call.said) == ("completed", [("Say", "Please call later")])
    never.set()
    assert not app.forged


async def test_a_dialled_number_is_put_through(peer: TwilioPeer, app: App) -> None:
    app.documents["in"] = "<Dial action='/voice/after'><Number>+48500000102</Number></Dial>"
    app.documents["after"] = "<Hangup/>"
    call = peer.customer_calls(CUSTOMER, OURS)
    await until(lambda: call.children and call.children[0].answered)
    call.children[0].hang_up()
    await call.over()
    after = app.form("/voice/after")
    assert (after["DialCallStatus"], after["DialCallSid"]) == ("completed", call.children[0].sid)
    assert call.children[0].parent_sid == call.sid
