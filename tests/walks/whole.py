"""The whole product as a stranger starts it: `callcenter serve` in processes of its own, driven through its doors."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

PASSWORD = "correct horse battery"
PROJECT_NUMBER = "+48221000099"
START_SECONDS = 60


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port nobody has at this moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(what: str, condition: Callable[[], Awaitable[T | None]], seconds: float = 30) -> T:
    """Wait until `condition` gives something true and return it; fail naming `what`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = await condition()
        if found:
            return found
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        await asyncio.sleep(0.05)


@dataclass
class Product:
    """A running product: where its doors are, and its command line."""

    folder: Path
    demo: bool = False
    database_url: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    http_port: int = field(default_factory=free_port)
    sip_port: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))
    lab_port: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The address of the pages."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment its commands run in."""
        first = 20000 + (self.http_port * 7) % 20000
        return {
            **os.environ,
            "CALLCENTER_DATA_DIR": str(self.folder),
            "CALLCENTER_DATABASE_URL": self.database_url,
            "CALLCENTER_HTTP": f"127.0.0.1:{self.http_port}",
            "CALLCENTER_SIP": f"127.0.0.1:{self.sip_port}",
            "CALLCENTER_LAB_SIP": f"127.0.0.1:{self.lab_port}",
            "CALLCENTER_RTP_PORTS": f"{first}-{first + 999}",
            "CALLCENTER_DRAIN_SECONDS": "1",  # a test that ends in the middle of a talk is not about stopping
            **self.extra,
        }

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run `callcenter ...` to its end and return what it printed; fails when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "callcenter.main", *arguments],
            input=stdin,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"callcenter {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout.strip()

    def prepare(self, *, trunk_port: int, consultants: int = 1) -> list[str]:
        """Make the schema, consultants, a supervisor, a project and a trunk; returns the consultants' bearer tokens."""
        self.command("migrate")
        logins = [f"consultant{n}" for n in range(1, consultants + 1)]
        for login in logins:
            self.command("user", "add", login, "--name", login.title(), "--role", "consultant", stdin=PASSWORD + "\n")
        self.command("user", "add", "chief", "--name", "Chief", "--role", "administrator", stdin=PASSWORD + "\n")
        members = [part for login in logins for part in ("--member", login)]
        self.command("project", "add", "Service", "--number", PROJECT_NUMBER, *members)
        trunk = ("--host", "127.0.0.1", "--port", str(trunk_port), "--caller-id", PROJECT_NUMBER)
        self.command("trunk", "add", "peer", *trunk)
        return [self.command("token", "add", login) for login in logins]

    async def start(self) -> None:
        """Start serving and wait until both processes are ready."""
        log = (self.folder / "serve.log").open("ab")
        options = ["--demo"] if self.demo else []
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "callcenter.main", "serve", *options, env=self.environment, stdout=log, stderr=log
        )
        log.close()
        await until("the product to be ready", self._ready, START_SECONDS)

    async def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log()
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self.url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    def log(self) -> str:
        """Return what its processes logged so far."""
        return (self.folder / "serve.log").read_text()

    def pid_of(self, name: str) -> int:
        """Return the process id of the child `name` (web, switch, lab)."""
        assert self.process is not None
        found = self.pids(name)
        assert found, f"{name} does not run"
        return found[0]

    def pids(self, name: str) -> list[int]:
        """Return the process ids of the child `name` that run now, whoever its parent is: none while it is started again."""
        wanted = f"callcenter.main.processes\0{name}\0".encode()
        mine = f"CALLCENTER_DATA_DIR={self.folder}\0".encode()
        found: list[int] = []
        for each in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                if (each / "cmdline").read_bytes().endswith(wanted) and mine in (each / "environ").read_bytes() + b"\0":
                    found.append(int(each.name))
        return found

    def kill(self, name: str) -> int:
        """Kill a child with SIGKILL; returns the process id it had."""
        pid = self.pid_of(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    async def stop(self) -> int:
        """Stop gracefully and return the exit status; a second signal ends calls at once."""
        if self.process is None or self.process.returncode is not None:
            return 0
        self.process.terminate()
        try:
            return await asyncio.wait_for(self.process.wait(), 15)
        except TimeoutError:
            self.process.terminate()
            return await asyncio.wait_for(self.process.wait(), 30)

    def api(self, token: str) -> httpx.AsyncClient:
        """Return a client of the JSON API with a bearer token."""
        return httpx.AsyncClient(base_url=f"{self.url}/api/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=30)


@asynccontextmanager
async def running(product: Product) -> AsyncIterator[Product]:
    """Start the product, yield it, stop it."""
    await product.start()
    try:
        yield product
    finally:
        await product.stop()


async def ok(response: httpx.Response) -> Any:
    """Return the JSON of a good answer; fails with what was said otherwise."""
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.status_code} {response.text}"
    return response.json() if response.content else None
