"""What a person reads when input is refused, and the types input is made of: bounded, and storable in any database."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from callcenter.errors import BadValue, Invalid

LARGEST_ID = 2**31 - 1

_SENTENCES = {
    "missing": "This is needed.",
    "extra_forbidden": "There is no such field.",
    "string_type": "Text is needed here.",
    "string_too_short": "This is too short: at least {min_length} characters.",
    "string_too_long": "This is too long: at most {max_length} characters.",
    "string_pattern_mismatch": "This is not written as it should be.",
    "int_type": "A whole number is needed here.",
    "int_parsing": "A whole number is needed here.",
    "int_from_float": "A whole number is needed here.",
    "greater_than_equal": "This must be at least {ge}.",
    "less_than_equal": "This must be at most {le}.",
    "date_type": "A day is needed here.",
    "date_parsing": "A day is needed here.",
    "date_from_datetime_parsing": "A day is needed here.",
    "bool_type": "Yes or no is needed here.",
    "bool_parsing": "Yes or no is needed here.",
    "too_long": "These are too many: at most {max_length}.",
    "literal_error": "This is none of the possible values: {expected}.",
    "enum": "This is none of the possible values: {expected}.",
    "union_tag_invalid": "This is none of the possible values: {expected}.",
}


def refuse_nul(value: Any, field: str | None = None) -> None:
    """Raise Invalid for a NUL character or a lone surrogate anywhere in parsed JSON: no database keeps them."""
    match value:
        case str():
            if "\x00" in value or any("\ud800" <= each <= "\udfff" for each in value):
                raise Invalid("The text holds a character that cannot be kept.", field=field)
        case dict():
            for name, each in value.items():
                refuse_nul(name)
                refuse_nul(each, field or name)
        case list():
            for each in value:
                refuse_nul(each, field)


def invalid(error: ValidationError, *, union: bool = False) -> Invalid:
    """Turn pydantic's findings into one sentence about the first field at fault.

    `union`: of models told apart by `kind`, which pydantic names before the field.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    loc = first["loc"][union:]
    if loc[:1] == ("custom",):
        loc = loc[:2]  # pydantic goes on with the kinds of answers it tried
    field = ".".join(str(part) for part in loc)[:100] or None
    if first["type"] == "union_tag_invalid":
        return Invalid(_SENTENCES["union_tag_invalid"], field="kind", expected=first["ctx"]["expected_tags"])
    context = {name: value for name, value in first.get("ctx", {}).items() if isinstance(value, str | int | float)}
    said = first.get("ctx", {}).get("error")
    if isinstance(said, BadValue):
        return Invalid(said.sentence, field=field, **said.values)
    if first["type"] == "value_error" and isinstance(first.get("ctx", {}).get("error"), ValueError):
        return Invalid(str(first["ctx"]["error"]), field=field)
    template = _SENTENCES.get(first["type"], "This cannot be accepted.")
    return Invalid(template, field=field, **context)


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("The text holds a character that cannot be kept.")
    return value


_PLAIN = "^[^\\x00]*$"  # told in the schema, so that clients know

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
KeyText = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]  # ids made by clock.new_id
Word = Annotated[str, Field(max_length=100, pattern=_PLAIN), AfterValidator(_storable)]
Line = Annotated[str, Field(max_length=300, pattern=_PLAIN), AfterValidator(_storable)]
Text = Annotated[str, Field(max_length=10_000)]


class In(BaseModel):
    """What the API takes: nothing beyond what is declared."""

    model_config = ConfigDict(extra="forbid")
