"""The stories' rig over the real thing: SwitchLink, its socket, the switch, a SIP trunk and RTP on loopback.

The customers are legs of a second SIP adapter, which plays the carrier; browsers are scripted (their own tests have
real ones). Foreign telephones ring the switch in tests/peers.
"""

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path

from callcenter.config import Settings
from callcenter.phone import ConfigureTrunks, LinkUp, TrunkConfig
from callcenter.phone_fake import Outcome
from telephony.link import LinkServer, SwitchLink
from telephony.media.rtp_port import RtpPorts
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.sip.trunks import SipCarrier
from telephony.switch import Switch
from tests.telephony.far_end import HOST, FarEnd, SipCustomer
from tests.telephony.rig import TRUNK, Rig
from tests.telephony.scripted import ScriptedBrowser, write_spoken


class SipRig(Rig):
    """All of the real thing but the browser."""

    phone: SwitchLink
    sounds: Sounds | None = None  # built once, it takes a tenth of a second

    async def open(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="rig"))
        self._browsers: list[ScriptedBrowser] = []
        self._speaking = asyncio.create_task(self._speak())
        self.far_end = FarEnd(self._folder, range(41000, 41999))
        await self.far_end.carrier.start(self.far_end)
        self.phone = SwitchLink(self._folder / "link.sock")
        await self._start_switch()
        await self.link_up()
        self.consume()
        await self._configure()

    async def close(self) -> None:
        await self.stop_consuming()
        await self.link_down()
        await self._stop_switch()
        await self.far_end.carrier.stop()
        self._speaking.cancel()
        await asyncio.gather(self._speaking, return_exceptions=True)
        shutil.rmtree(self._folder)

    def customer_calls(self, number: str, dialled: str) -> SipCustomer:
        return self.far_end.call(number, dialled)

    def when_called(self, number: str, outcome: Outcome) -> None:
        self.far_end.outcomes[number] = outcome

    def dialled(self, number: str) -> SipCustomer:
        return self.far_end.by_number[number]

    def keep_announcement(self, name: str, milliseconds: int) -> None:
        folder = self._folder / "announcements"
        folder.mkdir(exist_ok=True)
        write_spoken(folder / name, milliseconds)

    def damage_announcement(self, name: str) -> None:
        (self._folder / "announcements" / name).write_bytes(b"RIFF no sound")

    def let_announcement_play(self, leg_id: str, milliseconds: int | None = None) -> None:
        pass  # it takes its time

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

    async def _configure(self, ups_before: int = 0) -> None:
        await self.event(LinkUp, after=ups_before)
        self.send(ConfigureTrunks((TrunkConfig(TRUNK, "far", HOST, self.far_end.port),)))
        self.far_end.aim(self._carrier.listening[1])
        await self.snapshot()

    async def _start_switch(self) -> None:
        SipRig.sounds = SipRig.sounds or Sounds()
        self._carrier = SipCarrier(Settings(data_dir=self._folder, sip=f"{HOST}:0"), RtpPorts(range(42000, 42999), HOST))
        self._switch = Switch(self._carrier, self._open_browser, Ticker(), SipRig.sounds, self._folder / "announcements")
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
