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

from callcenter.actor import SYSTEM
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.main import schema
from callcenter.projects import service as projects
from callcenter.projects.service import ProjectInput
from callcenter.trunks import service as trunks
from callcenter.trunks.service import TrunkInput
from callcenter.users import service as users
from callcenter.wiring import wire

T = TypeVar("T")

PASSWORD = "correct horse battery"
PROJECT_NUMBER = "+48221000099"
START_SECONDS = 180


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

    @property
    def settings(self) -> Settings:
        """Return its settings, for what a test does beside it."""
        return Settings(
            data_dir=self.folder, database_url=self.database_url, demo=self.demo, sip=f"127.0.0.1:{self.sip_port}", _env_file=None
        )

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """Open its database beside it, as the command line does."""
        database = Database(self.settings.sqlalchemy_url, settings=self.settings)
        wire(database)
        try:
            yield database
        finally:
            await database.close()

    async def furnish(self, *, trunk_port: int, consultants: int = 1) -> dict[str, str]:
        """Make the schema, consultants, an administrator, a project and a trunk; returns bearer tokens by login.

        What tests/walks/test_whole_commands.py does with commands, without a process for each.
        """
        await asyncio.to_thread(schema.migrate, self.settings)
        logins = [f"consultant{n}" for n in range(1, consultants + 1)]
        async with self.database() as database:
            for login in [*logins, "chief"]:
                role = "administrator" if login == "chief" else "consultant"
                await users.add_user(database, SYSTEM, login, login.title(), role, PASSWORD)
            async with database.unit_of_work() as uow:
                tokens = {login: await users.add_token(uow, login) for login in [*logins, "chief"]}
                people = {each.login: each.id for each in await users.list_users(uow)}
                data = TrunkInput(name="peer", host="127.0.0.1", port=trunk_port, caller_ids=[PROJECT_NUMBER])
                trunk = await trunks.add_trunk(uow, data)
                given = {"name": "Service", "numbers": [PROJECT_NUMBER], "trunk_id": trunk.id, "caller_id": PROJECT_NUMBER}
                project = await projects.add_project(uow, ProjectInput.model_validate(given))
                await projects.set_members(uow, project.id, [people[login] for login in logins])
        return tokens

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

    def errors(self) -> list[str]:
        """Return the lines of the log that tell of a fault: errors, and anything with a traceback."""
        return [line for line in self.log().splitlines() if '"level": "error"' in line or "Traceback" in line]

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

    async def kill_parent(self) -> None:
        """Kill `serve` itself with SIGKILL and wait until its children have gone by themselves."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

        async def gone() -> bool:
            return not any(self.pids(name) for name in ("web", "switch", "lab"))

        await until("the orphans to go", gone)

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
