"""The switch as a process: it starts, says what is taken, drains, and survives the death of either end of the link."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from callcenter.config import Settings
from callcenter.errors import Invalid, Unavailable
from callcenter.phone import (
    AnswerLeg,
    ConfigureTrunks,
    Event,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LegOffered,
    LinkDown,
    LinkUp,
    ReadSnapshot,
    SwitchDraining,
    TrunkConfig,
)
from telephony import collect as collect_module
from telephony.collect import collect
from telephony.lines import Pulse
from telephony.link import SwitchLink
from telephony.serve import serve
from tests.telephony.far_end import HOST, TRUNK, FarEnd, SipCustomer
from tests.telephony.waiting import until

E = TypeVar("E", bound=Event)
ROOT = Path(__file__).parents[2]


class Web:
    """A contact centre: the link, and the events it was given."""

    def __init__(self, settings: Settings) -> None:
        self.phone = SwitchLink(settings.socket_path("link"), Pulse(0.5, 4))
        self.events: list[Event] = []
        self._tasks = [asyncio.create_task(self.phone.run()), asyncio.create_task(self._take())]

    async def _take(self) -> None:
        async for event in self.phone.events():
            self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        return [each for each in self.events if isinstance(each, kind)]

    async def joined(self, far: FarEnd, times: int = 1) -> None:
        """Wait for the switch and give it its trunk."""
        await until(lambda: len(self.of(LinkUp)) == times)
        self.phone.send(ConfigureTrunks((TrunkConfig(TRUNK, "far", HOST, far.port),)))
        await self.phone.ask(ReadSnapshot(), timeout=30)

    async def talk(self, far: FarEnd) -> tuple[SipCustomer, str]:
        """Let a customer ring, and answer."""
        before = len(self.of(LegOffered))
        customer = far.call("+48501234567", "+48221234567")
        await until(lambda: len(self.of(LegOffered)) > before)
        leg_id = self.of(LegOffered)[-1].leg_id
        self.phone.send(AnswerLeg(leg_id))
        await until(lambda: LegAnswered(leg_id) in self.events and customer.answered)
        return customer, leg_id

    async def die(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def webs(settings: Settings) -> AsyncIterator[Callable[[], Web]]:
    started: list[Web] = []

    def start() -> Web:
        started.append(Web(settings))
        return started[-1]

    yield start
    for web in started:
        await web.die()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, sip=f"{HOST}:{free_port()}", rtp_ports="43000-43999", drain_seconds=30)


@pytest.fixture
async def far(settings: Settings) -> AsyncIterator[FarEnd]:
    far = FarEnd(settings.data_dir, range(44000, 44999))
    await far.carrier.start(far)
    far.aim(int(settings.sip.rpartition(":")[2]))
    yield far
    await far.carrier.stop()


@contextlib.asynccontextmanager
async def process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        **os.environ,
        "CALLCENTER_DATA_DIR": str(settings.data_dir),
        "CALLCENTER_SIP": settings.sip,
        "CALLCENTER_RTP_PORTS": settings.rtp_ports,
        "CALLCENTER_DRAIN_SECONDS": str(settings.drain_seconds),
    }
    command = (sys.executable, "-m", "tests.telephony.process")
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE)
    try:
        assert child.stdout is not None
        while await child.stdout.readline() != b"ready\n":
            assert child.returncode is None
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.communicate()


async def test_the_switch_runs_until_it_is_stopped_and_lets_a_talk_finish(
    settings: Settings, far: FarEnd, webs: Callable[[], Web]
) -> None:
    stop, ready, web = asyncio.Event(), asyncio.Event(), webs()
    running = asyncio.create_task(serve(settings, stop, ready.set))
    await until(ready.is_set)
    await web.joined(far)
    customer, leg_id = await web.talk(far)
    stop.set()
    await until(lambda: web.of(SwitchDraining) == [SwitchDraining(on=True)])
    await web.die()
    web = webs()  # who comes meanwhile is told too
    await until(lambda: web.of(LinkUp))
    assert web.of(LinkUp)[0].snapshot.draining
    refused = far.call("+48502222222", "+48221234567")
    await until(lambda: refused.ended)
    assert not refused.answered
    assert not customer.ended
    assert not running.done()
    web.phone.send(HangUpLeg(leg_id))
    await until(running.done)
    await running
    assert customer.ended
    assert [each.leg_id for each in web.of(LegEnded)] == [leg_id]
    assert not settings.socket_path("link").exists()
    assert gc.isenabled()


async def test_a_talk_that_outlasts_the_drain_is_ended_properly(settings: Settings, far: FarEnd, webs: Callable[[], Web]) -> None:
    stop, ready, web = asyncio.Event(), asyncio.Event(), webs()
    running = asyncio.create_task(serve(settings.model_copy(update={"drain_seconds": 0}), stop, ready.set))
    await until(ready.is_set)
    await web.joined(far)
    customer, _ = await web.talk(far)
    stop.set()
    await until(running.done)
    await running
    await until(lambda: customer.ended)
    await until(lambda: web.of(LegEnded) and web.of(LinkDown))


async def test_a_second_switch_says_what_is_taken(settings: Settings, tmp_path: Path) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(serve(settings, stop, ready.set))
    await until(ready.is_set)
    with pytest.raises(Unavailable) as same_address:
        await serve(settings.model_copy(update={"data_dir": tmp_path / "other"}), asyncio.Event())
    assert settings.sip.rpartition(":")[2] in str(same_address.value)
    with pytest.raises(Unavailable, match="already running"):
        await serve(settings.model_copy(update={"sip": f"{HOST}:{free_port()}"}), asyncio.Event())
    stop.set()
    await running


@pytest.mark.parametrize("wrong", [{"sip": "nowhere"}, {"rtp_ports": "20-30"}])
async def test_a_wrong_setting_is_named(settings: Settings, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid, match=next(iter(wrong.values()))):
        await serve(settings.model_copy(update=wrong), asyncio.Event())


async def test_a_contact_centre_that_is_killed_cuts_no_talk(settings: Settings, far: FarEnd, webs: Callable[[], Web]) -> None:
    stop, ready, first = asyncio.Event(), asyncio.Event(), webs()
    running = asyncio.create_task(serve(settings, stop, ready.set))
    await first.joined(far)
    customer, leg_id = await first.talk(far)
    await first.die()
    waiting = far.call("+48502222222", "+48221234567")
    await asyncio.sleep(0)
    second = webs()
    await until(lambda: second.of(LinkUp))
    assert leg_id in {each.leg_id for each in second.of(LinkUp)[0].snapshot.legs}
    await until(lambda: second.of(LegOffered))
    assert not customer.ended
    for each in (leg_id, second.of(LegOffered)[0].leg_id):
        second.phone.send(HangUpLeg(each))
    await until(lambda: customer.ended and waiting.ended)
    stop.set()
    await running


async def test_a_switch_process_that_is_killed_and_started_again_is_found_empty(
    settings: Settings, far: FarEnd, webs: Callable[[], Web]
) -> None:
    web = webs()
    async with process(settings) as child:
        await web.joined(far)
        await web.talk(far)
        child.send_signal(signal.SIGKILL)
        await child.wait()
        await until(lambda: web.of(LinkDown))
        with pytest.raises(Unavailable):
            await web.phone.ask(ReadSnapshot())
    assert settings.socket_path("link").is_socket()
    async with process(settings) as child:
        await web.joined(far, times=2)
        assert web.of(LinkUp)[1].snapshot.legs == ()
        assert len({each.snapshot.boot_id for each in web.of(LinkUp)}) == 2
        customer, leg_id = await web.talk(far)
        web.phone.send(HangUpLeg(leg_id))
        await until(lambda: customer.ended)
        child.terminate()
        assert await child.wait() == 0


async def test_a_switch_process_that_hangs_is_down_and_its_talk_is_there_when_it_goes_on(
    settings: Settings, far: FarEnd, webs: Callable[[], Web]
) -> None:
    web = webs()
    async with process(settings) as child:
        await web.joined(far)
        customer, leg_id = await web.talk(far)
        child.send_signal(signal.SIGSTOP)
        await until(lambda: web.of(LinkDown))
        with pytest.raises(Unavailable, match="cannot be reached"):
            await web.phone.ask(ReadSnapshot(), timeout=600)
        child.send_signal(signal.SIGCONT)
        await until(lambda: web.phone.up)
        await until(lambda: len(web.of(LinkUp)) > 1)
        assert [leg.leg_id for leg in web.of(LinkUp)[-1].snapshot.legs] == [leg_id]
        assert not customer.ended
        web.phone.send(HangUpLeg(leg_id))
        await until(lambda: customer.ended)


async def test_garbage_is_collected_on_schedule_and_given_back_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect_module, "YOUNG_SECONDS", 0.001)
    monkeypatch.setattr(collect_module, "FULL_QUIET_SECONDS", 0.0)
    generations: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda generation=2: generations.append(generation))
    quiet = [False]
    task = asyncio.create_task(collect(lambda: quiet[0]))
    await until(lambda: 1 in generations)
    assert not gc.isenabled()
    assert generations[0] == 2  # before the freeze
    assert set(generations[1:]) == {0, 1}
    quiet[0] = True
    await until(lambda: generations.count(2) > 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
