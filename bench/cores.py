"""Which core does what: the product has the first, whatever loads and watches it the others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_ALL = sorted(os.sched_getaffinity(0))
PRODUCT = frozenset(_ALL[:1])
LOAD = frozenset(_ALL[1:] or _ALL)  # on a single core they share it, and the figures say little

# What callcenter/main/processes.py gives the switch, for parts of it that are measured alone.
SWITCH_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "134217728", "MALLOC_TOP_PAD_": "16777216"}


@contextmanager
def starting(cores: frozenset[int], environment: dict[str, str] | None = None) -> Iterator[None]:
    """Let processes started in this block run on `cores` for good, with more in their environment."""
    before, kept = os.sched_getaffinity(0), dict(os.environ)
    os.sched_setaffinity(0, cores)
    os.environ.update(environment or {})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
        os.sched_setaffinity(0, before)


def settle() -> None:
    """Move this process off the product's core."""
    os.sched_setaffinity(0, LOAD)
