"""What may be said about meetings that repeat: the models the API and the pages share."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from callcenter.meetings.forms import Lines, MeetingChange, MeetingInput, MeetingOut

MOST = 200  # meetings of one series
Scope = Literal["one", "rest"]


def _once_each(days: list[int]) -> list[int]:
    return sorted(set(days))


Weekday = Annotated[int, Field(ge=0, le=6)]


class SeriesInput(BaseModel):
    """How a meeting repeats, in days of the planner's time zone.

    `every`: every `interval` days; Monday to Friday (`weekdays`, the interval is 1); or every `interval` weeks on `days`
    (0 is Monday, none: the first meeting's own). It ends with `until`, the last day it may fall on, or after `count`
    meetings: exactly one of both is given.
    """

    model_config = ConfigDict(extra="forbid")
    every: Literal["day", "weekdays", "week"]
    interval: Annotated[int, Field(ge=1, le=99)] = 1
    days: Annotated[list[Weekday], Field(max_length=7), AfterValidator(_once_each)] = []
    until: dt.date | None = None
    count: Annotated[int, Field(ge=1, le=MOST)] | None = None


class SeriesPlan(BaseModel):
    """A meeting as planned, and how it repeats; its own time is where the series begins."""

    model_config = ConfigDict(extra="forbid")
    meeting: MeetingInput
    repeat: SeriesInput


class SeriesOut(BaseModel):
    """The meetings of a series as they were planned, in order. `rule` is RFC 5545's, in `time_zone`."""

    series_id: int
    rule: str
    time_zone: str
    items: list[MeetingOut]


class SeriesChange(MeetingChange):
    """A meeting of a series as changed: this `one`, or this and the `rest` of its series.

    `changed_singly`: also those of the rest that somebody changed on their own before; they stay as they are otherwise.
    """

    scope: Scope = "one"
    changed_singly: bool = False


class SeriesCancel(BaseModel):
    """Cancel this `one`, or this and the `rest` of its series."""

    model_config = ConfigDict(extra="forbid")
    reason: Lines = ""
    scope: Scope = "one"


class SeriesReport(BaseModel):
    """What became of a series: the meetings that were changed, in order, and the ids of those left as they were."""

    changed: list[MeetingOut]
    untouched: list[int]
