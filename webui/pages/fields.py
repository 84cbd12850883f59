"""Reading what a form sent: text, numbers, check boxes, lists, and whole models with one sentence about what is wrong."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request

from callcenter.errors import Invalid, NotFound
from webui.validation import LARGEST_ID, invalid

Model = TypeVar("Model", bound=BaseModel)


def text(form: FormData, name: str) -> str:
    """Return a field as text, "" when it is missing or a file."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def texts(form: FormData, name: str) -> list[str]:
    """Return every value of a repeated field."""
    return [value.strip() for value in form.getlist(name) if isinstance(value, str)]


def lines(form: FormData, name: str) -> list[str]:
    """Return the lines (or comma-separated parts) of a text area that are not empty."""
    return [part.strip() for part in text(form, name).replace(",", "\n").splitlines() if part.strip()]


def flag(form: FormData, name: str) -> bool:
    """Tell whether a check box is on."""
    return text(form, name) == "1"


def whole(form: FormData, name: str) -> int | None:
    """Return a whole number, None when the field is empty; raises Invalid."""
    value = text(form, name)
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or int(value[:20]) > LARGEST_ID:
        raise Invalid("A whole number is needed here.", field=name)
    return int(value)


def ids(form: FormData, name: str) -> list[int]:
    """Return the numbers of check boxes that are on; raises Invalid for what is no number of a row."""
    found = texts(form, name)
    if any(not each.isascii() or not each.isdigit() or int(each[:20]) > LARGEST_ID for each in found):
        raise Invalid("A whole number is needed here.", field=name)
    return [int(each) for each in found]


def validated(model: type[Model], values: dict[str, object]) -> Model:
    """Build a model from form values; raises Invalid with the field at fault."""
    try:
        return model(**values)
    except ValidationError as error:
        raise invalid(error) from error


def path_id(request: Request, name: str = "id") -> int:
    """Return the number in the address; raises NotFound for one no row can have."""
    value = int(request.path_params[name])
    if value > LARGEST_ID:
        raise NotFound("There is nothing at this address.")
    return value


def query_id(request: Request, name: str) -> int | None:
    """Return a number from the query, None when it is missing or not a number."""
    value = request.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 and int(value) <= LARGEST_ID else None


def query_text(request: Request, name: str, limit: int = 200) -> str:
    """Return text from the query, cut to `limit`; characters no database keeps are dropped."""
    return request.query_params.get(name, "")[:limit].replace("\x00", "").strip()
