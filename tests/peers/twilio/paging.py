"""Lists in pages, as Twilio's 2010 API gives them."""

from typing import Any
from urllib.parse import urlencode

from multidict import MultiDictProxy

from tests.peers.twilio.errors import ApiError

_MOST = 1000


def page(path: str, key: str, items: list[dict[str, Any]], query: MultiDictProxy[Any]) -> dict[str, Any]:
    """Return one page of `items`; PageSize (50) and Page are asked for in the query, the rest of it stays in the links."""
    size, number = _whole(query, "PageSize", 50), _whole(query, "Page", 0)
    size = max(1, min(size, _MOST))
    start = number * size
    kept = [(name, value) for name, value in query.items() if name not in ("Page", "PageSize", "PageToken")]

    def link(to: int) -> str:
        token = [("PageToken", f"PA{to}")] if to else []
        return f"{path}?{urlencode([*kept, ('PageSize', size), ('Page', to), *token])}"

    return {
        key: items[start : start + size],
        "end": min(start + size, len(items)) - 1 if items[start:] else start,
        "first_page_uri": link(0),
        "next_page_uri": link(number + 1) if start + size < len(items) else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": link(number - 1) if number else None,
        "start": start,
        "uri": link(number),
    }


def _whole(query: MultiDictProxy[Any], name: str, otherwise: int) -> int:
    text = str(query.get(name, otherwise))
    if not text.isdecimal():
        raise ApiError(400, 20001, f"{name} must be an integer")
    return int(text)
