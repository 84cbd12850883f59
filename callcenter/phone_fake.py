"""Phone in memory: the switch, the carriers and the customers of tests and of demonstrations, without time or sound.

The first half is Phone, with the state rules of the real switch (telephony/switch.py; both pass the stories of
tests/telephony/test_phone_contract.py). The second half is what the outside world does: `customer_calls` and so on.
Nothing sleeps: what a number does is scripted by `when_called`, and follows at once.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator

from callcenter import clock
from callcenter.errors import CallCenterError, Unavailable
from callcenter.phone import (
    Check,
    Command,
    DtmfReceived,
    EndReason,
    Event,
    LegEnded,
    LegOffered,
    LegRinging,
    LinkDown,
    LinkUp,
    OpenStation,
    Originate,
    Query,
    ReadTrace,
    Reply,
    SendText,
    SetWebhooks,
    StationAnswer,
    StationLive,
    TestTrunk,
    TextReceived,
    TextStatus,
    TrunkReport,
    TrunkTrace,
    Webhook,
    WebhookAnswer,
)
from callcenter.phone_fake_switch import FakeLeg, FakeStation, FakeSwitch, Outcome

__all__ = ["FakeLeg", "FakePhone", "FakeStation", "Outcome"]

SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\n"


class FakePhone(FakeSwitch):
    """Phone whose far end is a script. `commands` and `queries` keep what was asked, oldest first;
    `webhook_answer` is what every Webhook gets.

    `repeat` delivers every event twice. `disorder`, a seeded random.Random, puts every new event anywhere among those
    not yet taken: worse than the port promises, for those who must withstand it.
    """

    def __init__(self, *, repeat: bool = False, disorder: random.Random | None = None) -> None:
        super().__init__(self._tell)
        self.repeat = repeat
        self.disorder = disorder
        self.up = True
        self.commands: list[Command] = []
        self.queries: list[Query] = []
        self.webhook_answer = WebhookAnswer(404)
        self._refusals: dict[str, CallCenterError] = {}
        self._queue: deque[Event] = deque()
        self._held: list[Event] = []  # happened while the link was down
        self._filled = asyncio.Event()
        self._put(LinkUp(self.snapshot()))

    # --- Phone --------------------------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Do a command at once (Phone)."""
        if not self.up:
            if isinstance(command, Originate):
                text = "The telephone switch could not be reached."
                self._put(LegEnded(command.leg_id, EndReason.FAILED, "switch", text=text))
            elif isinstance(command, SendText):
                self._put(TextStatus(command.message_id, "failed", words="The telephone switch could not be reached."))
            return
        self.commands.append(command)
        self.perform(command)

    async def ask(self, query: Query, timeout: float = 5.0) -> Reply:  # noqa: ASYNC109 - as Phone says
        """Answer a query at once (Phone)."""
        if not self.up:
            raise Unavailable("The telephone switch cannot be reached. Try again in a moment.")
        self.queries.append(query)
        if query.kind in self._refusals:
            raise self._refusals[query.kind]
        match query:
            case OpenStation():
                self.stations[query.station_id] = FakeStation(query.station_id, query.session, live=True)
                self._happened(StationLive(query.station_id, query.session))
                return StationAnswer(SDP)
            case TestTrunk():
                return TrunkReport((Check("trunk", query.trunk_id in self.trunks, "The trunk is a scripted one."),))
            case ReadTrace():
                return TrunkTrace(())
            case SetWebhooks():
                return TrunkReport((Check("webhooks", query.trunk_id in self.trunks, "The trunk is a scripted one."),))
            case Webhook():
                return self.webhook_answer
        return self.snapshot()

    async def events(self) -> AsyncIterator[Event]:
        """Yield events in order; asking for the next one takes the last (Phone)."""
        while True:
            while not self._queue:
                self._filled.clear()
                await self._filled.wait()
            event = self._queue[0]
            yield event
            if self._queue and self._queue[0] is event:
                self._queue.popleft()

    # --- the world outside --------------------------------------------------------------------------------------------

    def when_called(self, number: str, outcome: Outcome) -> None:
        """Script what `number` does when it is dialled; unscripted numbers ring and answer."""
        self._outcomes[number] = outcome

    def refuse(self, kind: str, error: CallCenterError | None) -> None:
        """Let queries of `kind` raise `error`; None: answer them again."""
        self._refusals.pop(kind, None)
        if error is not None:
            self._refusals[kind] = error

    def customer_calls(
        self, number: str, dialled: str, *, trunk_id: int = 1, name: str = "", withheld: bool = False, provider_ref: str = ""
    ) -> str:
        """Let a customer ring; returns the leg's id. A draining switch refuses, without an event."""
        leg_id = clock.new_id()
        self._known.add(leg_id)
        if not self.draining:
            self.legs[leg_id] = FakeLeg(leg_id, trunk_id, "inbound", number)
            reference = provider_ref or f"fake-{leg_id}"
            received = clock.monotonic()
            self._happened(LegOffered(leg_id, trunk_id, number, name, dialled, withheld, reference, received))
        return leg_id

    def customer_rings_out(self, leg_id: str, *, early_media: bool = False) -> None:
        """Let a dialled phone ring (again)."""
        if leg_id in self.legs and self.legs[leg_id].state == "ringing":
            self._happened(LegRinging(leg_id, early_media))

    def customer_answers(self, leg_id: str) -> None:
        """Let the dialled customer answer."""
        leg = self.legs.get(leg_id)
        if leg is not None and leg.direction == "outbound" and leg.state == "ringing":
            self._answered(leg)

    def customer_hangs_up(self, leg_id: str) -> None:
        """Let the customer hang up, give up, or (dialled and not answered) decline."""
        leg = self.legs.get(leg_id)
        if leg is None:
            return
        if leg.state == "answered":
            self._end(leg_id, EndReason.COMPLETED, "far")
        elif leg.direction == "inbound":
            self._end(leg_id, EndReason.CANCELLED, "far", 487, "Request Terminated")
        else:
            self._end(leg_id, EndReason.REJECTED, "far", 603, "Decline")

    def customer_presses(self, leg_id: str, digits: str) -> None:
        """Let the customer press keys."""
        if leg_id in self.legs:
            for digit in digits:
                self._happened(DtmfReceived(leg_id, digit, 100))

    def text_arrives(self, number: str, dialled: str, text: str, *, trunk_id: int = 1, provider_ref: str = "") -> str:
        """Let an SMS come in; returns the carrier's id of it."""
        reference = provider_ref or f"fake-{clock.new_id()}"
        self._happened(TextReceived(trunk_id, reference, number, dialled, text))
        return reference

    def announcement_plays(self, leg_id: str, milliseconds: int | None = None) -> None:
        """Let so much of a leg's announcement be played; None: all of it, after which the leg is hung up."""
        leg = self.legs.get(leg_id)
        if leg is None or leg.announcement is None:
            return
        length = self.announcements[leg.announcement]
        leg.played_ms = length if milliseconds is None else min(length, milliseconds)
        if milliseconds is None:
            self._end(leg_id, EndReason.COMPLETED, "near")

    def ring_time_out(self, leg_id: str) -> None:
        """Let the ring time of an outbound leg be over."""
        leg = self.legs.get(leg_id)
        if leg is not None and leg.direction == "outbound" and leg.state == "ringing":
            self._end(leg_id, EndReason.NO_ANSWER, "switch", 408, "Request Timeout")

    def browser_lost(self, station_id: str) -> None:
        """Let a station's browser go away."""
        station = self.stations.get(station_id)
        if station is not None:
            self._lose(station)

    def link_down(self) -> None:
        """Break the link; the switch goes on."""
        if self.up:
            self._put(LinkDown())
            self.up = False

    def link_up(self) -> None:
        """Join again: what happened meanwhile comes first, then the snapshot."""
        if not self.up:
            self.up = True
            held, self._held = self._held, []
            for event in held:
                self._put(event)
            self._put(LinkUp(self.snapshot()))

    def lose_events(self) -> None:
        """Forget the events that wait for the link, as a switch does that kept too many."""
        self._held.clear()

    def restart(self) -> None:
        """Kill the switch and start it again: all that lived is gone, without a word."""
        self.link_down()
        self._held.clear()
        self.legs.clear()
        self.stations.clear()
        self.bridges.clear()
        self.trunks.clear()
        self._known.clear()
        self.draining = False
        self.boot_id = clock.new_id()
        self.link_up()

    def _tell(self, event: Event) -> None:
        if self.up:
            self._put(event)
        else:
            self._held.append(event)

    def _put(self, event: Event) -> None:
        for _ in range(2 if self.repeat else 1):
            self._queue.insert(self._place(event), event)
        self._filled.set()

    def _place(self, event: Event) -> int:
        if self.disorder is None or isinstance(event, LinkUp | LinkDown):
            return len(self._queue)
        first = 1  # the head may be in the consumer's hands
        for index, queued in enumerate(self._queue):
            if isinstance(queued, LinkUp | LinkDown):
                first = index + 1
        return self.disorder.randint(min(first, len(self._queue)), len(self._queue))
