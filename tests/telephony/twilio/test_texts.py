"""Text messages over a Twilio account: what becomes of them, and what may go wrong on the way."""

import pytest

from callcenter import clock
from callcenter.phone import SendText, TextReceived, TextStatus
from tests.peers.twilio import TextOutcome
from tests.telephony.rig import TRUNK
from tests.telephony.rig_twilio import TwilioRig
from tests.telephony.test_phone_contract import ANNA, FIRM


def text(number: str = ANNA) -> SendText:
    return SendText(clock.new_id(), TRUNK, FIRM, number, "See you at ten.")


async def final(rig: TwilioRig, command: SendText) -> TextStatus:
    def told() -> list[TextStatus]:
        return [each for each in rig.of(TextStatus) if each.message_id == command.message_id and each.state != "sent"]

    await rig.until(told)
    return told()[0]


@pytest.mark.parametrize("order", ["", "reversed", "shuffled", "end_first"])
async def test_a_text_is_told_to_be_delivered_once_and_for_good(rig: TwilioRig, order: str) -> None:
    rig.peer.faults.order = order  # type: ignore[assignment]
    rig.peer.faults.twice = True
    command = text()
    rig.send(command)
    event = await final(rig, command)
    assert event.state == "delivered"
    assert event.provider_ref == rig.peer.messages[0].sid
    rig.send(text("+48502222222"))
    await rig.until(lambda: len([each for each in rig.of(TextStatus) if each.state == "delivered"]) == 2)
    states = [each.state for each in rig.of(TextStatus) if each.message_id == command.message_id]
    assert states in (["sent", "delivered"], ["delivered"])
    assert len(rig.peer.messages) == 2


async def test_a_text_that_cannot_be_delivered_says_why(rig: TwilioRig) -> None:
    rig.peer.when_texted(ANNA, TextOutcome.UNDELIVERED)
    command = text()
    rig.send(command)
    event = await final(rig, command)
    assert event.state == "undelivered"
    assert event.code
    assert event.words


async def test_a_text_to_a_wrong_number_fails_with_twilios_words(rig: TwilioRig) -> None:
    command = text("12")
    rig.send(command)
    event = await final(rig, command)
    assert (event.state, event.code) == ("failed", 21211)
    assert event.words


async def test_too_many_texts_are_sent_later(rig: TwilioRig) -> None:
    rig.peer.faults.refuse(429, path="/Messages", times=3)
    command = text()
    rig.send(command)
    assert (await final(rig, command)).state == "delivered"
    assert len(rig.peer.messages) == 1


async def test_a_text_nobody_can_say_was_sent_is_not_sent_again(rig: TwilioRig) -> None:
    rig.peer.faults.refuse(500, path="/Messages")
    command = text()
    rig.send(command)
    assert (await final(rig, command)).state == "uncertain"
    assert rig.peer.messages == []


async def test_a_text_no_word_comes_of_is_asked_about(rig: TwilioRig) -> None:
    rig.peer.faults.lose = {"queued", "sending", "sent", "delivered"}
    command = text()
    rig.send(command)
    assert (await final(rig, command)).state == "delivered"


async def test_a_text_that_comes_twice_is_told_as_the_same(rig: TwilioRig) -> None:
    rig.peer.faults.twice = True
    sid = rig.customer_texts(ANNA, FIRM, "Thank you")
    await rig.event(TextReceived, after=1)
    assert set(rig.of(TextReceived)) == {TextReceived(TRUNK, sid, ANNA, FIRM, "Thank you")}
    assert {each.status for each in rig.front.answers} == {200}


async def test_what_people_write_is_not_in_the_trace(rig: TwilioRig) -> None:
    command = text()
    rig.send(command)
    rig.customer_texts(ANNA, FIRM, "a secret of mine")
    await final(rig, command)
    await rig.event(TextReceived)
    kept = "\n".join(each.text for each in rig.carrier.trace(TRUNK))
    assert "/Messages.json" in kept
    assert "See you at ten" not in kept
    assert "a secret of mine" not in kept
