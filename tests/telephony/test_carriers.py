"""Several adapters as one carrier, and what the switch keeps for all of them: the longest call, texts, lost legs."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callcenter.errors import Invalid
from callcenter.phone import (
    ConfigureTrunks,
    EndReason,
    Event,
    LegEnded,
    Originate,
    ReadTrace,
    SendText,
    SetWebhooks,
    TestTrunk,
    TextReceived,
    TextStatus,
    TrunkConfig,
    TrunkReport,
    TrunkTrace,
    TwilioConfig,
    Webhook,
    WebhookAnswer,
)
from telephony.carriers import Carriers
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.switch import Switch
from tests.telephony.scripted import ScriptedBrowser, ScriptedCarrier, ScriptedLeg
from tests.telephony.waiting import until

SIP = TrunkConfig(1, "sip", "127.0.0.1")
TWILIO = TwilioConfig(2, "twilio", "AC", "", public_url="", stream_url="", longest_call_seconds=0)


class TextCarrier(ScriptedCarrier):
    """One that sends texts and takes webhooks."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def send_text(self, command: SendText) -> None:
        if self.fails is not None:
            raise self.fails
        self.sent.append(command.message_id)
        self.listener.text_status(TextStatus(command.message_id, "sent"))

    async def webhook(self, query: Webhook) -> WebhookAnswer:
        return WebhookAnswer(200, query.path)


class Both:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.sip, self.twilio = ScriptedCarrier(), TextCarrier()
        carriers = Carriers({"sip": self.sip, "twilio": self.twilio})
        self.switch = Switch(carriers, self._browser, Ticker(), Sounds())
        self.switch.emit = self.events.append

    async def _browser(self, sdp: str) -> ScriptedBrowser:
        return ScriptedBrowser()

    def of(self, kind: type[Event]) -> list[Event]:
        return [each for each in self.events if isinstance(each, kind)]

    def answered(self, trunk_id: int = 1) -> ScriptedLeg:
        carrier = self.sip if trunk_id == 1 else self.twilio
        leg_id = f"out{len(carrier.legs)}-{trunk_id}"
        self.switch.perform(Originate(leg_id, "c", trunk_id, "1", ""))
        leg = carrier.legs[leg_id]
        leg.trunk_id = trunk_id
        leg.far_answers()
        return leg


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    both = Both()
    await both.switch.start()
    both.switch.perform(ConfigureTrunks((SIP, TWILIO)))
    yield both
    await both.switch.stop()
    assert both.sip.stopped
    assert both.twilio.stopped


async def test_each_trunk_is_its_adapters(both: Both) -> None:
    assert [each.trunk_id for each in both.sip.trunks] == [1, 2]
    for trunk_id, carrier in ((1, both.sip), (2, both.twilio), (9, both.sip)):
        both.switch.perform(Originate(f"leg{trunk_id}", "c", trunk_id, "1", ""))
        assert f"leg{trunk_id}" in carrier.legs
        assert isinstance(await both.switch.answer(TestTrunk(trunk_id)), TrunkReport)
        assert isinstance(await both.switch.answer(ReadTrace(trunk_id)), TrunkTrace)
    assert await both.switch.answer(Webhook(2, "voice", "", (), "")) == WebhookAnswer(200, "voice")
    for trunk_id in (1, 9):
        assert await both.switch.answer(Webhook(trunk_id, "voice", "", (), "")) == WebhookAnswer(404)
    report = await both.switch.answer(SetWebhooks(1))
    assert isinstance(report, TrunkReport)
    assert not report.checks[0].ok
    assert both.switch.snapshot().counters["malformed"] == 6


async def test_a_text_is_sent_once_or_fails_with_a_sentence(both: Both) -> None:
    both.switch.perform(SendText("a", 1, "+48221234567", "+48501234567", "x"))
    assert both.events == [TextStatus("a", "failed", words="This trunk sends no text messages.")]
    for _ in range(2):
        both.switch.perform(SendText("b", 2, "+48221234567", "+48501234567", "x"))
    assert both.twilio.sent == ["b"]
    both.twilio.fails = Invalid("Not this one.")
    both.switch.perform(SendText("c", 2, "+48221234567", "+48501234567", "x"))
    assert both.events[-1] == TextStatus("c", "failed", words="Not this one.")
    both.twilio.fails = RuntimeError("fault")
    both.switch.perform(SendText("d", 2, "+48221234567", "+48501234567", "x"))
    last = both.events[-1]
    assert isinstance(last, TextStatus)
    assert (last.message_id, last.state) == ("d", "failed")
    both.twilio.listener.text_received(TextReceived(2, "SM1", "+48501234567", "+48221234567", "hello"))
    assert isinstance(both.events[-1], TextReceived)


async def test_a_call_that_lasted_as_long_as_its_trunk_allows_is_ended_by_the_switch(both: Both) -> None:
    stays, cut = both.answered(2), both.answered(1)
    await asyncio.sleep(0.02)
    assert not cut.over
    limited = TrunkConfig(1, "sip", "127.0.0.1", longest_call_seconds=1)
    loop = asyncio.get_running_loop()
    leg = both.switch.legs.get(cut.leg_id)
    assert leg is not None
    leg.since = loop.time() - 10  # answered long ago
    both.switch.perform(ConfigureTrunks((limited, TWILIO)))
    await until(lambda: both.of(LegEnded))
    [ended] = both.of(LegEnded)
    assert isinstance(ended, LegEnded)
    assert (ended.leg_id, ended.reason, ended.by) == (cut.leg_id, EndReason.COMPLETED, "switch")
    assert ended.text == "The call had lasted as long as calls on this trunk may."
    assert both.switch.counters["calls_too_long"] == 1
    assert not stays.over
    new = both.answered(1)
    waiting = both.switch.legs.get(new.leg_id)
    assert waiting is not None
    assert waiting.longest is not None
    both.switch.perform(ConfigureTrunks((SIP, TWILIO)))
    assert waiting.longest is None


async def test_a_lost_leg_is_told_as_lost(both: Both) -> None:
    both.switch.perform(Originate("x", "c", 2, "1", ""))
    both.twilio.listener.leg_lost(both.twilio.legs["x"], None, "Nobody knows.")
    [ended] = both.of(LegEnded)
    assert isinstance(ended, LegEnded)
    assert (ended.reason, ended.by, ended.lost, ended.text) == (EndReason.FAILED, "switch", True, "Nobody knows.")
    both.twilio.listener.machine_detected(both.twilio.legs["x"], "human")
    assert len(both.events) == 1
