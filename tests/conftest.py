"""Fixtures every test may use: a database of either kind, built from the models, and people to act in it."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import text
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
    sockets = request.getfixturevalue("postgres_sockets")
    name = f"t{clock.new_id()}"
    admin = create_async_engine(postgres.database_url(sockets, "postgres"), isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres.database_url(sockets, name)
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await admin.dispose()


@pytest.fixture
async def database(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """Yield a Database with all tables and the inbox listener, on each kind in turn."""
    database = Database(database_url, settings=Settings(data_dir=tmp_path))
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    wire(database)
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def real_clock() -> Iterator[None]:
    """Put the clock back after a test that moved it."""
    yield
    clock.shift(0)
    clock.stop(False)
