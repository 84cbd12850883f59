"""The link between web and switch: order, repetition, loss and nonsense on a real Unix socket."""

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import pytest

from callcenter import clock
from callcenter.errors import Conflict, Invalid, NotFound, Unavailable
from callcenter.phone import (
    Command,
    DtmfReceived,
    EndReason,
    Event,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LinkDown,
    LinkUp,
    Originate,
    Query,
    ReadSnapshot,
    ReadTrace,
    Reply,
    RingLeg,
    Snapshot,
    TestTrunk,
    TrunkTrace,
)
from telephony import link as link_module
from telephony.lines import LONGEST, PULSE, Lines, Pulse
from telephony.link import LinkServer, SwitchLink
from tests.telephony.waiting import until


class ScriptedSwitch:
    """The switch's end, which remembers what it was told."""

    def __init__(self) -> None:
        self.boot_id = clock.new_id()
        self.commands: list[Command] = []
        self.present: list[bool] = []
        self.replies: Callable[[Query], Reply] = lambda _: self.snapshot()
        self.asked = asyncio.Event()
        self.hold = asyncio.Event()
        self.hold.set()

    def perform(self, command: Command) -> None:
        self.commands.append(command)
        if isinstance(command, HangUpLeg) and command.leg_id == "trouble":
            raise RuntimeError("on purpose")

    async def answer(self, query: Query) -> Reply:
        self.asked.set()
        await self.hold.wait()
        return self.replies(query)

    def snapshot(self) -> Snapshot:
        return Snapshot(boot_id=self.boot_id, counters={"commands": len(self.commands)})

    def web_present(self, present: bool) -> None:
        self.present.append(present)


class Consumer:
    """Somebody who takes the events, as the switchboard does."""

    def __init__(self, phone: SwitchLink) -> None:
        self.events: list[Event] = []
        self.phone = phone
        self.task = asyncio.create_task(self._take())

    async def _take(self) -> None:
        async for event in self.phone.events():
            self.events.append(event)

    def of(self, kind: type[object]) -> list[Event]:
        return [each for each in self.events if isinstance(each, kind)]


