"""Languages: sentences translated with gettext catalogues, dates and durations as people of the language write them.

The language and time zone of whoever is served stand in a context variable for the length of the request, so that
templates and routes can say `gettext(...)` without carrying it. Catalogues are read from `locale/*/LC_MESSAGES/messages.po`
at import; English is the language of the source.
"""

import datetime as dt
import io
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from babel import Locale, dates, negotiate_locale, numbers
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from callcenter import clock
from callcenter.errors import CallCenterError

log = structlog.get_logger(__name__)

LANGUAGES = {"en": "English", "pl": "Polski"}
DEFAULT = "en"
FOLDER = Path(__file__).parent / "locale"
LANGUAGE_COOKIE = "callcenter_language"
_PLURALS = {"en": ["one", "other"], "pl": ["one", "few", "many"]}  # CLDR's names in the order of the catalogue's forms
_BROWSER_COMMENT = "browser"  # extracted comment of messages the page's scripts need (see messages())


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language and the zone times are shown in."""

    language: str = DEFAULT
    time_zone: str = "Europe/Warsaw"


_current: ContextVar[Tongue] = ContextVar("tongue", default=Tongue())  # noqa: B039 - frozen


def use(language: str, time_zone: str = "Europe/Warsaw") -> None:
    """Serve the present request in `language`, with times of `time_zone`."""
    _current.set(Tongue(language if language in LANGUAGES else DEFAULT, time_zone))


def current() -> Tongue:
    """Return the language and zone of the present request."""
    return _current.get()


def read_catalog(language: str) -> Catalog:
    """Read a language's catalogue from its .po file."""
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@cache
def translations(language: str) -> NullTranslations:
    """Return the translations of a language, ready for lookup."""
    if language == DEFAULT:
        return NullTranslations()
    file = io.BytesIO()
    write_mo(file, read_catalog(language))
    file.seek(0)
    return Translations(file)


def gettext(message: str) -> str:
    """Return `message` in the language of the request."""
    return str(translations(current().language).ugettext(message)) if message else ""


def ngettext(singular: str, plural: str, count: int) -> str:
    """Return the form of the message that goes with `count`."""
    return str(translations(current().language).ungettext(singular, plural, count))


def sentence(error: CallCenterError) -> str:
    """Return the error's sentence in the language of the request, its values filled in."""
    return say(error.sentence, error.values)


def say(template: str, values: Mapping[str, object]) -> str:
    """Return a sentence in the language of the request, its values filled in."""
    translated = gettext(template)
    if not values:
        return translated
    told = {name: _told(value) for name, value in values.items()}
    for text, filled in ((translated, told), (template, values)):  # a wrong translation must not hide what went wrong
        try:
            return text.format(**filled)
        except (KeyError, IndexError, ValueError) as broken:
            log.warning("i18n.template", sentence=template, reason=str(broken))
    return template


def _told(value: object) -> object:
    """Return a value of a sentence as it is said: words translated, an error by its own sentence, 3.5 as 3,5 in Polish."""
    if isinstance(value, CallCenterError):
        return sentence(value)
    if isinstance(value, float):
        return number(value)
    return gettext(value) if isinstance(value, str) else value


def negotiate(accept_language: str) -> str:
    """Choose a language from an Accept-Language header (RFC 9110, section 12.5.4)."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language[:500].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if tag and weight > 0:
            wanted.append((-weight, tag.replace("-", "_")))
    tags = [tag for _, tag in sorted(wanted, key=lambda each: each[0])]
    return (negotiate_locale([*tags, *[tag.partition("_")[0] for tag in tags]], list(LANGUAGES)) or DEFAULT).partition("_")[0]


@cache
def zone(name: str) -> ZoneInfo:
    """Return a time zone, UTC if there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _locale() -> Locale:
    return Locale.parse("en_GB" if current().language == "en" else current().language)


def datetime(value: dt.datetime | None, format: str = "short") -> str:  # noqa: A002 - Babel's word
    """Write a time as the person reads it, in their zone; today's as the hour only when `format` is "near"."""
    if value is None:
        return ""
    local = value.astimezone(zone(current().time_zone))
    if format == "near":
        if local.date() == dt.datetime.now(local.tzinfo).date():
            return time(value)
        format = "short"  # noqa: A001 - Babel's word
    return str(dates.format_datetime(local, format, locale=_locale()))


def date(value: dt.datetime | dt.date | None, format: str = "medium") -> str:  # noqa: A002 - Babel's word
    """Write a day."""
    if value is None:
        return ""
    local = value.astimezone(zone(current().time_zone)) if isinstance(value, dt.datetime) else value
    return str(dates.format_date(local, format, locale=_locale()))


def time(value: dt.datetime | None) -> str:
    """Write the hour and minute."""
    if value is None:
        return ""
    return str(dates.format_time(value.astimezone(zone(current().time_zone)), "short", locale=_locale()))


def window(start: dt.datetime, end: dt.datetime) -> str:
    """Write from when to when, as short as it is clear: the day once, today and tomorrow by name."""
    local = zone(current().time_zone)
    first, last = start.astimezone(local).date(), end.astimezone(local).date()
    if first == last:
        return f"{_day(first)}, {time(start)}\N{EN DASH}{time(end)}"
    return f"{_day(first)}, {time(start)} \N{EN DASH} {_day(last)}, {time(end)}"


def _day(day: dt.date) -> str:
    today = clock.now().astimezone(zone(current().time_zone)).date()
    if day == today:
        return gettext("today")
    if day == today + dt.timedelta(days=1):
        return gettext("tomorrow")
    return str(dates.format_skeleton("MMMEd" if day.year == today.year else "yMMMEd", day, locale=_locale()))


def weekdays() -> list[str]:
    """Return the names of the days, Monday first, as they begin a line."""
    names = dates.get_day_names("wide", "stand-alone", locale=_locale())
    return [names[day][:1].upper() + names[day][1:] for day in range(7)]


def day_name(value: dt.date) -> str:
    """Write a day as the head of a column: its weekday, day and month."""
    return str(dates.format_skeleton("MMMEd", value, locale=_locale()))


def ago(value: dt.datetime | None) -> str:
    """Write how long ago a time was."""
    if value is None:
        return ""
    return str(dates.format_timedelta(value - dt.datetime.now(dt.UTC), add_direction=True, locale=_locale()))


def number(value: float) -> str:
    """Write a number with the language's separators."""
    return str(numbers.format_decimal(value, locale=_locale()))


def amount(text: str) -> str:
    """Write an amount of money (trunks.money) with the language's separators, in as many places as it has."""
    places = len(text.partition(".")[2])
    return str(numbers.format_decimal(Decimal(text), format=f"#,##0.{'0' * places}" if places else "#,##0", locale=_locale()))


def duration(seconds: float | None) -> str:
    """Write seconds as 1:05 or 1:02:05."""
    if seconds is None:
        return ""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@cache
def browser_messages(language: str) -> dict[str, Any]:
    """Return what the page's scripts need: the messages marked for them, and the names of the plural forms.

    `messages` maps an English message to its translation, or to a list of forms in the order of `plurals` (the words
    Intl.PluralRules gives).
    """
    found: dict[str, str | list[str]] = {}
    if language != DEFAULT:
        for message in read_catalog(language):
            if not message.id or _BROWSER_COMMENT not in message.auto_comments or message.fuzzy:
                continue
            if isinstance(message.id, tuple | list):
                found[message.id[0]] = list(message.string or ())
            elif message.string:
                found[str(message.id)] = str(message.string)
    return {"language": language, "plurals": _PLURALS[language], "messages": found}
