"""The pyVoIP handset in a process of its own: `Handset` here, and what that process runs (python -m tests.peers.handset)."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from callcenter.config import Settings
from telephony.lab import handset
from tests.peers.labs import Lab

ROOT = Path(__file__).parents[2]


class Handset:
    """A running handset; `lines` are the sentences it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[str] = []
        self._process = process
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def says(self, words: str, *, seconds: float = 60) -> str:
        """Wait for a sentence that holds `words`; returns it."""
        try:
            async with asyncio.timeout(seconds):
                while not any(words in each for each in self.lines):
                    self._news.clear()
                    assert not self._reading.done(), f"the handset never said {words!r}: {self.lines}"
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"the handset never said {words!r}: {self.lines}") from None
        return next(each for each in self.lines if words in each)

    async def code(self, *, seconds: float = 60) -> int:
        """Wait for its end; returns the exit code."""
        code = await asyncio.wait_for(self._process.wait(), seconds)
        await self._reading
        return code

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    async def stop(self) -> None:
        """End it now, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())
            self._news.set()
        self._news.set()


@asynccontextmanager
async def running(lab: Lab, what: str, *arguments: str, **options: object) -> AsyncIterator[Handset]:
    """Run `call` NUMBER or `wait` against a carrier, with the options of telephony.lab.handset."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.peers.handset", what, *arguments, json.dumps(options)),
        cwd=ROOT,
        env={**os.environ, "CALLCENTER_DATA_DIR": str(lab.settings.data_dir), "CALLCENTER_LAB_SIP": lab.settings.lab_sip},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    phone = Handset(process)
    try:
        yield phone
    finally:
        await phone.stop()


def main(what: str, *rest: str) -> int:
    """Run the handset as `callcenter handset` does."""
    options: dict[str, Any] = json.loads(rest[-1])
    if "record" in options:
        options["record"] = Path(options["record"])
    settings = Settings()
    return handset.call(settings, *rest[:-1], **options) if what == "call" else handset.wait(settings, **options)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
