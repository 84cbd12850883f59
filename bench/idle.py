"""How late an idle event loop wakes on this machine at this time: what every latency beside it has to be read against."""

import asyncio
import multiprocessing
import time
from multiprocessing.connection import Connection

_STEP = 0.01


class IdleLoop:
    """A process whose loop only sleeps; `stop` returns how late it woke each time, in milliseconds."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_sleep, args=(theirs,), daemon=True)
        self._process.start()

    def stop(self) -> list[float]:
        """End it and return the delays."""
        self._ours.send("stop")
        delays: list[float] = self._ours.recv()
        self._process.join()
        return delays


def _sleep(pipe: Connection) -> None:
    async def run() -> list[float]:
        delays = []
        while not pipe.poll():
            before = time.monotonic()
            await asyncio.sleep(_STEP)
            delays.append((time.monotonic() - before - _STEP) * 1000)
        return delays

    pipe.send(asyncio.run(run()))
