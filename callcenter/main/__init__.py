"""The composition root and the command line: the only place that may import everything."""

from callcenter.main.cli import run

__all__ = ["run"]
