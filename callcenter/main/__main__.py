"""`python -m callcenter.main`: the command line without the installed script."""

from callcenter.main.start import run

run()
