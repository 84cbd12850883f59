"""A throwaway PostgreSQL cluster on a Unix socket, run as a user who is not root (initdb refuses root)."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, text

# Rows alone are deleted, without triggers and foreign keys, and only where there are any; numbers begin at 1 again.
_EMPTY = """
CREATE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each record;
  found boolean;
BEGIN
  FOR each IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', each.relname) INTO found;
    IF found THEN EXECUTE format('DELETE FROM %I', each.relname); END IF;
  END LOOP;
  FOR each IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
    EXECUTE format('ALTER SEQUENCE %I RESTART', each.sequencename);
  END LOOP;
END $$
"""
_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_SHAPE = """
SELECT (SELECT array_agg(oid ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
  (SELECT array_agg((oid, tgenabled) ORDER BY oid) FROM pg_trigger), (SELECT count(*) FROM pg_attribute WHERE attrelid IN
  (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) AND NOT attisdropped)
"""


def find_binaries() -> Path | None:
    """Return the folder with initdb and postgres, or None when PostgreSQL is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    folders += [Path(found).parent] if found else []
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def _user() -> str | None:
    """Return whom to become when we are root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _run(folder: Path, program: str, *arguments: str, check: bool = True) -> None:
    """Run a program of PostgreSQL on the cluster in `folder`, as the user who may."""
    binaries = find_binaries()
    if binaries is None:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    user = _user()
    subprocess.run(
        [binaries / program, "-D", folder / "data", *arguments],
        check=check,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        user=user,
        extra_groups=[] if user else None,
    )


def start(sockets: str) -> None:
    """Start the cluster (again) and wait until it answers."""
    given = {"listen_addresses": "''", "unix_socket_directories": sockets, "max_connections": "200"}
    given |= {"fsync": "off", "full_page_writes": "off"}
    options = " ".join(f"-c {name}={value}" for name, value in given.items())
    _run(Path(sockets), "pg_ctl", "-o", options, "-w", "-l", f"{sockets}/log", "start")


def stop(sockets: str, how: str = "immediate") -> None:
    """Stop the cluster as a crash does: every connection breaks at once. `how`: "fast" writes everything first."""
    _run(Path(sockets), "pg_ctl", "-m", how, "stop", check=False)


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster and yield the folder of its socket, which `database_url` makes an address of."""
    folder = Path(tempfile.mkdtemp(prefix="callcenter-pg-"))
    try:
        _make(folder)
        start(str(folder))
        yield str(folder)
    finally:
        stop(str(folder))
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def kept_cluster(folder: Path, *, anew: bool) -> Iterator[str]:
    """Start the cluster in a folder, made there if there is none or `anew`, and leave its files there when it is stopped."""
    if anew and folder.exists():
        shutil.rmtree(folder)
    if not folder.exists():
        folder.mkdir()
        _make(folder)
    start(str(folder))
    try:
        yield str(folder)
    finally:
        stop(str(folder), "fast")


def _make(folder: Path) -> None:
    user = _user()
    if user:
        shutil.chown(folder, user)
    folder.chmod(0o755)
    _run(folder, "initdb", "-U", "callcenter", "-A", "trust", "-E", "UTF8", "--locale=C")


def database_url(sockets: str, name: str) -> str:
    """Return the address of database `name` on the cluster."""
    return f"postgresql+psycopg://callcenter@/{name}?host={sockets}"


def repeating_subqueries(kind: str) -> str:
    """Return what makes an address one whose server works a subquery of an UPDATE out for each row, as its plans may."""
    settings = "".join(f"-c enable_{each}=off " for each in ("hashjoin", "hashagg", "mergejoin", "material", "sort"))
    return f"&options={quote(settings)}" if kind == "postgresql" else ""


class Tables:
    """A database with all tables that one test after another gets empty. `make(url)` makes the tables."""

    def __init__(self, sockets: str, make: Callable[[str], None]) -> None:
        self._sockets, self._make = sockets, make
        self._shape = ""  # of the tables as they were made: a test that changed them leaves none to the next
        self._made = 0

    def empty(self) -> str:
        """Return its address, with no rows and no connection of an earlier test left."""
        if not self._shape or not self._emptied():
            self._anew()
        return self._url

    @property
    def _url(self) -> str:
        return database_url(self._sockets, f"tables{self._made}")

    def _emptied(self) -> bool:
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(_OTHERS))
                if _shape(connection) != self._shape:
                    return False
                connection.execute(text("SET session_replication_role = replica"))
                connection.execute(text(_EMPTY))
                connection.execute(text("SELECT pg_temp.empty()"))
        finally:
            engine.dispose()
        return True

    def _anew(self) -> None:
        self._made += 1
        admin = create_engine(database_url(self._sockets, "postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE tables{self._made}"))
        admin.dispose()
        self._make(self._url)
        engine = create_engine(self._url)
        with engine.connect() as connection:
            self._shape = _shape(connection)
        engine.dispose()


def _shape(connection: Connection) -> str:
    return str(connection.execute(text(_SHAPE)).one())
