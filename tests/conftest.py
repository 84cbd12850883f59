"""Fixtures every test may use: a database of either kind, built from the models, and people to act in it."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from callcenter import clock
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.models import Base
from callcenter.wiring import wire
from tests import postgres

# Shared machines are slow at times: an example that took long is no failure.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("house")

KINDS = [each for each in ("sqlite", "postgresql") if os.environ.get("CALLCENTER_TEST_DATABASE", each) == each]


# Files that take longest begin first, so that none of them runs alone at the end (with --no-loadscope-reorder).
LONGEST = ("tests/webui/test_rights_walk", "tests/walks/test_whole", "tests/walks/", "tests/peers/", "tests/webui/test_openapi")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    items.sort(key=lambda item: next((place for place, each in enumerate(LONGEST) if item.nodeid.startswith(each)), len(LONGEST)))


@pytest.fixture(scope="session")
def postgres_sockets() -> Iterator[str]:
    """Run one PostgreSQL cluster for the session; yields its socket folder."""
    with postgres.cluster() as sockets:
        yield sockets


@pytest.fixture(params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """Run the test once per database."""
    return str(request.param)


@pytest.fixture
async def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Yield the address of an empty database."""
    if database_kind == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
        return
    async with _postgres_database(request.getfixturevalue("postgres_sockets"), like="template1") as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a SQLite file with all tables, to be copied: quicker than making them for each test."""
    path = tmp_path_factory.mktemp("tables") / "tables.db"
    _make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_tables(postgres_sockets: str) -> postgres.Tables:
    """Make a PostgreSQL database with all tables, used by one test after another: emptying it takes 5 % of making it anew."""
    return postgres.Tables(postgres_sockets, _make_tables)


@pytest.fixture
async def tables_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Yield the address of a database with all tables and no rows."""
    if database_kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_tables"), tmp_path / "test.db")
        yield f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
        return
    tables: postgres.Tables = request.getfixturevalue("postgres_tables")
    yield tables.empty()


@pytest.fixture
async def database(tables_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """Yield a Database with all tables and the inbox listener, on each kind in turn."""
    database = Database(tables_url, settings=Settings(data_dir=tmp_path))
    wire(database)
    yield database
    await database.close()


@asynccontextmanager
async def _postgres_database(sockets: str, like: str) -> AsyncIterator[str]:
    """Make a database as a copy of another, and drop it afterwards."""
    name = f"t{clock.new_id()}"
    admin = create_async_engine(postgres.database_url(sockets, "postgres"), isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {like}"))
    yield postgres.database_url(sockets, name)
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await admin.dispose()


def _make_tables(url: str) -> None:
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


@pytest.fixture(autouse=True)
def real_clock() -> Iterator[None]:
    """Put the clock back after a test that moved it."""
    yield
    clock.shift(0)
    clock.stop(False)
