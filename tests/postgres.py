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


def stop(sockets: str) -> None:
    """Stop the cluster as a crash does: every connection breaks at once."""
    _run(Path(sockets), "pg_ctl", "-m", "immediate", "stop", check=False)


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster and yield the folder of its socket, which `database_url` makes an address of."""
    folder = Path(tempfile.mkdtemp(prefix="callcenter-pg-"))
    user = _user()
    if user:
        shutil.chown(folder, user)
    folder.chmod(0o755)
    try:
        _run(folder, "initdb", "-U", "callcenter", "-A", "trust", "-E", "UTF8", "--locale=C")
        start(str(folder))
        yield str(folder)
    finally:
        stop(str(folder))
        shutil.rmtree(folder, ignore_errors=True)


def database_url(sockets: str, name: str) -> str:
    """Return the address of database `name` on the cluster."""
    return f"postgresql+psycopg://callcenter@/{name}?host={sockets}"
