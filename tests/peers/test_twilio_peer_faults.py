"""The peer misbehaves as it is told to, and texts go both ways."""

from typing import Any

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callcenter.phone_fake import Outcome
from tests.peers.twilio import PeerMessage, TextOutcome, TwilioPeer
from tests.peers.twilio_app import CUSTOMER, OURS, App, dial
from tests.telephony.waiting import until

TOLD = ["initiated", "ringing", "in-progress", "completed"]


# --- webhooks ---------------------------------------------------------------------------------------------------------


async def test_every_webhook_comes_twice(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.faults.twice = True
    await dial(client, app)
    await until(lambda: sorted(app.told("/status")) == sorted(TOLD * 2))
    await until(lambda: len(app.told("/voice/out")) == 2)
    assert len(peer.calls) == 1


async def test_a_voice_webhook_comes_again_when_the_call_is_long_over(peer: TwilioPeer, app: App) -> None:
    peer.faults.twice, peer.faults.twice_after = True, 0.2
    app.documents["in"] = "<Reject/>"
    call = peer.customer_calls(CUSTOMER, OURS)
    await until(lambda: app.told("/number"))
    assert (call.ended, len(app.told("/voice/in"))) == (True, 1)
    await until(lambda: len(app.told("/voice/in")) == len(app.told("/number")) == 2)
    assert app.form("/voice/in") == app.form("/voice/in", 0)


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ("reversed", TOLD[::-1]),
        ("end_first", ["completed", "initiated", "ringing", "in-progress"]),
        ("shuffled", None),
    ],
)
async def test_callbacks_come_out_of_order(
    peer: TwilioPeer, app: App, client: Client, order: Any, told: list[str] | None
) -> None:
    peer.faults.order = order
    call = peer.call((await dial(client, app)).sid)
    await call.over()
    await until(lambda: len(app.told("/status")) == 4)
    assert sorted(app.told("/status")) == sorted(TOLD)
    assert told is None or app.told("/status") == told
    assert sorted(app.told("/status", "SequenceNumber")) == ["0", "1", "2", "3"]