@contextlib.asynccontextmanager
async def running(*tasks: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(path: Path, switch: ScriptedSwitch, kept: int = 50_000, pulse: Pulse = PULSE) -> AsyncIterator[LinkServer]:
    server = LinkServer(path, switch, kept, pulse=pulse)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def joined(path: Path, pulse: Pulse = PULSE) -> AsyncIterator[tuple[SwitchLink, Consumer]]:
    phone = SwitchLink(path, pulse)
    consumer = Consumer(phone)
    async with running(asyncio.create_task(phone.run()), consumer.task):
        yield phone, consumer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sockets" / "link.sock"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "SHORTEST_WAIT", 0.01)
    monkeypatch.setattr(link_module, "REPLACED_WAIT", 0.02)


def digit(number: int) -> DtmfReceived:
    return DtmfReceived(leg_id="a", digit=str(number % 10), milliseconds=number)


async def test_commands_and_events_cross_in_order(path: Path) -> None:
    switch = ScriptedSwitch()
    async with serving(path, switch) as server, joined(path) as (phone, consumer):
        await until(lambda: phone.up)
        for number in range(100):
            phone.send(RingLeg(str(number)))
            server.emit(digit(number))
        await until(lambda: len(switch.commands) == 100 and len(consumer.events) == 101)
        assert switch.commands == [RingLeg(str(number)) for number in range(100)]
        assert consumer.events == [LinkUp(Snapshot(switch.boot_id, counters={"commands": 0})), *(digit(n) for n in range(100))]


async def test_what_happened_while_the_web_was_away_comes_before_the_snapshot(path: Path) -> None:
    switch = ScriptedSwitch()
    async with serving(path, switch) as server:
        for number in range(5):
            server.emit(digit(number))
        async with joined(path) as (phone, consumer):
            await until(lambda: phone.up)
            server.emit(digit(5))
            await until(lambda: len(consumer.events) == 7)
        kinds = [each.kind for each in consumer.events]
        assert kinds == ["dtmf_received"] * 5 + ["link_up"] + ["dtmf_received"]
        assert consumer.of(DtmfReceived) == [digit(number) for number in range(6)]


async def test_an_event_that_was_not_taken_comes_again_to_the_next_web(path: Path) -> None:
    switch = ScriptedSwitch()
    async with serving(path, switch) as server:
        phone = SwitchLink(path)
        async with running(asyncio.create_task(phone.run())):
            events = phone.events()
            assert isinstance(await anext(events), LinkUp)
            for number in range(3):
                server.emit(digit(number))
            assert await anext(events) == digit(0)
            assert await anext(events) == digit(1)  # takes 0; 1 is in the hands of a web that dies now
            await until(lambda: len(server._events) == 2)
        await until(lambda: switch.present == [True, False])
        async with joined(path) as (_, consumer):
            await until(lambda: len(consumer.events) == 3)
            assert consumer.events[:2] == [digit(1), digit(2)]
            assert isinstance(consumer.events[2], LinkUp)


async def test_an_event_given_up_by_its_consumer_comes_again_to_the_next_consumer(path: Path) -> None:
    async with serving(path, ScriptedSwitch()) as server:
        phone = SwitchLink(path)
        async with running(asyncio.create_task(phone.run())):
            await until(lambda: phone.up)
            server.emit(LegAnswered("a"))
            first = phone.events()
            assert isinstance(await anext(first), LinkUp)
            assert await anext(first) == LegAnswered("a")
            await first.aclose()  # type: ignore[attr-defined]
            assert await anext(phone.events()) == LegAnswered("a")


async def test_a_connection_that_breaks_is_made_again_without_loss_or_repetition(path: Path) -> None:
    switch = ScriptedSwitch()
    async with serving(path, switch) as server, joined(path) as (phone, consumer):
        for number in range(30):
            await until(lambda: phone.up)
            server.emit(digit(number))
            phone.send(RingLeg(str(number)))
            if number % 3 == 0:
                assert phone._up is not None
                assert phone._up._transport is not None
                phone._up._transport.abort()
                await until(lambda: not phone.up)
        await until(lambda: len(consumer.of(DtmfReceived)) == 30 and len(switch.commands) == 30)
        assert consumer.of(DtmfReceived) == [digit(number) for number in range(30)]
        assert switch.commands == [RingLeg(str(number)) for number in range(30)]
        assert len(consumer.of(LinkDown)) == 10
        assert phone.counters["link_events_repeated"] == 0
        await until(lambda: not server._events)


async def test_a_command_is_done_once_although_its_receipt_was_lost(path: Path) -> None:
    switch = ScriptedSwitch()
    async with serving(path, switch) as server, joined(path) as (phone, _):
        await until(lambda: phone.up)
        assert phone._up is not None
        phone._up._reader = Deaf(phone)
        phone.send(RingLeg("once"))
        await until(lambda: len(switch.commands) == 1)
        phone._up._transport.abort()  # type: ignore[union-attr]
        await until(lambda: switch.present == [True, False, True] and phone.up)
        phone.send(RingLeg("next"))
        await until(lambda: len(switch.commands) == 2)
        assert switch.commands == [RingLeg("once"), RingLeg("next")]
        assert server.counters["link_commands_repeated"] == 1


class Deaf:
    """Hears nothing of the switch but the end."""

    def __init__(self, phone: SwitchLink) -> None:
        self.phone = phone

    def line(self, lines: object, message: object) -> None:
        pass

    def gone(self, lines: Lines) -> None:
        self.phone.gone(lines)


async def test_while_the_switch_is_away_a_dial_fails_and_the_rest_is_dropped(path: Path) -> None:
    async with joined(path) as (phone, consumer):
        phone.send(Originate(leg_id="a", call_id="c", trunk_id=1, number="+48221234567", caller_id=""))
        phone.send(HangUpLeg("b"))
        await until(lambda: len(consumer.events) == 1)
        ended = consumer.events[0]
        assert isinstance(ended, LegEnded)
        assert (ended.leg_id, ended.reason, ended.by) == ("a", EndReason.FAILED, "switch")
        assert ended.text
        assert not ended.lost, "it never left"
        with pytest.raises(Unavailable):
            await phone.ask(ReadSnapshot())
        switch = ScriptedSwitch()
        async with serving(path, switch):
            await until(lambda: phone.up)
            assert isinstance(await phone.ask(ReadSnapshot()), Snapshot)
            assert switch.commands == []


async def test_a_restarted_switch_is_another_boot_and_a_dial_under_way_has_failed(path: Path) -> None:
    first, second = ScriptedSwitch(), ScriptedSwitch()
    async with joined(path) as (phone, consumer):
        async with serving(path, first) as server:
            await until(lambda: phone.up)
            server.emit(digit(1))
            server.emit(digit(2))
            await until(lambda: len(consumer.events) == 3)
            assert phone._up is not None
            phone._up._reader = Deaf(phone)
            phone.send(Originate(leg_id="a", call_id="c", trunk_id=1, number="+48221234567", caller_id=""))
            await until(lambda: len(first.commands) == 1)
        await until(lambda: not phone.up)
        async with serving(path, second) as server:
            await until(lambda: phone.up)
            server.emit(digit(3))
            await until(lambda: digit(3) in consumer.events)
            kinds = [each.kind for each in consumer.events]
            assert kinds == ["link_up", *["dtmf_received"] * 2, "link_down", "leg_ended", "link_up", "dtmf_received"]
            assert [each.lost for each in consumer.events if isinstance(each, LegEnded)] == [True], (
                "the first may have dialled before it was gone"
            )
            assert consumer.of(LinkUp)[1] == LinkUp(second.snapshot())
            assert second.commands == []


async def test_a_newer_web_replaces_the_older_which_waits_until_the_newer_is_gone(path: Path) -> None:
    switch = ScriptedSwitch()
    async with serving(path, switch) as server, joined(path) as (old, told_old):
        await until(lambda: old.up)
        async with joined(path) as (new, told_new):
            await until(lambda: new.up and not old.up)
            server.emit(digit(7))
            await until(lambda: digit(7) in told_new.events)
            new.send(RingLeg("from the newer"))
            await until(lambda: switch.commands == [RingLeg("from the newer")])
            await until(lambda: told_old.of(LinkDown) == [LinkDown()])
            await until(lambda: server.counters["link_webs_refused"] >= 3)
            assert digit(7) not in told_old.events
            assert not told_new.of(LinkDown)
            assert new.up
        await until(lambda: old.up)


async def test_a_query_that_is_refused_raises_what_it_says(path: Path) -> None:
    switch = ScriptedSwitch()

    def refuse(query: Query) -> Reply:
        match query:
            case TestTrunk(trunk_id=1):
                raise NotFound("No trunk {name}.", name="north")
            case TestTrunk(trunk_id=2):
                raise Conflict("Taken.")
            case TestTrunk(trunk_id=3):
                raise Invalid("Wrong.", field="sdp")
            case TestTrunk():
                raise RuntimeError("on purpose")
        return TrunkTrace(())

    switch.replies = refuse
    async with serving(path, switch), joined(path) as (phone, _):
        await until(lambda: phone.up)
        with pytest.raises(NotFound) as caught:
            await phone.ask(TestTrunk(1))
        assert (caught.value.sentence, str(caught.value)) == ("No trunk {name}.", "No trunk north.")
        with pytest.raises(Conflict):
            await phone.ask(TestTrunk(2))
        with pytest.raises(Invalid):
            await phone.ask(TestTrunk(3))
        with pytest.raises(Unavailable, match="could not do this"):
            await phone.ask(TestTrunk(4))
        assert await phone.ask(ReadTrace(1)) == TrunkTrace(())


async def test_a_query_without_an_answer_ends_in_a_sentence(path: Path) -> None:
    switch = ScriptedSwitch()
    switch.hold.clear()
    async with joined(path) as (phone, _):
        async with serving(path, switch):
            await until(lambda: phone.up)
            with pytest.raises(Unavailable, match="in time"):
                await phone.ask(ReadSnapshot(), timeout=0.01)
            switch.asked.clear()
            asking = asyncio.create_task(phone.ask(ReadSnapshot(), timeout=60))
            await switch.asked.wait()
        with pytest.raises(Unavailable, match="was lost"):
            await asking


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json",
        b"[1, 2]",
        b"{}",
        b'{"t": 5}',
        b'{"t": "newer kind of line"}',
        b'{"t": "command", "n": 1}',
        b'{"t": "command", "n": "x", "m": {"kind": "ring_leg", "leg_id": "a"}}',
        b'{"t": "command", "n": 1, "m": {"kind": "from a newer version"}}',
        b'{"t": "query", "id": 1, "m": {"kind": "ring_leg", "leg_id": "a"}}',
        b'{"t": "taken"}',
        b'{"t": "hello", "web": "x"}',
        b"\xff\xfe\x00",
        b"x" * (LONGEST + 5),
        b"[" * 5000,
    ],
    ids=lambda line: line[:40].decode("latin-1"),
)
async def test_a_line_that_makes_no_sense_is_counted_and_the_link_goes_on(path: Path, line: bytes) -> None:
    switch = ScriptedSwitch()
    async with serving(path, switch) as server, joined(path) as (phone, _):
        await until(lambda: phone.up)
        assert phone._up is not None
        assert phone._up._transport is not None
        phone._up._transport.write(line + b"\n")
        phone.send(RingLeg("after"))
        await until(lambda: switch.commands == [RingLeg("after")])
        assert server.counters["link_malformed"] == 1
        assert phone.up


