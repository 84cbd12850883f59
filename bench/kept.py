"""Databases that took long to fill, kept to be measured again: `--kept FOLDER`, on another disk or outside the checkout.

Without the option SQLite files are kept beside the results, and PostgreSQL is filled anew each time. What is kept is known by
the name of the measurement and the number of contacts: after a change of the tables throw it away.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import figures
from tests import postgres

Fill = Callable[[str], None]
_chosen: list[Path] = []


def choose(folder: Path) -> None:
    """Keep everything in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _chosen[:] = [folder.resolve()]


def sqlite(name: str, fill: Fill) -> Path:
    """Return a SQLite file, filled (given its address, without asyncio) if there is none of that name yet."""
    folder = _chosen[0] if _chosen else figures.RESULTS
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.db"
    if not path.exists():
        partial = path.with_suffix(".part")
        partial.unlink(missing_ok=True)
        fill(f"sqlite:///{partial}")
        partial.rename(path)
    return path


@contextmanager
def postgresql(name: str, fill: Fill) -> Iterator[str]:
    """Yield the address of a database on a cluster of its own, filled unless it was kept."""
    if not _chosen:
        with postgres.cluster() as sockets:
            url = postgres.database_url(sockets, "postgres")
            fill(url)
            yield url
        return
    folder = _chosen[0] / f"pg-{name}"
    filled = folder / "filled"
    with postgres.kept_cluster(folder, anew=not filled.exists()) as sockets:
        url = postgres.database_url(sockets, "postgres")
        if not filled.exists():
            fill(url)
            filled.touch()
        yield url
