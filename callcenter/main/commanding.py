"""What commands share: the configured database, and words from standard input."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import typer

from callcenter.config import Settings
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Invalid
from callcenter.wiring import wire

T = TypeVar("T")


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


def in_transaction(work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """Run one unit of work as the system, on the configured database."""

    async def transact() -> T:
        async with open_database() as database, database.unit_of_work() as uow:
            return await work(uow)

    return asyncio.run(transact())


def read_password(what: str) -> str:
    """Read a password from standard input: typed unseen on a terminal, else the first line."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, confirmation_prompt=True))
    try:
        line = sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Invalid("The password on standard input is no text in UTF-8.") from None
    if not line:
        raise Invalid("No password came on standard input.")
    return line
