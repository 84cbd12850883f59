"""Bridges between real ports, what is heard measured by FFT."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import aioice.ice
import pytest

from callcenter.phone import PortRole, Way
from telephony.legs import Frame, Law
from telephony.media import g711
from telephony.media.bridge import Bridge, Member
from telephony.media.rtp_port import RtpPort, RtpPorts
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.media.webrtc import BrowserPort
from tests.telephony.media.browser import Browser
from tests.telephony.media.rig import Peer, loudness, strength, tone, until

CUSTOMER, AGENT, SUPERVISOR = PortRole.CUSTOMER, PortRole.AGENT, PortRole.SUPERVISOR


class Person:
    """Somebody at the far end of an RTP port, who hums one note while `humming`."""

    def __init__(self, ports: RtpPorts, ticker: Ticker, hertz: float, law: Law = "pcma") -> None:
        self.hertz, self.law = hertz, law
        self.peer = Peer()
        self.port: RtpPort = ports.open(law, event_type=101)
        self.port.remote = self.peer.address
        self.humming = True
        self._note = tone(hertz, law, 50)
        self._ticker = ticker
        ticker.add(self._hum)

    def _hum(self, tick: int) -> None:
        if self.humming:
            self.peer.send(self.port.local_address, self._note[tick % 50], g711.PAYLOAD_TYPE[self.law])

    def audio(self, frames: int = 40) -> bytes:
        return self.peer.audio(g711.PAYLOAD_TYPE[self.law])[-160 * frames :]

    async def listen(self, frames: int = 40) -> None:
        """Forget what was heard, then wait for fresh audio."""
        self.peer.packets.clear()
        await until(lambda: len(self.peer.packets) >= frames)

    def hears(self, other: "Person") -> float:
        return strength(self.audio(), self.law, other.hertz)

    def close(self) -> None:
        self._ticker.remove(self._hum)
        self.port.close()
        self.peer.close()


class Room:
    """A bridge, and people to put into it."""

    def __init__(self, sounds: Sounds) -> None:
        self.ticker = Ticker()
        self.ticker.start()
        self.ports = RtpPorts(range(20000, 30000), "127.0.0.1")
        self.digits: list[tuple[str, str]] = []
        self.bridge = Bridge(self.ticker, sounds, on_digit=lambda key, digit, _: self.digits.append((key, digit)))
        self.people: list[Person] = []

    async def person(self, hertz: float, law: Law = "pcma") -> Person:
        made = Person(self.ports, self.ticker, hertz, law)
        self.people.append(made)
        await until(lambda: made.port.heard)
        return made

    def close(self) -> None:
        self.bridge.close()
        self.ticker.stop()
        for person in self.people:
            assert person.port.on_frame is None
            person.close()


@pytest.fixture(scope="module")
def sounds() -> Sounds:
    return Sounds("PL")


@pytest.fixture
async def room(sounds: Sounds) -> AsyncIterator[Room]:
    made = Room(sounds)
    yield made
    made.close()


async def test_two_hear_each_other_and_not_themselves(room: Room) -> None:
    customer, agent = await room.person(500), await room.person(900)
    room.bridge.join("customer", CUSTOMER, customer.port)
    room.bridge.join("agent", AGENT, agent.port)
    await asyncio.gather(customer.listen(), agent.listen())
    assert customer.hears(agent) > 0.95
    assert agent.hears(customer) > 0.95


async def test_frames_for_two_are_not_decoded_and_gaps_in_their_time_are_kept(room: Room) -> None:
    customer, agent = await room.person(500), await room.person(900)
    customer.humming = agent.humming = False
    room.bridge.join("customer", CUSTOMER, customer.port)
    room.bridge.join("agent", AGENT, agent.port)
    agent.peer.packets.clear()
    odd = [bytes([n]) * 160 for n in range(1, 5)]
    for payload in odd:
        customer.peer.send(customer.port.local_address, payload)
        if payload == odd[1]:
            customer.peer.sequence += 2  # two packets lost on the way
            customer.peer.timestamp += 320
    await until(lambda: len(agent.peer.packets) >= 4)
    got = agent.peer.packets[-4:]
    assert [packet.payload for packet in got] == odd
    assert [(packet.sequence - got[0].sequence) & 0xFFFF for packet in got] == [0, 1, 4, 5]
    assert [(packet.timestamp - got[0].timestamp) & 0xFFFFFFFF for packet in got] == [0, 160, 640, 800]


async def test_unlike_laws_are_translated_even_when_one_changes_in_the_call(room: Room) -> None:
    customer, agent = await room.person(500, "pcmu"), await room.person(900, "pcma")
    room.bridge.join("customer", CUSTOMER, customer.port)
    room.bridge.join("agent", AGENT, agent.port)
    await asyncio.gather(customer.listen(), agent.listen())
    assert customer.hears(agent) > 0.95
    assert agent.hears(customer) > 0.95
    agent.port.set_law("pcmu")
    await customer.listen()
    assert customer.hears(agent) > 0.95


@pytest.mark.parametrize(
    ("way", "customer_hears_supervisor", "agent_hears_supervisor"), [(Way.LISTEN, 0, 0), (Way.WHISPER, 0, 1), (Way.BARGE, 1, 1)]
)
async def test_three_hear_whom_the_way_says(
    room: Room, way: Way, customer_hears_supervisor: int, agent_hears_supervisor: int
) -> None:
    customer, agent, supervisor = await room.person(500), await room.person(900, "pcmu"), await room.person(1400)
    room.bridge.set_members(
        {
            "customer": Member(CUSTOMER, customer.port),
            "agent": Member(AGENT, agent.port),
            "supervisor": Member(SUPERVISOR, supervisor.port, way=way),
        }
    )
    await asyncio.gather(customer.listen(60), agent.listen(60), supervisor.listen(60))
    for listener in (customer, agent, supervisor):
        assert listener.hears(listener) < 0.01
    assert customer.hears(agent) > 0.3
    assert agent.hears(customer) > 0.3
    assert supervisor.hears(customer) > 0.3
    assert supervisor.hears(agent) > 0.3
    assert (customer.hears(supervisor) > 0.3) == bool(customer_hears_supervisor)
    assert (agent.hears(supervisor) > 0.3) == bool(agent_hears_supervisor)
    room.bridge.leave("supervisor")
    await asyncio.gather(customer.listen(), agent.listen())
    assert customer.hears(agent) > 0.95
    assert agent.hears(customer) > 0.95


async def test_the_customer_notices_nothing_of_who_listens_whispers_and_leaves(room: Room) -> None:
    customer, agent, supervisor = await room.person(500), await room.person(900), await room.person(1400)
    room.bridge.join("customer", CUSTOMER, customer.port)
    room.bridge.join("agent", AGENT, agent.port)
    await customer.listen()
    customer.peer.packets.clear()
    for way in (Way.LISTEN, Way.WHISPER, Way.LISTEN):
        room.bridge.join("supervisor", SUPERVISOR, supervisor.port, way=way)
        await supervisor.listen(30)
        assert supervisor.hears(customer) > 0.3
    room.bridge.leave("supervisor")
    await agent.listen(20)
    packets = list(customer.peer.packets)
    assert len(packets) > 90
    assert {(second.sequence - first.sequence) & 0xFFFF for first, second in pairwise(packets)} == {1}
    assert {(second.timestamp - first.timestamp) & 0xFFFFFFFF for first, second in pairwise(packets)} == {160}
    assert strength(b"".join(packet.payload for packet in packets), "pcma", agent.hertz) > 0.99


async def test_two_supervisors_are_there_each_in_their_own_way(room: Room) -> None:
    customer, agent = await room.person(500), await room.person(900)
    quiet, loud = await room.person(1400), await room.person(2100)
    for key, role, person in (("customer", CUSTOMER, customer), ("agent", AGENT, agent)):
        room.bridge.join(key, role, person.port)
    room.bridge.join("quiet", SUPERVISOR, quiet.port)
    room.bridge.join("loud", SUPERVISOR, loud.port, way=Way.WHISPER)
    await asyncio.gather(*(each.listen(60) for each in (customer, agent, quiet, loud)))
    assert agent.hears(loud) > 0.3
    assert quiet.hears(loud) > 0.2
    assert customer.hears(loud) < 0.01
    for each in (customer, agent, loud):
        assert each.hears(quiet) < 0.01
    room.bridge.join("loud", SUPERVISOR, loud.port, way=Way.LISTEN)
    room.bridge.join("quiet", SUPERVISOR, quiet.port, way=Way.BARGE)
    await asyncio.gather(customer.listen(60), agent.listen(60))
    for each in (customer, agent):
        assert each.hears(quiet) > 0.3
        assert each.hears(loud) < 0.01


@pytest.mark.parametrize("way", list(Way))
async def test_a_customer_whose_agent_is_away_hears_music_unless_a_supervisor_speaks_to_them(room: Room, way: Way) -> None:
    customer, agent, supervisor = await room.person(500), await room.person(900), await room.person(1400)
    room.bridge.join("customer", CUSTOMER, customer.port)
    room.bridge.join("supervisor", SUPERVISOR, supervisor.port, way=way)
    room.bridge.join("agent", AGENT, agent.port)
    await customer.listen(60)
    assert customer.hears(agent) > 0.3
    agent.humming = False
    if way is Way.BARGE:
        await until(lambda: customer.hears(supervisor) > 0.95)
        supervisor.humming = False
    await until(lambda: is_music(customer))


def is_music(person: Person) -> bool:
    """Whether what was heard is the hold music: sound, and neither agent's note."""
    return loudness(person.audio(), person.law) > 200 and all(
        strength(person.audio(), person.law, note) < 0.9 for note in (900, 1100)
    )


