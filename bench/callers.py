"""SIPp as a crowd of callers: each call from another contact's number, every message stamped to the microsecond."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.seed import number_of
from tests.peers import sipp
from tests.peers.programs import Address

_NUMBERS = 5000  # written for SIPp, which goes round


@dataclass(frozen=True, slots=True)
class Heard:
    """What SIPp saw of its calls: how many went as written, how many not, how many messages it sent again, and times.

    `answered` are milliseconds from INVITE to the final answer, `rate` calls a second from the first to the last INVITE.
    """

    successful: int
    failed: int
    again: int
    answered: tuple[float, ...]
    rate: float


class Crowd:
    """A running SIPp that calls."""

    def __init__(self, running: sipp.Sipp, folder: Path, calls: int) -> None:
        self._running, self._folder, self._calls = running, folder, calls

    async def heard(self, seconds: float) -> Heard:
        """Wait for the last call (at most so long), and read what happened; a call that did not end has failed."""
        outcome = await self._running.wait(seconds)
        lines = [line.split("\t") for line in (self._folder / "short.csv").read_text(errors="replace").splitlines()]
        return _read([line for line in lines if len(line) == 7], outcome.successful, self._calls)

    async def stop(self) -> None:
        """End it now."""
        await self._running.stop()


def _read(lines: list[list[str]], successful: int, calls: int) -> Heard:
    """Read SIPp's short messages: date, time, seconds, S or R, Call-ID, CSeq, first line."""
    began: dict[str, float] = {}
    answered: dict[str, float] = {}
    again = 0
    for _, _, at, way, call_id, sequence, start in lines:
        if way == "S" and start.startswith("INVITE "):
            again += call_id in began
            began.setdefault(call_id, float(at))
        elif way == "R" and sequence.endswith("INVITE") and start[8:9] in "23456" and call_id in began:
            answered.setdefault(call_id, (float(at) - began[call_id]) * 1000)
    times = sorted(began.values())
    lasted = times[-1] - times[0] if len(times) > 1 else 0.0
    rate = (len(times) - 1) / lasted if lasted else 0.0
    return Heard(successful, calls - successful, again, tuple(answered.values()), rate)


def _write_numbers(folder: Path, count: int, people: range) -> None:
    folder.mkdir(parents=True)
    chance = random.Random(count)  # noqa: S311 - the same callers every time
    numbers = (number_of(chance.choice(people)) for _ in range(count))
    (folder / "numbers.csv").write_text("SEQUENTIAL\n" + "".join(f"{number};\n" for number in numbers))


@asynccontextmanager
async def calling(
    scenario: str,
    folder: Path,
    target: Address,
    *,
    dialled: str,
    calls: int,
    rate: float,
    port: int = 0,
    people: range = range(1, 2),
) -> AsyncIterator[Crowd]:
    """Let SIPp place `calls` calls at `rate` a second with a caller's scenario (tests/peers/scenarios.py).

    Each call is from one of `people` (contacts of bench/seed.py), at random.
    """
    _write_numbers(folder, min(calls, _NUMBERS), people)
    running = await sipp.start(
        scenario.replace("[caller]", "[field0]"),
        folder,
        target=target,
        keys={"dialled": dialled},
        calls=calls,
        rate=rate,
        port=port,
        trace=False,
        options=("-inf", "numbers.csv", "-trace_shortmsg", "-shortmessage_file", "short.csv"),
    )
    crowd = Crowd(running, folder, calls)
    try:
        yield crowd
    finally:
        await crowd.stop()
