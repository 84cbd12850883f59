"""The conformance suite of callcenter.phone.Phone: one list of stories, told to every kind of phone.

A rig (rig.py) is a phone with customers behind it: the fake, and the real switch over the real link with a SIP trunk and with a
Twilio trunk.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest

from callcenter import clock
from callcenter.phone import (
    Announce,
    Announced,
    AnswerLeg,
    Bridge,
    CloseStation,
    Drain,
    DtmfReceived,
    EndReason,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LegOffered,
    LegRinging,
    LinkDown,
    LinkUp,
    Member,
    OpenStation,
    Originate,
    Play,
    PortRole,
    RejectLeg,
    RingLeg,
    SendDtmf,
    SendText,
    Sound,
    StationAnswer,
    StationLive,
    StationLost,
    SwitchDraining,
    TextReceived,
    TextStatus,
    Way,
)
from callcenter.phone_fake import Outcome
from tests.telephony.rig import TRUNK, Customer, Disturbance, Rig, check_order
from tests.telephony.rig_fake import FakeRig
from tests.telephony.rig_sip import SipRig
from tests.telephony.rig_twilio import TwilioRig

ANNA, FIRM = "+48501234567", "+48221234567"
RIGS: dict[str, type[Rig]] = {"fake": FakeRig, "sip": SipRig, "twilio": TwilioRig}


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    rig = RIGS[request.param]()
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()


def dial(number: str) -> Originate:
    return Originate(leg_id=clock.new_id(), call_id=clock.new_id(), trunk_id=TRUNK, number=number, caller_id=FIRM)


def joined(call_id: str, leg_id: str, station_id: str = "7") -> Bridge:
    return Bridge(call_id, (Member("leg", leg_id, PortRole.CUSTOMER), Member("station", station_id, PortRole.AGENT)))


async def offered(rig: Rig, number: str = ANNA) -> tuple[Customer, str]:
    before = len(rig.of(LegOffered))
    customer = rig.customer_calls(number, FIRM)
    return customer, (await rig.event(LegOffered, after=before)).leg_id


async def talking(rig: Rig) -> tuple[Customer, str]:
    customer, leg_id = await offered(rig)
    rig.send(RingLeg(leg_id), AnswerLeg(leg_id))
    await rig.event(LegAnswered, leg_id)
    await rig.until(lambda: customer.answered)
    return customer, leg_id


async def dialled(rig: Rig, number: str) -> tuple[Customer, str]:
    command = dial(number)
    rig.send(command)
    await rig.event(LegRinging, command.leg_id)
    return rig.dialled(number), command.leg_id


async def ended(rig: Rig, leg_id: str) -> tuple[EndReason, str]:
    """Wait for the end of a leg; check that it was the only one and that the leg is gone."""
    event = await rig.event(LegEnded, leg_id)
    assert leg_id not in {each.leg_id for each in (await rig.snapshot()).legs}
    check_order(rig.events)
    return event.reason, event.by


async def test_an_inbound_call_is_answered_and_hung_up_by_the_consultant(rig: Rig) -> None:
    before = clock.monotonic()
    customer, leg_id = await offered(rig)
    [event] = rig.of(LegOffered)
    assert (event.number, event.dialled, event.withheld, event.trunk_id) == (ANNA, FIRM, False, TRUNK)
    assert before <= event.received <= clock.monotonic()
    assert event.provider_ref
    assert not customer.answered
    [state] = (await rig.snapshot()).legs
    assert (state.leg_id, state.direction, state.state, state.number) == (leg_id, "inbound", "ringing", ANNA)
    rig.send(RingLeg(leg_id), AnswerLeg(leg_id))
    await rig.event(LegAnswered, leg_id)
    await rig.until(lambda: customer.answered)
    assert [each.state for each in (await rig.snapshot()).legs] == ["answered"]
    rig.send(HangUpLeg(leg_id))
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "near")
    await rig.until(lambda: customer.ended)
    assert rig.of(LegEnded)[0].quality is not None


@pytest.mark.parametrize("reason", [EndReason.BUSY, EndReason.REJECTED, EndReason.UNREACHABLE, EndReason.FAILED])
async def test_an_inbound_call_is_rejected(rig: Rig, reason: EndReason) -> None:
    customer, leg_id = await offered(rig)
    rig.send(RejectLeg(leg_id, reason))
    assert await ended(rig, leg_id) == (reason, "near")
    await rig.until(lambda: customer.ended)
    assert not customer.answered


async def test_an_inbound_call_is_abandoned_while_it_rings(rig: Rig) -> None:
    customer, leg_id = await offered(rig)
    rig.send(RingLeg(leg_id))
    customer.hang_up()
    assert await ended(rig, leg_id) == (EndReason.CANCELLED, "far")
    rig.send(AnswerLeg(leg_id))
    await rig.snapshot()
    assert not rig.of(LegAnswered)


async def test_an_inbound_call_is_hung_up_by_the_customer(rig: Rig) -> None:
    customer, leg_id = await talking(rig)
    customer.hang_up()
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "far")


async def test_both_sides_hang_up_at_once(rig: Rig) -> None:
    customer, leg_id = await talking(rig)
    rig.send(HangUpLeg(leg_id))
    customer.hang_up()
    reason, by = await ended(rig, leg_id)
    assert (reason, by) in {(EndReason.COMPLETED, "near"), (EndReason.COMPLETED, "far")}
    await rig.until(lambda: customer.ended)


async def test_an_outbound_call_rings_and_is_answered(rig: Rig) -> None:
    rig.when_called(ANNA, Outcome.RINGS)
    customer, leg_id = await dialled(rig, ANNA)
    [state] = (await rig.snapshot()).legs
    assert (state.direction, state.state, state.number) == ("outbound", "ringing", ANNA)
    assert state.call_id
    customer.answer()
    await rig.event(LegAnswered, leg_id)
    rig.send(HangUpLeg(leg_id))
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "near")
    await rig.until(lambda: customer.ended)


async def test_an_outbound_call_that_was_answered_is_hung_up_by_the_customer(rig: Rig) -> None:
    rig.when_called(ANNA, Outcome.RINGS)
    customer, leg_id = await dialled(rig, ANNA)
    customer.answer()
    await rig.event(LegAnswered, leg_id)
    customer.hang_up()
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "far")


@pytest.mark.parametrize(
    ("outcome", "reason", "code"),
    [
        (Outcome.BUSY, EndReason.BUSY, 486),
        (Outcome.NO_ANSWER, EndReason.NO_ANSWER, 480),
        (Outcome.REJECTED, EndReason.REJECTED, 603),
        (Outcome.UNREACHABLE, EndReason.UNREACHABLE, 404),
        (Outcome.CARRIER_DOWN, EndReason.FAILED, 503),
    ],
)
async def test_an_outbound_call_is_not_answered(rig: Rig, outcome: Outcome, reason: EndReason, code: int) -> None:
    rig.when_called(ANNA, outcome)
    command = dial(ANNA)
    rig.send(command)
    assert await ended(rig, command.leg_id) == (reason, "far")
    [event] = rig.of(LegEnded)
    assert event.code == code
    assert event.text
    assert not rig.of(LegAnswered)


async def test_an_outbound_call_is_given_up_while_it_rings(rig: Rig) -> None:
    rig.when_called(ANNA, Outcome.RINGS)
    customer, leg_id = await dialled(rig, ANNA)
    rig.send(HangUpLeg(leg_id))
    assert await ended(rig, leg_id) == (EndReason.CANCELLED, "near")
    await rig.until(lambda: customer.ended)
    assert not customer.answered


async def test_a_customer_who_answers_while_we_give_up_is_no_ghost_call(rig: Rig) -> None:
    rig.when_called(ANNA, Outcome.RINGS)
    customer, leg_id = await dialled(rig, ANNA)
    customer.answer()
    rig.send(HangUpLeg(leg_id))
    reason, _ = await ended(rig, leg_id)
    assert reason in {EndReason.CANCELLED, EndReason.COMPLETED}
    await rig.until(lambda: customer.ended)


async def test_a_command_for_a_leg_that_has_ended_does_nothing(rig: Rig) -> None:
    customer, leg_id = await talking(rig)
    customer.hang_up()
    await ended(rig, leg_id)
    count = len(rig.events)
    rig.send(RingLeg(leg_id), AnswerLeg(leg_id), RejectLeg(leg_id, EndReason.BUSY), HangUpLeg(leg_id), Play(leg_id, Sound.MUSIC))
    rig.send(
        Announce(leg_id, "a.wav"),
        SendDtmf(leg_id, "1"),
        joined("c", leg_id),
        Bridge("c", ()),
        HangUpLeg("never was"),
        CloseStation("7"),
    )
    assert (await rig.snapshot()).legs == ()
    assert len(rig.events) == count


async def test_the_same_command_twice_is_done_once(rig: Rig) -> None:
    rig.when_called(ANNA, Outcome.RINGS)
    command = dial(ANNA)
    rig.send(command, command)
    await rig.event(LegRinging, command.leg_id)
    assert len((await rig.snapshot()).legs) == 1
    rig.send(HangUpLeg(command.leg_id), HangUpLeg(command.leg_id))
    await ended(rig, command.leg_id)
    rig.send(command)
    assert (await rig.snapshot()).legs == ()
    _, leg_id = await offered(rig)
    rig.send(RingLeg(leg_id), RingLeg(leg_id), AnswerLeg(leg_id), AnswerLeg(leg_id))
    await rig.event(LegAnswered, leg_id)
    bridge = joined("c", leg_id)
    rig.send(bridge, bridge, HangUpLeg(leg_id), HangUpLeg(leg_id))
    await ended(rig, leg_id)


async def test_keys_are_heard_both_ways(rig: Rig) -> None:
    customer, leg_id = await talking(rig)
    rig.send(SendDtmf(leg_id, "12#"))
    await rig.until(lambda: customer.digits == "12#")
    customer.press("9*0")
    await rig.event(DtmfReceived, leg_id, after=2)
    assert "".join(each.digit for each in rig.of(DtmfReceived)) == "9*0"
    assert all(each.milliseconds > 0 for each in rig.of(DtmfReceived))
    rig.send(HangUpLeg(leg_id))
    await ended(rig, leg_id)


async def test_a_customer_hears_the_consultant_and_music_while_held_or_while_the_page_is_away(rig: Rig) -> None:
    assert isinstance(await rig.phone.ask(OpenStation("7", "first", OFFER), timeout=30), StationAnswer)
    await rig.event(StationLive)
    customer, leg_id = await talking(rig)
    await rig.until(lambda: customer.hears() == "silence")
    rig.send(joined("c", leg_id))
    await rig.until(lambda: customer.hears() == "agent")
    [station] = (await rig.snapshot()).stations
    assert (station.station_id, station.session, station.live, station.call_id) == ("7", "first", True, "c")
    assert [each.call_id for each in (await rig.snapshot()).legs] == ["c"]
    rig.send(Bridge("c", (Member("station", "7", PortRole.AGENT),)), Play(leg_id, Sound.MUSIC))  # hold
    await rig.until(lambda: customer.hears() == "music")
    rig.send(joined("c", leg_id))  # and resume
    await rig.until(lambda: customer.hears() == "agent")
    rig.send(CloseStation("7", "first"))
    await rig.event(StationLost)
    await rig.until(lambda: customer.hears() == "music")
    await rig.phone.ask(OpenStation("7", "second", OFFER), timeout=30)
    await rig.until(lambda: customer.hears() == "agent")
    rig.send(Bridge("c", ()))
    await rig.until(lambda: customer.hears() == "silence")
    rig.send(HangUpLeg(leg_id))
    await ended(rig, leg_id)


async def test_a_supervisor_comes_and_goes_and_only_one_who_barges_in_takes_the_place_of_the_music(rig: Rig) -> None:
    for station in ("7", "8"):
        assert isinstance(await rig.phone.ask(OpenStation(station, "first", OFFER), timeout=30), StationAnswer)
    await rig.event(StationLive, after=1)
    customer, leg_id = await talking(rig)
    rig.send(joined("c", leg_id))
    await rig.until(lambda: customer.hears() == "agent")

    def also(way: Way) -> Bridge:
        members = (*joined("c", leg_id).members, Member("station", "8", PortRole.SUPERVISOR, way))
        return Bridge("c", members)

    for way in Way:
        rig.send(also(way))
        assert {each.station_id: each.call_id for each in (await rig.snapshot()).stations} == {"7": "c", "8": "c"}
        await rig.until(lambda: customer.hears() == "agent")
    for way, heard in ((Way.LISTEN, "music"), (Way.WHISPER, "music"), (Way.BARGE, "agent")):
        rig.send(CloseStation("7", ""), also(way))
        await rig.until(lambda heard=heard: customer.hears() == heard)  # type: ignore[misc]
    rig.send(joined("c", leg_id))  # the supervisor leaves, the consultant's page is away still
    await rig.until(lambda: customer.hears() == "music")
    await rig.phone.ask(OpenStation("7", "second", OFFER), timeout=30)
    await rig.until(lambda: customer.hears() == "agent")
    assert {each.station_id: each.call_id for each in (await rig.snapshot()).stations} == {"7": "c", "8": None}
    rig.send(HangUpLeg(leg_id))
    await ended(rig, leg_id)


async def test_an_announcement_is_heard_from_start_to_end_and_then_the_switch_hangs_up(rig: Rig) -> None:
    rig.keep_announcement("sorry.wav", 600)
    await rig.phone.ask(OpenStation("7", "first", OFFER), timeout=30)
    customer, leg_id = await talking(rig)
    rig.send(joined("c", leg_id))
    await rig.until(lambda: customer.hears() == "agent")
    rig.send(Announce(leg_id, "sorry.wav"), Announce(leg_id, "other.wav"))
    await rig.until(lambda: customer.hears() == "announcement")
    rig.let_announcement_play(leg_id)
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "near")
    assert rig.of(LegEnded)[0].announced == Announced(600, 600)
    await rig.until(lambda: customer.ended)


async def test_of_an_announcement_a_customer_hangs_up_in_the_switch_says_how_much_was_played(rig: Rig) -> None:
    rig.keep_announcement("sorry.wav", 60_000)
    customer, leg_id = await talking(rig)
    rig.send(Announce(leg_id, "sorry.wav"))
    await rig.until(lambda: customer.hears() == "announcement")
    rig.let_announcement_play(leg_id, 400)
    customer.hang_up()
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "far")
    announced = rig.of(LegEnded)[0].announced
    assert announced is not None
    assert announced.of_ms == 60_000
    assert 0 < announced.played_ms < 60_000
    rig.send(Announce(leg_id, "sorry.wav"))
    assert (await rig.snapshot()).legs == ()
    assert len(rig.of(LegEnded)) == 1


async def test_nothing_takes_the_place_of_an_announcement_but_it_can_be_cut_short(rig: Rig) -> None:
    rig.keep_announcement("sorry.wav", 60_000)
    customer, leg_id = await talking(rig)
    rig.send(Announce(leg_id, "sorry.wav"))
    await rig.until(lambda: customer.hears() == "announcement")
    await rig.phone.ask(OpenStation("7", "first", OFFER), timeout=30)
    for command in (joined("c", leg_id), Play(leg_id, Sound.MUSIC), Announce(leg_id, "other.wav"), Bridge("c", ())):
        rig.send(command)
        assert [each.leg_id for each in (await rig.snapshot()).legs] == [leg_id]
        ears = set()
        for _ in range(25):  # a quarter of a second: nothing comes between
            ears.add(customer.hears())
            await asyncio.sleep(0.01)
        assert ears == {"announcement"}, command.kind
    rig.send(HangUpLeg(leg_id))
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "near")
    await rig.until(lambda: customer.ended)


@pytest.mark.parametrize("name", ["missing.wav", "damaged.wav", "../damaged.wav", "/etc/passwd", ""])
async def test_a_leg_whose_announcement_cannot_be_played_is_hung_up(rig: Rig, name: str) -> None:
    rig.keep_announcement("damaged.wav", 600)
    rig.damage_announcement("damaged.wav")
    customer, leg_id = await talking(rig)
    rig.send(Announce(leg_id, name))
    assert await ended(rig, leg_id) == (EndReason.COMPLETED, "near")
    assert rig.of(LegEnded)[0].announced == Announced(0, 0)
    await rig.until(lambda: customer.ended)


async def test_a_leg_that_is_not_answered_is_not_announced_to(rig: Rig) -> None:
    rig.keep_announcement("sorry.wav", 600)
    rig.when_called(ANNA, Outcome.RINGS)
    customer, leg_id = await dialled(rig, ANNA)
    rig.send(Announce(leg_id, "sorry.wav"))
    assert [each.state for each in (await rig.snapshot()).legs] == ["ringing"]
    customer.hang_up()
    await ended(rig, leg_id)
    assert rig.of(LegEnded)[0].announced is None


async def test_an_announcement_goes_on_to_its_end_while_the_contact_centre_is_away(rig: Rig) -> None:
    rig.keep_announcement("sorry.wav", 600)
    customer, leg_id = await talking(rig)
    rig.send(Announce(leg_id, "sorry.wav"))
    await rig.until(lambda: customer.hears() == "announcement")
    await rig.link_down()
    await rig.event(LinkDown)
    rig.let_announcement_play(leg_id)
    await rig.until(lambda: customer.ended)
    await rig.link_up()
    await rig.event(LinkUp, after=1)
    assert rig.of(LegEnded, leg_id)[0].announced == Announced(600, 600)


async def test_the_newest_page_has_the_station(rig: Rig) -> None:
    await rig.phone.ask(OpenStation("7", "first", OFFER), timeout=30)
    await rig.event(StationLive)
    await rig.phone.ask(OpenStation("7", "second", OFFER), timeout=30)
    await rig.event(StationLive, after=1)
    rig.send(CloseStation("7", "first"))
    assert [(each.session, each.live) for each in (await rig.snapshot()).stations] == [("second", True)]
    assert not rig.of(StationLost)
    rig.send(CloseStation("7"))
    assert await rig.event(StationLost) == StationLost("7", "second")
    assert [each for each in (await rig.snapshot()).stations if each.live] == []


async def test_what_happens_while_the_link_is_down_comes_once_and_before_the_snapshot(rig: Rig) -> None:
    customer, leg_id = await talking(rig)
    stays, other = await offered(rig, "+48502222222")
    await rig.link_down()
    await rig.event(LinkDown)
    customer.hang_up()
    await rig.until(lambda: rig.alive() == {other})
    dialled_away = dial(ANNA)
    rig.send(dialled_away, HangUpLeg(other))
    assert (await rig.event(LegEnded, dialled_away.leg_id)).by == "switch"
    await rig.link_up()
    up = await rig.event(LinkUp, after=1)
    assert rig.events.index(rig.of(LegEnded, leg_id)[0]) < rig.events.index(up)
    assert [each.leg_id for each in up.snapshot.legs] == [other]
    assert not stays.ended
    rig.send(HangUpLeg(other))
    await ended(rig, other)
    check_order(rig.events)


async def test_an_event_in_the_hands_of_a_contact_centre_that_dies_comes_again_to_the_next(rig: Rig) -> None:
    customer, leg_id = await talking(rig)
    rig.hold()
    customer.hang_up()
    await rig.event(LegEnded, leg_id)
    _, later = customer, rig.customer_calls("+48502222222", FIRM)
    await rig.restart_web()
    await rig.event(LinkUp, after=1)
    assert len(rig.of(LegEnded, leg_id)) == 2
    assert len(set(rig.of(LegEnded, leg_id))) == 1
    event = await rig.event(LegOffered, after=1)
    rig.send(RejectLeg(event.leg_id, EndReason.BUSY))
    await rig.event(LegEnded, event.leg_id)
    await rig.until(lambda: later.ended)


async def test_a_call_goes_on_while_the_contact_centre_restarts(rig: Rig) -> None:
    customer, leg_id = await talking(rig)
    waiting, other = await offered(rig, "+48502222222")
    await rig.restart_web()
    up = await rig.event(LinkUp, after=1)
    assert {each.leg_id for each in up.snapshot.legs} == {leg_id, other}
    assert not customer.ended
    assert not waiting.ended
    rig.send(HangUpLeg(leg_id), AnswerLeg(other))
    await rig.event(LegAnswered, other)
    await ended(rig, leg_id)


async def test_calls_that_are_up_when_the_switch_restarts_are_not_left_running(rig: Rig) -> None:
    inbound, _ = await talking(rig)
    rig.when_called(ANNA, Outcome.RINGS)
    ringing, _ = await dialled(rig, ANNA)
    rig.when_called("+48503333333", Outcome.RINGS)
    outbound, leg_id = await dialled(rig, "+48503333333")
    outbound.answer()
    await rig.event(LegAnswered, leg_id)
    await rig.restart_switch()
    await rig.event(LinkUp, after=1)
    await rig.until(lambda: inbound.ended and ringing.ended and outbound.ended)
    assert not ringing.answered
    assert (await rig.snapshot()).legs == ()


@pytest.mark.parametrize("how", Disturbance)
async def test_what_the_carrier_says_may_come_twice_late_in_any_order_or_not_at_all(rig: Rig, how: Disturbance) -> None:
    rig.disturb(how)
    customer, answered_in = await offered(rig)
    rig.send(RingLeg(answered_in), AnswerLeg(answered_in))
    await rig.event(LegAnswered, answered_in)
    rig.when_called("+48503333333", Outcome.ANSWERS)
    rig.when_called("+48504444444", Outcome.BUSY)
    answered_out, busy = (dataclasses.replace(dial(number), ring_seconds=5) for number in ("+48503333333", "+48504444444"))
    rig.send(answered_out, busy)
    await rig.event(LegAnswered, answered_out.leg_id)
    assert await ended(rig, busy.leg_id) == (EndReason.BUSY, "far")
    customer.hang_up()
    assert await ended(rig, answered_in) == (EndReason.COMPLETED, "far")
    called = rig.dialled("+48503333333")
    rig.send(HangUpLeg(answered_out.leg_id))
    assert await ended(rig, answered_out.leg_id) == (EndReason.COMPLETED, "near")
    await rig.until(lambda: called.ended)
    waits, abandoned = await offered(rig, "+48505555555")
    waits.hang_up()
    assert await ended(rig, abandoned) == (EndReason.CANCELLED, "far")
    check_order(rig.events)
    assert len(rig.of(LegOffered)) == 2
    assert len(rig.of(LegEnded)) == 4
    assert (await rig.snapshot()).legs == ()


async def test_a_text_is_sent_once_and_one_comes_in(rig: Rig) -> None:
    command = SendText(clock.new_id(), TRUNK, FIRM, ANNA, "See you at ten. Łódź")
    rig.send(command, command)
    if not rig.texts:
        assert (await rig.event(TextStatus)).state == "failed"
        assert rig.of(TextStatus)[0].words
        return
    assert (await rig.event(TextStatus)).message_id == command.message_id
    assert rig.of(TextStatus)[0].state in {"sent", "delivered"}
    reference = rig.customer_texts(ANNA, FIRM, "Thank you")
    assert await rig.event(TextReceived) == TextReceived(TRUNK, reference, ANNA, FIRM, "Thank you")
    rig.send(command)
    await rig.snapshot()
    assert [each.state for each in rig.of(TextStatus)].count("sent") <= 1


async def test_a_restarted_switch_is_empty_and_says_so(rig: Rig) -> None:
    await talking(rig)
    [first] = rig.of(LinkUp)
    await rig.restart_switch()
    second = await rig.event(LinkUp, after=1)
    assert second.snapshot.boot_id != first.snapshot.boot_id
    assert second.snapshot.legs == ()
    assert second.snapshot.stations == ()
    _, leg_id = await offered(rig, "+48502222222")
    rig.send(RejectLeg(leg_id, EndReason.BUSY))
    await ended(rig, leg_id)


async def test_a_draining_switch_takes_no_new_call_and_cuts_none(rig: Rig) -> None:
    customer, leg_id = await talking(rig)
    rig.send(Drain())
    assert await rig.event(SwitchDraining) == SwitchDraining(on=True)
    assert (await rig.snapshot()).draining
    command = dial(ANNA)
    rig.send(command)
    assert await ended(rig, command.leg_id) == (EndReason.FAILED, "switch")
    assert not customer.ended
    assert [each.leg_id for each in (await rig.snapshot()).legs] == [leg_id]
    rig.send(Drain(on=False))
    assert await rig.event(SwitchDraining, after=1) == SwitchDraining(on=False)
    assert not (await rig.snapshot()).draining
    _, other = await offered(rig, "+48502222222")
    rig.send(HangUpLeg(other), HangUpLeg(leg_id))
    assert await ended(rig, other) == (EndReason.REJECTED, "near")
    await ended(rig, leg_id)


async def test_a_hundred_calls_at_once(rig: Rig) -> None:
    numbers = [f"+485020000{n:02d}" for n in range(100)]
    customers = {number: rig.customer_calls(number, FIRM) for number in numbers}
    await rig.event(LegOffered, after=99)
    legs = {each.number: each.leg_id for each in rig.of(LegOffered)}
    assert sorted(legs) == sorted(numbers)
    for number in numbers:
        rig.send(RingLeg(legs[number]), AnswerLeg(legs[number]))
    await rig.event(LegAnswered, after=99)
    await rig.until(lambda: all(each.answered for each in customers.values()))
    for index, number in enumerate(numbers):
        if index % 2:
            rig.send(HangUpLeg(legs[number]))
        else:
            customers[number].hang_up()
    await rig.event(LegEnded, after=99)
    assert {each.reason for each in rig.of(LegEnded)} == {EndReason.COMPLETED}
    assert (await rig.snapshot()).legs == ()
    check_order(rig.events)
    await rig.until(lambda: all(each.ended for each in customers.values()))
    await asyncio.sleep(0)


OFFER = "v=0\r\n"  # the rigs' browsers are scripted; real ones are in tests/telephony/media and tests/walks
