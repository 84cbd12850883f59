"""Moves the clock of a whole product's processes (PYTHONPATH): campaigns call by day, and walks are run at night as well."""

import os

from callcenter import clock

clock.shift(float(os.environ.get("WALK_SHIFT", "0")))
