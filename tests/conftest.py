"""Fixtures every test may use: a database of either kind, built from the models, and people to act in it."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from callcenter import clock
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.users import passwords
from callcenter.wiring import wire
from tests import postgres, tables

# Shared machines are slow at times: an example that took long is no failure.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("house")

KINDS = [each for each in ("sqlite", "postgresql") if os.environ.get("CALLCENTER_TEST_DATABASE", each) == each]


# Files that take longest begin first, so that none of them runs alone at the end (with --no-loadscope-reorder).
LONGEST = ("tests/webui/test_rights_walk", "tests/walks/test_whole", "tests/walks/", "tests/peers/", "tests/webui/test_openapi")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    items.sort(key=lambda item: next((place for place, each in enumerate(LONGEST) if item.nodeid.startswith(each)), len(LONGEST)))


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash passwords as lightly as argon2 allows: as strong as in earnest, a story that signs in spends a second on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


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
def postgres_tables(postgres_sockets: str) -> postgres.Tables:
    """Make a PostgreSQL database with all tables, used by one test after another: emptying it takes 5 % of making it anew."""
    return postgres.Tables(postgres_sockets, tables.make)


@pytest.fixture
async def tables_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Yield the address of a database with all tables and no rows."""
    if database_kind == "sqlite":
        shutil.copy(tables.sqlite_file(), tmp_path / "test.db")
        yield f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
        return
    kept: postgres.Tables = request.getfixturevalue("postgres_tables")
    yield kept.empty()


@pytest.fixture
async def database(tables_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """Yield a Database with all tables and the inbox listener, on each kind in turn."""
    database = Database(tables_url, settings=Settings(data_dir=tmp_path))
    tables.share_statements(database)
    wire(database)
    yield database
    tables.keep_statements(database)
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


@pytest.fixture(autouse=True)
def real_clock() -> Iterator[None]:
    """Put the clock back after a test that moved it."""
    yield
    clock.shift(0)
    clock.stop(False)
