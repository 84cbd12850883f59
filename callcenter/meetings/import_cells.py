"""What the cells of a file of meetings may say: its columns, and times as people write them. Pure."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from callcenter.contacts import text
from callcenter.contacts.csv_file import Columns, Layout
from callcenter.contacts.import_rows import unquoted
from callcenter.errors import Invalid
from callcenter.meetings.models import Mode

_NAMES = {  # by field of MeetingInput; of what the file names instead of numbering, without _id
    "name": "name|title|subject|meeting|nazwa|temat|tytul|spotkanie",
    "number": "number|phone|telephone|phone number|telephone number|numer|telefon|numer telefonu|nr telefonu|tel",
    "mode": "mode|work mode|tryb|tryb pracy",
    "from_at": "from|begin|start|od|poczatek",
    "to_at": "to|until|end|do|koniec",
    "information": "information|info|note|notes|informacja|informacje|opis|uwagi",
    "project": "project|projekt",
    "user": "user|consultant|login|uzytkownik|konsultant",
    "contact": "contact|customer|kontakt|klient",
}
_EXPECTED = (
    "Name (Nazwa), Number (Numer), Mode (Tryb), From (Od), To (Do), Information (Informacje), Project (Projekt), "
    "User (Użytkownik), Contact (Kontakt)"
)
COLUMNS = Columns(
    _NAMES,
    _EXPECTED,
    (
        (frozenset({"from_at"}), "No column says when: {expected}."),
        (frozenset({"project"}), "No column names the project: {expected}."),
        (frozenset({"number", "contact"}), "No column says whom to call: {expected}."),
    ),
)
_MODES = {
    **dict.fromkeys(("manual", "manually", "by hand", "reczny", "reczna", "reczne", "recznie"), Mode.MANUAL),
    **dict.fromkeys(
        ("automatic", "automatically", "auto", "automatyczny", "automatyczna", "automatyczne", "automatycznie"), Mode.AUTOMATIC
    ),
}
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.0+)?)?"
_OFFSET = r"\s?(?P<offset>[Zz]|[+-]\d{2}:?\d{2})?"
_TIMES = tuple(
    re.compile(day + _CLOCK + _OFFSET, re.ASCII)
    for day in (
        r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})[Tt ]\s*",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4}),?\s+",
    )
)
_CLOCK_ONLY = re.compile(_CLOCK, re.ASCII)
_SHOWN = 40


def read(layout: Layout, cells: list[str]) -> dict[str, str]:
    """Return what a row says by field, trimmed; what it does not say is ""."""
    if any(cell.strip() for cell in cells[len(layout.fields) :]):
        raise Invalid("This row has more cells than the first line.")
    found = dict.fromkeys(_NAMES, "")
    found |= {field: unquoted(cell.strip()) for field, cell in zip(layout.fields, cells, strict=False) if field}
    return found


def mode(value: str) -> str | None:
    """Return the mode a cell names, None for the project's."""
    wanted = " ".join(text.words(value))
    if not wanted:
        return None
    if wanted not in _MODES:
        raise Invalid("The mode is manual or automatic, not {value}.", field="mode", value=value[:_SHOWN])
    return _MODES[wanted].value


def window(begin: str, end: str, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime | None]:
    """Return when a meeting may be held, in UTC; no end is None, an end of hours and minutes is on the first day."""
    if not begin:
        raise Invalid("Say when the customer may be called.", field="from_at")
    from_at = time(begin, zone, "from_at")
    if not end:
        return from_at, None
    clock = _CLOCK_ONLY.fullmatch(end)
    day = from_at.astimezone(zone).strftime("%Y-%m-%d ") if clock else ""
    return from_at, time(day + end, zone, "to_at")


def time(value: str, zone: ZoneInfo, field: str) -> dt.datetime:
    """Return a time as written, in UTC; without an offset it is of `zone`.

    Raises Invalid for `field`: no time, one the clocks skip, and one that comes twice that night and says not which.
    """
    match = next((found for each in _TIMES if (found := each.fullmatch(value))), None)
    if match is None:
        raise _no_time(value, field)
    names = ("year", "month", "day", "hour", "minute", "second")
    try:
        local = dt.datetime(*(int(match[name] or 0) for name in names))  # type: ignore[arg-type]  # noqa: DTZ001 - of the wall
    except ValueError as error:
        raise _no_time(value, field) from error
    try:
        return _offset(match["offset"], local) if match["offset"] else _of_wall(local, zone, field)
    except (OverflowError, ValueError) as error:
        raise _no_time(value, field) from error


def _offset(offset: str, local: dt.datetime) -> dt.datetime:
    return dt.datetime.fromisoformat(local.isoformat() + offset.upper()).astimezone(dt.UTC)


def _of_wall(local: dt.datetime, zone: ZoneInfo, field: str) -> dt.datetime:
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    at = first.astimezone(dt.UTC)
    if first.utcoffset() == second.utcoffset():
        return at
    if at.astimezone(zone).replace(tzinfo=None) != local:
        raise Invalid("The clock never shows {time} that night: it is put forward.", field=field, time=f"{local:%Y-%m-%d %H:%M}")
    raise Invalid(
        "The clock shows {time} twice that night. Write which: {first} or {second}.",
        field=field,
        time=f"{local:%Y-%m-%d %H:%M}",
        first=first.isoformat(timespec="minutes"),
        second=second.isoformat(timespec="minutes"),
    )


def _no_time(value: str, field: str) -> Invalid:
    return Invalid(
        "{value} is not a date and time. Write it as 2026-12-01 14:30, 01.12.2026 14:30 or 2026-12-01T14:30+01:00.",
        field=field,
        value=value[:_SHOWN],
    )
