"""The stories' rig over the real thing: SwitchLink, its socket, the switch, a SIP trunk and RTP on loopback.

The customers are legs of a second SIP adapter, which plays the carrier; browsers are scripted (their own tests have
real ones). Foreign telephones ring the switch in tests/peers.
"""

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from callcenter import clock
from callcenter.config import Settings
from callcenter.phone import ConfigureTrunks, EndReason, LegOffered, LinkUp, Originate, TrunkConfig, TrunkState
from callcenter.phone_fake import Outcome
from telephony.legs import CarrierLeg, Frame
from telephony.link import LinkServer, SwitchLink
from telephony.media.rtp_port import RtpPorts
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.sip.trunks import SipCarrier
from telephony.switch import Switch
from tests.telephony.rig import TRUNK, Rig
from tests.telephony.scripted import ScriptedBrowser, in_ear

HOST = "127.0.0.1"
_REFUSALS = {
    Outcome.BUSY: (486, "Busy Here"),
    Outcome.NO_ANSWER: (480, "Temporarily Unavailable"),
    Outcome.REJECTED: (603, "Decline"),
    Outcome.UNREACHABLE: (404, "Not Found"),
    Outcome.CARRIER_DOWN: (503, "Service Unavailable"),
}


class SipCustomer:
    """A customer: the far end of one call."""

    def __init__(self) -> None:
        self.leg: CarrierLeg | None = None
        self.answered = self.ended = False
        self.digits = ""
        self._last = b""

    def hears(self) -> str:
        return {"sound": "music"}.get(in_ear(self._last), in_ear(self._last)) if self._last else "nothing"

    def answer(self) -> None:
        assert self.leg is not None
        self.leg.answer()

    def hang_up(self) -> None:
        assert self.leg is not None
        self.leg.hang_up(EndReason.COMPLETED)

    def press(self, digits: str) -> None:
        assert self.leg is not None
        assert self.leg.port is not None
        self.leg.port.send_digits(digits)

    def listen(self) -> None:
        """Hear what comes on the leg's port."""
        assert self.leg is not None
        assert self.leg.port is not None
        self.leg.port.on_frame = self._heard
        self.leg.port.on_digit = self._pressed

    def _heard(self, frame: Frame) -> None:
        self._last = frame.payload

    def _pressed(self, digit: str, _: int) -> None:
        self.digits += digit


class FarEnd:
    """The carrier and its customers (legs.LegListener)."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.customers: dict[str, SipCustomer] = {}
        self.by_number: dict[str, SipCustomer] = {}

    def leg_offered(self, leg: CarrierLeg, offered: LegOffered) -> None:
        customer = self.customers[leg.leg_id] = self.by_number[offered.dialled] = SipCustomer()
        customer.leg = leg
        outcome = self.outcomes.get(offered.dialled, Outcome.ANSWERS)
        if outcome in {Outcome.RINGS, Outcome.ANSWERS, Outcome.NO_ANSWER, Outcome.REJECTED}:
            leg.ring()
        if outcome is Outcome.ANSWERS:
            leg.answer()
        elif outcome in _REFUSALS:
            leg.reject(*_REFUSALS[outcome])

    def leg_ringing(self, leg: CarrierLeg, early_media: bool) -> None:
        pass

    def leg_answered(self, leg: CarrierLeg) -> None:
        self.customers[leg.leg_id].answered = True
        self.leg_media(leg)

    def leg_media(self, leg: CarrierLeg) -> None:
        self.customers[leg.leg_id].leg = leg
        self.customers[leg.leg_id].listen()

    def leg_ended(
        self, leg: CarrierLeg, reason: EndReason, by: Literal["far", "near", "switch"], code: int | None, text: str
    ) -> None:
        self.customers[leg.leg_id].ended = True
        if leg.port is not None:
            leg.port.close()

    def trunk_changed(self, state: TrunkState) -> None:
        pass


class SipRig(Rig):
    """All of the real thing but the browser."""

    phone: SwitchLink
    sounds: Sounds | None = None  # built once, it takes a tenth of a second

    async def open(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="rig"))
        self._browsers: list[ScriptedBrowser] = []
        self._speaking = asyncio.create_task(self._speak())
        self.far_end = FarEnd()
        self._far = SipCarrier(self._settings(), RtpPorts(range(41000, 41999), HOST))
        await self._far.start(self.far_end)
        self.phone = SwitchLink(self._folder / "link.sock")
        await self._start_switch()
        await self.link_up()
        self.consume()
        await self._configure()

    async def close(self) -> None:
        await self.stop_consuming()
        await self.link_down()
        await self._stop_switch()
        await self._far.stop()
        self._speaking.cancel()
        await asyncio.gather(self._speaking, return_exceptions=True)
        shutil.rmtree(self._folder)

    def customer_calls(self, number: str, dialled: str) -> SipCustomer:
        leg_id = clock.new_id()
        customer = self.far_end.customers[leg_id] = SipCustomer()
        customer.leg = self._far.originate(
            Originate(leg_id=leg_id, call_id=leg_id, trunk_id=TRUNK, number=dialled, caller_id=number)
        )
        return customer

    def when_called(self, number: str, outcome: Outcome) -> None:
        self.far_end.outcomes[number] = outcome

    def dialled(self, number: str) -> SipCustomer:
        return self.far_end.by_number[number]

    def alive(self) -> set[str]:
        return {each.leg_id for each in self._switch.snapshot().legs}

    async def link_down(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def link_up(self) -> None:
        self._running = asyncio.create_task(self.phone.run())

    async def restart_web(self) -> None:
        await self.link_down()
        await self.stop_consuming()
        self.phone = SwitchLink(self._folder / "link.sock")
        await self.link_up()
        self.consume()

    async def restart_switch(self) -> None:
        before = len(self.of(LinkUp))
        await self._stop_switch()
        await self._start_switch()
        await self._configure(before)

    def _settings(self) -> Settings:
        return Settings(data_dir=self._folder, sip=f"{HOST}:0")

    async def _configure(self, ups_before: int = 0) -> None:
        await self.event(LinkUp, after=ups_before)
        _, port = self._far.listening
        self.send(ConfigureTrunks((TrunkConfig(TRUNK, "far", HOST, port),)))
        _, port = self._carrier.listening
        self._far.configure((TrunkConfig(TRUNK, "near", HOST, port),))
        await self.snapshot()

    async def _start_switch(self) -> None:
        SipRig.sounds = SipRig.sounds or Sounds()
        self._carrier = SipCarrier(self._settings(), RtpPorts(range(42000, 42999), HOST))
        self._switch = Switch(self._carrier, self._open_browser, Ticker(), SipRig.sounds)
        self._link = LinkServer(self._folder / "link.sock", self._switch)
        self._switch.emit = self._link.emit
        await self._switch.start()
        await self._link.start()

    async def _stop_switch(self) -> None:
        await self._link.stop()
        await self._switch.stop()

    async def _open_browser(self, sdp: str) -> ScriptedBrowser:
        browser = ScriptedBrowser()
        self._browsers.append(browser)
        return browser

    async def _speak(self) -> None:
        """Let every browser that is plugged in speak, 50 frames a second."""
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                for browser in self._browsers:
                    if not browser.closed:
                        browser.speak()
                await asyncio.sleep(0.02)
