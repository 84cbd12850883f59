"""Values as JSON can hold them: what histories, timelines and messages keep of a time, a pair, a table."""

import datetime as dt
from typing import Any


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: times as ISO 8601 text, tuples as lists, names as text; others as they are."""
    match value:
        case dt.datetime():
            return value.isoformat()
        case dict():
            return {str(key): plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case _:
            return value
