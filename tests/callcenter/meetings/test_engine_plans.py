"""What every consultant who becomes free asks, and what the clock asks, is read from an index: no scan of a big table."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import Dialect, text
from sqlalchemy.dialects import postgresql, sqlite

from callcenter.db import Database
from callcenter.meetings import due, feeding, reservations
from callcenter.meetings.models import Meeting

QUERIES: dict[str, tuple[Any, str]] = {
    "own": (feeding.OWN, "ix_phone_meetings_user_id_state_to_at"),
    "nobody's": (feeding.NOBODYS, "ix_phone_meetings_nobodys_due"),
    "clock": (due.FIRST, "ix_phone_meetings_next_at"),
    "batch": (due.BATCH_UNTIL, "ix_phone_meetings_next_at"),
    "reserved": (reservations.OPEN_OR_TO_COME, "ix_phone_meetings_"),
}


@pytest.mark.parametrize("name", QUERIES)
async def test_the_index_is_used(database: Database, name: str) -> None:
    query, index = QUERIES[name]
    dialect: Dialect = sqlite.dialect() if database.sqlite else postgresql.dialect()  # type: ignore[no-untyped-call]
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    values = {"at": now, "since": now, "user": 1, "project": 1}
    statement = str(query.params(values).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    async with database.engine.connect() as connection:
        if database.sqlite:
            plan = [row[3] for row in await connection.execute(text(f"EXPLAIN QUERY PLAN {statement}".replace(":", r"\:")))]
        else:
            await connection.execute(text("SET LOCAL enable_seqscan = off"))  # an empty table is read at once otherwise
            await connection.execute(text("SET LOCAL enable_bitmapscan = off"))
            plan = [row[0] for row in await connection.execute(text(f"EXPLAIN {statement}".replace(":", r"\:")))]
        await connection.rollback()
    used = "\n".join(plan)
    assert index in used, used
    assert f"SCAN {Meeting.__tablename__}" not in used.replace(f"SCAN {Meeting.__tablename__} USING", ""), used
    if name in ("nobody's", "clock", "batch"):
        assert "SORT" not in used.upper(), used
        assert "TEMP B-TREE" not in used, used
