"""Machines and people over SIP: who answered is told, a message comes after the beep, a key ends one that waits for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path

import pytest

from callcenter.phone import (
    Announce,
    Announced,
    Bridge,
    ConfigureTrunks,
    DtmfReceived,
    LegAnswered,
    LegEnded,
    Listening,
    MachineDetected,
    Member,
    Originate,
    Play,
    PortRole,
    Sound,
    TwilioConfig,
)
from telephony import listening
from telephony.lab import voice
from telephony.legs import Frame
from telephony.media import g711
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.switch import Switch
from tests.telephony.far_end import TRUNK, SipCustomer
from tests.telephony.scripted import ScriptedBrowser, ScriptedCarrier, ScriptedPort
from tests.telephony.test_switch_talk import SAID, Place, pitches, write_said
from tests.telephony.waiting import until

NUMBER = "+48501234567"
HELLO = voice.greeting(120)[: 2 * g711.RATE // 2]  # half a second of it
GREETING = voice.recorded(120)
BEEP = voice.tone(1000, 0.3)
QUIET = bytes(2 * g711.RATE)  # a second


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    write_said(place.announcements)
    await place.open("pcma")
    yield place
    await place.close()


@contextlib.asynccontextmanager
async def saying(customer: SipCustomer, *sounds: bytes) -> AsyncIterator[list[int]]:
    """Let the customer say something, then be silent; yields the frames the customer had heard as each sound was over."""
    assert customer.leg is not None
    port = customer.leg.port
    assert port is not None
    over: list[int] = []

    async def speak() -> None:
        loop = asyncio.get_running_loop()
        begun, number = loop.time(), 0
        for sound in (*sounds, QUIET * 60):
            for payload in voice.frames(sound, port.law):
                port.send(Frame(payload, number * g711.FRAME))
                number += 1
                await asyncio.sleep(max(0, begun + number * 0.02 - loop.time()))
            over.append(len(customer.heard))

    task = asyncio.create_task(speak())
    try:
        yield over
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def answered(place: Place, listening: Listening | None) -> SipCustomer:
    place.phone.send(Originate("out", "call", TRUNK, NUMBER, caller_id="+48221234567", listening=listening))
    await until(lambda: LegAnswered("out") in place.events)
    customer = place.far.by_number[NUMBER]
    await until(lambda: customer.answered)
    return customer


def told(place: Place) -> list[str]:
    return [each.found for each in place.events if isinstance(each, MachineDetected)]


def ended(place: Place) -> list[LegEnded]:
    return [each for each in place.events if isinstance(each, LegEnded)]


async def test_who_says_hello_and_waits_is_a_person(place: Place) -> None:
    customer = await answered(place, Listening())
    async with saying(customer, QUIET[:3200], HELLO):
        await until(lambda: told(place))
    assert told(place) == ["human"]


async def test_a_message_is_left_after_the_beep_and_not_before(place: Place) -> None:
    customer = await answered(place, Listening())
    async with saying(customer, QUIET[:3200], GREETING, QUIET[:8000], BEEP) as over:
        await until(lambda: told(place))
        assert told(place) == ["machine"]
        for _ in range(2):
            place.phone.send(Announce("out", "sorry.wav", after="beep"))
        await until(lambda: customer.ended)
        spoken = over[3]
    law = customer.leg.port.law if customer.leg is not None and customer.leg.port is not None else "pcma"
    assert pitches(customer.heard[:spoken], law) == [], "nothing is said before the beep is over"
    heard = pitches(customer.heard[spoken:], law)
    assert [hertz for hertz, _ in groupby(heard)] == list(SAID), heard
    await until(lambda: ended(place))
    assert ended(place)[0].announced == Announced(1500, 1500)
    assert told(place) == ["machine"]


async def test_where_nobody_asked_nobody_listens(place: Place) -> None:
    customer = await answered(place, None)
    async with saying(customer, HELLO, QUIET) as over:
        await until(lambda: len(over) == 2)
    assert told(place) == []


async def test_a_key_is_told_while_a_message_waits_for_one_and_bridging_ends_it(place: Place) -> None:
    customer = await answered(place, None)
    async with saying(customer):
        place.phone.send(Announce("out", "sorry.wav", linger_ms=60_000))
        await until(lambda: SAID[0] in pitches(customer.heard[-20:], "pcma"))
        customer.press("2")
        await until(lambda: any(isinstance(each, DtmfReceived) and each.digit == "2" for each in place.events))
        place.phone.send(Bridge("call", (Member("leg", "out", PortRole.CUSTOMER), Member("station", "7", PortRole.AGENT))))
        await until(lambda: customer.hears() == "music")  # no browser is plugged in
    customer.hang_up()
    await until(lambda: ended(place))
    announced = ended(place)[0].announced
    assert announced is not None
    assert 0 < announced.played_ms < announced.of_ms == 1500


async def test_a_message_that_waits_for_a_key_is_over_some_time_later(place: Place) -> None:
    customer = await answered(place, None)
    async with saying(customer):
        place.phone.send(Announce("out", "sorry.wav", linger_ms=600))
        await until(lambda: customer.ended)
    assert [hertz for hertz, _ in groupby(pitches(customer.heard, "pcma"))] == list(SAID)
    tail = b"".join(customer.heard[-20:])
    assert set(tail) <= {0xD5, 0x55}, "silence until then"
    await until(lambda: ended(place))
    assert ended(place)[0].announced == Announced(1500, 1500)


async def test_another_sound_ends_a_message_that_waits_for_a_key_and_it_can_be_played_again(place: Place) -> None:
    customer = await answered(place, None)
    async with saying(customer):
        place.phone.send(Announce("out", "sorry.wav", linger_ms=60_000))
        place.phone.send(Play("out", Sound.MUSIC))
        await until(lambda: customer.hears() == "music")
        place.phone.send(Announce("out", "sorry.wav"))
        await until(lambda: customer.ended)
    assert SAID[-1] in pitches(customer.heard, "pcma")


# --- an ear alone, its ticks given by hand ----------------------------------------------------------------------------


class Hearing:
    """An ear, its port and what it said."""

    def __init__(self, settings: Listening | None) -> None:
        self.ticker, self.port = Ticker(), ScriptedPort()
        self.found: list[str] = []
        self.done: list[str] = []
        self.ears = listening.Ears(self.ticker, lambda _, found: self.found.append(found))
        self.ear = self.ears.begin("leg", self.port, settings)
        self.clock = 0

    def hear(self, *sounds: bytes) -> None:
        """Let frames come, one a tick; an empty sound's second is a second without any."""
        for sound in sounds:
            for payload in voice.frames(sound, "pcma") or [b""] * 50:
                if payload and self.port.tap is not None:
                    self.clock += 160
                    self.port.tap(Frame(payload, self.clock))
                self.ear._tick(0)

    def ask(self) -> None:
        self.ears.after_beep("leg", self.port, lambda: self.done.append("start"), lambda: self.done.append("give up"))