async def test_callbacks_come_late_and_some_never(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.faults.late = 0.05
    peer.faults.lose = {"ringing", "completed"}
    call = peer.call((await dial(client, app)).sid)
    await call.over()
    assert app.told("/status") != ["initiated", "in-progress"]
    await until(lambda: app.told("/status") == ["initiated", "in-progress"])


async def test_callbacks_come_before_the_request_is_answered(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.faults.before_sid = True
    app.documents["out"] = "<Pause length='600'/>"
    made = await dial(client, app)
    assert app.told("/status") == ["initiated", "ringing", "in-progress"]
    assert made.status == "queued"
    peer.when_called(CUSTOMER, Outcome.RINGS)
    await dial(client, app)
    assert app.told("/status")[3:] == ["initiated", "ringing"]


async def test_a_texts_callbacks_come_before_the_request_is_answered(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.faults.before_sid = True
    made = await send(client, app)
    assert (made.status, app.told("/texts", "MessageStatus")) == ("queued", ["sent", "delivered"])


async def test_a_wrong_signature_is_refused_by_an_app_that_looks(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.faults.wrong_signature = True
    call = peer.call((await dial(client, app)).sid)
    await call.over()
    await until(lambda: len(app.forged) == 5)
    assert app.posted == []
    assert [each.code for each in peer.alerts] == [11200]


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "code"), [(429, 20429), (500, 20500), (503, 20503)])
async def test_a_request_is_refused_before_anything_is_done(
    peer: TwilioPeer, app: App, client: Client, status: int, code: int
) -> None:
    peer.faults.refuse(status, times=2)
    for _ in range(2):
        with pytest.raises(TwilioRestException) as refused:
            await dial(client, app)
        assert (refused.value.status, refused.value.code) == (status, code)
    assert peer.calls == []
    await dial(client, app)
    assert [each.status for each in peer.requests] == [status, status, 201]


async def test_a_call_is_made_although_the_request_fails(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.faults.fail_after(500)
    with pytest.raises(TwilioRestException):
        await dial(client, app)
    peer.faults.fail_after(0)
    with pytest.raises(aiohttp.ClientError):
        await dial(client, app)
    assert len(peer.calls) == 2
    await until(lambda: app.told("/status").count("completed") == 2)


async def test_a_connection_is_dropped_before_the_call_is_made(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.faults.refuse(0)
    with pytest.raises(aiohttp.ClientError):
        await dial(client, app)
    assert peer.calls == []


async def test_what_requests_show_lags_behind_what_callbacks_tell(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.faults.stale_rest = 600
    made = await dial(client, app)
    await until(lambda: "completed" in app.told("/status"))
    assert (await client.calls(made.sid).fetch_async()).status == "queued"
    peer.faults.stale_rest = 0
    assert (await client.calls(made.sid).fetch_async()).status == "completed"


async def test_too_many_requests_at_once_are_refused(peer: TwilioPeer, app: App, client: Client) -> None:
    import asyncio

    peer.concurrency = 2
    peer.faults.slow_rest = 0.2
    asked = [client.incoming_phone_numbers.list_async() for _ in range(5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(each.status for each in peer.requests) == [200, 200, 429, 429, 429]
    assert sum(isinstance(each, list) for each in answers) == 2


# --- texts ------------------------------------------------------------------------------------------------------------


async def send(client: Client, app: App, text: str = "Good morning", **changed: Any) -> Any:
    given = {"to": CUSTOMER, "from_": OURS, "body": text, "status_callback": f"{app.url}/texts"}
    return await client.messages.create_async(**given | changed)


async def test_a_text_is_sent_and_delivered(peer: TwilioPeer, app: App, client: Client) -> None:
    made = await send(client, app, "Zażółć gęślą jaźń, dzień dobry, tu kancelaria, prosimy o telefon w sprawie umowy")
    assert (made.status, made.direction, made.num_segments) == ("queued", "outbound-api", "2")
    await until(lambda: app.told("/texts", "MessageStatus") == ["sent", "delivered"])
    shown = await client.messages(made.sid).fetch_async()
    assert (shown.status, shown.price, shown.error_code) == ("delivered", "-0.08600", None)
    assert [each.sid for each in await client.messages.list_async(to=CUSTOMER)] == [made.sid]
    assert not app.forged


@pytest.mark.parametrize(
    ("text", "segments"),
    [("a" * 160, 1), ("a" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("ą" * 70, 1), ("ą" * 71, 2), ("😀" * 36, 2)],
)
def test_a_text_takes_as_many_messages_as_its_alphabet_needs(text: str, segments: int) -> None:
    assert PeerMessage(TwilioPeer(), "outbound-api", OURS, CUSTOMER, text).segments == segments


async def test_a_text_that_does_not_arrive_says_why(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.when_texted(CUSTOMER, TextOutcome.UNDELIVERED)
    made = await send(client, app)
    await until(lambda: app.told("/texts", "MessageStatus") == ["sent", "undelivered"])
    assert app.form("/texts")["ErrorCode"] == "30003"
    assert (await client.messages(made.sid).fetch_async()).error_code == 30003


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"to": "12"}, 21211),
        ({"from_": "+48999999999"}, 21606),
        ({"text": "x" * 1601}, 21617),
        ({"text": ""}, 21602),
        ({"outcome": TextOutcome.UNSUBSCRIBED}, 21610),
        ({"outcome": TextOutcome.LANDLINE}, 21614),
    ],
)
async def test_texts_that_cannot_be_sent_are_refused(
    peer: TwilioPeer, app: App, client: Client, changed: dict[str, Any], code: int
) -> None:
    if "outcome" in changed:
        peer.when_texted(CUSTOMER, changed.pop("outcome"))
    with pytest.raises(TwilioRestException) as refused:
        await send(client, app, **changed)
    assert refused.value.code == code
    assert peer.messages == []


async def test_a_customers_text_comes_to_the_number_and_is_answered(peer: TwilioPeer, app: App) -> None:
    async def thank(form: dict[str, str]) -> str:
        return f"<Message>Thank you for: {form['Body']}</Message>"

    app.documents["/sms"] = thank
    sid = peer.customer_texts(CUSTOMER, OURS, "Please call")
    await until(lambda: len(peer.messages) == 2)
    form = app.form("/sms")
    assert (form["MessageSid"], form["From"], form["To"], form["Body"], form["NumMedia"]) == (
        sid,
        CUSTOMER,
        OURS,
        "Please call",
        "0",
    )
    assert (peer.messages[1].text, peer.messages[1].direction) == ("Thank you for: Please call", "outbound-reply")
