"""Days and hours as forms take them: two inputs in the person's own time zone, one moment in UTC."""

import datetime as dt

from starlette.datastructures import FormData

from callcenter import clock
from callcenter.errors import Invalid
from webui import i18n
from webui.pages import fields

_YEARS = range(2000, 2200)  # beyond them no time zone arithmetic is safe, and nobody means it


def moment(form: FormData, name: str, day: str = "") -> dt.datetime | None:
    """Read `name`_date and `name`_time as a moment in UTC, None when both are empty; `day` stands in for a missing date.

    Raises Invalid about `name`_at for half a time, and for an hour the clocks skip that night.
    """
    hour = fields.text(form, f"{name}_time")
    written = fields.text(form, f"{name}_date") or (day if hour else "")
    return at(written, hour, f"{name}_at") if written or hour else None


def at(day: str, hour: str, field: str | None = None) -> dt.datetime:
    """Return the moment a day (YYYY-MM-DD) and an hour (HH:MM) of the person's zone mean; raises Invalid about `field`.

    Of an hour that comes twice in an autumn night the first is meant.
    """
    try:
        local = dt.datetime.combine(dt.date.fromisoformat(day), dt.time.fromisoformat(hour))
    except ValueError:
        raise Invalid("Give a day and an hour.", field=field) from None
    if local.year not in _YEARS or local.tzinfo is not None:
        raise Invalid("Give a day and an hour.", field=field)
    zone = i18n.zone(i18n.current().time_zone)
    found = local.replace(tzinfo=zone).astimezone(dt.UTC)
    if found.astimezone(zone).replace(tzinfo=None) != local:
        raise Invalid("There is no {hour} on that day: the clocks go forward. Choose another hour.", field=field, hour=hour)
    return found


def iso(value: str) -> dt.datetime:
    """Read an ISO 8601 time with its offset; raises Invalid."""
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        raise Invalid("Give a day and an hour.") from None
    if found.tzinfo is None or found.year not in _YEARS:
        raise Invalid("Give a day and an hour.")
    return found


def midnight(day: str, *, after: bool = False) -> dt.datetime | None:
    """Return when a day begins in the person's zone, or ends when `after`; None when it is no day."""
    try:
        date = dt.date.fromisoformat(day) + dt.timedelta(days=int(after))
    except (ValueError, OverflowError):
        return None
    if date.year not in _YEARS:
        return None
    return dt.datetime.combine(date, dt.time(), i18n.zone(i18n.current().time_zone)).astimezone(dt.UTC)


def parts(name: str, value: dt.datetime | None) -> dict[str, str]:
    """Return the two inputs of a moment, in the person's zone."""
    local = value.astimezone(i18n.zone(i18n.current().time_zone)) if value else None
    return {f"{name}_date": f"{local:%Y-%m-%d}" if local else "", f"{name}_time": f"{local:%H:%M}" if local else ""}


def today() -> dt.date:
    """Return the day it is where the person is."""
    return clock.now().astimezone(i18n.zone(i18n.current().time_zone)).date()


def tomorrow() -> dt.datetime:
    """Return when the next day begins where the person is."""
    return dt.datetime.combine(today() + dt.timedelta(days=1), dt.time(), i18n.zone(i18n.current().time_zone)).astimezone(dt.UTC)
