"""SIPp as a foreign caller or callee: start it with a scenario, wait, read what happened."""

import asyncio
import csv
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.programs import Address, free_udp_port, required


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: SIPp's exit code (0: every call went as written), its counts, and what it said."""

    code: int
    successful: int
    failed: int
    errors: str
    messages: str

    def check(self, calls: int = 1) -> None:
        """Fail with what SIPp said unless all `calls` went as written."""
        said = f"{self.errors}\n{self.messages[-6000:]}"
        assert (self.code, self.successful, self.failed) == (0, calls, 0), f"SIPp: {self.code} {self.successful}/{calls}\n{said}"


class Sipp:
    """A running SIPp. `address` is where it listens (a callee), `media` where it echoes RTP."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, address: Address, media: Address) -> None:
        self.address = address
        self.media = media
        self._process = process
        self._folder = folder

    async def wait(self, limit: float = 60) -> Outcome:
        """Wait for its end; after `limit` seconds it is stopped and what it has is returned."""
        try:
            await asyncio.wait_for(self._process.wait(), limit)
        except TimeoutError:
            await self.stop()
        return Outcome(
            self._process.returncode if self._process.returncode is not None else -1,
            *self._counts(),
            errors=self._read("errors.log") + self._read("screen.txt")[-2000:],
            messages=self._read("messages.log"),
        )

    async def stop(self) -> None:
        """End it now, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def _read(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def _counts(self) -> tuple[int, int]:
        rows = list(csv.DictReader(self._read("stats.csv").splitlines(), delimiter=";"))
        return (int(rows[-1]["SuccessfulCall(C)"]), int(rows[-1]["FailedCall(C)"])) if rows else (0, 0)


async def start(
    scenario: str,
    folder: Path,
    *,
    target: Address | None = None,
    keys: dict[str, str] | None = None,
    calls: int = 1,
    rate: float = 10,
    limit: int | None = None,
    user: str = "",
    password: str = "",
    port: int = 0,
    trace: bool = True,
    options: Sequence[str] = (),
) -> Sipp:
    """Start SIPp with a scenario (tests/peers/scenarios.py) for `calls` calls at `rate` a second, `limit` of them at once.

    Without `target` it is a callee. `folder` (one per run) takes its files; `trace` off for load, since it writes every message;
    `options` are more of SIPp's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.xml").write_text(scenario)
    port, media = port or free_udp_port(), free_udp_port()
    command = [required("sipp", "sip-tester"), "-sf", "scenario.xml", "-i", "127.0.0.1", "-p", str(port), "-m", str(calls)]
    command += ["-mi", "127.0.0.1", "-mp", str(media), "-rtp_echo", "-nostdin", "-r", f"{rate:g}"]
    command += ["-trace_stat", "-stf", "stats.csv", "-fd", "1", "-trace_err", "-error_file", "errors.log"]
    command += ["-trace_msg", "-message_file", "messages.log"] if trace else []
    command += ["-l", str(limit)] if limit else []
    command += ["-au", user, "-ap", password] if user else []
    for name, value in (keys or {}).items():
        command += ["-key", name, value]
    command += options
    if target is not None:
        command.append(f"{target[0]}:{target[1]}")
    with (folder / "screen.txt").open("wb") as screen:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=screen,
            stderr=screen,
            env={**os.environ, "TERM": "dumb"},
        )
    sipp = Sipp(process, folder, ("127.0.0.1", port), ("127.0.0.1", media))
    if target is None:
        await _bound(sipp, process)
    return sipp


async def _bound(sipp: Sipp, process: asyncio.subprocess.Process) -> None:
    """Wait until a callee holds its port."""
    wanted = f":{sipp.address[1]:04X} "
    for _ in range(600):
        if wanted in Path("/proc/net/udp").read_text():
            return
        if process.returncode is not None:
            raise AssertionError((await sipp.wait()).errors)
        await asyncio.sleep(0.05)
    raise AssertionError("SIPp did not open its port")


async def run(
    scenario: str,
    folder: Path,
    target: Address,
    *,
    keys: dict[str, str] | None = None,
    calls: int = 1,
    rate: float = 10,
    user: str = "",
    password: str = "",
    seconds: float = 60,
) -> Outcome:
    """Call `target` with a caller's scenario and wait for the end."""
    sipp = await start(scenario, folder, target=target, keys=keys, calls=calls, rate=rate, user=user, password=password)
    try:
        return await sipp.wait(seconds)
    finally:
        await sipp.stop()


@asynccontextmanager
async def answering(scenario: str, folder: Path, *, calls: int = 1, port: int = 0) -> AsyncIterator[Sipp]:
    """Run a callee; ended at the end of the block."""
    sipp = await start(scenario, folder, calls=calls, port=port)
    try:
        yield sipp
    finally:
        await sipp.stop()