async def test_a_customer_alone_hears_music_until_an_agent_comes_and_again_after(room: Room) -> None:
    customer, agent = await room.person(500), await room.person(900)
    room.bridge.join("customer", CUSTOMER, customer.port)
    await customer.listen()
    assert is_music(customer)
    room.bridge.join("agent", AGENT, agent.port)
    await customer.listen()
    assert customer.hears(agent) > 0.95
    room.bridge.join("agent", AGENT, None)  # the page went away
    await customer.listen()
    assert is_music(customer)
    again = await room.person(1100)
    room.bridge.join("agent", AGENT, again.port)  # another page took its place
    await asyncio.gather(customer.listen(), again.listen())
    assert customer.hears(again) > 0.95
    assert again.hears(customer) > 0.95
    stream = customer.peer.packets
    assert len({packet.ssrc for packet in stream}) == 1


async def test_a_customer_hears_music_while_the_agents_frames_stay_out(room: Room) -> None:
    customer, agent = await room.person(500), await room.person(900)
    room.bridge.join("customer", CUSTOMER, customer.port)
    room.bridge.join("agent", AGENT, agent.port)
    await customer.listen()
    assert customer.hears(agent) > 0.95
    agent.humming = False
    await until(lambda: is_music(customer))
    await agent.listen()  # the other way stands
    assert agent.hears(customer) > 0.95
    agent.humming = True
    await customer.listen(60)
    assert customer.hears(agent) > 0.95


