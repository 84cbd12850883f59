"""An account: its test, its webhooks, its trace, its queue, calls left over, machines, limits, and what is told of it."""

import asyncio
import dataclasses
import subprocess
import sys

import pytest

from callcenter.phone import (
    AnswerLeg,
    Check,
    ConfigureTrunks,
    EndReason,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LegOffered,
    MachineDetected,
    ReadTrace,
    SetWebhooks,
    TestTrunk,
    TraceLine,
    TrunkReport,
    TrunkState,
    TrunkTrace,
)
from callcenter.phone_fake import Outcome
from telephony.twilio.api import Api
from telephony.twilio.trace import Trace
from tests.telephony.rig import TRUNK
from tests.telephony.rig_twilio import TwilioRig
from tests.telephony.test_phone_contract import ANNA, FIRM, dial, ended, offered, talking


async def checks(rig: TwilioRig, query: TestTrunk | SetWebhooks | None = None) -> dict[str, Check]:
    report = await rig.phone.ask(query or TestTrunk(TRUNK), timeout=30)
    assert isinstance(report, TrunkReport)
    return {each.name: each for each in report.checks}


async def trace(rig: TwilioRig) -> tuple[TraceLine, ...]:
    reply = await rig.phone.ask(ReadTrace(TRUNK))
    assert isinstance(reply, TrunkTrace)
    return reply.lines


def state(rig: TwilioRig) -> TrunkState:
    return rig.switch.snapshot().trunks[0]


async def test_the_test_says_that_all_is_well(rig: TwilioRig) -> None:
    found = await checks(rig)
    assert list(found) == ["credentials", "number", "public_url", "stream_url"]
    assert all(each.ok for each in found.values()), found


async def test_the_test_says_what_is_wrong_and_what_to_do(rig: TwilioRig) -> None:
    rig.peer.numbers[FIRM].settings["VoiceUrl"] = "https://elsewhere.example/voice"
    found = await checks(rig)
    assert not found["number"].ok
    assert "voice_url" in found["number"].values["fields"]
    assert (await checks(rig, SetWebhooks(TRUNK)))["number"].ok
    assert (await checks(rig))["number"].ok
    wrong = dataclasses.replace(
        rig.config, numbers=(ANNA,), public_url="http://127.0.0.1:9", stream_url="ws://127.0.0.1:9/streams"
    )
    rig.send(ConfigureTrunks((wrong,)))
    found = await checks(rig)
    assert [name for name, each in found.items() if each.ok] == ["credentials"]
    rig.send(ConfigureTrunks((dataclasses.replace(rig.config, auth_token="wrong"),)))
    found = await checks(rig)
    assert not found["credentials"].ok
    assert "number" not in found
    await rig.until(lambda: state(rig).state == "failed")
    assert state(rig).detail


async def test_an_address_that_leads_to_another_switch_is_told(rig: TwilioRig) -> None:
    rig.send(ConfigureTrunks((dataclasses.replace(rig.config, public_url=rig.peer.url),)))
    assert not (await checks(rig))["public_url"].ok


async def test_an_api_key_makes_requests_and_the_token_signs(rig: TwilioRig) -> None:
    key, secret = rig.peer.add_api_key()
    rig.send(ConfigureTrunks((dataclasses.replace(rig.config, api_key=key, api_secret=secret),)))
    assert all(each.ok for each in (await checks(rig)).values())
    rig.send(ConfigureTrunks((dataclasses.replace(rig.config, api_key=key, api_secret="wrong"),)))
    assert not (await checks(rig))["credentials"].ok


async def test_no_secret_is_in_the_trace(rig: TwilioRig, caplog: pytest.LogCaptureFixture) -> None:
    _, leg_id = await talking(rig)
    command = dial(ANNA)
    rig.send(command)
    await rig.event(LegAnswered, command.leg_id)
    tokens = [stream.parameters["token"] for call in rig.peer.calls for stream in call.streams]
    assert len(tokens) == 2
    await checks(rig)
    lines = await trace(rig)
    text = "\n".join(each.text for each in lines)
    assert "/Calls.json" in text
    assert "<Connect>" in text
    for secret in (rig.peer.auth_token, *tokens):
        assert secret not in text
        assert secret not in caplog.text
    rig.send(HangUpLeg(leg_id), HangUpLeg(command.leg_id))
    await ended(rig, leg_id)


