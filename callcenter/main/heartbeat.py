"""A sign of life from each child of `callcenter serve`: one that is alive but does nothing any more is noticed.

The child writes a byte a second to a pipe from its event loop; a loop that hangs writes none. The parent reads, and says
when it has heard nothing for too long. Both clocks stand still while the machine sleeps, so a laptop that wakes up kills
nobody.
"""

import asyncio
import os
from contextlib import suppress

DESCRIPTOR = "CALLCENTER_HEARTBEAT"  # in the child's environment: the file descriptor it writes to
_EVERY = 1.0  # seconds


async def beat(descriptor: int) -> None:
    """Show life until cancelled, or until nobody listens (the child's side)."""
    os.set_blocking(descriptor, False)
    with suppress(BrokenPipeError):
        while True:
            with suppress(BlockingIOError):  # the parent hangs: that is not for the child to mend
                os.write(descriptor, b".")
            await asyncio.sleep(_EVERY)


class Pulse:
    """The parent's side of one child's pipe; a context manager. `descriptor` is what the child inherits."""

    def __enter__(self) -> "Pulse":
        """Open the pipe."""
        self._reading, self.descriptor = os.pipe()
        os.set_blocking(self._reading, False)
        self._heard = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._reading, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the pipe."""
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)
        self.inherited()

    def inherited(self) -> None:
        """Close our copy of the child's end, once the child has its own."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    async def silent(self, seconds: float) -> None:
        """Return when a child that has shown life before has shown none for so long; one that still starts is waited for."""
        await self._heard.wait()
        while self._heard.is_set():  # also what came at the very moment the time was over, when we were stopped ourselves
            self._heard.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._heard.wait()

    def _read(self) -> None:
        with suppress(BlockingIOError):
            if os.read(self._reading, 4096):
                self._heard.set()
            else:  # the child has closed its end: it is gone, and its parent hears of that otherwise
                asyncio.get_running_loop().remove_reader(self._reading)
