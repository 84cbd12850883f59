"""The configured database, for commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from callcenter.config import Settings
from callcenter.db import Database
from callcenter.wiring import wire


@asynccontextmanager
async def open_database() -> AsyncIterator[Database]:
    """Open the configured database for one command."""
    settings = Settings()
    database = Database(settings.sqlalchemy_url, settings=settings)
    wire(database)
    try:
        yield database
    finally:
        await database.close()
