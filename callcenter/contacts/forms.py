"""What may be said about a contact or an organisation: the models the API, the pages and the import validate with."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from callcenter.contacts import text
from callcenter.errors import Invalid

NumberType = Literal["mobile", "landline", "work", "main", "home_fax", "office_fax", "other"]  # models.NUMBER_TYPES, S13

AccountType = Literal["customer", "partner"]  # models.ACCOUNT_TYPES, S17

MAXIMUM_NUMBERS = 20
_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+")
_WEBSITE = re.compile(r"https?://[^\s/?#<>\"'@\\:]+\.[^\s/?#<>\"'@\\:.]+(:\d{1,5})?([/?#][^\s<>\"]*)?", re.IGNORECASE)


def _one_line(value: str) -> str:
    return " ".join(text.clean(value).split())


LONGEST_LINE = 254
Name = Annotated[str, Field(max_length=100), AfterValidator(_one_line)]
Line = Annotated[str, Field(max_length=LONGEST_LINE), AfterValidator(_one_line)]
Lines = Annotated[str, Field(max_length=20_000), AfterValidator(text.clean_lines)]


CustomKey = Annotated[str, Field(max_length=40, pattern="^[a-z][a-z0-9_]*$")]
CustomAnswer = Line | float | bool | Annotated[list[Line], Field(max_length=50)] | None


class NumberInput(BaseModel):
    """A telephone number as typed."""

    model_config = ConfigDict(extra="forbid")
    type: NumberType = "other"
    number: Annotated[str, Field(max_length=100), AfterValidator(_one_line)]


class Address(BaseModel):
    """Where somebody is. `country`: ISO 3166-1 alpha-2, "" for unknown."""

    model_config = ConfigDict(extra="forbid")
    address1: Line = ""
    address2: Line = ""
    postcode: Name = ""
    city: Name = ""
    province: Name = ""
    country: Annotated[str, Field(pattern="^([A-Z]{2})?$")] = ""


class ContactInput(Address):
    """A contact as typed. `organisation` is a name; an organisation that is not there yet is created.

    `position`, `stage`, `source` and `segment` are words of those dictionaries. `type` is for a contact without organisation;
    null leaves it as it is. `tags` (words) left out stay as they are, and so does each key of `custom` (fields of one's own,
    custom_values.py says what they take) that is left out; null, "" and [] empty one.
    """

    first_name: Name = ""
    last_name: Name = ""
    organisation: Line = ""
    type: AccountType | None = None
    position: Line = ""
    stage: Line = ""
    source: Line = ""
    segment: Line = ""
    email: Line = ""
    note: Lines = ""
    tags: Annotated[list[Line], Field(max_length=50)] | None = None
    custom: dict[CustomKey, CustomAnswer] | None = None
    numbers: Annotated[list[NumberInput], Field(max_length=MAXIMUM_NUMBERS)] = []


class OrganisationInput(Address):
    """An organisation as typed. `type` null: as it is, of a new one what its author may make.

    `website`: an address of http or https, the scheme may be left out.
    """

    name: Line
    type: AccountType | None = None
    email: Line = ""
    website: Line = ""
    note: Lines = ""
    numbers: Annotated[list[NumberInput], Field(max_length=MAXIMUM_NUMBERS)] = []


def check(data: ContactInput) -> None:
    """Raise Invalid with the field at fault unless this can be a contact."""
    if not text.words(f"{data.first_name} {data.last_name}") and not text.words(data.organisation):
        raise Invalid("A contact needs a first name, a last name or an organisation.", field="last_name")
    if data.email and not _EMAIL.fullmatch(data.email):
        raise Invalid("This is not an e-mail address.", field="email")


def check_organisation(data: OrganisationInput) -> None:
    """Raise Invalid with the field at fault unless this can be an organisation; its website gets its scheme."""
    if not text.words(data.name):
        raise Invalid("An organisation needs a name.", field="name")
    if data.email and not _EMAIL.fullmatch(data.email):
        raise Invalid("This is not an e-mail address.", field="email")
    if data.website and "://" not in data.website:
        data.website = f"https://{data.website}"
    if data.website and not _WEBSITE.fullmatch(data.website):
        raise Invalid("This is not the address of a website.", field="website")
