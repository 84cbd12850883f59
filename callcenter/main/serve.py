"""`callcenter serve`: start the processes, watch them, stop them in the right order."""

import asyncio
import signal
import sys
from collections.abc import Callable

import structlog

from callcenter.config import Settings, host_port
from callcenter.main import logs, preflight, processes, schema
from callcenter.main.heartbeat import Pulse

log = structlog.get_logger(__name__)

_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 0.2, 5.0
_STEADY_SECONDS = 10.0  # a child that lived this long starts again at once
_KILL_AFTER_SECONDS = 10


class Child:
    """One watched process: started again when it dies or hangs, stopped with SIGTERM, killed when it does not listen."""

    def __init__(self, settings: Settings, name: str, patience: float) -> None:
        self.settings = settings
        self.name = name
        self.patience = patience
        self.process: asyncio.subprocess.Process | None = None
        self.stopping = False
        self.status = 0

    async def watch(self) -> None:
        """Run the process until it is stopped, or says that it cannot start."""
        back_off = _FIRST_BACK_OFF
        while not self.stopping:
            started = asyncio.get_running_loop().time()
            with Pulse() as pulse:
                self.process = await processes.start(self.settings, self.name, pulse)
                if self.stopping:  # asked to while it was being started
                    self.process.terminate()
                guarding = asyncio.create_task(self._guard(self.process, pulse), name=f"guard {self.name}")
                self.status = await self.process.wait()
                guarding.cancel()
            if self.stopping or self.status == processes.CANNOT_START:
                return
            lived = asyncio.get_running_loop().time() - started
            back_off = _FIRST_BACK_OFF if lived > _STEADY_SECONDS else min(back_off * 2, _LONGEST_BACK_OFF)
            log.error("process ended, starting it again", name=self.name, status=self.status, seconds=back_off)
            await asyncio.sleep(back_off)

    async def _guard(self, process: asyncio.subprocess.Process, pulse: Pulse) -> None:
        """Kill a process that is alive and does nothing any more: what it held is found again as after a crash."""
        if self.settings.hung_seconds:
            await pulse.silent(self.settings.hung_seconds)
            log.error("process shows no life, killing it", name=self.name, seconds=self.settings.hung_seconds)
            process.kill()

    async def stop(self) -> None:
        """Ask it to finish, wait for as long as its work may take, then kill it."""
        self.stopping = True
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), self.patience)
        except TimeoutError:
            log.warning("process does not end, killing it", name=self.name)
            self.process.kill()
            await self.process.wait()

    def hurry(self) -> None:
        """Do not wait for calls in progress any longer."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()


def serve(settings: Settings, say: Callable[[str], None]) -> int:
    """Check, migrate, start everything, and watch until a signal; returns the exit status."""
    preflight.check(settings)
    with preflight.alone(settings.data_dir):
        say("Bringing the database up to date ...")
        schema.migrate(settings)
        if settings.demo:
            from callcenter.main import demo  # noqa: PLC0415 - demo data is no part of a real start

            demo.seed(settings, say)
        return asyncio.run(_run(settings, say))


async def _run(settings: Settings, say: Callable[[str], None]) -> int:
    """Start the switch first, so that the web finds it; stop it first too, while its consultants still see their calls."""
    logs.configure(settings.log_level, "serve")
    names = ["switch", "lab", "web"] if settings.demo else ["switch", "web"]
    patience = {"switch": settings.drain_seconds + _KILL_AFTER_SECONDS}
    children = [Child(settings, name, patience.get(name, _KILL_AFTER_SECONDS)) for name in names]
    stop = asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            for child in children:
                child.hurry()
        else:
            say("Stopping: no new calls; those in progress may finish. Press Ctrl-C again to end them now.")
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    watching = {asyncio.create_task(child.watch(), name=child.name) for child in children}
    announcing = asyncio.create_task(_announce(settings, say))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, *watching}, return_when=asyncio.FIRST_COMPLETED)
    announcing.cancel()
    stopping.cancel()
    for child in children:
        await child.stop()
    await asyncio.gather(*watching)
    return 1 if any(child.status == processes.CANNOT_START for child in children) else 0


async def _announce(settings: Settings, say: Callable[[str], None]) -> None:
    """Say where the product is once its pages answer."""
    host, port = host_port(settings.http)
    scheme = "https" if settings.tls_cert else "http"
    while True:
        try:
            _, writer = await asyncio.open_connection(host.replace("0.0.0.0", "127.0.0.1"), port)  # noqa: S104 - read, not bound
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        break
    shown = settings.public_url or f"{scheme}://{host}:{port}"
    say(f"\nThe contact centre is ready at {shown}")
    if settings.demo:
        from callcenter.main import demo  # noqa: PLC0415

        say(demo.welcome(settings))
    if sys.stdout.isatty():
        say("Press Ctrl-C to stop.")
