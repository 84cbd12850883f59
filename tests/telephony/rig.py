"""What the stories of test_phone_contract.py ask of a phone and of the world behind it. One Rig per kind of phone."""

import asyncio
import enum
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, TypeVar

from callcenter.phone import (
    Command,
    Event,
    LegAnswered,
    LegEnded,
    LegOffered,
    LegRinging,
    Phone,
    ReadSnapshot,
    Snapshot,
)
from callcenter.phone_fake import Outcome
from tests.telephony.waiting import until

E = TypeVar("E", bound=Event)
TRUNK = 1


class Disturbance(enum.StrEnum):
    """What can become of a carrier's messages to us."""

    TWICE = "twice"
    LATE = "late"
    REORDERED = "reordered"
    LOST = "lost"


class Customer(Protocol):
    """A customer's telephone: at the far end of one leg."""

    @property
    def answered(self) -> bool:
        """Whether a conversation stands (or stood), as the customer sees it."""

    @property
    def ended(self) -> bool:
        """Whether it is over, as the customer sees it."""

    @property
    def digits(self) -> str:
        """The keys heard from us."""

    def hears(self) -> str:
        """What is in the ear now: silence, music, agent or announcement."""

    def answer(self) -> None:
        """Lift the receiver of a telephone that rings."""

    def hang_up(self) -> None:
        """Hang up, give up, or decline."""

    def press(self, digits: str) -> None:
        """Press keys."""


class Rig(ABC):
    """A phone, its consumer, and the customers behind it. `events` are those the consumer was given, oldest first."""

    phone: Phone
    texts = True  # whether its trunk carries text messages; SIP's does not

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._consumer: asyncio.Task[None] | None = None
        self._gate = asyncio.Event()
        self._gate.set()

    # --- each kind its own --------------------------------------------------------------------------------------------

    @abstractmethod
    async def open(self) -> None:
        """Build it, one trunk configured, joined and consuming."""

    @abstractmethod
    async def close(self) -> None:
        """End everything."""

    @abstractmethod
    def customer_calls(self, number: str, dialled: str) -> Customer:
        """Let a customer ring."""

    @abstractmethod
    def when_called(self, number: str, outcome: Outcome) -> None:
        """Script what a number does when it is dialled."""

    @abstractmethod
    def dialled(self, number: str) -> Customer:
        """Return the customer who was dialled last under `number`."""

    @abstractmethod
    def disturb(self, how: Disturbance) -> None:
        """Let the carrier's messages come so from now on; the fake's carrier has none."""

    @abstractmethod
    def customer_texts(self, number: str, dialled: str, text: str) -> str:
        """Let a customer send an SMS, where `texts`; returns the carrier's id of it."""

    @abstractmethod
    def keep_announcement(self, name: str, milliseconds: int) -> None:
        """Put an announcement of that length where the switch looks for it."""

    @abstractmethod
    def damage_announcement(self, name: str) -> None:
        """Make it one that cannot be played."""

    @abstractmethod
    def let_announcement_play(self, leg_id: str, milliseconds: int | None = None) -> None:
        """Let so much of it be played where that takes no time of its own; None: to its end."""

    @abstractmethod
    def alive(self) -> set[str]:
        """Return the ids of the legs in the switch, seen from inside, whatever the link does."""

    @abstractmethod
    async def link_down(self) -> None:
        """Break the link until link_up."""

    @abstractmethod
    async def link_up(self) -> None:
        """Join again."""

    @abstractmethod
    async def restart_web(self) -> None:
        """Another contact centre takes the place of this one, which had not taken the event in its hands."""

    @abstractmethod
    async def restart_switch(self) -> None:
        """Kill the switch with all that lives in it, and start another."""

    # --- the same for all ---------------------------------------------------------------------------------------------

    def send(self, *commands: Command) -> None:
        """Send commands."""
        for command in commands:
            self.phone.send(command)

    async def snapshot(self) -> Snapshot:
        """Ask what lives."""
        reply = await self.phone.ask(ReadSnapshot(), timeout=30)
        assert isinstance(reply, Snapshot)
        return reply

    def consume(self) -> None:
        """Take events as they come."""
        self._consumer = asyncio.create_task(self._consume())

    async def stop_consuming(self) -> None:
        """Die with the last event in hand."""
        if self._consumer is not None:
            self._consumer.cancel()
            await asyncio.gather(self._consumer, return_exceptions=True)
        self._gate.set()

    async def _consume(self) -> None:
        async for event in self.phone.events():
            self.events.append(event)
            await self._gate.wait()

    def hold(self) -> None:
        """Keep the next event in hand, not taken."""
        self._gate.clear()

    def let_go(self) -> None:
        """Take it and go on."""
        self._gate.set()

    def of(self, kind: type[E], leg_id: str | None = None) -> list[E]:
        """Return the events of a kind so far, of one leg if given."""
        found = [each for each in self.events if isinstance(each, kind)]
        return [each for each in found if leg_id is None or getattr(each, "leg_id", None) == leg_id]

    async def event(self, kind: type[E], leg_id: str | None = None, *, after: int = 0) -> E:
        """Wait for an event of a kind, the one after `after` others, and return it."""
        await until(lambda: len(self.of(kind, leg_id)) > after)
        return self.of(kind, leg_id)[after]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition."""
        await until(condition)


LegEvent = LegOffered | LegRinging | LegAnswered | LegEnded


def check_order(events: list[Event]) -> None:
    """Each leg is offered, answered and ended at most once, in this order, and nothing follows its end."""
    told: dict[str, list[str]] = {}
    for event in events:
        leg_id = getattr(event, "leg_id", None)
        if leg_id is not None:
            told.setdefault(leg_id, []).append(event.kind)
    for kinds in told.values():
        for once in ("leg_offered", "leg_answered", "leg_ended"):
            assert kinds.count(once) <= 1, kinds
        if "leg_ended" in kinds:
            assert kinds[-1] == "leg_ended", kinds
        if "leg_offered" in kinds:
            assert kinds[0] == "leg_offered", kinds
        if "leg_answered" in kinds:
            assert "leg_ringing" not in kinds[kinds.index("leg_answered") :], kinds