async def test_an_agent_hears_ringback_while_the_customers_phone_rings(room: Room) -> None:
    customer, agent = await room.person(500), await room.person(900)
    room.bridge.join("agent", AGENT, agent.port)
    room.bridge.join("customer", CUSTOMER, None, ringing=True)
    agent.peer.packets.clear()
    await until(lambda: strength(agent.audio(), "pcma", 425) > 0.9)
    room.bridge.join("customer", CUSTOMER, customer.port)
    await asyncio.gather(customer.listen(), agent.listen())
    assert agent.hears(customer) > 0.95
    assert customer.hears(agent) > 0.95


async def test_keys_are_told_with_who_pressed_them_and_are_not_audio(room: Room) -> None:
    customer, agent = await room.person(500), await room.person(900)
    room.bridge.join("customer", CUSTOMER, customer.port)
    room.bridge.join("agent", AGENT, agent.port)
    customer.humming = False
    agent.peer.packets.clear()
    for end in (False, True, True, True):
        customer.peer.event(customer.port.local_address, 9, 800, end=end)
    await until(lambda: room.digits)
    assert room.digits == [("customer", "9")]
    assert all(packet.payload_type == 8 and len(packet.payload) == 160 for packet in agent.peer.packets)


async def test_the_same_membership_again_changes_nothing(room: Room) -> None:
    customer, agent = await room.person(500), await room.person(900)
    members = {"customer": Member(CUSTOMER, customer.port), "agent": Member(AGENT, agent.port)}
    room.bridge.set_members(members)
    before = customer.port.on_frame
    room.bridge.set_members(dict(members))
    room.bridge.join("agent", AGENT, agent.port)
    assert customer.port.on_frame is before
    assert room.bridge.members == members