async def test_what_does_not_come_is_silence() -> None:
    hearing = Hearing(Listening())
    hearing.hear(HELLO, b"", b"")
    assert hearing.found == ["human"]
    assert hearing.ear.stopped
    assert hearing.port.tap is None


async def test_a_machine_without_a_beep_is_spoken_to_once_it_has_said_all() -> None:
    hearing = Hearing(Listening())
    hearing.hear(GREETING)
    assert hearing.found == ["machine"]
    hearing.ask()
    hearing.hear(*[QUIET] * 3)
    assert hearing.done == []
    hearing.hear(*[QUIET] * 2)
    assert hearing.done == ["start"]


async def test_a_machine_that_never_stops_is_given_up() -> None:
    hearing = Hearing(None)
    hearing.ask()
    hearing.hear(*[GREETING] * 20)
    assert hearing.done == ["give up"]
    assert hearing.found == []


async def test_a_beep_that_came_before_it_was_asked_for_counts() -> None:
    hearing = Hearing(Listening())
    hearing.hear(GREETING, QUIET[:8000], BEEP, QUIET[:3200])
    hearing.ask()
    hearing.hear(QUIET[:320])
    assert hearing.done == ["start"]


async def test_a_flood_of_frames_is_not_kept() -> None:
    hearing = Hearing(Listening())
    for payload in voice.frames(QUIET * 10, "pcma"):
        assert hearing.port.tap is not None
        hearing.port.tap(Frame(payload, 0))
    assert len(hearing.ear._held) <= 25 * 320


async def test_a_leg_that_ends_is_listened_to_no_more() -> None:
    hearing = Hearing(Listening())
    hearing.ask()
    hearing.ears.end("leg")
    hearing.ears.end("leg")
    hearing.hear(BEEP, QUIET)
    assert hearing.done == []
    assert hearing.port.tap is None


@pytest.mark.parametrize(("looks_itself", "listened"), [(True, False), (False, True)])
async def test_a_trunk_that_looks_for_machines_itself_is_not_listened_to(looks_itself: bool, listened: bool) -> None:
    carrier = ScriptedCarrier()
    switch = Switch(carrier, lambda sdp: asyncio.sleep(0, ScriptedBrowser()), Ticker(), Sounds())
    switch.emit = lambda event: None
    await switch.start()
    trunk = TwilioConfig(1, "Twilio", "AC0", "token", "https://x.example", "wss://x.example", machine_detection=looks_itself)
    switch.perform(ConfigureTrunks((trunk,)))
    switch.perform(Originate("out", "call", 1, NUMBER, caller_id="+48221234567", listening=Listening()))
    carrier.legs["out"].far_answers()
    port = carrier.legs["out"].port
    assert port is not None
    assert (port.tap is not None) == listened
    await switch.stop()
    await until(lambda: port.closed)
    assert port.tap is None


async def test_who_turns_out_to_be_a_person_is_not_spoken_to_after_a_pause() -> None:
    hearing = Hearing(Listening())
    hearing.hear(GREETING)
    hearing.ask()
    hearing.ears.no_beep("leg")
    hearing.ears.no_beep("nobody")
    hearing.hear(*[b""] * 6)
    assert hearing.done == []