async def test_nonsense_from_the_switch_is_counted_and_the_link_goes_on(path: Path) -> None:
    async with serving(path, ScriptedSwitch()) as server, joined(path) as (phone, consumer):
        await until(lambda: phone.up)
        assert server._web is not None
        assert server._web._transport is not None
        for line in (b"?", b'{"t":"event","n":1,"m":{"kind":"newer"}}', b'{"t":"newer"}', b"y" * 2 * LONGEST):
            server._web._transport.write(line + b"\n")
        server.emit(digit(1))  # number 1 again: the nonsense took it
        server.emit(digit(2))
        await until(lambda: digit(2) in consumer.events)
        assert digit(1) not in consumer.events
        assert phone.counters["link_malformed"] == 4


async def test_a_command_that_fails_inside_the_switch_does_not_end_the_link(path: Path) -> None:
    switch = ScriptedSwitch()
    async with serving(path, switch) as server, joined(path) as (phone, _):
        await until(lambda: phone.up)
        phone.send(HangUpLeg("trouble"))
        phone.send(RingLeg("after"))
        await until(lambda: RingLeg("after") in switch.commands)
        assert server.counters["link_errors"] == 1


async def test_lines_cut_anywhere_arrive_whole(path: Path) -> None:
    switch = ScriptedSwitch()
    async with serving(path, switch):
        reader, writer = await asyncio.open_unix_connection(str(path))
        lines = b'{"t":"hello","web":"w","boot":"","have":0,"taken":0}\n{"t":"ready"}\n{"t":"command","n":1,"m":'
        lines += b'{"kind":"ring_leg","leg_id":"\xc5\x82"}}\n'
        for octet in lines:
            writer.write(bytes([octet]))
            await writer.drain()
        kinds = [orjson.loads(await reader.readline())["t"] for _ in range(3)]
        assert kinds == ["hello", "up", "done"]
        assert switch.commands == [RingLeg("\u0142")]
        writer.close()


