"""`python -m callcenter.main`: the command line without the installed script."""

from callcenter.main.cli import run

run()
