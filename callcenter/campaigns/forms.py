"""What may be said about campaigns: the models the API and the pages share."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from callcenter.campaigns.models import CampaignMode, CampaignState, Detection, Meaning
from callcenter.contacts import text
from callcenter.correspondence import rendering

ModeName = Literal["preview", "progressive", "power", "predictive", "agentless"]
StateName = Literal["draft", "running", "paused", "finished"]
DetectionName = Literal["off", "hang_up", "message", "connect"]
MeaningName = Literal["done", "retry", "do_not_call", "agreed", "meeting"]
KeyMeaning = Literal["confirm", "agent", "do_not_call"]
Outcome = Literal["busy", "no_answer", "machine", "failed", "no_agent"]
MessageKind = Literal["message", "abandoned"]
for _names, _enum in ((ModeName, CampaignMode), (StateName, CampaignState), (DetectionName, Detection), (MeaningName, Meaning)):
    assert set(_names.__args__) == {each.value for each in _enum}  # type: ignore[attr-defined]  # noqa: S101 - one list, twice written

LONGEST_DELAY = 60 * 24 * 60  # minutes: sixty days
DELAYS: dict[str, int] = {"busy": 10, "no_answer": 120, "machine": 240, "failed": 60, "no_agent": 15}


def _one_line(value: str) -> str:
    return " ".join(text.clean(value).split())


Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Clock = Annotated[str, Field(max_length=5)]  # HH:MM
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Ids = Annotated[list[Id], Field(max_length=1000)]
Day = Annotated[str, Field(pattern="^[0-6]$")]
Key = Annotated[str, Field(pattern="^[0-9*#]$")]
Minutes = Annotated[int, Field(ge=1, le=LONGEST_DELAY)]
ScriptText = Annotated[str, Field(max_length=rendering.LONGEST), AfterValidator(text.clean_lines)]


class Delays(BaseModel):
    """Minutes until the next attempt, by what became of the last one."""

    model_config = ConfigDict(extra="forbid")
    busy: Minutes = DELAYS["busy"]
    no_answer: Minutes = DELAYS["no_answer"]
    machine: Minutes = DELAYS["machine"]
    failed: Minutes = DELAYS["failed"]
    no_agent: Minutes = DELAYS["no_agent"]


class DetectionSettings(BaseModel):
    """How answering machines are told apart: undecided after `decide_ms`, it is a person.

    The others are phone.Listening's: how much silence after a few words makes a person, how long a greeting or how many words
    make a machine, and how much silence from the start does (0: that says nothing).
    """

    model_config = ConfigDict(extra="forbid")
    decide_ms: Annotated[int, Field(ge=300, le=5000)] = 1200
    pause_ms: Annotated[int, Field(ge=200, le=3000)] = 600
    greeting_ms: Annotated[int, Field(ge=500, le=10_000)] = 2400
    words: Annotated[int, Field(ge=1, le=50)] = 6
    silence_ms: Annotated[int, Field(ge=0, le=6000)] = 0


class Opening(BaseModel):
    """What must be said first (B7): who calls, on whose behalf, about what; and the script below it."""

    model_config = ConfigDict(extra="forbid")
    company: Line = ""
    on_behalf_of: Line = ""
    about: Line = ""
    script: ScriptText = ""


class CampaignInput(Opening):
    """A campaign as people write it; what each field means is said at models.Campaign and on the page."""

    project_id: Id
    name: Annotated[str, Field(max_length=100), AfterValidator(_one_line)]
    mode: ModeName = "preview"
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    rule_pack: Annotated[str, Field(max_length=20)] = "PL"
    hours: dict[Day, Annotated[list[tuple[Clock, Clock]], Field(max_length=10)]] = {}
    time_zone: Line = "Europe/Warsaw"
    trunk_id: Id | None = None
    caller_id: Line = ""
    ring_seconds: Annotated[int, Field(ge=10, le=180)] = 30
    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    delays: Delays = Delays()
    lines_per_agent: Annotated[float, Field(ge=1, le=5)] = 1.0
    most_lines: Annotated[int, Field(ge=0, le=1000)] = 0
    abandon_cap: Annotated[float, Field(ge=0, le=100)] | None = None
    detection: DetectionName = "off"
    detection_settings: DetectionSettings = DetectionSettings()
    keys: dict[Key, KeyMeaning] = {}
    preview_seconds: Annotated[int, Field(ge=0, le=600)] = 0


class CampaignChange(CampaignInput):
    """A campaign as changed, upon `version` as it was seen."""

    version: Id


class ModeChange(BaseModel):
    """Another way of dialling, upon `version` as it was seen."""

    model_config = ConfigDict(extra="forbid")
    mode: ModeName
    version: Id


class MeaningInput(BaseModel):
    """What a disposition does to its lead in this campaign; `minutes` of a retry."""

    model_config = ConfigDict(extra="forbid")
    disposition_id: Id
    meaning: MeaningName
    minutes: Annotated[int, Field(ge=0, le=LONGEST_DELAY)] = 0
