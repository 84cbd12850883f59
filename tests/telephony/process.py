"""The switch as a process of its own, for tests that kill it: `python -m tests.telephony.process` with CALLCENTER_*."""

import asyncio
import signal

from callcenter.config import Settings
from telephony.serve import serve


async def main() -> None:
    """Run the switch until SIGTERM; prints a line when calls can come."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve(Settings(), stop, ready=lambda: print("ready", flush=True))  # noqa: T201 - the parent waits for it


if __name__ == "__main__":
    asyncio.run(main())