async def test_a_port_taken_by_another_bridge_stays_there_when_it_leaves_the_first(room: Room, sounds: Sounds) -> None:
    customer, agent = await room.person(500), await room.person(900)
    room.bridge.join("agent", AGENT, agent.port)
    second = Bridge(room.ticker, sounds, on_digit=lambda *_: None)
    second.join("customer", CUSTOMER, customer.port)
    second.join("agent", AGENT, agent.port)
    assert room.bridge.leave("agent") is agent.port
    assert room.bridge.leave("agent") is None
    await asyncio.gather(customer.listen(), agent.listen())
    assert customer.hears(agent) > 0.95
    second.close()
    second.close()
    assert agent.port.on_digit is None


async def test_a_closed_bridge_plays_nothing_and_closes_no_port(room: Room) -> None:
    customer = await room.person(500)
    room.bridge.join("customer", CUSTOMER, customer.port)
    await customer.listen(5)
    room.bridge.close()
    customer.port.send(Frame(b"\x2a" * 160, 0))
    await until(lambda: customer.peer.packets[-1].payload == b"\x2a" * 160)
    count = len(customer.peer.packets)
    tick = room.ticker.tick
    await until(lambda: room.ticker.tick > tick + 4)
    assert len(customer.peer.packets) == count


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@pytest.mark.parametrize("law", ["pcma", "pcmu"])
async def test_a_browser_and_a_telephone_hear_each_other_and_music_bridges_a_reload(room: Room, loopback: None, law: Law) -> None:
    customer = await room.person(500, law)
    browser = Browser(900)
    station = await BrowserPort.open(await browser.offer())
    await browser.take(station.answer)
    await until(lambda: station.live and station.heard)
    room.bridge.join("leg", CUSTOMER, customer.port)
    room.bridge.join("station", AGENT, station)
    await customer.listen(60)
    assert strength(customer.audio(), law, 900) > 0.9
    await until(lambda: len(browser.heard) >= 100)
    heard = g711.from_linear(browser.samples(), "pcma")
    assert strength(heard[-160 * 40 :], "pcma", 500) > 0.9

    reloaded = Browser(1100)
    station.on_lost = lambda: room.bridge.join("station", AGENT, None)
    await browser.close()
    await until(lambda: room.bridge.members["station"].port is None)
    await customer.listen()
    assert is_music(customer)
    second = await BrowserPort.open(await reloaded.offer())
    second.on_live = lambda: room.bridge.join("station", AGENT, second)
    await reloaded.take(second.answer)
    await until(lambda: second.live)
    await customer.listen(80)
    assert strength(customer.audio(), law, 1100) > 0.9
    assert len({packet.ssrc for packet in customer.peer.packets}) == 1
    await until(lambda: len(reloaded.heard) >= 100)
    assert strength(g711.from_linear(reloaded.samples(), "pcma")[-160 * 40 :], "pcma", 500) > 0.9
    room.bridge.leave("station")
    second.close()
    await second.closed()
    await station.closed()
    await reloaded.close()
