"""The web process: pages, API, live updates, the domain and the database, joined to the switch by the link."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
import uvicorn
from starlette.applications import Starlette

from callcenter import clock
from callcenter.campaigns.dialer import Dialer
from callcenter.config import Settings, host_port
from callcenter.contacts import index
from callcenter.correspondence.inbox import Inbox
from callcenter.db import Committed, Database
from callcenter.messages.mailer import Mailer
from callcenter.scheduler import Scheduler
from callcenter.switchboard import Switchboard
from callcenter.wiring import wire
from telephony.collect import collect
from telephony.link import SwitchLink
from webui.app import create_app
from webui.live import LiveHub

log = structlog.get_logger(__name__)

QUIET_SECONDS = 1.0  # without a commit: a full collection of garbage, 50 to 200 ms of the loop, waits for it


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set; then finish open requests and leave."""
    database = Database(settings.sqlalchemy_url, settings=settings)
    link = SwitchLink(settings.socket_path("link"))
    live = LiveHub(database)
    scheduler = Scheduler(database)
    dialer = Dialer(database)

    def send(committed: Committed) -> None:
        for command in committed.commands:
            link.send(command)

    wire(database)
    work_done = _LastCommit()
    database.after_commit.extend([send, live.publish, scheduler.committed, dialer.committed, work_done.note])
    switchboard = Switchboard(database, link)
    app = create_app(settings, database, link, live)
    server = _server(settings, app)
    work = {
        "garbage": collect(work_done.long_ago),
        "link": link.run(),
        "switchboard": switchboard.run(),
        "scheduler": scheduler.run(),
        "dialer": dialer.run(),
        "live": live.run(),
        "mailer": Mailer(database).run(),
        "contact index": index.run(database),
        "inbox": Inbox(database).run(),
    }
    background = [asyncio.create_task(each, name=name) for name, each in work.items()]
    serving = asyncio.create_task(server.serve(), name="http")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    done, _ = await asyncio.wait([serving, stopping, *background], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    for task in (*background, stopping):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await database.close()
    for task in done - {stopping, serving}:
        log.error("background task ended", task=task.get_name())
        task.result()


class _LastCommit:
    """Tells whether nothing was written for a moment: time for what would make somebody wait."""

    def __init__(self) -> None:
        self._at = clock.monotonic()

    def note(self, _committed: Committed) -> None:
        """Note that something was written (an after-commit listener)."""
        self._at = clock.monotonic()

    def long_ago(self) -> bool:
        """Tell whether the last commit was QUIET_SECONDS ago."""
        return clock.monotonic() - self._at >= QUIET_SECONDS


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the process that owns it decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def _server(settings: Settings, app: Starlette) -> uvicorn.Server:
    """Return the HTTP and WebSocket server for the configured address."""
    host, port = host_port(settings.http)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=16384,
        timeout_keep_alive=75,  # longer than clients keep theirs: a request on a connection we just closed would be lost
        timeout_graceful_shutdown=5,
    )
    return _Server(config)
