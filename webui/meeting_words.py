"""Lines of a meeting's history as people read them: the sentence in their language, times in their zone."""

import datetime as dt
from typing import Any

from callcenter.meetings.forms import EntryOut
from webui import i18n

_TIME = len("2026-01-01T00:00")


def told(entry: EntryOut) -> str:
    """Return the sentence of a line of the history."""
    return i18n.say(
        entry.text, {name: plainly(value) for name, value in entry.data.items() if isinstance(value, str | int | float)}
    )


def plainly(value: Any) -> Any:
    """Return a value of a history as a sentence holds it: times as the person reads them, the rest as it is."""
    if isinstance(value, str) and len(value) >= _TIME and value[4:5] == "-" and value[10:11] == "T":
        try:
            return i18n.datetime(dt.datetime.fromisoformat(value))
        except ValueError:
            return value
    return value
