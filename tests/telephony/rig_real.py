"""What the rigs over the real switch share: SwitchLink, its socket, the switch, scripted browsers, announcements."""

import asyncio
import contextlib
import shutil
import tempfile
from abc import abstractmethod
from pathlib import Path

from callcenter.phone import LinkUp
from telephony.legs import Carrier
from telephony.link import LinkServer, SwitchLink
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.switch import Switch
from tests.telephony.rig import Rig
from tests.telephony.scripted import ScriptedBrowser, write_spoken


class RealRig(Rig):
    """All of the real thing but the browser; a kind of carrier is missing."""

    phone: SwitchLink
    sounds: Sounds | None = None  # built once, it takes a tenth of a second

    @abstractmethod
    async def open_world(self) -> None:
        """Start the carrier's end."""

    @abstractmethod
    async def close_world(self) -> None:
        """Stop it."""

    @abstractmethod
    def make_carrier(self) -> Carrier:
        """Return a new adapter for a switch that starts."""

    @abstractmethod
    async def configure(self) -> None:
        """Give the switch its trunk, and wait until it can be used."""

    async def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rig"))
        self._browsers: list[ScriptedBrowser] = []
        self._speaking = asyncio.create_task(self._speak())
        self.phone = SwitchLink(self.folder / "link.sock")
        await self.open_world()
        await self._start_switch()
        await self.link_up()
        self.consume()
        await self.event(LinkUp)
        await self.configure()

    async def close(self) -> None:
        await self.stop_consuming()
        await self.link_down()
        await self._stop_switch()
        await self.close_world()
        self._speaking.cancel()
        await asyncio.gather(self._speaking, return_exceptions=True)
        shutil.rmtree(self.folder)

    def keep_announcement(self, name: str, milliseconds: int) -> None:
        folder = self.folder / "announcements"
        folder.mkdir(exist_ok=True)
        write_spoken(folder / name, milliseconds)

    def damage_announcement(self, name: str) -> None:
        (self.folder / "announcements" / name).write_bytes(b"RIFF no sound")

    def let_announcement_play(self, leg_id: str, milliseconds: int | None = None) -> None:
        pass  # it takes its time

    def alive(self) -> set[str]:
        return {each.leg_id for each in self.switch.snapshot().legs}

    async def link_down(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def link_up(self) -> None:
        self._running = asyncio.create_task(self.phone.run())

    async def restart_web(self) -> None:
        await self.link_down()
        await self.stop_consuming()
        self.phone = SwitchLink(self.folder / "link.sock")
        await self.link_up()
        self.consume()

    async def restart_switch(self) -> None:
        before = len(self.of(LinkUp))
        await self._stop_switch()
        await self._start_switch()
        await self.event(LinkUp, after=before)
        await self.configure()

    async def _start_switch(self) -> None:
        RealRig.sounds = RealRig.sounds or Sounds()
        self.switch = Switch(self.make_carrier(), self._open_browser, Ticker(), RealRig.sounds, self.folder / "announcements")
        self._link = LinkServer(self.folder / "link.sock", self.switch)
        self.switch.emit = self._link.emit
        await self.switch.start()
        await self._link.start()

    async def _stop_switch(self) -> None:
        await self._link.stop()
        await self.switch.stop()

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
