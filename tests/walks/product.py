"""The product in this process for walks: the real web and domain on SQLite, a fake switch whose stations browsers plug into."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from callcenter.actor import SYSTEM, Role
from callcenter.config import Settings
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput, NumberInput
from callcenter.db import Committed, Database
from callcenter.projects import service as projects
from callcenter.projects.service import ProjectInput
from callcenter.scheduler import Scheduler
from callcenter.switchboard import Switchboard
from callcenter.trunks import service as trunks
from callcenter.trunks.service import TrunkInput
from callcenter.users import service as users
from callcenter.wiring import wire
from tests import tables
from tests.walks.fake_station import FakeStationPhone
from webui.app import create_app
from webui.live import LiveHub

PASSWORD = "a-walk-in-the-park"
PEOPLE = (
    ("anna", "Anna Nowak", Role.CONSULTANT),
    ("piotr", "Piotr Wiśniewski", Role.CONSULTANT),
    ("maria", "Maria Zając", Role.SUPERVISOR),
    ("admin", "Adam Admin", Role.ADMINISTRATOR),
)
PATIENCE = 30.0  # seconds; the machine may be busy
DIALLED = "+48221234567"
JAN, UNKNOWN, SHARED = "+48601234567", "+48509888777", "+48223334455"


@dataclass(slots=True)
class Product:
    """The product as it runs, and what a walk needs to act on it from outside."""

    url: str
    settings: Settings
    database: Database
    phone: FakeStationPhone
    live: LiveHub
    people: dict[str, int] = field(default_factory=dict)
    trunk_id: int = 0

    def customer_calls(self, number: str = JAN, *, name: str = "", withheld: bool = False) -> str:
        """Let a customer ring the project's number; returns the leg's id."""
        return self.phone.customer_calls(number, DIALLED, trunk_id=self.trunk_id, name=name, withheld=withheld)


async def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition of this process."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
    assert condition(), what


@asynccontextmanager
async def running(folder: Path, *, demo: bool = False, **more: Any) -> AsyncIterator[Product]:
    """Run the product on a free port with a little data; `more` are settings."""
    settings = Settings(data_dir=folder, demo=demo, station_grace_seconds=8, _env_file=None, **more)
    database = tables.sqlite_database(settings)
    phone = FakeStationPhone()
    live = LiveHub(database)
    scheduler = Scheduler(database)

    def send(committed: Committed) -> None:
        for command in committed.commands:
            phone.send(command)

    wire(database)
    database.after_commit.extend([send, live.publish, scheduler.committed])
    product = Product("", settings, database, phone, live)
    await _fill(product)
    app = create_app(settings, database, phone, live)
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="websockets-sansio", timeout_graceful_shutdown=2
        )
    )
    work = [asyncio.create_task(each.run()) for each in (Switchboard(database, phone), scheduler, live)]
    serving = asyncio.create_task(server._serve())
    await until(lambda: server.started, "the server starts")
    product.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield product
    finally:
        server.should_exit = True
        await serving
        for task in work:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await phone.close()
        tables.keep_statements(database)
        await database.close()


async def _fill(product: Product) -> None:
    database = product.database
    for login, name, role in PEOPLE:
        user = await users.add_user(database, SYSTEM, login, name, role.value, PASSWORD)
        product.people[login] = user.id
    async with database.unit_of_work() as uow:
        trunk = await trunks.add_trunk(uow, TrunkInput(name="Carrier", host="192.0.2.1", caller_ids=[DIALLED], emergency=True))
        product.trunk_id = trunk.id
        project = await projects.add_project(
            uow,
            ProjectInput(
                name="Helpline", numbers=[DIALLED], trunk_id=trunk.id, caller_id=DIALLED, wrap_up_seconds=120, offer_seconds=60
            ),
        )
        await projects.set_members(uow, project.id, [product.people["anna"]])
        await projects.set_dispositions(uow, None, ["Order taken", "Question answered", "Complaint"])
        for first, last, organisation, number in (
            ("Jan", "Kowalski", "Zakład Żółty Słoń", JAN),
            ("Ewa", "Łęcka", "Piekarnia Łęccy", SHARED),
            ("Marek", "Łęcki", "Piekarnia Łęccy", SHARED),
            ("Zofia", "Śliwińska", "", "+48 602 111 222"),
        ):
            data = ContactInput(
                first_name=first, last_name=last, organisation=organisation, numbers=[NumberInput(type="mobile", number=number)]
            )
            contact = await contacts.create_contact(uow, data, "PL")
            if last == "Kowalski":
                await contacts.add_note(uow, contact.id, "Asked for an offer by e-mail.")
