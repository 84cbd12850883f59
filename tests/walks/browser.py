"""Chromium for walks: headless, with a microphone that plays a file, and a consultant's hands."""

import math
import os
import shutil
import struct
import tempfile
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

CHROMIUM = os.environ.get("CALLCENTER_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
)
MICROPHONE_HERTZ = 1000
PATIENCE = 30_000  # milliseconds


def write_tone(file: Path, hertz: float, seconds: float = 1.0, rate: int = 48_000) -> Path:
    """Write a WAV file of a sine that Chromium repeats as its microphone; 0 Hz is silence."""
    count = int(rate * seconds)
    values = (int(12_000 * math.sin(2 * math.pi * hertz * k / rate)) for k in range(count))
    with wave.open(str(file), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(rate)
        target.writeframes(struct.pack(f"<{count}h", *values))
    return file


@asynccontextmanager
async def chromium(microphone: Path | None = None) -> AsyncIterator[Browser]:
    """Start Chromium whose microphone plays `microphone` (a tone when none is given)."""
    with tempfile.TemporaryDirectory() as folder:
        file = microphone or write_tone(Path(folder) / "microphone.wav", MICROPHONE_HERTZ)
        async with async_playwright() as playwright:
            flags = [*FLAGS, f"--use-file-for-fake-audio-capture={file}"]
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags)
            try:
                yield browser
            finally:
                await browser.close()


class Desk:
    """A consultant's browser. `problems` collects what the page complained of: a walk ends with none."""

    def __init__(self, context: BrowserContext, page: Page, url: str) -> None:
        self.context = context
        self.page = page
        self.url = url
        self.problems: list[str] = []
        self.watch(page)

    def watch(self, page: Page) -> None:
        """Take note of errors, refused content (CSP) and failed scripts of a page."""
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", self._said)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.problems.append(f"{message.type}: {message.text}")

    async def sign_in(self, login: str, password: str, page: Page | None = None) -> None:
        """Sign in and wait until the desk is alive."""
        page = page or self.page
        await page.goto(f"{self.url}/sign-in")
        await page.locator("#login").fill(login)
        await page.locator("#password").fill(password)
        await page.locator("form[action='/sign-in'] button[type=submit]").click()
        await self.alive(page)

    async def alive(self, page: Page | None = None) -> None:
        """Wait until the page has started and the live connection stands."""
        page = page or self.page
        await page.locator("html[data-started=yes]").wait_for(state="attached")
        await page.locator("#connection[data-up=yes]").wait_for()

    async def audio(self, page: Page | None = None) -> None:
        """Wait until the audio path stands."""
        await (page or self.page).locator("#audio-chip[data-audio=live]").wait_for()

    async def ready(self) -> None:
        """Press Ready, once the switch knows the station."""
        await self.audio()
        await self.page.locator("#state button[data-set=ready]").click()
        await self.page.locator("#state[data-state=ready]").wait_for()

    async def state(self, wanted: str) -> None:
        """Wait for one's own state."""
        await self.page.locator(f"#state[data-state={wanted}]").wait_for()


@asynccontextmanager
async def desk(browser: Browser, url: str, *, width: int = 1440, height: int = 900, locale: str = "en-GB") -> AsyncIterator[Desk]:
    """Open a fresh profile (own cookies) on the product; fails when the page complained of anything."""
    context = await browser.new_context(viewport={"width": width, "height": height}, locale=locale, permissions=["microphone"])
    page = await context.new_page()
    found = Desk(context, page, url)
    try:
        yield found
    finally:
        await context.close()
    assert not found.problems, found.problems
