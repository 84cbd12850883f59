"""The peer takes and makes calls as Twilio says it does: seen with Twilio's own library and an app that checks signatures."""

import asyncio

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callcenter.phone_fake import Outcome
from tests.peers.twilio import TwilioPeer, sound
from tests.peers.twilio_app import CUSTOMER, OURS, App, dial
from tests.telephony.waiting import until

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


async def test_a_call_in_progress_is_not_canceled_but_ended_in_time(peer: TwilioPeer, app: App, client: Client) -> None:
    app.documents["out"] = "<Pause length='6000'/>"
    made = await dial(client, app)
    with pytest.raises(TwilioRestException) as refused:
        await client.calls(made.sid).update_async(twiml="<Response/>")
    assert refused.value.code == 21220
    call = peer.call(made.sid)
    await until(lambda: call.answered)
    with pytest.raises(TwilioRestException):
        await client.calls(made.sid).update_async(status="busy")
    assert (await client.calls(made.sid).update_async(status="canceled")).status == "in-progress"
    await client.calls(made.sid).update_async(time_limit=1)
    await call.over()
    assert call.status == "completed"


async def test_an_answering_machine_is_told_of_beside_the_call(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.when_detected(CUSTOMER, "machine_start")
    app.documents["out"] = "<Pause length='600'/>"
    made = await dial(client, app, machine_detection="Enable", async_amd="true", async_amd_status_callback=f"{app.url}/amd")
    await until(lambda: app.told("/amd", "AnsweredBy") == ["machine_start"])
    assert (await client.calls(made.sid).fetch_async()).answered_by == "machine_start"
    await client.calls(made.sid).update_async(status="completed")
    await until(lambda: app.told("/status")[-1:] == ["completed"])


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


async def test_a_dialled_number_that_is_busy_leaves_the_caller_ringing_until_somebody_answers(peer: TwilioPeer, app: App) -> None:
    peer.when_called("+48500000102", Outcome.BUSY)
    number = f"<Number statusCallback='{app.url}/child' statusCallbackEvent='initiated completed'>+48500000102</Number>"
    app.documents["in"] = f"<Dial answerOnBridge='true' action='/voice/after'>{number}</Dial>"
    app.documents["after"] = "<Reject reason='busy'/>"
    call = peer.customer_calls(CUSTOMER, OURS)
    await call.over()
    assert (app.form("/voice/after")["DialCallStatus"], call.answered, call.status) == ("busy", False, "busy")
    await until(lambda: app.told("/child") == ["initiated", "busy"])


async def test_two_who_talk_over_a_dialled_call_hear_each_other(peer: TwilioPeer, app: App) -> None:
    peer.speaks(CUSTOMER, sound.tone(440))
    app.documents["in"] = "<Dial>+48500000102</Dial>"
    call = peer.customer_calls(CUSTOMER, OURS)
    await until(lambda: call.children and call.children[0].hears() == "music")
    assert call.hears() == "silence"
    call.hang_up()
    await call.children[0].over()
    assert call.children[0].status == "completed"
