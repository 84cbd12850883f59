"""Whatever order Twilio's word of a call comes in, twice, late or not at all: each leg is told right, and ends once.

A model of Twilio makes calls and queues webhooks; hypothesis picks which comes next, drops some, repeats others, opens and
breaks streams, fails requests, and decides for the contact centre. In the end nothing is left running on either side.
"""

import asyncio
import contextlib
import types
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from callcenter import clock
from callcenter.config import Settings
from callcenter.phone import EndReason, LegOffered, Originate, TextReceived, TextStatus, TrunkState, TwilioConfig, Webhook
from telephony.legs import By, CarrierLeg, Found
from telephony.twilio import outcomes, signatures
from telephony.twilio.account import Account
from telephony.twilio.book import Book
from telephony.twilio.errors import Refused, TooFast, Uncertain, Unsent
from telephony.twilio.outbound import OutboundLeg
from telephony.twilio.patience import Patience
from telephony.twilio.port import StreamPort
from telephony.twilio.streams import Streams
from telephony.twilio.texts import Texts
from telephony.twilio.trace import Trace
from telephony.twilio.webhooks import Webhooks

OURS, THEIRS = "+48221234567", "+48501234567"
CONFIG = TwilioConfig(1, "t", "AC1", "secret", "https://x", "wss://x/streams", numbers=(OURS,), calls_per_second=1000.0)
NEVER = Patience(*(3600.0 for _ in Patience._fields))._replace(retry=0.0, uncertain=0.0, webhook=0.0)


class FarCall:
    """A call at the modelled Twilio."""

    def __init__(self, sid: str, direction: str, to: str, from_: str, twiml: str = "", leg: str = "") -> None:
        self.sid, self.direction, self.to, self._from = sid, direction, to, from_
        self.twiml, self.leg = twiml, leg
        self.status = "ringing" if direction == "inbound" else "queued"
        self.date_created = clock.now()
        self.token = token_in(twiml)

    @property
    def over(self) -> bool:
        return self.status in outcomes.FINAL


def token_in(twiml: str) -> str:
    return twiml.partition('name="token" value="')[2].partition('"')[0]


class FarApi:
    """Twilio's REST, which does as the test says next."""

    def __init__(self) -> None:
        self.calls: dict[str, FarCall] = {}
        self.words: list[tuple[FarCall, str]] = []  # status callbacks not delivered yet
        self.next_dial = "made"
        self.blind = False  # the list of calls does not show the new ones
        self.dialled_for: Counter[str] = Counter()

    def change(self, call: FarCall, status: str) -> None:
        if not call.over:
            call.status = status
            self.words.append((call, status))

    async def dial(self, **fields: Any) -> Any:
        how, self.next_dial = self.next_dial, "made"
        if how == "too fast":
            raise TooFast(20429, "too many")
        if how == "unsent":
            raise Unsent("refused")
        if how == "refused":
            raise Refused(400, 21211, "no number")
        if how == "fails":
            raise Uncertain("500")
        leg = fields["status_callback"].partition("leg=")[2]
        call = FarCall(f"CA{len(self.calls)}", "outbound-api", fields["to"], fields["from_"], fields["twiml"], leg)
        self.calls[call.sid] = call
        self.dialled_for[leg] += 1
        self.words.append((call, "initiated"))
        if how == "made, but fails":
            raise Uncertain("500")
        return call

    async def end(self, sid: str) -> None:
        call = self.calls[sid]
        if call.over:
            raise Refused(400, 21220, "not in progress")
        self.change(call, "completed" if call.status == "in-progress" else "canceled")

    async def call(self, sid: str) -> Any:
        return self.calls[sid]

    async def dialled(self, number: str, sender: str, since: Any) -> list[Any]:
        return [] if self.blind else [each for each in self.calls.values() if each.direction == "outbound-api"]

    async def alive(self, status: str) -> list[Any]:
        return []

    async def account(self) -> None:
        return None

    async def close(self) -> None:
        return None


