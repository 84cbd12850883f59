"""The child processes of `callcenter serve`: how each starts, and how it is told to stop."""

import asyncio
import ctypes
import os
import signal
import sys

import structlog
from pydantic import SecretStr

from callcenter.config import Settings
from callcenter.errors import CallCenterError
from callcenter.main import heartbeat, logs

log = structlog.get_logger(__name__)

NAMES = ("switch", "web", "lab")
CANNOT_START = 3  # exit status: a sentence was printed, and starting again would not help
_PR_SET_PDEATHSIG = 1
_PARENT = "CALLCENTER_PARENT_PROCESS"

# glibc keeps what the relay frees instead of giving it back and asking again: a third less CPU when measured.
# The web's readers have a thread each; an arena for each thread grows for hours (docs/decisions/0006-figures.md).
_MEMORY = {
    "switch": {"MALLOC_TRIM_THRESHOLD_": "134217728", "MALLOC_TOP_PAD_": "16777216"},
    "web": {"MALLOC_ARENA_MAX": "1"},
}


def environment(settings: Settings, name: str) -> dict[str, str]:
    """Return a child's environment: ours, plus every setting that was given, so that options reach it too."""
    given = {f"CALLCENTER_{key.upper()}": _plain(value) for key, value in settings.model_dump().items() if value is not None}
    given = {key: value for key, value in given.items() if value}
    return {**os.environ, **given, **_MEMORY.get(name, {}), _PARENT: str(os.getpid())}


def _plain(value: object) -> str:
    """Return a setting as it is given in the environment; a secret must reach the child as it is, not as it is shown."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


async def start(settings: Settings, name: str, pulse: heartbeat.Pulse) -> asyncio.subprocess.Process:
    """Start a child in a session of its own, so that Ctrl-C reaches only the one who watches it; it shows life to `pulse`."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "callcenter.main.processes",
        name,
        env={**environment(settings, name), heartbeat.DESCRIPTOR: str(pulse.descriptor)},
        pass_fds=[pulse.descriptor],
        start_new_session=True,
    )
    pulse.inherited()
    return child


def run(settings: Settings, name: str) -> int:
    """Be the child `name` until SIGTERM; returns the exit status."""
    logs.configure(settings.log_level, name)
    _die_with_parent()
    try:
        asyncio.run(_serve(settings, name))
    except CallCenterError as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT_START
    return 0


async def _serve(settings: Settings, name: str) -> None:
    """Run the child's part, and show that it is alive, until a signal."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    descriptor = os.environ.pop(heartbeat.DESCRIPTOR, "")
    beating = asyncio.create_task(heartbeat.beat(int(descriptor)), name="heartbeat") if descriptor else None
    try:
        await _part(settings, name, stop)
    finally:
        if beating is not None:
            beating.cancel()


async def _part(settings: Settings, name: str, stop: asyncio.Event) -> None:
    """Import and run only the child's own part."""
    if name == "web":
        from callcenter.main import web  # noqa: PLC0415 - the switch never loads the web, nor the web the switch

        await web.serve(settings, stop)
    elif name == "switch":
        from telephony import serve as switch  # noqa: PLC0415

        await switch.serve(settings, stop)
    elif settings.demo_trunk == "twilio-demo":
        from callcenter.main import twilio_demo  # noqa: PLC0415

        await twilio_demo.serve(settings, stop)
    else:
        from telephony.lab import serve as lab  # noqa: PLC0415

        await lab.serve(settings, stop)


def _die_with_parent() -> None:
    """Ask Linux for a SIGTERM when the parent dies, so that no child is left holding ports; it may be dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.environ.get(_PARENT, str(os.getppid())) != str(os.getppid()):
        sys.exit("The process that started this one is gone.")


if __name__ == "__main__":
    if sys.argv[1:] not in [[each] for each in NAMES]:
        sys.exit(f"usage: one of {', '.join(NAMES)}")
    sys.exit(run(Settings(), sys.argv[1]))
