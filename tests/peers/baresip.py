"""baresip 1.0 as a foreign phone: a WAV is its microphone, a WAV records what it hears, JSON over TCP presses its buttons."""

import asyncio
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.peers import tones
from tests.peers.programs import Address, free_udp_port, required

_MODULES = Path("/usr/lib/baresip/modules")
_CONFIG = """poll_method epoll
sip_listen 127.0.0.1:{sip}
call_max_calls 4
call_local_timeout 120
audio_source aufile,{microphone}
audio_player aubridge,sink
audio_alert aubridge,alert
snd_path {folder}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
rtp_ports {rtp}-{rtp_last}
net_interface 127.0.0.1
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Baresip:
    """A running baresip. `address` is its SIP address; `events` all it told since the control connection stood."""

    def __init__(self, process: asyncio.subprocess.Process, address: Address, folder: Path) -> None:
        self.address = address
        self._folder = folder
        self.events: list[dict[str, Any]] = []
        self._process = process
        self._news = asyncio.Event()
        self._answers: deque[dict[str, Any]] = deque()
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    def hears(self, hertz: float) -> bool:
        """Whether a second of what it heard in its last call is a tone of `hertz`."""
        recordings = sorted(self._folder.glob("dump-*-dec.wav"))
        return bool(recordings) and tones.heard(recordings[-1], hertz)

    async def connect(self, port: int) -> None:
        """Open the control connection once baresip listens."""
        for _ in range(600):
            with suppress(OSError):
                reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
                self._reader = asyncio.create_task(self._read(reader))
                return
            if self._process.returncode is not None:
                break
            await asyncio.sleep(0.05)
        raise AssertionError(f"baresip did not start:\n{self.said()}")

    async def do(self, command: str, parameters: str = "") -> str:
        """Press a button (baresip's commands: dial, accept, hangup, sndcode ...); returns what it says."""
        assert self._writer is not None
        text = json.dumps({"command": command, "params": parameters, "token": "t"})
        self._writer.write(f"{len(text)}:{text},".encode())
        await self._writer.drain()
        await self._until(lambda: bool(self._answers), f"baresip answers {command}")
        return str(self._answers.popleft().get("data", ""))

    async def event(self, kind: str, *, seconds: float = 30) -> dict[str, Any]:
        """Wait for an event such as CALL_INCOMING, CALL_RINGING, CALL_ESTABLISHED, CALL_CLOSED; returns the last one."""
        await self._until(lambda: any(each["type"] == kind for each in self.events), f"baresip tells {kind}", seconds)
        return [each for each in self.events if each["type"] == kind][-1]

    def said(self) -> str:
        """Return baresip's own log."""
        return (self._folder / "baresip.log").read_text(errors="replace")

    async def stop(self) -> None:
        """Hang up and end it; its recording is complete then."""
        if self._process.returncode is None:
            self._process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 5)
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._writer is not None:
            self._writer.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _until(self, true: Any, what: str, seconds: float = 30) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not true():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"did not happen: {what}\n{self.events}\n{self.said()}") from None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while length := await reader.readuntil(b":"):
            message = json.loads(await reader.readexactly(int(length[:-1])))
            await reader.readexactly(1)
            if message.get("event"):
                self.events.append(message)
            else:
                self._answers.append(message)
            self._news.set()


@asynccontextmanager
async def running(
    folder: Path,
    *,
    account: str,
    microphone: Path,
    laws: Sequence[str] = ("pcma", "pcmu"),
) -> AsyncIterator[Baresip]:
    """Run baresip with one account line ("<sip:USER@HOST:PORT>;auth_pass=...;regint=60"; regint=0: no registration)."""
    folder.mkdir(parents=True, exist_ok=True)
    sip, rtp, control = free_udp_port(), free_udp_port(), _free_tcp_port()
    places = {"folder": folder, "microphone": microphone, "modules": _MODULES}
    config = _CONFIG.format(sip=sip, rtp=rtp, rtp_last=rtp + 9, control=control, **places)
    (folder / "config").write_text(config)
    (folder / "accounts").write_text(f"{account};audio_codecs={','.join(f'{law.upper()}/8000/1' for law in laws)}\n")
    with (folder / "baresip.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            required("baresip", "baresip-core"), "-f", str(folder), "-s", stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
    phone = Baresip(process, ("127.0.0.1", sip), folder)
    try:
        await phone.connect(control)
        yield phone
    finally:
        await phone.stop()


def _free_tcp_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
