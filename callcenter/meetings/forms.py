"""What may be said about phone meetings, and what is shown of them: the models the API, the pages and the import share."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from callcenter.contacts import text
from callcenter.meetings.models import MeetingState

ModeName = Literal["manual", "automatic"]
StateName = Literal[
    "planned",
    "due",
    "dialling",
    "in_talk",
    "retry_wait",
    "uncertain",
    "held",
    "not_held",
    "rescheduled",
    "missed",
    "cancelled",
]
assert set(StateName.__args__) == {state.value for state in MeetingState}  # type: ignore[attr-defined]  # noqa: S101 - one list, twice written


def _one_line(value: str) -> str:
    return " ".join(text.clean(value).split())


Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Lines = Annotated[str, Field(max_length=10_000), AfterValidator(text.clean_lines)]
Clock = Annotated[str, Field(max_length=5)]  # HH:MM
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Ids = Annotated[list[Id], Field(max_length=1000)]


class MeetingInput(BaseModel):
    """A meeting as planned (S14). `user_id` null: any member of the project. `to_at` null: the project's window length.

    `mode` null: the project's. `keep_number`: store a number the contact does not have on the contact.
    """

    model_config = ConfigDict(extra="forbid")
    name: Line = ""
    number: Annotated[str, Field(max_length=100)]
    mode: ModeName | None = None
    from_at: AwareDatetime
    to_at: AwareDatetime | None = None
    information: Lines = ""
    project_id: Id
    user_id: Id | None = None
    contact_id: Id | None = None
    ticket_id: Id | None = None
    keep_number: bool = True
    invite: bool = False


class MeetingChange(MeetingInput):
    """A meeting as changed, upon `version` as it was seen."""

    version: Id


class Reschedule(BaseModel):
    """Another time for the same promise; what is null stays as it was."""

    model_config = ConfigDict(extra="forbid")
    from_at: AwareDatetime
    to_at: AwareDatetime | None = None
    user_id: Id | None = None
    mode: ModeName | None = None
    note: Lines = ""


class Outcome(BaseModel):
    """What came of it. `rescheduled` needs the new time."""

    model_config = ConfigDict(extra="forbid")
    outcome: Literal["held", "not_held", "rescheduled", "missed"]
    note: Lines = ""
    again: Reschedule | None = None


class MeetingFilter(BaseModel):
    """Which meetings: everything given must fit. Times are the window's beginning. `after` is a cursor of MeetingPage."""

    model_config = ConfigDict(extra="forbid")
    project_id: Id | None = None
    user_id: Id | None = None
    unassigned: bool = False
    mine: bool = False
    state: Annotated[list[StateName], Field(max_length=11)] = []
    mode: ModeName | None = None
    from_at: AwareDatetime | None = None
    to_at: AwareDatetime | None = None
    contact_id: Id | None = None
    organisation_id: Id | None = None
    ticket_id: Id | None = None
    series_id: Id | None = None
    q: Annotated[str, Field(max_length=100)] = ""
    after: Annotated[str, Field(max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class Warning(BaseModel):  # noqa: A001 - the word for it
    """Something to think of before saving, as a sentence with values. `code`: overlap, off, no_shift, offline, no_settings."""

    code: str
    sentence: str
    values: dict[str, str] = {}
    meeting_id: int | None = None


class MeetingOut(BaseModel):
    """A meeting with the names of what it refers to. `waiting_text` says in English why it is not dialled just now.

    `ticket` is empty for a ticket one may not see.
    `hidden`: its contact is one this person may not see; then it is called by its number and has no text.
    """

    id: int
    name: str
    mode: ModeName
    state: StateName
    number: str
    number_shown: str
    from_at: dt.datetime
    to_at: dt.datetime
    information: str
    project_id: int | None
    project: str
    user_id: int | None
    user: str
    contact_id: int | None
    contact: str
    ticket_id: int | None
    ticket: str
    series_id: int | None
    follows_id: int | None
    followed_by_id: int | None = None
    created_by: int | None
    created_at: dt.datetime
    updated_at: dt.datetime
    version: int
    waiting: str
    waiting_text: str
    waiting_values: dict[str, Any]
    not_before: dt.datetime | None
    attempts: int
    outcome_note: str
    reason: str
    closed_at: dt.datetime | None
    invited: str
    warnings: list[Warning] = []
    hidden: bool = False


class MeetingPage(BaseModel):
    """Meetings by the beginning of their window; `next` goes into `after` for the page that follows."""

    items: list[MeetingOut]
    next: str | None


class Refused(BaseModel):
    """A meeting of many that stays as it was, and why, as a sentence with values."""

    id: int
    sentence: str
    values: dict[str, str] = {}


class AssignReport(BaseModel):
    """What came of giving many meetings to somebody."""

    assigned: list[int] = []
    refused: list[Refused] = []


class MeetingOfCall(BaseModel):
    """The meeting a call was dialled for, and how."""

    call_id: str
    mode: ModeName
    meeting: MeetingOut


class AttemptOut(BaseModel):
    """One try. `call_id` is null until it was dialled; `machine` as in CallOut."""

    id: str
    number_in_meeting: int
    mode: ModeName
    user_id: int | None
    user: str
    state: str
    result: str
    started_at: dt.datetime
    dialled_at: dt.datetime | None
    ended_at: dt.datetime | None
    end_code: int | None
    end_text: str
    call_id: str | None
    machine: str = ""


class EntryOut(BaseModel):
    """A line of a meeting's history: what changed or was decided, by whom (empty: the system), and why."""

    at: dt.datetime
    user: str
    kind: str
    text: str
    data: dict[str, Any]


class MeetingWhole(MeetingOut):
    """A meeting with its attempts and its history, the newest first."""

    attempts_made: list[AttemptOut]
    history: list[EntryOut]


class SettingsInput(BaseModel):
    """A project's rules for phone meetings (S15); what each means is said at models.MeetingSettings and on the page."""

    model_config = ConfigDict(extra="forbid")
    served_by: Ids = []
    default_mode: ModeName = "manual"
    window_minutes: Annotated[int, Field(ge=1, le=1440)] = 30
    ring_seconds: Annotated[int, Field(ge=10, le=180)] = 45
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    retry_minutes: Annotated[int, Field(ge=1, le=1440)] = 5
    protection_seconds: Annotated[int, Field(ge=0, le=3600)] = 120
    escalation_minutes: Annotated[int, Field(ge=0, le=240)] = 10
    hours: dict[Annotated[str, Field(pattern="^[0-6]$")], Annotated[list[tuple[Clock, Clock]], Field(max_length=10)]] = {}
    time_zone: Line = "Europe/Warsaw"
    caller_id: Line = ""
    trunk_id: Id | None = None


class SettingsOut(SettingsInput):
    """Stored rules; `announcement` names the wav file that is played when the consultant drops, empty for none."""

    project_id: int
    announcement: str
