"""Many rows into a table at once, past SQLAlchemy's own work for each: COPY on PostgreSQL, the driver's executemany on SQLite."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from callcenter.db import UnitOfWork

Row = Sequence[Any]


def when(uow: UnitOfWork, at: dt.datetime) -> Any:
    """Return a time as the driver stores it."""
    return at.replace(tzinfo=None).isoformat(" ", "microseconds") if uow.database.sqlite else at


async def plan_anew(uow: UnitOfWork) -> None:
    """Let PostgreSQL plan every statement of this transaction for the tables as they are by now.

    Else it keeps a plan after a few times, made when they were all but empty: half of an import's time was reading them whole.
    """
    if not uow.database.sqlite:
        await (await uow.session.connection()).exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")


async def insert(uow: UnitOfWork, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows (values in the order of `columns`; JSON as text)."""
    if not rows:
        return
    connection = await uow.session.connection()
    names = ", ".join(columns)
    if uow.database.sqlite:
        marks = ", ".join("?" * len(columns))
        await connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", [tuple(row) for row in rows])  # noqa: S608 - names of ours
        return
    raw = (await connection.get_raw_connection()).driver_connection
    if raw is None:
        raise RuntimeError("the connection is closed")
    async with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            await copy.write_row(row)


async def insert_terms(uow: UnitOfWork, terms: Sequence[tuple[str, int]]) -> None:
    """Insert search terms (term, contact id), best in their order; those that are there already stay."""
    if not terms:
        return
    connection = await uow.session.connection()
    if uow.database.sqlite:
        await connection.exec_driver_sql("INSERT OR IGNORE INTO contact_terms (term, contact_id) VALUES (?, ?)", list(terms))
        return
    arrays = {"terms": [term for term, _ in terms], "ids": [contact_id for _, contact_id in terms]}
    await connection.execute(_TERMS, arrays)


_TERMS = text(
    "INSERT INTO contact_terms (term, contact_id) SELECT * FROM unnest(CAST(:terms AS text[]), CAST(:ids AS integer[]))"
    " ON CONFLICT DO NOTHING"
)


async def new_ids(uow: UnitOfWork, table: str, count: int) -> list[int]:
    """Return ids for so many new rows, which nobody else gets."""
    connection = await uow.session.connection()
    if uow.database.sqlite:  # the one writer: nobody comes between this and the insert
        last = int(await connection.scalar(text(_LAST.format(table=table)), {"table": table}))
        return list(range(last + 1, last + 1 + count))
    return list((await connection.execute(_TAKEN, {"table": table, "count": count})).scalars())


_LAST = (
    "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = :table), 0), coalesce((SELECT max(id) FROM {table}), 0))"
)
_TAKEN = text(
    "SELECT nextval(s) FROM (SELECT pg_get_serial_sequence(:table, 'id')::regclass s OFFSET 0) x, generate_series(1, :count)"
)
