"""What a project's fields may hold, and what is shown of projects, their members and dispositions."""

from typing import Annotated

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator


def _region(value: str) -> str:
    value = value.strip().upper()
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{value!r} is not a country code like PL or DE")
    return value


Region = Annotated[str, AfterValidator(_region)]


class ProjectInput(BaseModel):
    """A project as people write it. Numbers are those customers dial; seconds are whole."""

    model_config = ConfigDict(extra="forbid", str_max_length=200, str_strip_whitespace=True)
    name: str = Field(min_length=1, max_length=100)
    enabled: bool = True
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
    numbers: list[str] = Field(default_factory=list, max_length=1000)

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