async def test_calls_wait_for_their_turn_where_it_can_be_seen_and_one_given_up_is_never_dialled(rig: TwilioRig) -> None:
    rig.send(ConfigureTrunks((dataclasses.replace(rig.config, calls_per_second=0.2),)))
    await rig.until(lambda: state(rig).state == "ready")
    first, second, third = dial(ANNA), dial("+48502222222"), dial("+48503333333")
    rig.send(first, second, third)
    await rig.event(LegAnswered, first.leg_id)
    assert (await rig.snapshot()).counters["twilio_waiting"] == 2
    await rig.until(lambda: state(rig).values.get("count") == "2")
    assert state(rig).state == "ready"
    rig.send(HangUpLeg(second.leg_id), HangUpLeg(third.leg_id))
    assert await ended(rig, second.leg_id) == (EndReason.CANCELLED, "near")
    assert await ended(rig, third.leg_id) == (EndReason.CANCELLED, "near")
    await rig.until(lambda: state(rig).detail == "")
    assert [call.to for call in rig.peer.calls] == [ANNA]


async def test_a_call_of_a_switch_that_is_gone_is_ended(rig: TwilioRig) -> None:
    other = Api(rig.config, Trace())
    try:
        await other.dial(to=ANNA, from_=FIRM, twiml="<Response><Pause length='60'/></Response>")
    finally:
        await other.close()
    await rig.until(lambda: rig.dialled(ANNA).answered)
    await rig.restart_switch()
    await rig.until(lambda: rig.dialled(ANNA).ended)
    assert (await rig.snapshot()).counters["twilio_leftovers"] == 1


async def test_word_of_a_call_nobody_knows_ends_it(rig: TwilioRig) -> None:
    rig.when_called(ANNA, Outcome.RINGS)
    other = Api(rig.config, Trace())
    try:
        callback = f"{rig.front.url}/twilio/{TRUNK}/status?leg=gone"
        events = ["ringing", "completed"]
        twiml = "<Response><Pause length='60'/></Response>"
        await other.dial(to=ANNA, from_=FIRM, twiml=twiml, status_callback=callback, status_callback_event=events)
    finally:
        await other.close()
    await rig.until(lambda: rig.dialled(ANNA).ended)
    assert not rig.dialled(ANNA).answered
    assert not rig.of(LegEnded)


@pytest.mark.parametrize(
    ("found", "told"), [("human", "human"), ("machine_start", "machine"), ("fax", "fax"), ("unknown", "unknown")]
)
async def test_what_picked_up_is_told(rig: TwilioRig, found: str, told: str) -> None:
    rig.send(ConfigureTrunks((dataclasses.replace(rig.config, machine_detection=True),)))
    rig.peer.when_detected(ANNA, found)
    command = dial(ANNA)
    rig.send(command)
    assert (await rig.event(MachineDetected, command.leg_id)).found == told
    await rig.event(LegAnswered, command.leg_id)


async def test_a_call_that_is_too_long_is_ended_by_us(rig: TwilioRig) -> None:
    rig.send(ConfigureTrunks((dataclasses.replace(rig.config, longest_call_seconds=1),)))
    customer, leg_id = await talking(rig)
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "switch")
    assert rig.of(LegEnded)[0].text == "The call had lasted as long as calls on this trunk may."
    await rig.until(lambda: customer.ended)


async def test_a_caller_hears_ringing_for_as_long_as_nobody_decides(rig: TwilioRig) -> None:
    rig.peer.pace = 0.05
    rig.send(ConfigureTrunks(()))
    rig.carrier._patience = rig.patience._replace(webhook=0.05)
    rig.send(ConfigureTrunks((rig.config,)))
    customer, leg_id = await offered(rig)
    await rig.until(lambda: len([each for each in rig.front.asked if each.path == "ringing"]) >= 3)
    assert not customer.answered
    assert len(rig.of(LegOffered)) == 1
    rig.send(AnswerLeg(leg_id))
    await rig.event(LegAnswered, leg_id)
    assert customer.answered