async def test_the_oldest_events_are_dropped_beyond_the_bound_and_counted(path: Path) -> None:
    async with serving(path, ScriptedSwitch(), kept=3) as server:
        for number in range(10):
            server.emit(digit(number))
        async with joined(path) as (_, consumer):
            await until(lambda: len(consumer.events) == 4)
            assert consumer.of(DtmfReceived) == [digit(7), digit(8), digit(9)]
        assert server.counters["link_events_dropped"] == 7


async def test_a_stale_socket_is_replaced_and_a_living_switch_is_not(path: Path) -> None:
    path.parent.mkdir()
    dead = await asyncio.start_unix_server(lambda *_: None, str(path))
    dead.close()
    assert path.is_socket()
    async with serving(path, ScriptedSwitch()):
        with pytest.raises(Unavailable, match="already running"):
            await LinkServer(path, ScriptedSwitch()).start()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        async with joined(path) as (phone, _):
            await until(lambda: phone.up)
    assert not path.exists()


async def test_events_received_but_not_taken_are_not_sent_again_over_a_new_connection(path: Path) -> None:
    async with serving(path, ScriptedSwitch()) as server:
        phone = SwitchLink(path)
        async with running(asyncio.create_task(phone.run())):
            events = phone.events()
            assert isinstance(await anext(events), LinkUp)
            for number in range(3):
                server.emit(digit(number))
            assert await anext(events) == digit(0)
            await until(lambda: phone._have == 3)
            assert phone._up is not None
            phone._up._transport.abort()  # type: ignore[union-attr]
            await until(lambda: not phone.up)
            await until(lambda: phone.up)
            assert phone.counters["link_events_repeated"] == 0
            rest = [await anext(events) for _ in range(4)]
            assert [each.kind for each in rest] == ["dtmf_received", "dtmf_received", "link_down", "link_up"]


