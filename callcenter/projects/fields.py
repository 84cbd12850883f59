"""What a project's fields may hold, and what is shown of projects, their members and dispositions."""

import re
from typing import Annotated, Literal

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from callcenter.errors import BadValue

_DIALLED = re.compile(r"[0-9A-Za-z+(][0-9A-Za-z ()./+*#_-]{0,63}")


def _region(value: str) -> str:
    value = value.strip().upper()
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise BadValue("{value} is not a country code like PL or DE.", value=value)
    return value


def _dialled(value: str) -> str:
    """Accept what may stand where the dialled number does: a number as people space it, or a SIP name like `reception`."""
    if not _DIALLED.fullmatch(value):
        raise BadValue("{value} is not a number customers can dial.", value=value)
    return value


Region = Annotated[str, AfterValidator(_region)]


class ProjectInput(BaseModel):
    """A project as people write it. Numbers are those customers dial; seconds are whole."""

    model_config = ConfigDict(extra="forbid", str_max_length=200, str_strip_whitespace=True)
    name: str = Field(min_length=1, max_length=100)
    enabled: bool = True
    purpose: Literal["service", "marketing", "survey", "consent"] = "service"
    region: Region = "PL"
    trunk_id: int | None = None
    caller_id: str = ""
    identify: bool = True
    answer_early: bool = False
    offer_seconds: int = Field(20, ge=5, le=120)
    wrap_up_seconds: int = Field(30, ge=0, le=3600)
    max_wait_seconds: int = Field(600, ge=10, le=7200)
    ring_seconds: int = Field(45, ge=10, le=180)
    allow_premium: bool = False
    foreign_countries: list[Region] = Field(default_factory=list, max_length=250)
    tell_listening: bool = True
    keep_ready: int = Field(0, ge=0, le=1000)
    numbers: list[Annotated[str, AfterValidator(_dialled)]] = Field(default_factory=list, max_length=1000)

    @field_validator("foreign_countries")
    @classmethod
    def _sorted(cls, value: list[str]) -> list[str]:
        return sorted(set(value))


class ProjectOut(ProjectInput):
    """A stored project with the ids of its members."""

    id: int
    members: list[int]


class MemberOut(BaseModel):
    """Who serves a project."""

    user_id: int
    name: str
    role: str


class DispositionOut(BaseModel):
    """A code an agent picks after a call; common to all projects when project_id is null."""

    id: int
    name: str
    project_id: int | None
    position: int
