"""A person's calendar at its secret address, for programs that cannot sign in: Outlook, Google, Thunderbird."""

import asyncio
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.meetings import feed, ics
from callcenter.users import feeds
from webui import security

_TYPE = "text/calendar; charset=utf-8"


async def calendar(request: Request) -> Response:
    """Give the calendar, or 304 when whoever asks has it already."""
    database = request.app.state.database
    opened = await feeds.open_feed(database, request.path_params["secret"], address=security.address(request))
    name = feed.title(opened.user)
    async with database.reading() as uow:
        found = await feed.entries(uow, opened.user, security.public_url(request))
    digest = await asyncio.to_thread(feed.digest, found, name)  # a year of meetings must not hold up a pop-up
    changed = (await feeds.note_read(database, opened, digest)).replace(microsecond=0)
    headers = {
        "etag": f'"{digest[:32]}"',
        "last-modified": format_datetime(changed, usegmt=True),
        "cache-control": "private, no-cache",
        "x-robots-tag": "noindex",
    }
    if _has(request, headers["etag"], changed.timestamp()):
        return Response(status_code=304, headers=headers)
    text = await asyncio.to_thread(ics.calendar, "PUBLISH", found, name=name)
    headers["content-disposition"] = 'inline; filename="phone-meetings.ics"'
    return Response(text, headers={**headers, "content-type": _TYPE})


def _has(request: Request, etag: str, changed: float) -> bool:
    """Tell whether the request says that it has this very calendar (RFC 9110, section 13.2.2: the tag goes before the time)."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or etag in [each.strip().removeprefix("W/") for each in tags.split(",")]
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return changed <= since.timestamp()


ROUTES = [Route("/calendar/{secret}.ics", calendar, methods=["GET"])]
