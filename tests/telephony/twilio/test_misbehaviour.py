"""Each way a Twilio account can misbehave, one by one: the state stays right, nothing is dialled twice or left running."""

import pytest

from callcenter.phone import EndReason, HangUpLeg, LegAnswered, LegEnded, LegOffered
from callcenter.phone_fake import Outcome
from tests.peers.twilio.faults import Order
from tests.telephony.rig import check_order
from tests.telephony.rig_twilio import TwilioRig
from tests.telephony.test_phone_contract import ANNA, FIRM, dial, dialled, ended, offered, talking

CALLBACKS = {"initiated", "ringing", "answered", "completed", "number"}


def asked_to_dial(rig: TwilioRig) -> int:
    """How often Twilio was asked to dial."""
    return len([each for each in rig.peer.requests if each.method == "POST" and each.path.endswith("/Calls.json")])


async def all_over(rig: TwilioRig) -> None:
    await rig.until(lambda: all(call.ended for call in rig.peer.calls))
    assert (await rig.snapshot()).legs == ()
    check_order(rig.events)


async def test_word_of_a_call_may_come_before_its_name(rig: TwilioRig) -> None:
    rig.peer.faults.before_sid = True
    command = dial(ANNA)
    rig.send(command)
    await rig.event(LegAnswered, command.leg_id)
    rig.send(HangUpLeg(command.leg_id))
    assert await ended(rig, command.leg_id) == (EndReason.COMPLETED, "near")
    await all_over(rig)


@pytest.mark.parametrize("order", ["reversed", "shuffled", "end_first"])
async def test_word_of_a_call_may_come_in_any_order(rig: TwilioRig, order: Order) -> None:
    rig.peer.faults.order = order
    rig.peer.faults.twice = True
    rig.when_called(ANNA, Outcome.NO_ANSWER)
    for _ in range(3):
        command = dial(ANNA)
        rig.send(command)
        assert await ended(rig, command.leg_id) == (EndReason.NO_ANSWER, "far")
    await all_over(rig)


async def test_a_wrong_signature_is_refused(rig: TwilioRig) -> None:
    rig.peer.faults.wrong_signature = True
    customer = rig.customer_calls(ANNA, FIRM)
    await rig.until(lambda: customer.ended)
    assert not rig.of(LegOffered)
    assert {each.status for each in rig.front.answers} == {403}
    assert (await rig.snapshot()).counters["twilio_forged"] == len(rig.front.answers)


async def test_a_call_given_up_before_twilio_names_it_is_ended(rig: TwilioRig) -> None:
    rig.peer.faults.slow_rest = 0.5
    rig.peer.faults.lose = CALLBACKS
    rig.when_called(ANNA, Outcome.RINGS)
    command = dial(ANNA)
    rig.send(command)
    await rig.until(lambda: rig.peer.calls)
    rig.send(HangUpLeg(command.leg_id))
    assert await ended(rig, command.leg_id) == (EndReason.CANCELLED, "near")
    await all_over(rig)
    assert not rig.dialled(ANNA).answered


async def test_a_call_whose_audio_breaks_ends(rig: TwilioRig) -> None:
    rig.peer.faults.cut_stream_after = 10
    _, leg_id = await talking(rig)
    assert (await ended(rig, leg_id))[0] == EndReason.COMPLETED
    await all_over(rig)


async def test_a_stream_that_shows_a_used_token_is_refused(rig: TwilioRig) -> None:
    rig.peer.faults.stream_twice = True
    customer, leg_id = await talking(rig)
    await rig.until(lambda: rig.switch.snapshot().counters.get("twilio_streams_refused") == 1)
    assert not customer.ended
    rig.send(HangUpLeg(leg_id))
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "near")
    await all_over(rig)


async def test_too_many_requests_are_asked_again_later(rig: TwilioRig) -> None:
    rig.peer.faults.refuse(429, times=3)
    command = dial(ANNA)
    rig.send(command)
    await rig.event(LegAnswered, command.leg_id)
    assert asked_to_dial(rig) == 4
    assert len(rig.peer.calls) == 1
    assert rig.switch.snapshot().counters["twilio_too_fast"] == 3
    rig.send(HangUpLeg(command.leg_id))
    await ended(rig, command.leg_id)
    await all_over(rig)


@pytest.mark.parametrize("status", [500, 503, 0])
async def test_a_call_nobody_can_say_was_made_is_not_made_again(rig: TwilioRig, status: int) -> None:
    rig.peer.faults.refuse(status)
    command = dial(ANNA)
    rig.send(command)
    event = await rig.event(LegEnded, command.leg_id)
    assert (event.reason, event.by, event.lost) == (EndReason.FAILED, "switch", True)
    assert asked_to_dial(rig) == 1
    assert rig.peer.calls == []


@pytest.mark.parametrize("status", [500, 0])
async def test_a_call_that_was_made_though_twilio_failed_goes_on(rig: TwilioRig, status: int) -> None:
    rig.peer.faults.fail_after(status)
    command = dial(ANNA)
    rig.send(command)
    await rig.event(LegAnswered, command.leg_id)
    assert asked_to_dial(rig) == 1
    rig.send(HangUpLeg(command.leg_id))
    assert await ended(rig, command.leg_id) == (EndReason.COMPLETED, "near")
    await all_over(rig)


async def test_a_call_that_was_made_is_found_when_no_word_comes(rig: TwilioRig) -> None:
    rig.peer.faults.fail_after(500)
    rig.peer.faults.lose = CALLBACKS
    rig.when_called(ANNA, Outcome.RINGS)
    customer, leg_id = await dialled(rig, ANNA)
    assert not rig.of(LegEnded)
    customer.answer()
    await rig.event(LegAnswered, leg_id)
    customer.hang_up()
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "far")
    assert asked_to_dial(rig) == 1
    await all_over(rig)


async def test_a_call_given_up_while_nobody_knows_of_it_is_found_and_ended(rig: TwilioRig) -> None:
    rig.peer.faults.fail_after(0)
    rig.peer.faults.lose = CALLBACKS
    rig.when_called(ANNA, Outcome.RINGS)
    command = dial(ANNA)
    rig.send(command)
    await rig.until(lambda: rig.peer.calls)
    rig.send(HangUpLeg(command.leg_id))
    assert await ended(rig, command.leg_id) == (EndReason.CANCELLED, "near")
    await all_over(rig)


@pytest.mark.parametrize("status", [429, 500, 0])
async def test_a_call_is_ended_however_often_twilio_fails_to(rig: TwilioRig, status: int) -> None:
    rig.when_called(ANNA, Outcome.RINGS)
    _, leg_id = await dialled(rig, ANNA)
    rig.peer.faults.refuse(status, path=f"/Calls/{rig.dialled(ANNA).sid}", times=3)
    rig.send(HangUpLeg(leg_id))
    assert await ended(rig, leg_id) == (EndReason.CANCELLED, "near")
    await all_over(rig)


async def test_a_wrong_number_is_told_with_twilios_code(rig: TwilioRig) -> None:
    command = dial("12")
    rig.send(command)
    event = await rig.event(LegEnded, command.leg_id)
    assert (event.reason, event.by, event.code) == (EndReason.UNREACHABLE, "far", 21211)
    assert event.text


async def test_callers_who_are_told_nothing_of_the_end_are_asked_about(rig: TwilioRig) -> None:
    rig.peer.faults.lose = {"number"}
    customer, leg_id = await offered(rig)
    customer.hang_up()
    assert await ended(rig, leg_id) == (EndReason.CANCELLED, "far")