PING = b'{"t":"ping"}\n'


async def test_a_switch_that_hangs_is_down_and_asking_it_fails_at_once(path: Path) -> None:
    up = b'{"t":"hello","boot":"b","done":0}\n{"t":"up","m":{"kind":"snapshot","boot_id":"b"}}\n'
    connections: list[asyncio.StreamWriter] = []

    async def hung(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        if len(connections) == 1:
            writer.write(up)  # and never a word more; the next connection gets none at all
        await forever.wait()
        writer.close()

    forever = asyncio.Event()
    path.parent.mkdir()
    server = await asyncio.start_unix_server(hung, str(path))
    try:
        async with joined(path, Pulse(0.02, 3)) as (phone, consumer):
            await until(lambda: phone.up)
            asking = asyncio.create_task(phone.ask(ReadSnapshot(), timeout=600))
            await until(lambda: consumer.of(LinkDown))
            with pytest.raises(Unavailable, match="was lost"):
                await asking
            with pytest.raises(Unavailable, match="cannot be reached"):
                await phone.ask(ReadSnapshot(), timeout=600)
            await until(lambda: len(connections) > 2)  # one that does not even say hello is tried anew too
            assert phone.counters["link_hung"] >= 2
            assert consumer.of(LinkDown) == [LinkDown()]
    finally:
        forever.set()
        for writer in connections:
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        server.close()


async def test_a_web_that_hangs_is_let_go_and_one_that_is_only_quiet_is_not(path: Path) -> None:
    switch = ScriptedSwitch()
    async with serving(path, switch, pulse=Pulse(0.02, 3)) as server:
        reader, writer = await asyncio.open_unix_connection(str(path))
        try:
            writer.write(b'{"t":"hello","web":"w","boot":"","have":0,"taken":0}\n{"t":"ready"}\n')
            for _ in range(30):
                while (line := await reader.readline()) != PING:
                    assert line
                writer.write(PING)
            assert switch.present == [True]
            assert server.counters["link_malformed"] == 0
            await until(lambda: switch.present == [True, False])
            assert server.counters["link_hung"] == 1
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def test_a_line_without_an_end_takes_no_memory() -> None:
    refused: list[str] = []
    taken: list[object] = []

    class Reader:
        def line(self, lines: Lines, message: object) -> None:
            taken.append(message)

        def gone(self, lines: Lines) -> None:
            pass

    lines = Lines(Reader(), refused.append)
    for _ in range(40):
        lines.data_received(b"x" * (LONGEST // 10))
        assert len(lines._held) <= LONGEST
    lines.data_received(b'x\n{"t":1}\n')
    assert taken == [{"t": 1}]
    assert refused == ["link_malformed"]
