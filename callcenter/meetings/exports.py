"""Exporting phone meetings as CSV: page after page of the list as it is filtered, so that no number of them fills memory."""

import csv
import datetime as dt
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from callcenter.actor import Actor
from callcenter.contacts.import_rows import quoted
from callcenter.db import Database
from callcenter.meetings import queries
from callcenter.meetings.forms import MeetingFilter, MeetingOut

Words = Mapping[str, str]

PAGE = 500
_MARK = "\ufeff"  # tells spreadsheets that it is UTF-8
_COLUMNS: tuple[tuple[str, Callable[[MeetingOut, ZoneInfo, Words], str]], ...] = (
    ("Id", lambda each, zone, words: str(each.id)),
    ("Name", lambda each, zone, words: each.name),
    ("Number", lambda each, zone, words: each.number),
    ("Mode", lambda each, zone, words: words.get(each.mode, each.mode)),
    ("From", lambda each, zone, words: written(each.from_at, zone)),
    ("To", lambda each, zone, words: written(each.to_at, zone)),
    ("Information", lambda each, zone, words: each.information),
    ("Project", lambda each, zone, words: each.project),
    ("Consultant", lambda each, zone, words: each.user),
    ("Contact", lambda each, zone, words: each.contact),
    ("State", lambda each, zone, words: words.get(each.state, each.state)),
    ("Attempts", lambda each, zone, words: str(each.attempts)),
    ("Outcome", lambda each, zone, words: each.outcome_note),
    ("Reason", lambda each, zone, words: each.reason),
    ("Created", lambda each, zone, words: written(each.created_at, zone)),
)
HEADER: Sequence[str] = [name for name, _ in _COLUMNS]


async def rows(
    database: Database, actor: Actor, wanted: MeetingFilter, header: Sequence[str], words: Words
) -> AsyncIterator[str]:
    """Yield CSV text: the first line (`header`, HEADER translated), then the meetings the actor may see that fit, in order.

    Each page is read in a transaction of its own, from the place the one before ended; `words` are modes and states as people
    call them.
    Cells a spreadsheet would run are quoted (import_rows.quoted). Times are of the actor's zone.
    """
    zone = ZoneInfo(actor.time_zone)
    text = io.StringIO(_MARK)
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text)
    writer.writerow([quoted(name) for name in header])
    place = wanted.model_copy(update={"limit": PAGE, "after": None})
    while True:
        async with database.reading(actor) as uow:
            page = await queries.list_meetings(uow, place)
        for each in page.items:
            writer.writerow([quoted(cell(each, zone, words)) for _, cell in _COLUMNS])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
        if page.next is None:
            return
        place = place.model_copy(update={"after": page.next})


def written(at: dt.datetime, zone: ZoneInfo) -> str:
    """Return a time as spreadsheets read it; one the clock shows twice has its offset, so that it says which."""
    local = at.astimezone(zone)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return local.isoformat(timespec="minutes") if twice else local.strftime("%Y-%m-%d %H:%M")
