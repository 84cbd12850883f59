"""What may be said about a contact or an organisation: the models the API, the pages and the import validate with."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from callcenter.contacts import text
from callcenter.errors import Invalid

NumberType = Literal["mobile", "landline", "work", "main", "home_fax", "office_fax", "other"]  # models.NUMBER_TYPES, S13

_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+")


def _one_line(value: str) -> str:
    return " ".join(text.clean(value).split())


Name = Annotated[str, Field(max_length=100), AfterValidator(_one_line)]
Line = Annotated[str, Field(max_length=254), AfterValidator(_one_line)]
Lines = Annotated[str, Field(max_length=20_000), AfterValidator(text.clean_lines)]


class NumberInput(BaseModel):
    """A telephone number as typed."""

    model_config = ConfigDict(extra="forbid")
    type: NumberType = "other"
    number: Annotated[str, Field(max_length=100), AfterValidator(_one_line)]


class ContactInput(BaseModel):
    """A contact as typed. `organisation` is a name; an organisation that is not there yet is created."""

    model_config = ConfigDict(extra="forbid")
    first_name: Name = ""
    last_name: Name = ""
    organisation: Line = ""
    position: Line = ""
    email: Line = ""
    note: Lines = ""
    numbers: Annotated[list[NumberInput], Field(max_length=20)] = []


class OrganisationInput(BaseModel):
    """An organisation as typed."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    numbers: Annotated[list[NumberInput], Field(max_length=20)] = []


def check(data: ContactInput) -> None:
    """Raise Invalid with the field at fault unless this can be a contact."""
    if not text.words(f"{data.first_name} {data.last_name}") and not text.words(data.organisation):
        raise Invalid("A contact needs a first name, a last name or an organisation.", field="last_name")
    if data.email and not _EMAIL.fullmatch(data.email):
        raise Invalid("This is not an e-mail address.", field="email")
