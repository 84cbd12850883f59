"""The schema's history: up to what the models say, down to nothing, on both databases."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, insert, inspect, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from callcenter.campaigns.confirmation_models import Confirmation
from callcenter.contacts.organisation_terms import searchable
from callcenter.contacts.organisation_terms import terms as organisation_terms
from callcenter.main.schema import alembic_config
from callcenter.meetings import search
from callcenter.meetings.terms import MeetingTerm
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


def triggers(connection: Connection) -> set[str]:
    """Return the names of triggers, on SQLite with what they do: a table that is made anew loses its own."""
    if connection.dialect.name == "sqlite":
        return set(connection.execute(text("SELECT sql FROM sqlite_master WHERE type = 'trigger'")).scalars())
    return set(connection.execute(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")).scalars())


async def test_the_triggers_of_the_contact_index_outlive_every_migration(database_url: str) -> None:
    config = alembic_config(database_url)
    await asyncio.to_thread(command.upgrade, config, "head")
    assert len(await inside(database_url, triggers)) == 15


async def test_meetings_that_are_there_get_their_search_terms(database_url: str) -> None:
    config = alembic_config(database_url)
    await asyncio.to_thread(command.upgrade, config, "0002")
    texts = {
        1: " zolta oferta jan 48602345678 602345678 ~87654320684",
        2: "",
        10_000: f" {'x' * 90} oferta ~1",
        10_001: " oferta 7 7701",
        25_000: " zofia ~2",
    }
    await inside(database_url, lambda connection: write_meetings(connection, texts))
    await asyncio.to_thread(command.upgrade, config, "head")
    expected = {(term, number) for number, text in texts.items() for term in search.terms(text)}
    expected |= {("kowalska", 25_000)}  # what the contact is called now
    assert await inside(database_url, terms) == expected
    await asyncio.to_thread(command.downgrade, config, "0002")
    assert "phone_meeting_terms" not in await inside(database_url, tables)
    await asyncio.to_thread(command.upgrade, config, "head")
    assert await inside(database_url, terms) == expected


async def test_organisations_that_are_there_get_their_search_terms(database_url: str) -> None:
    config = alembic_config(database_url)
    await asyncio.to_thread(command.upgrade, config, "0008")
    await inside(database_url, write_organisations)
    await asyncio.to_thread(command.upgrade, config, "0011")
    written = await inside(database_url, organisation_terms_of)
    text = searchable("Żółty Słoń", digits=["48221234567"])
    assert written == {(term, 1) for term in organisation_terms("Żółty Słoń", text)} | {("beta", 3000)}
    await asyncio.to_thread(command.downgrade, config, "0008")
    assert "organisation_terms" not in await inside(database_url, tables)


def write_organisations(connection: Connection) -> None:
    organisations, numbers = (Table(name, MetaData(), autoload_with=connection) for name in ("organisations", "numbers"))
    for number, name in ((1, "Żółty Słoń"), (2, "%"), (3000, "Beta")):
        connection.execute(insert(organisations), {**bare(organisations), "id": number, "name": name})
    digits = {"raw": "22 123 45 67", "digits": "48221234567", "organisation_id": 1, "contact_id": None}
    connection.execute(insert(numbers), {**bare(numbers), "id": 1} | digits)
    connection.commit()


def organisation_terms_of(connection: Connection) -> set[tuple[str, int]]:
    table = Table("organisation_terms", MetaData(), autoload_with=connection)
    return {(row.term, row.organisation_id) for row in connection.execute(select(table))}


def write_meetings(connection: Connection, texts: dict[int, str]) -> None:
    """Write meetings with these searchable texts, as far as the schema asks; the last one's contact is Zofia Kowalska."""
    contacts, meetings = (Table(name, MetaData(), autoload_with=connection) for name in ("contacts", "phone_meetings"))
    connection.execute(insert(contacts), {**bare(contacts), "id": 7, "sort_name": "kowalska zofia"})
    theirs = {max(texts): 7}
    for number, folded in texts.items():
        row = {**bare(meetings), "id": number, "folded": folded, "contact_id": theirs.get(number)}
        connection.execute(insert(meetings), row)
    connection.commit()


def bare(table: Table) -> dict[str, Any]:
    """Return values of no meaning for what a table insists on, as it was at that time."""
    values = {dt.datetime: dt.datetime(2026, 1, 1, tzinfo=dt.UTC), str: "", int: 0, float: 0, object: {}, dict: {}, bool: False}
    return {each.name: values[each.type.python_type] for each in table.columns if not each.nullable}


async def test_yeses_that_await_their_confirmation_get_a_record(database_url: str) -> None:
    config = alembic_config(database_url)
    await asyncio.to_thread(command.upgrade, config, "0024")
    await inside(database_url, write_yeses)
    await asyncio.to_thread(command.upgrade, config, "head")
    assert await inside(database_url, confirmations) == {("first", 1, "awaiting", NOON), ("later", 2, "awaiting", NOON)}


NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


def write_yeses(connection: Connection) -> None:
    """Write four leads: with a yes in the first of two calls, with one whose reason was forgotten, without any, and done."""
    found = {
        name: Table(name, MetaData(), autoload_with=connection) for name in ("projects", "campaigns", "leads", "lead_attempts")
    }
    connection.execute(insert(found["projects"]), {**bare(found["projects"]), "id": 1})
    connection.execute(insert(found["campaigns"]), {**bare(found["campaigns"]), "id": 1, "project_id": 1})
    leads: tuple[tuple[int, str, dict[str, str]], ...] = (
        (1, "agreed", {"attempt_id": "first"}),
        (2, "agreed", {}),
        (3, "agreed", {}),
        (4, "", {}),
    )
    for number, refusal, values in leads:
        row = {"id": number, "campaign_id": 1, "state": "done", "refusal": refusal, "refusal_values": values}
        connection.execute(insert(found["leads"]), {**bare(found["leads"]), **row})
    for name, lead, hour in (("first", 1, 0), ("second", 1, 1), ("earlier", 2, -1), ("later", 2, 0), ("other", 4, 0)):
        row = {"id": name, "campaign_id": 1, "lead_id": lead, "number": name, "state": "over"}
        begun = {"started_at": NOON + dt.timedelta(hours=hour)}
        connection.execute(insert(found["lead_attempts"]), {**bare(found["lead_attempts"]), **row, **begun})
    connection.commit()


def confirmations(connection: Connection) -> set[tuple[str, int, str, dt.datetime]]:
    rows = connection.execute(select(Confirmation))
    return {(row.attempt_id, row.lead_id, row.state, row.said_at) for row in rows}


def terms(connection: Connection) -> set[tuple[str, int]]:
    return {(row.term, row.meeting_id) for row in connection.execute(select(MeetingTerm.term, MeetingTerm.meeting_id))}


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
