"""Tables for tests, made once: a SQLite file with all of them that is copied, and statements compiled once for all engines."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.config import Settings
from callcenter.db import Database
from callcenter.models import Base

_KEPT: dict[str, tuple[Any, Any]] = {}  # by the dialect's name: the dialect and what was compiled for it


def make(url: str) -> None:
    """Make all tables in an empty database."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


@cache
def sqlite_file() -> Path:
    """Return a SQLite file with all tables and no rows, to be copied: quicker than making them for each test."""
    folder = Path(tempfile.mkdtemp(prefix="callcenter-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make(f"sqlite:///{folder / 'tables.db'}")
    return folder / "tables.db"


def sqlite_database(settings: Settings) -> Database:
    """Return a database with all tables in the file the settings name, which is made."""
    file = Path(settings.sqlalchemy_url.partition(":///")[2])
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(sqlite_file(), file)
    return share_statements(Database(settings.sqlalchemy_url, settings=settings))


def share_statements(database: Database) -> Database:
    """Let a database that was not used yet find what others compiled; each engine else compiles anew, a fifth of such a test.

    A compiled statement belongs to its engine's dialect, so both are handed on together, once a connection has initialised it.
    """
    for engine in _engines(database):
        if engine.dialect.name in _KEPT:
            engine.sync_engine.dialect, engine.sync_engine._compiled_cache = _KEPT[engine.dialect.name]
    return database


def keep_statements(database: Database) -> None:
    """Hand on what a database has compiled."""
    for engine in _engines(database):
        if engine.dialect.name not in _KEPT and getattr(engine.dialect, "server_version_info", None):
            _KEPT[engine.dialect.name] = (engine.sync_engine.dialect, engine.sync_engine._compiled_cache)


def _engines(database: Database) -> tuple[AsyncEngine, ...]:
    return tuple({id(each): each for each in (database.engine, database.reader)}.values())
