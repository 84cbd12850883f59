"""Answers of PostgreSQL in binary, for statements that fetch many octets: as text each octet comes as two digits."""

from typing import Any

from psycopg.pq import Format
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

BINARY = {"binary": True}  # execution options of such a statement; SQLite takes no notice of them


def allow(engine: AsyncEngine) -> None:
    """Let an engine's statements with the options BINARY be answered so."""
    event.listen(engine.sync_engine, "before_cursor_execute", _format)


def _format(_connection: Any, cursor: Any, _statement: str, _values: Any, context: Any, _many: bool) -> None:
    if context is not None and context.execution_options.get("binary"):
        cursor._cursor.format = Format.BINARY  # psycopg's cursor in SQLAlchemy's