@pytest.mark.parametrize("answers", [True, False])
async def test_a_caller_whom_twilio_picks_up_while_nobody_decides_is_answered_or_refused_all_the_same(
    rig: TwilioRig, answers: bool
) -> None:
    rig.peer.pace = 0.05
    rig.peer.redirect_picks_up = True  # Twilio does not say what a second document does
    rig.send(ConfigureTrunks(()))
    rig.carrier._patience = rig.patience._replace(webhook=0.05)
    rig.send(ConfigureTrunks((rig.config,)))
    customer, leg_id = await offered(rig)
    await rig.until(lambda: customer.answered)
    assert [each.state for each in (await rig.snapshot()).legs] == ["ringing"]
    if answers:
        rig.send(AnswerLeg(leg_id))
        await rig.event(LegAnswered, leg_id)
        customer.hang_up()
        assert await ended(rig, leg_id) == (EndReason.COMPLETED, "far")
    else:
        rig.send(HangUpLeg(leg_id, EndReason.BUSY))
        assert await ended(rig, leg_id) == (EndReason.BUSY, "near")
    await rig.until(lambda: customer.ended)


@pytest.mark.parametrize(
    ("number", "shown", "withheld"),
    [("+266696687", "", True), ("anonymous", "", True), ("+86282452253", "", False), (ANNA, ANNA, False)],
)
async def test_who_hides_is_told(rig: TwilioRig, number: str, shown: str, withheld: bool) -> None:
    rig.customer_calls(number, FIRM)
    event = await rig.event(LegOffered)
    assert (event.number, event.withheld, event.dialled) == (shown, withheld, FIRM)


async def test_a_twilio_that_cannot_be_reached_is_told_and_nothing_is_lost(rig: TwilioRig) -> None:
    rig.send(ConfigureTrunks((dataclasses.replace(rig.config, api_url="http://127.0.0.1:9"),)))
    await rig.until(lambda: state(rig).state == "failed")
    command = dial(ANNA)
    rig.send(command)
    event = await rig.event(LegEnded, command.leg_id)
    assert (event.reason, event.by, event.lost) == (EndReason.FAILED, "switch", False)
    assert event.text


async def test_calls_go_on_when_their_trunk_is_changed_or_removed(rig: TwilioRig) -> None:
    customer, leg_id = await talking(rig)
    rig.send(ConfigureTrunks((dataclasses.replace(rig.config, name="renamed"),)))
    _, second = await talking_again(rig)
    rig.send(ConfigureTrunks(()))
    await rig.snapshot()
    await asyncio.sleep(0.1)
    assert not customer.ended
    rig.send(HangUpLeg(leg_id), HangUpLeg(second))
    await ended(rig, leg_id)
    await rig.until(lambda: customer.ended)
    dead = dial(ANNA)
    rig.send(dead)
    assert (await ended(rig, dead.leg_id))[0] == EndReason.FAILED


async def test_a_call_that_is_to_hide_our_number_is_not_made(rig: TwilioRig) -> None:
    command = dataclasses.replace(dial(ANNA), anonymous=True)
    rig.send(command)
    assert await ended(rig, command.leg_id) == (EndReason.FAILED, "switch")
    plain = dataclasses.replace(dial(ANNA), caller_id="")
    rig.send(plain)
    await rig.event(LegAnswered, plain.leg_id)
    assert [(call.from_, call.to) for call in rig.peer.calls] == [(FIRM, ANNA)]


async def test_a_number_keeps_a_fallback_address_of_its_own(rig: TwilioRig) -> None:
    settings = rig.peer.numbers[FIRM].settings
    assert settings["VoiceFallbackUrl"] == settings["VoiceUrl"]
    settings["VoiceFallbackUrl"] = "https://elsewhere.example/closed"
    await checks(rig, SetWebhooks(TRUNK))
    assert settings["VoiceFallbackUrl"] == "https://elsewhere.example/closed"


async def talking_again(rig: TwilioRig) -> tuple[object, str]:
    customer, leg_id = await offered(rig, "+48509999999")
    rig.send(AnswerLeg(leg_id))
    await rig.event(LegAnswered, leg_id)
    return customer, leg_id


def test_a_switch_without_twilio_does_not_load_what_is_large() -> None:
    code = "import sys, telephony.serve; print([each for each in ('aiohttp', 'twilio.rest', 'requests') if each in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
