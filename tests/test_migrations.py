"""The schema's history: up to what the models say, down to nothing, on both databases."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Table, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from callcenter.main.schema import alembic_config
from callcenter.models import Base

T = TypeVar("T")


async def inside(url: str, work: Callable[[Connection], T]) -> T:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        result = await connection.run_sync(work)
    await engine.dispose()
    return result


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_upgrading_gives_what_the_models_say_and_downgrading_leaves_nothing(database_url: str) -> None:
    config = alembic_config(database_url)
    await asyncio.to_thread(command.upgrade, config, "head")
    assert await inside(database_url, differences) == []
    assert await inside(database_url, tables) == {*Base.metadata.tables, "alembic_version"}
    await asyncio.to_thread(command.downgrade, config, "base")
    assert await inside(database_url, tables) == {"alembic_version"}
    await asyncio.to_thread(command.upgrade, config, "head")
    assert await inside(database_url, differences) == []


@pytest.mark.parametrize("target", ["organisations", "contacts"])
def test_every_column_that_a_deleted_row_is_looked_for_in_has_an_index(target: str) -> None:
    """Deleting a contact or an organisation (an import undone: a million) asks each table that points at it."""
    bare = [
        f"{table.name}.{key.parent.name}"
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == target and key.parent.name not in first_columns(table)
    ]
    assert bare == []


def first_columns(table: Table) -> set[str]:
    """Return the columns an index of the table begins with."""
    return {index.columns[0].name for index in table.indexes} | {next(iter(table.primary_key.columns)).name}
