"""Calling hours: whether a project's customers may be called now, and when that changes."""

import datetime as dt

from callcenter.meetings.models import MeetingSettings
from callcenter.meetings.rules import Window, calling_times

_BACK = dt.timedelta(days=1)  # a time that spans now began at most a day ago: hours are per day


def within(rules: MeetingSettings, now: dt.datetime) -> bool:
    """Tell whether `now` lies in the project's calling hours."""
    return any(first <= now < last for first, last in _times(rules, now, now))


def change(rules: MeetingSettings, now: dt.datetime, until: dt.datetime) -> dt.datetime | None:
    """Return when calling hours next begin or end, None when they do neither before `until`."""
    edges = (edge for window in _times(rules, now, until) for edge in window)
    return min((edge for edge in edges if now < edge < until), default=None)


def _times(rules: MeetingSettings, start: dt.datetime, end: dt.datetime) -> list[Window]:
    """Return the calling times around these moments, whole ones, not cut off at either."""
    return calling_times(rules.hours, rules.time_zone, start - _BACK, end + _BACK)
