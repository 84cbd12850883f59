"""The product made ready for a measurement: people, tokens, a project and a trunk written by its own services, then served."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psycopg

from bench import cores
from bench.agents import Agent, Hears, Rule
from bench.seed import seeded
from callcenter.actor import SYSTEM
from callcenter.config import Settings
from callcenter.db import Database, UnitOfWork
from callcenter.projects import service as projects
from callcenter.projects.service import ProjectInput
from callcenter.trunks import service as trunks
from callcenter.trunks.service import TrunkInput, TwilioInput
from callcenter.users import service as users
from callcenter.users.models import User
from callcenter.wiring import wire
from tests.walks.whole import PASSWORD, PROJECT_NUMBER, Product, running


async def furnished(
    folder: Path, *, trunk_port: int = 0, trunk: TwilioInput | None = None, agents: int, contacts: int, url: str = ""
) -> tuple[Product, list[str]]:
    """Return a product with `agents` consultants (consultant1 ...) and their tokens, and so many contacts; not started.

    Its trunk is one over SIP to `trunk_port`, or `trunk`, whose public address becomes the product's. There is no wrap-up, so
    that an agent is ready again as soon as a call is over. `url`: of an empty PostgreSQL, which gets no contacts.
    """
    product, path = empty(folder, url), folder / "callcenter.db"
    if not url:
        shutil.copy(await seeded(path, contacts), path)
        os.sync()  # or the first transactions that wait for the disk would wait for this copy
    settings = Settings(data_dir=folder, database_url=url, _env_file=None)
    database = Database(settings.sqlalchemy_url, settings=settings)
    wire(database)
    try:
        logins = [f"consultant{n}" for n in range(1, agents + 1)]
        first = await users.add_user(database, SYSTEM, logins[0], logins[0], "consultant", PASSWORD)
        async with database.unit_of_work() as uow:
            members = [first.id, *[await _like(uow, first, login) for login in logins[1:]]]
            sip = TrunkInput(name="peer", host="127.0.0.1", port=trunk_port or 5060, caller_ids=[PROJECT_NUMBER])
            given_trunk = sip if trunk is None else trunk.model_copy(update={"public_url": product.url})
            trunk_id = (await trunks.add_trunk(uow, given_trunk)).id
            given = ProjectInput(name="Service", numbers=[PROJECT_NUMBER], trunk_id=trunk_id, wrap_up_seconds=0)
            project = await projects.add_project(uow, given)
            await projects.set_members(uow, project.id, members)
            tokens = [await users.add_token(uow, each) for each in logins]
    finally:
        await database.close()
    return product, tokens


def empty(folder: Path, url: str = "") -> Product:
    """Return a product with a schema and nothing in it, on SQLite or the PostgreSQL of `url`; not started."""
    folder.mkdir(parents=True)
    product = Product(folder, database_url=url)
    product.command("migrate")
    return product


async def _like(uow: UnitOfWork, first: User, login: str) -> int:
    """Add one more with the first one's password: hashing it fifty times takes longer than the rest."""
    user = User(
        login=login, name=login, role=first.role, accounts=first.accounts, password_hash=first.password_hash, created_at=uow.now
    )
    uow.session.add(user)
    await uow.session.flush()
    return user.id


@asynccontextmanager
async def serving(product: Product) -> AsyncIterator[None]:
    """Serve it on its core."""
    async with AsyncExitStack() as stack:
        with cores.starting(cores.PRODUCT):
            await stack.enter_async_context(running(product))
        yield


@asynccontextmanager
async def staffed(
    product: Product, tokens: list[str], *, answers: Rule, talk: float = 0.5, hears: Hears | None = None
) -> AsyncIterator[list[Agent]]:
    """Have an agent ready for each token."""
    async with AsyncExitStack() as stack:
        agents = [
            await stack.enter_async_context(Agent(product, token, answers=answers, talk=talk, hears=hears)) for token in tokens
        ]
        await asyncio.gather(*(agent.ready() for agent in agents))
        yield agents


def commits(product: Product) -> int:
    """Return how many transactions were committed.

    SQLite: the counter in the head of its WAL index (sqlite.org/walformat), of those that wrote. PostgreSQL: all of them.
    """
    if product.database_url:
        with psycopg.connect(product.database_url.replace("postgresql+psycopg", "postgresql")) as connection:
            row = connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").fetchone()
            return int(row[0]) if row else 0
    with (product.folder / "callcenter.db-shm").open("rb") as index:
        return int.from_bytes(index.read(12)[8:], "little")


def processor(product: Product) -> dict[str, float]:
    """Return the seconds of CPU each process of the product has used."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for name in ("web", "switch"):
        fields = Path(f"/proc/{product.pid_of(name)}/stat").read_text().rpartition(")")[2].split()
        found[name] = (int(fields[11]) + int(fields[12])) / ticks  # utime and stime: proc(5)
    return found


def resident(product: Product) -> dict[str, float]:
    """Return the memory each process of the product holds, in MB."""
    page = os.sysconf("SC_PAGE_SIZE")
    return {
        name: int(Path(f"/proc/{product.pid_of(name)}/statm").read_text().split()[1]) * page / 1e6 for name in ("web", "switch")
    }
