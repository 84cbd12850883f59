"""A throwaway PostgreSQL cluster on a Unix socket, run as a user who is not root (initdb refuses root)."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster and yield its URL without a database name (`...?host=SOCKETS` is appended by `database_url`)."""
    binaries = find_binaries()
    if binaries is None:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="callcenter-pg-"))
    if user:
        shutil.chown(folder, user)
    folder.chmod(0o755)

    def run(program: str, *arguments: str, check: bool = True) -> None:
        subprocess.run(
            [binaries / program, "-D", folder / "data", *arguments],
            check=check,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            user=user,
            extra_groups=[] if user else None,
        )

    options = (
        f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c full_page_writes=off -c max_connections=200"
    )
    try:
        run("initdb", "-U", "callcenter", "-A", "trust", "-E", "UTF8", "--locale=C")
        run("pg_ctl", "-o", options, "-w", "-l", str(folder / "log"), "start")
        yield str(folder)
    finally:
        run("pg_ctl", "-m", "immediate", "stop", check=False)
        shutil.rmtree(folder, ignore_errors=True)


def database_url(sockets: str, name: str) -> str:
    """Return the address of database `name` on the cluster."""
    return f"postgresql+psycopg://callcenter@/{name}?host={sockets}"