class Ear:
    """CarrierListener: checks the order of what it is told of each leg."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {}
        self.legs: dict[str, CarrierLeg] = {}
        self.lost: set[str] = set()

    def _note(self, leg: CarrierLeg, what: str) -> None:
        told = self.told.setdefault(leg.leg_id, [])
        assert "ended" not in told, (told, what)
        assert what not in told or what == "machine", (told, what)
        assert what != "ringing" or "answered" not in told, told
        told.append(what)
        self.legs[leg.leg_id] = leg

    def leg_offered(self, leg: CarrierLeg, offered: LegOffered) -> None:
        self._note(leg, "offered")

    def leg_ringing(self, leg: CarrierLeg, early_media: bool) -> None:
        self._note(leg, "ringing")

    def leg_answered(self, leg: CarrierLeg) -> None:
        assert leg.port is not None
        self._note(leg, "answered")

    def leg_media(self, leg: CarrierLeg) -> None:
        raise AssertionError

    def leg_ended(self, leg: CarrierLeg, reason: EndReason, by: By, code: int | None, text: str) -> None:
        self._note(leg, "ended")
        assert reason is not EndReason.COMPLETED or "answered" in self.told[leg.leg_id] or by in ("far", "near")
        if leg.port is not None:
            leg.port.close()

    def leg_lost(self, leg: CarrierLeg, code: int | None, text: str) -> None:
        self.lost.add(leg.leg_id)
        self.leg_ended(leg, EndReason.FAILED, "switch", code, text)

    def machine_detected(self, leg: CarrierLeg, found: Found) -> None:
        self._note(leg, "machine")

    def trunk_changed(self, state: TrunkState) -> None:
        pass

    def text_received(self, event: TextReceived) -> None:
        raise AssertionError

    def text_status(self, event: TextStatus) -> None:
        raise AssertionError


class Wire:
    def write(self, message: bytes) -> bool:
        return True

    def hang_up(self) -> None:
        pass


class Order(RuleBasedStateMachine):
    """Rules are what may happen next."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.api, self.ear = FarApi(), Ear()
        self.ports: list[tuple[FarCall, StreamPort]] = []
        self.originated: list[str] = []
        self.loop.run_until_complete(self._build())

    async def _build(self) -> None:
        counters: Counter[str] = Counter()
        self.book = Book()
        self.streams = Streams(Settings(), counters)
        self.webhooks = Webhooks(self.streams, Texts())
        api: Any = self.api
        self.account = Account(CONFIG, api, Trace(), self.book, NEVER, counters, lambda _: None)

    def run(self, work: Any = None) -> Any:
        """Do something, and let everything that follows from it happen."""

        async def settled() -> Any:
            result = await work if work is not None else None
            for _ in range(30):
                await asyncio.sleep(0)
            await asyncio.sleep(0.002)
            return result

        return self.loop.run_until_complete(settled())

    def hook(self, path: str, query: str = "", **fields: str) -> str:
        params = tuple(fields.items())
        webhook = Webhook(1, path, query, params, signatures.sign(CONFIG, path, query, params))
        answer = self.run(self.webhooks.take([self.account], self.ear, webhook))
        assert answer.status in (200, 204)
        return str(answer.body)

    def pick(self, data: st.DataObject, some: list[Any]) -> Any:
        return some[data.draw(st.integers(0, len(some) - 1))]

    # --- Twilio and those who call ------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.api.calls) < 4)
    @rule()
    def a_customer_calls(self) -> None:
        call = FarCall(f"CA{len(self.api.calls)}", "inbound", OURS, THEIRS)
        self.api.calls[call.sid] = call
        self._asks(call)

    def _asks(self, call: FarCall) -> None:
        body = self.hook("voice", CallSid=call.sid, CallStatus=call.status, From=call._from, To=call.to, Direction="inbound")
        if "<Stream" in body:
            call.token = token_in(body)
        elif "<Reject" in body or "<Hangup" in body:
            self.api.change(call, "busy")

    @precondition(lambda self: any(call.direction == "inbound" for call in self.api.calls.values()))
    @rule(data=st.data())
    def a_caller_asks_again(self, data: st.DataObject) -> None:
        self._asks(self.pick(data, [call for call in self.api.calls.values() if call.direction == "inbound"]))

    @precondition(lambda self: any(not call.over for call in self.api.calls.values()))
    @rule(data=st.data())
    def a_call_goes_on(self, data: st.DataObject) -> None:
        call = self.pick(data, [call for call in self.api.calls.values() if not call.over])
        after = ["ringing", "in-progress", "completed", "busy", "no-answer", "failed", "canceled"]
        self.api.change(call, self.pick(data, [each for each in after if outcomes.ORDER[each] > outcomes.ORDER[call.status]]))

    @precondition(lambda self: self.api.words)
    @rule(data=st.data(), twice=st.booleans())
    def all_words_come(self, data: st.DataObject, twice: bool) -> None:
        words, self.api.words = self.api.words, []
        for call, status in data.draw(st.permutations(words * 2 if twice else words)):
            self._tell(call, status)

    @precondition(lambda self: self.api.words)
    @rule(data=st.data(), fate=st.sampled_from(["comes", "comes and comes again", "is lost"]))
    def a_word_comes(self, data: st.DataObject, fate: str) -> None:
        call, status = word = self.pick(data, self.api.words)
        if fate != "comes and comes again":
            self.api.words.remove(word)
        if fate != "is lost":
            self._tell(call, status)

    def _tell(self, call: FarCall, status: str) -> None:
        query = f"leg={call.leg}" if call.leg else ""
        self.hook("status", query, CallSid=call.sid, CallStatus=status, Direction=call.direction)

    @precondition(lambda self: any(call.token for call in self.api.calls.values()))
    @rule(data=st.data())
    def a_stream_connects(self, data: st.DataObject) -> None:
        call = self.pick(data, [call for call in self.api.calls.values() if call.token])

        async def connect() -> None:
            began = self.streams.claim(call.token)
            if began is None:
                self.api.change(call, "completed")  # <Hangup/> follows
            elif not call.over:
                self.api.change(call, "in-progress")
                port = StreamPort(Wire(), "MZ")
                self.ports.append((call, port))
                began(port, call.sid)

        self.run(connect())

    @precondition(lambda self: self.ports)
    @rule(data=st.data(), stops=st.booleans())
    def a_stream_ends(self, data: st.DataObject, stops: bool) -> None:
        call, port = found = self.pick(data, self.ports)
        self.ports.remove(found)

        async def end() -> None:
            self.api.change(call, "completed")
            if stops:
                port.take({"event": "stop"})
            port.gone()

        self.run(end())

    @rule(how=st.sampled_from(["too fast", "unsent", "refused", "fails", "made, but fails"]), blind=st.booleans())
    def the_next_dial_is(self, how: str, blind: bool) -> None:
        self.api.next_dial, self.api.blind = how, blind

    # --- the contact centre -------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.originated) < 3)
    @rule()
    def somebody_dials(self) -> None:
        command = Originate(f"L{len(self.originated)}", "c", 1, THEIRS, OURS)
        self.originated.append(command.leg_id)

        async def dial() -> None:
            leg = OutboundLeg(command.leg_id, self.account, self.ear, self.streams, command)
            self.ear.legs[leg.leg_id] = leg
            self.account.queue.put(leg)

        self.run(dial())

    @precondition(lambda self: len(self.originated) < 3)
    @rule()
    def somebody_dials_and_it_rings(self) -> None:
        self.api.next_dial = "made"
        self.somebody_dials()
        call = self.api.calls[f"CA{len(self.api.calls) - 1}"]
        self.api.change(call, "ringing")
        self._tell(call, "ringing")  # and it is told again by its turn

    @precondition(lambda self: self.ear.legs)
    @rule(data=st.data(), what=st.sampled_from(["answer", "hang up", "reject", "ring"]))
    def somebody_decides(self, data: st.DataObject, what: str) -> None:
        leg = self.pick(data, list(self.ear.legs.values()))

        async def decide() -> None:
            match what:
                case "answer":
                    leg.answer()
                case "hang up":
                    leg.hang_up(EndReason.COMPLETED)
                case "reject":
                    leg.hang_up(EndReason.BUSY)
                case "ring":
                    leg.ring()

        self.run(decide())

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def nobody_is_dialled_twice(self) -> None:
        assert all(count == 1 for count in self.api.dialled_for.values())

    @invariant()
    def what_is_answered_has_audio_and_what_ended_is_forgotten(self) -> None:
        for leg_id, told in self.ear.told.items():
            assert (self.book.leg(leg_id) is None) == ("ended" in told)

    def teardown(self) -> None:
        """In the end every call is over here and there, whatever was lost on the way."""
        with contextlib.closing(types.SimpleNamespace(close=self.loop.close)):
            for leg in list(self.book):
                self.run(_hang_up(leg))
            for call in list(self.api.calls.values()):
                if call.direction == "inbound":
                    self._asks(call)
                elif not call.over:
                    self._tell(call, call.status)
            self.run()
            assert len(self.book) == 0
            assert all(told[-1] == "ended" for told in self.ear.told.values())
            assert all(call.over for call in self.api.calls.values()), [(c.sid, c.status) for c in self.api.calls.values()]
            assert set(self.originated) <= set(self.ear.told)
            self.run(self.account.close())


async def _hang_up(leg: Any) -> None:
    leg.hang_up(EndReason.COMPLETED)


TestOrder = Order.TestCase
TestOrder.settings = settings(max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
