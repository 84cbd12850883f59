"""The switch over a scripted carrier and scripted browsers: who hears what, and what is told to whom."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callcenter.errors import Conflict, Invalid, Unavailable
from callcenter.phone import (
    AnswerLeg,
    Bridge,
    CloseStation,
    ConfigureTrunks,
    Drain,
    DtmfReceived,
    EndReason,
    Event,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LegOffered,
    LegRinging,
    Member,
    OpenStation,
    Originate,
    Play,
    PortRole,
    Quality,
    ReadSnapshot,
    ReadTrace,
    SendDtmf,
    Snapshot,
    Sound,
    StationAnswer,
    StationLive,
    StationLost,
    SwitchDraining,
    TestTrunk,
    TrunkChanged,
    TrunkConfig,
    TrunkReport,
    TrunkState,
    TrunkTrace,
)
from telephony import switch_legs
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.switch import Switch
from tests.telephony.scripted import ScriptedBrowser, ScriptedCarrier, ScriptedLeg, ScriptedPort
from tests.telephony.waiting import until


class Desk:
    """A switch with a scripted carrier, and browsers that come as the test prepares them."""

    def __init__(self, sounds: Sounds) -> None:
        self.carrier = ScriptedCarrier()
        self.browsers: list[ScriptedBrowser] = []
        self.gates: list[asyncio.Event] = []
        self.events: list[Event] = []
        self.switch = Switch(self.carrier, self._open, Ticker(), sounds)
        self.switch.emit = self.events.append

    async def _open(self, sdp: str) -> ScriptedBrowser:
        if not sdp:
            raise Invalid("The browser's offer has no audio.")
        if sdp == "slow":
            gate = asyncio.Event()
            self.gates.append(gate)
            await gate.wait()
        browser = ScriptedBrowser(live=sdp != "later")
        self.browsers.append(browser)
        return browser

    async def plug(self, session: str = "s1", sdp: str = "now", station_id: str = "7") -> ScriptedBrowser:
        answer = await self.switch.answer(OpenStation(station_id, session, sdp))
        assert isinstance(answer, StationAnswer)
        return self.browsers[-1]

    async def talking(self) -> tuple[ScriptedLeg, ScriptedPort]:
        leg = self.carrier.call()
        self.switch.perform(AnswerLeg(leg.leg_id))
        await until(lambda: LegAnswered(leg.leg_id) in self.events)
        assert leg.port is not None
        return leg, leg.port

    def dial(self, leg_id: str = "out") -> ScriptedLeg:
        self.switch.perform(Originate(leg_id=leg_id, call_id="c", trunk_id=1, number="+48501234567", caller_id=""))
        return self.carrier.legs[leg_id]

    def join(self, leg: ScriptedLeg, call_id: str = "c", station_id: str = "7") -> None:
        members = Member("leg", leg.leg_id, PortRole.CUSTOMER), Member("station", station_id, PortRole.AGENT)
        self.switch.perform(Bridge(call_id, members))

    def of(self, kind: type[object]) -> list[Event]:
        return [each for each in self.events if isinstance(each, kind)]


@pytest.fixture(scope="module")
def sounds() -> Sounds:
    return Sounds()


@pytest.fixture
async def desk(sounds: Sounds) -> AsyncIterator[Desk]:
    desk = Desk(sounds)
    await desk.switch.start()
    desk.switch.web_present(present=True)
    yield desk
    await desk.switch.stop()


async def test_frames_pass_both_ways_between_the_customer_and_the_browser(desk: Desk) -> None:
    browser = await desk.plug()
    leg, port = await desk.talking()
    desk.join(leg)
    port.speak(0x22)
    assert browser.sent[-1] == b"\x22" * 160
    browser.speak(0x11)
    assert port.sent[-1] == b"\x11" * 160


async def test_an_answered_caller_in_no_bridge_hears_silence_or_what_is_played(desk: Desk) -> None:
    leg, port = await desk.talking()
    await until(lambda: port.hears() == "silence")
    desk.switch.perform(Play(leg.leg_id, Sound.MUSIC))
    await until(lambda: port.hears() == "sound")
    desk.switch.perform(Play(leg.leg_id, Sound.SILENCE))
    await until(lambda: port.hears() == "silence")
    browser = await desk.plug()
    desk.join(leg)
    browser.speak()
    desk.switch.perform(Play(leg.leg_id, Sound.MUSIC))  # in a bridge: nothing
    count = len(port.sent)
    browser.speak()
    assert port.sent[count:] == [b"\x11" * 160]


async def test_what_was_played_stops_when_the_caller_is_bridged(desk: Desk) -> None:
    _, clock = await desk.talking()  # its silence comes 50 times a second
    leg, port = await desk.talking()
    browser = await desk.plug()
    desk.switch.perform(Play(leg.leg_id, Sound.MUSIC))
    await until(lambda: port.hears() == "sound")
    desk.join(leg)
    count, now = len(port.sent), len(clock.sent)

    def later() -> bool:
        browser.speak()
        return len(clock.sent) > now + 10

    await until(later)
    assert set(port.sent[count:]) == {b"\x11" * 160}


async def test_the_consultant_hears_ringback_until_the_customer_answers(desk: Desk) -> None:
    browser = await desk.plug()
    leg = desk.dial()
    desk.join(leg)
    leg.far_rings()
    await until(lambda: browser.hears() == "sound")
    leg.far_answers()
    assert desk.events[-2:] == [LegRinging("out", early_media=False), LegAnswered("out")]
    assert leg.port is not None
    leg.port.speak(0x22)
    assert browser.sent[-1] == b"\x22" * 160
    count = len(browser.sent)
    leg.port.speak(0x22)
    assert browser.sent[count:] == [b"\x22" * 160]


async def test_the_carriers_own_ringing_passes_instead_of_ours(desk: Desk) -> None:
    browser = await desk.plug()
    leg = desk.dial()
    desk.join(leg)
    leg.far_rings(early_media=True)
    assert leg.port is not None
    leg.port.speak(0x33)
    assert browser.sent[-1] == b"\x33" * 160
    assert desk.events[-1] == LegRinging("out", early_media=True)


async def test_a_customer_hears_music_while_the_page_is_away_and_the_next_page_is_plugged_in_at_once(desk: Desk) -> None:
    browser = await desk.plug()
    leg, port = await desk.talking()
    desk.join(leg)
    browser.speak()
    browser.lose()
    assert desk.events[-1] == StationLost("7", "s1")
    await until(lambda: port.hears() == "sound")
    second = await desk.plug("s2")
    assert desk.of(StationLive)[-1] == StationLive("7", "s2")
    second.speak()
    assert port.sent[-1] == b"\x11" * 160
    port.speak(0x22)
    assert second.sent[-1] == b"\x22" * 160


async def test_a_newer_page_takes_over_without_a_gap_and_the_older_one_is_closed(desk: Desk) -> None:
    first = await desk.plug("s1")
    leg, port = await desk.talking()
    desk.join(leg)
    second = await desk.plug("s2", "later")
    assert [(each.session, each.live) for each in desk.switch.snapshot().stations] == [("s2", False)]
    first.speak()
    assert port.sent[-1] == b"\x11" * 160
    assert not first.closed
    second.become_live()
    assert first.closed
    second.speak(0x12)
    assert port.sent[-1] == b"\x12" * 160
    first.lose()
    assert desk.of(StationLive) == [StationLive("7", "s1"), StationLive("7", "s2")]
    assert not desk.of(StationLost)


async def test_a_newer_page_that_never_gets_audio_is_lost_with_the_older_one(desk: Desk) -> None:
    first = await desk.plug("s1")
    second = await desk.plug("s2", "later")
    second.lose()
    assert desk.events[-1] == StationLost("7", "s2")
    assert first.closed
    assert second.closed
    assert desk.switch.snapshot().stations == ()


async def test_an_older_page_that_goes_while_the_newer_one_comes_is_not_told(desk: Desk) -> None:
    first = await desk.plug("s1")
    leg, port = await desk.talking()
    desk.join(leg)
    first.speak()
    second = await desk.plug("s2", "later")
    first.lose()
    assert not desk.of(StationLost)
    await until(lambda: port.hears() == "sound")
    second.become_live()
    assert desk.events[-1] == StationLive("7", "s2")


async def test_a_page_that_was_overtaken_while_its_offer_was_answered_is_told_so(desk: Desk) -> None:
    slow = asyncio.create_task(desk.plug("s1", "slow"))
    await until(lambda: desk.gates)
    await desk.plug("s2")
    desk.gates[0].set()
    with pytest.raises(Conflict):
        await slow
    assert desk.browsers[-1].closed
    assert [each.session for each in desk.switch.snapshot().stations] == ["s2"]


async def test_an_offer_that_is_refused_leaves_the_present_page_alone(desk: Desk) -> None:
    first = await desk.plug("s1")
    with pytest.raises(Invalid):
        await desk.plug("s2", "")
    assert [(each.session, each.live) for each in desk.switch.snapshot().stations] == [("s1", True)]
    assert not first.closed


async def test_closing_a_station_by_an_old_session_does_nothing(desk: Desk) -> None:
    browser = await desk.plug("s1")
    desk.switch.perform(CloseStation("7", "s0"))
    assert not browser.closed
    desk.switch.perform(CloseStation("7", "s1"))
    desk.switch.perform(CloseStation("7"))
    assert browser.closed
    assert desk.of(StationLost) == [StationLost("7", "s1")]


async def test_a_leg_ends_once_and_its_port_is_closed(desk: Desk) -> None:
    leg, port = await desk.talking()
    leg.far_hangs_up()
    leg.hang_up(EndReason.COMPLETED)
    await until(lambda: desk.of(LegEnded))
    listener = desk.switch.legs
    listener.leg_ended(leg, EndReason.FAILED, "switch", None, "")
    listener.leg_answered(leg)
    listener.leg_ringing(leg, early_media=False)
    listener.leg_media(leg)
    [ended] = desk.of(LegEnded)
    assert isinstance(ended, LegEnded)
    assert (ended.reason, ended.by) == (EndReason.COMPLETED, "far")
    assert isinstance(ended.quality, Quality)
    assert desk.events[-1] is ended
    assert port.closed
    assert desk.switch.idle.is_set()


async def test_a_caller_rings_on_while_no_contact_centre_is_there_but_not_for_ever(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch_legs, "AWAY_SECONDS", 0.05)
    before = desk.carrier.call()
    answered, _ = await desk.talking()
    assert before.done == []
    desk.switch.web_present(present=False)
    during = desk.carrier.call()
    assert during.done == ["ring"]
    await until(lambda: before.over and during.over)
    assert "hang_up failed" in during.done
    assert not answered.over
    await until(lambda: len(desk.of(LegEnded)) == 2)
    assert desk.switch.counters["callers_undecided"] == 2


async def test_a_contact_centre_that_comes_back_in_time_finds_its_callers(desk: Desk) -> None:
    desk.switch.web_present(present=False)
    leg = desk.carrier.call()
    waiting = desk.switch.legs.waiting(leg.leg_id)
    assert waiting is not None
    assert waiting.alone is not None
    desk.switch.web_present(present=True)
    assert waiting.alone is None
    assert [each.leg_id for each in desk.switch.snapshot().legs] == [leg.leg_id]


async def test_a_draining_switch_turns_callers_away_without_a_word(desk: Desk) -> None:
    desk.switch.perform(Drain())
    desk.switch.perform(Drain())
    assert desk.events == [SwitchDraining(on=True)]
    assert desk.switch.snapshot().draining
    desk.events.clear()
    leg = desk.carrier.call()
    assert leg.done == ["reject 503"]
    desk.switch.perform(Originate(leg_id="out", call_id="c", trunk_id=1, number="1", caller_id=""))
    assert [type(each) for each in desk.events] == [LegEnded]
    await asyncio.sleep(0)
    assert [type(each) for each in desk.events] == [LegEnded]
    assert desk.switch.legs.turned_away == set()
    desk.switch.perform(Drain(on=False))
    assert desk.events[-1] == SwitchDraining(on=False)
    desk.carrier.call()
    assert isinstance(desk.events[-1], LegOffered)


@pytest.mark.parametrize("error", [Unavailable("No {what}.", what="line"), RuntimeError("on purpose")])
async def test_a_dial_the_carrier_cannot_do_ends_at_once_in_a_sentence(desk: Desk, error: Exception) -> None:
    desk.carrier.fails = error
    desk.switch.perform(Originate(leg_id="out", call_id="c", trunk_id=1, number="1", caller_id=""))
    desk.carrier.fails = None
    desk.switch.perform(Originate(leg_id="out", call_id="c", trunk_id=1, number="1", caller_id=""))
    [ended] = desk.events
    assert isinstance(ended, LegEnded)
    assert (ended.reason, ended.by) == (EndReason.FAILED, "switch")
    assert ended.text.endswith(".")
    assert "out" not in desk.carrier.legs


async def test_a_leg_that_has_ended_is_never_dialled_again(desk: Desk) -> None:
    leg = desk.dial("out")
    leg.far_hangs_up()
    await until(lambda: desk.of(LegEnded))
    assert desk.dial("out") is leg
    assert desk.switch.snapshot().legs == ()
    assert len(desk.events) == 1


async def test_keys_go_to_the_far_end_and_come_from_it_in_and_out_of_a_bridge(desk: Desk) -> None:
    leg, port = await desk.talking()
    desk.switch.perform(SendDtmf(leg.leg_id, "12#"))
    desk.switch.perform(SendDtmf(leg.leg_id, "1;drop"))
    desk.switch.perform(SendDtmf(leg.leg_id, ""))
    assert port.digits == "12#"
    await desk.plug()
    for digit in "12":
        assert port.on_digit is not None
        port.on_digit(digit, 120)
        desk.join(leg)
    assert desk.of(DtmfReceived) == [DtmfReceived(leg.leg_id, "1", 120), DtmfReceived(leg.leg_id, "2", 120)]


async def test_a_new_port_of_a_leg_takes_the_place_of_its_old_one(desk: Desk) -> None:
    browser = await desk.plug()
    leg, port = await desk.talking()
    desk.join(leg)
    port.close()
    leg.port = ScriptedPort("pcmu")
    desk.switch.legs.leg_media(leg)
    browser.speak(0xD5)
    assert len(leg.port.sent[-1]) == 160
    leg.port.speak(0xFF)
    assert browser.sent[-1] == b"\xd5" * 160
    desk.switch.perform(Bridge("c", ()))
    leg.port.close()
    leg.port = ScriptedPort("pcma")
    desk.switch.legs.leg_media(leg)
    await until(lambda: leg.port is not None and leg.port.hears() == "silence")


async def test_a_leg_is_in_one_bridge_at_a_time(desk: Desk) -> None:
    first, second = await desk.plug("s1"), await desk.plug("s2", station_id="8")
    leg, port = await desk.talking()
    desk.join(leg, "c1", "7")
    desk.join(leg, "c2", "8")
    port.speak(0x22)
    assert second.sent[-1] == b"\x22" * 160
    assert b"\x22" * 160 not in first.sent
    first.speak(0x33)
    assert b"\x33" * 160 not in port.sent
    assert {each.station_id: each.call_id for each in desk.switch.snapshot().stations} == {"7": "c1", "8": "c2"}
    assert [each.call_id for each in desk.switch.snapshot().legs] == ["c2"]


async def test_the_consultant_is_left_in_silence_when_the_customer_is_gone(desk: Desk) -> None:
    browser = await desk.plug()
    leg, _ = await desk.talking()
    desk.join(leg)
    leg.far_hangs_up()
    await until(lambda: desk.of(LegEnded))
    browser.speak()
    desk.switch.perform(Bridge("c", ()))
    assert desk.switch.legs.bridges._bridges == {}
    assert desk.switch.legs.bridges._players == {}


async def test_queries_are_answered(desk: Desk) -> None:
    desk.switch.perform(ConfigureTrunks((TrunkConfig(1, "north", "127.0.0.1"),)))
    assert isinstance(await desk.switch.answer(TestTrunk(1)), TrunkReport)
    trace = await desk.switch.answer(ReadTrace(4))
    assert isinstance(trace, TrunkTrace)
    assert trace.lines[0].text == "4"
    snapshot = await desk.switch.answer(ReadSnapshot())
    assert isinstance(snapshot, Snapshot)
    assert snapshot.trunks == (TrunkState(1, "ready"),)
    assert snapshot.counters["malformed"] == 3
    desk.switch.legs.trunk_changed(TrunkState(1, "failed", "no answer"))
    assert desk.events == [TrunkChanged(TrunkState(1, "failed", "no answer"))]


async def test_stopping_ends_every_call(sounds: Sounds) -> None:
    desk = Desk(sounds)
    await desk.switch.start()
    desk.switch.web_present(present=True)
    leg, port = await desk.talking()
    waiting, out, browser = desk.carrier.call(), desk.dial(), await desk.plug()
    await desk.switch.stop()
    await until(lambda: len(desk.of(LegEnded)) == 3)
    assert leg.over
    assert waiting.over
    assert out.over
    assert port.closed
    assert browser.closed
    assert desk.carrier.stopped
    desk.switch.perform(HangUpLeg(leg.leg_id))
