"""A built-in carrier for a test, on free ports, and waiting on conditions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from callcenter import rehearsal
from callcenter.config import Settings
from telephony.lab import accounts
from telephony.lab.serve import serve
from tests.peers.programs import Address, free_udp_port

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Lab:
    """A carrier that runs: its settings (data_dir is the test's), address and passwords."""

    settings: Settings
    address: Address
    passwords: dict[str, str]


@asynccontextmanager
async def running(folder: Path, *, product: Address = ("127.0.0.1", 9)) -> AsyncIterator[Lab]:
    """Run the carrier in this loop; `product` is where it sends calls while no trunk is registered."""
    port = free_udp_port()
    settings = Settings(data_dir=folder, lab_sip=f"127.0.0.1:{port}", sip=f"{product[0]}:{product[1]}", _env_file=None)
    stop = asyncio.Event()
    task = asyncio.create_task(serve(settings, stop))
    path = settings.socket_path("lab")
    try:
        await until(lambda: path.exists() or task.done(), "the carrier starts")
        yield Lab(settings, ("127.0.0.1", port), accounts.passwords(folder))
    finally:
        stop.set()
        await task


async def until(true: Callable[[], object], what: str, *, seconds: float = 30) -> None:
    """Wait for a condition; says `what` did not happen when it does not."""
    await until_found(_wrapped(true), what, seconds=seconds)


async def until_found(find: Callable[[], Awaitable[Found | None]], what: str, *, seconds: float = 30) -> Found:
    """Wait until `find` returns something true, and return it."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = await find()
        if found:
            return found
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"did not happen in {seconds:g} s: {what}")
        await asyncio.sleep(0.02)


def _wrapped(true: Callable[[], object]) -> Callable[[], Awaitable[object]]:
    async def find() -> object:
        return true()

    return find


async def the_call(lab: Lab, number: str, *states: str) -> dict[str, object]:
    """Wait until the customer `number` has a call in one of `states`; returns it."""

    async def find() -> dict[str, object] | None:
        found = [each for each in await rehearsal.calls(lab.settings) if each["number"] == number]
        return found[-1] if found and found[-1]["state"] in states else None

    return await until_found(find, f"a call of {number} is {' or '.join(states)}")
