"""What may be said about when people work, and what is shown of it: the shapes the API and the pages share."""

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from callcenter.errors import BadValue

DAY = 1440  # minutes
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_FIRST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_LAST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def minutes(time: str) -> int:
    """Return the minutes of "HH:MM" since midnight."""
    return int(time[:2]) * 60 + int(time[3:])


def time_of(minute: int) -> str:
    """Return minutes since midnight as "HH:MM", those of the next day too."""
    return f"{minute % DAY // 60:02}:{minute % 60:02}"


def near(value: dt.datetime) -> bool:
    """Tell whether a moment is in the years people plan in, so that counting days from it cannot run out of calendar."""
    return _FIRST <= value < _LAST


def _time(value: str) -> str:
    if not _TIME.fullmatch(value):
        raise BadValue("A time is written as hours and minutes: 08:30.")
    return value


def _end(value: str) -> str:
    return value if value == "24:00" else _time(value)


def _near(value: dt.datetime) -> dt.datetime:
    if not near(value):
        raise BadValue("This date is too far away.")
    return value


def _one_line(value: str) -> str:
    if any(ord(each) < 32 and each not in "\t\r\n" for each in value):
        raise BadValue("The text holds a character that cannot be kept.")
    return " ".join(value.split())


Time = Annotated[str, Field(max_length=5), AfterValidator(_time)]
EndTime = Annotated[str, Field(max_length=5), AfterValidator(_end)]
Moment = Annotated[AwareDatetime, AfterValidator(_near)]


class ShiftInput(BaseModel):
    """Hours of one weekday, "HH:MM" in the person's own time zone. A `to_time` not after `from_time` is the next day's."""

    model_config = ConfigDict(extra="forbid")
    weekday: Annotated[int, Field(ge=0, le=6)]
    from_time: Time
    to_time: EndTime

    @property
    def from_minute(self) -> int:
        """Where it begins, in minutes of its weekday."""
        return minutes(self.from_time)

    @property
    def to_minute(self) -> int:
        """Where it ends, in minutes of its weekday; beyond DAY on the next one."""
        end = minutes(self.to_time)
        return end if end > self.from_minute else end + DAY


class ShiftOut(BaseModel):
    """Hours of one weekday (0 is Monday); `overnight`: they end on the next day. `minutes` is how long they are by the clock."""

    weekday: int
    from_time: str
    to_time: str
    overnight: bool
    minutes: int


class AbsenceInput(BaseModel):
    """A time off, or with `works` an extra shift, whatever the weekly pattern says."""

    model_config = ConfigDict(extra="forbid")
    from_at: Moment
    to_at: Moment
    works: bool = False
    reason: Annotated[str, Field(max_length=200), AfterValidator(_one_line)] = ""


class AbsenceOut(BaseModel):
    """An exception from the weekly pattern. `works`: an extra shift."""

    id: int
    user_id: int
    from_at: dt.datetime
    to_at: dt.datetime
    works: bool
    reason: str


class Off(BaseModel):
    """A part of an asked interval in which a person is off.

    `why`: absence (with its `reason`, when given and this actor may read it) or outside_shifts.
    """

    from_at: dt.datetime
    to_at: dt.datetime
    why: Literal["absence", "outside_shifts"]
    reason: str = ""


class PersonOut(BaseModel):
    """A person's time in an asked interval: the weekly pattern, the exceptions, and what is off by both."""

    user_id: int
    name: str
    role: str
    time_zone: str
    shifts: list[ShiftOut]
    absences: list[AbsenceOut]
    off: list[Off]
