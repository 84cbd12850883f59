"""Importing 100,000 contacts while calls come: rows a second, processor time a row, memory, and the pop-up beside it.

Each prints the import beside the same rows written by plain executemany, terms and all, without our checks: the bare
database. The calls come in the served product, on SQLite: bench/importing_calls.py.
"""

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from sqlalchemy import create_engine

from bench.figures import Run
from bench.seed import FIRST, LAST
from callcenter.actor import SYSTEM
from callcenter.config import Settings
from callcenter.contacts import imports
from callcenter.db import Database
from callcenter.models import Base
from callcenter.wiring import wire
from tests import postgres

ROWS = 100_000
HEADER = "First name;Last name;Organisation;E-mail;Mobile;Postcode;City"
_TABLES = ("organisations", "contacts", "numbers", "contact_terms")


def write_file(path: Path, rows: int = ROWS) -> None:
    """Write a file of so many contacts, each with a number and an e-mail address of their own."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{HEADER}\n")
        for n in range(rows):
            name = f"{LAST[n % len(LAST)]}{n % 977}"
            numbered = f"p{n}@firma{n % 999}.pl;51{n:07d};{n % 90 + 10}-{n % 899 + 100};Warszawa"
            file.write(f"{FIRST[n % len(FIRST)]};{name};Spółka Żuraw {n % 5000};{numbered}\n")


async def measured(url: str, folder: Path, rows: int) -> Run:
    """Import a file into an empty database in this process; returns rows a second, microseconds of processor a row, memory."""
    file = folder / "people.csv"
    write_file(file, rows)
    database = Database(url, settings=Settings(data_dir=folder, _env_file=None))
    wire(database)
    wall, cpu = time.perf_counter(), time.process_time()
    done = await imports.run_import(database, SYSTEM, file, file.name)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await database.close()
    if (done.state, done.applied) != ("done", rows):
        raise ValueError(f"the import ended otherwise: {done.state} {done.applied} {done.problem}")
    status = await asyncio.to_thread(Path("/proc/self/status").read_text)
    memory = int(status.partition("VmHWM:")[2].split()[0]) / 1024  # proc(5); getrusage would tell of who started us, too
    return {"rows a second": rows / wall, "CPU a row [us]": cpu / rows * 1e6, "memory at most [MB]": memory}


def child(url: str, folder: Path, rows: int) -> Run:
    """Measure in a process of its own, whose memory is the import's."""
    command = [sys.executable, "-m", "bench.importing", url, str(folder), str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    found: Run = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def bare_sqlite(source: Path, folder: Path) -> tuple[float, float]:
    """Write the rows an import made anew, by executemany in one transaction; returns seconds and seconds of processor."""
    rows, target = sqlite3.connect(source), folder / "bare.db"
    engine = create_engine(f"sqlite:///{target}")
    Base.metadata.create_all(engine)
    engine.dispose()
    connection = sqlite3.connect(target)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-1000;")
    wall = cpu = 0.0
    for table in _TABLES:
        held = rows.execute(f"SELECT * FROM {table} ORDER BY {_ORDER.get(table, 'id')}").fetchall()  # noqa: S608 - names of ours
        marks = ", ".join("?" * len(held[0]))
        began = time.perf_counter(), time.process_time()
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", held)  # noqa: S608
        connection.commit()
        wall, cpu = wall + time.perf_counter() - began[0], cpu + time.process_time() - began[1]
    connection.close()
    rows.close()
    return wall, cpu


_ORDER = {"contact_terms": "contact_id, term"}  # as they come, contact by contact


def bare_postgres(url: str) -> float:
    """Write the rows an import made anew, by executemany in one transaction; returns seconds."""
    wall = 0.0
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection, connection.cursor() as cursor:
        kept = {}
        for table in _TABLES:
            order = _ORDER.get(table, "id")
            kept[table] = cursor.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()  # noqa: S608
        cursor.execute("TRUNCATE organisations, contacts, numbers, contact_terms CASCADE")
        for table, held in kept.items():
            marks = ", ".join(["%s"] * len(held[0]))
            began = time.perf_counter()
            cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", held)  # noqa: S608
            wall += time.perf_counter() - began
        connection.commit()
    return wall


def made(url: str) -> None:
    """Make the tables."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


async def run(rows: int = ROWS) -> Run:
    """Measure once, on both databases, and on SQLite with calls beside."""
    found: Run = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made(f"sqlite:///{folder / 'import.db'}")
        one = await asyncio.to_thread(child, f"sqlite+aiosqlite:///{folder / 'import.db'}", folder, rows)
        wall, cpu = await asyncio.to_thread(bare_sqlite, folder / "import.db", folder)
        found |= {f"SQLite: {name}": value for name, value in one.items()}
        found |= {"SQLite: bare rows a second": rows / wall, "SQLite: bare CPU a row [us]": cpu / rows * 1e6}
        with contextlib.ExitStack() as stack:
            sockets = stack.enter_context(postgres.cluster())
            url = postgres.database_url(sockets, "postgres")
            made(url)
            one = await asyncio.to_thread(child, url, folder, rows)
            found |= {f"PostgreSQL: {name}": value for name, value in one.items()}
            found["PostgreSQL: bare rows a second"] = rows / await asyncio.to_thread(bare_postgres, url)
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))))  # noqa: T201 - for `child`
