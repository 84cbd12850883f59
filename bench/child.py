"""A part measured in a process of its own, on its own core: made there, asked over a pipe, stopped."""

import asyncio
import gc
import logging
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Protocol, Self

import structlog

from bench import cores


class Part(Protocol):
    """What runs in the other process. Its other methods are coroutines, called by name with what can be pickled."""

    async def close(self) -> None:
        """Free everything."""


class Child:
    """A process with one part in it. Use as an async context manager; `await child.ask("method", ...)`."""

    def __init__(self, make: Callable[[], Part], on: frozenset[int] = cores.PRODUCT) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, make), daemon=True)
        with cores.starting(on, cores.SWITCH_MEMORY):
            self._process.start()
        theirs.close()

    async def __aenter__(self) -> Self:
        """Wait until the part is made."""
        await self._answer()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the process."""
        if error is None:
            await self.ask("close")
        else:
            self._process.kill()
        await asyncio.to_thread(self._process.join)

    async def ask(self, name: str, *arguments: Any) -> Any:
        """Call a method of the part and return its result; raises what it raised."""
        self._pipe.send((name, arguments))
        return await self._answer()

    async def _answer(self) -> Any:
        result, error = await asyncio.to_thread(self._pipe.recv)
        if error is not None:
            raise error
        return result


def resident() -> float:
    """Return the memory this process holds, in MB."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - read thousands of times
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _run(pipe: Connection, make: Callable[[], Part]) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(_serve(pipe, make))


async def _serve(pipe: Connection, make: Callable[[], Part]) -> None:
    part = make()
    asked = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), asked.set)
    gc.collect()
    pipe.send((None, None))
    while True:
        await asked.wait()
        asked.clear()
        if not pipe.poll():  # the loop may say twice that there is something to read
            continue
        name, arguments = pipe.recv()
        try:
            pipe.send((await getattr(part, name)(*arguments), None))
        except Exception as error:  # noqa: BLE001 - raised again where it was asked
            pipe.send((None, error))
        if name == "close":
            return
