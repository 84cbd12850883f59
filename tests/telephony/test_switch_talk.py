"""A conversation through all of the switch: a real browser connection, the real link, a SIP trunk and RTP."""

import asyncio
import contextlib
import wave
from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path

import aioice.ice
import pytest

from callcenter.config import Settings
from callcenter.phone import (
    Announce,
    Announced,
    AnswerLeg,
    Bridge,
    ConfigureTrunks,
    LegAnswered,
    LegEnded,
    LegOffered,
    LinkUp,
    Member,
    OpenStation,
    Originate,
    PortRole,
    StationAnswer,
    StationLive,
    StationLost,
    TrunkConfig,
    Way,
)
from callcenter.phone_fake import Outcome
from telephony.legs import Frame, Law
from telephony.link import LinkServer, SwitchLink
from telephony.media import g711
from telephony.serve import build
from tests.telephony.far_end import HOST, TRUNK, FarEnd, SipCustomer
from tests.telephony.media.browser import Browser
from tests.telephony.media.rig import strength, tone
from tests.telephony.test_switch_serve import free_port
from tests.telephony.waiting import until

SECOND = 50  # frames
BROWSER_HERTZ, CUSTOMER_HERTZ, SUPERVISOR_HERTZ = 600, 1000, 1700


class Place:
    """A switch with a trunk, the link, and the events that crossed it."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(data_dir=folder, sip=f"{HOST}:{free_port()}", rtp_ports="45000-45999")
        self.announcements = settings.announcements
        self.switch = build(settings)
        self.link = LinkServer(settings.socket_path("link"), self.switch)
        self.switch.emit = self.link.emit
        self.phone = SwitchLink(settings.socket_path("link"))
        self.far = FarEnd(folder, range(46000, 46999))
        self.port = int(settings.sip.rpartition(":")[2])
        self.events: list[object] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self, law: Law) -> None:
        await self.switch.start()
        await self.link.start()
        await self.far.carrier.start(self.far)
        self.far.aim(self.port)
        self.tasks = [asyncio.create_task(self.phone.run()), asyncio.create_task(self._take())]
        await until(lambda: any(isinstance(each, LinkUp) for each in self.events))
        self.phone.send(ConfigureTrunks((TrunkConfig(TRUNK, "far", HOST, self.far.port, codecs=(law,)),)))

    async def _take(self) -> None:
        async for event in self.phone.events():
            self.events.append(event)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.switch.stop()
        await self.link.stop()
        await self.far.carrier.stop()

    async def plug(self, browser: Browser, session: str, station: str = "7") -> None:
        answer = await self.phone.ask(OpenStation(station, session, await browser.offer()), timeout=30)
        assert isinstance(answer, StationAnswer)
        await browser.take(answer.sdp)
        await until(lambda: StationLive(station, session) in self.events)

    def join(self, leg_id: str, *more: Member) -> None:
        members = Member("leg", leg_id, PortRole.CUSTOMER), Member("station", "7", PortRole.AGENT)
        self.phone.send(Bridge("call", members + more))


@pytest.fixture(params=["pcma", "pcmu"])
async def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [HOST])
    place = Place(tmp_path)
    await place.open(request.param)
    yield place
    await place.close()


@contextlib.asynccontextmanager
async def speaking(customer: SipCustomer) -> AsyncIterator[Law]:
    """Let the customer speak a tone; yields the law of the line."""
    assert customer.leg is not None
    port = customer.leg.port
    assert port is not None

    async def speak() -> None:
        clock = 0
        while True:
            for payload in tone(CUSTOMER_HERTZ, port.law, SECOND):
                port.send(Frame(payload, clock))
                clock += 160
                await asyncio.sleep(0.02)

    task = asyncio.create_task(speak())
    try:
        yield port.law
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def hears_browser(customer: SipCustomer, law: Law) -> bool:
    """Whether the last half second at the customer is the browser's tone."""
    half = customer.heard[-SECOND // 2 :]
    return len(half) == SECOND // 2 and strength(b"".join(half), law, BROWSER_HERTZ) > 0.9


def hears(browser: Browser, hertz: float) -> bool:
    """Whether the last half second in the browser is a tone of `hertz`."""
    half = g711.from_linear(browser.samples(), "pcma")[-4000:]
    return len(half) == 4000 and strength(half, "pcma", hertz) > 0.9


async def test_both_hear_each_other_also_after_the_page_was_loaded_again(place: Place) -> None:
    first, second = Browser(BROWSER_HERTZ), Browser(BROWSER_HERTZ)
    await place.plug(first, "first")
    customer = place.far.call("+48501234567", "+48221234567")
    await until(lambda: any(isinstance(each, LegOffered) for each in place.events))
    [offered] = [each for each in place.events if isinstance(each, LegOffered)]
    place.phone.send(AnswerLeg(offered.leg_id))
    place.join(offered.leg_id)
    await until(lambda: LegAnswered(offered.leg_id) in place.events and customer.answered)
    async with speaking(customer) as law:
        await until(lambda: hears_browser(customer, law))
        await until(lambda: hears(first, CUSTOMER_HERTZ))
        await first.close()
        await until(lambda: StationLost("7", "first") in place.events)
        await until(lambda: not hears_browser(customer, law))
        await place.plug(second, "second")
        await until(lambda: hears_browser(customer, law))
        await until(lambda: hears(second, CUSTOMER_HERTZ))
    customer.hang_up()
    await until(lambda: any(isinstance(each, LegEnded) for each in place.events))
    [ended] = [each for each in place.events if isinstance(each, LegEnded)]
    assert ended.quality is not None
    assert ended.quality.law == law
    assert ended.quality.received > SECOND
    await second.close()


async def test_a_number_that_is_dialled_is_heard_to_ring_and_then_answers(place: Place) -> None:
    browser = Browser(BROWSER_HERTZ)
    await place.plug(browser, "first")
    place.far.outcomes["+48501234567"] = Outcome.RINGS
    place.phone.send(Originate("out", "call", TRUNK, "+48501234567", caller_id="+48221234567"))
    place.join("out")
    await until(lambda: hears(browser, 425))  # ITU E.180, Poland
    customer = place.far.by_number["+48501234567"]
    customer.answer()
    await until(lambda: LegAnswered("out") in place.events and customer.answered)
    async with speaking(customer) as law:
        await until(lambda: hears_browser(customer, law))
        await until(lambda: hears(browser, CUSTOMER_HERTZ))
    await browser.close()


def hear(browser: Browser, *hertz: float) -> bool:
    """Whether the last half second in the browser is a mix of these tones, each of them clear, and of no other of ours."""
    half = g711.from_linear(browser.samples(), "pcma")[-4000:]
    ours = (BROWSER_HERTZ, CUSTOMER_HERTZ, SUPERVISOR_HERTZ)
    parts = {each: strength(half, "pcma", each) for each in ours}
    return len(half) == 4000 and all((parts[each] > 0.2) == (each in hertz) for each in ours) and sum(parts.values()) > 0.9


def customer_hears(customer: SipCustomer, law: Law, *hertz: float) -> bool:
    """Whether the last half second at the customer is a mix of these tones and of no other of ours."""
    half = b"".join(customer.heard[-SECOND // 2 :])
    ours = (BROWSER_HERTZ, SUPERVISOR_HERTZ)
    return len(half) == 4000 and all((strength(half, law, each) > 0.2) == (each in hertz) for each in ours)


async def test_a_supervisor_listens_whispers_barges_and_leaves_a_call_on_the_line(place: Place) -> None:
    agent, supervisor = Browser(BROWSER_HERTZ), Browser(SUPERVISOR_HERTZ)
    await place.plug(agent, "agent")
    await place.plug(supervisor, "supervisor", "8")
    customer = place.far.call("+48501234567", "+48221234567")
    await until(lambda: any(isinstance(each, LegOffered) for each in place.events))
    [offered] = [each for each in place.events if isinstance(each, LegOffered)]
    place.phone.send(AnswerLeg(offered.leg_id))
    place.join(offered.leg_id)
    await until(lambda: LegAnswered(offered.leg_id) in place.events and customer.answered)
    async with speaking(customer) as law:
        await until(lambda: hears_browser(customer, law) and hears(agent, CUSTOMER_HERTZ))
        for way, at_the_agent, at_the_customer in (
            (Way.LISTEN, (CUSTOMER_HERTZ,), (BROWSER_HERTZ,)),
            (Way.WHISPER, (CUSTOMER_HERTZ, SUPERVISOR_HERTZ), (BROWSER_HERTZ,)),
            (Way.BARGE, (CUSTOMER_HERTZ, SUPERVISOR_HERTZ), (BROWSER_HERTZ, SUPERVISOR_HERTZ)),
            (Way.LISTEN, (CUSTOMER_HERTZ,), (BROWSER_HERTZ,)),
        ):
            place.join(offered.leg_id, Member("station", "8", PortRole.SUPERVISOR, way))
            supervisor.heard.clear()
            await until(lambda: hear(supervisor, BROWSER_HERTZ, CUSTOMER_HERTZ))
            await until(lambda wanted=at_the_agent: hear(agent, *wanted))  # type: ignore[misc]
            await until(lambda wanted=at_the_customer: customer_hears(customer, law, *wanted))  # type: ignore[misc]
        place.join(offered.leg_id)  # and leaves
        supervisor.heard.clear()
        await until(lambda: hears_browser(customer, law) and hears(agent, CUSTOMER_HERTZ))
        assert len(supervisor.samples()) == 0 or not hear(supervisor, BROWSER_HERTZ, CUSTOMER_HERTZ)
    customer.hang_up()
    await until(lambda: any(isinstance(each, LegEnded) for each in place.events))
    await agent.close()
    await supervisor.close()


SAID = (900, 1300, 1700)  # Hz, half a second of each: beginning, middle and end


def write_said(folder: Path) -> None:
    """Write an announcement whose parts can be told apart."""
    folder.mkdir()
    with wave.open(str(folder / "sorry.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(g711.RATE)
        for hertz in SAID:
            file.writeframes(b"".join(g711.to_linear(each, "pcma") for each in tone(hertz, "pcma", SECOND // 2)))


def pitches(frames: list[bytes], law: Law) -> list[int]:
    """Return which of SAID is heard in each tenth of a second in which one clearly is."""
    parts = [b"".join(frames[start : start + 5]) for start in range(0, len(frames) - 4, 5)]
    return [hertz for part in parts for hertz in SAID if strength(part, law, hertz) > 0.8]


async def test_a_customer_whose_consultant_is_away_hears_all_of_the_announcement_in_place_of_the_music(place: Place) -> None:
    write_said(place.announcements)
    customer = place.far.call("+48501234567", "+48221234567")
    await until(lambda: any(isinstance(each, LegOffered) for each in place.events))
    [offered] = [each for each in place.events if isinstance(each, LegOffered)]
    place.phone.send(AnswerLeg(offered.leg_id))
    place.join(offered.leg_id)
    await until(lambda: LegAnswered(offered.leg_id) in place.events and customer.hears() == "music")
    assert customer.leg is not None
    assert customer.leg.port is not None
    law = customer.leg.port.law
    before = len(customer.heard)
    place.phone.send(Announce(offered.leg_id, "sorry.wav"))
    await until(lambda: customer.ended)
    heard = pitches(customer.heard[before:], law)
    assert [hertz for hertz, _ in groupby(heard)] == list(SAID), heard
    assert all(heard.count(hertz) >= 3 for hertz in SAID), heard
    await until(lambda: any(isinstance(each, LegEnded) for each in place.events))
    [ended] = [each for each in place.events if isinstance(each, LegEnded)]
    assert (ended.by, ended.announced) == ("near", Announced(1500, 1500))
