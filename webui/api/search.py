"""What the search box asks while somebody types."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from callcenter.db import UnitOfWork
from webui.openapi import operation, routes_of
from webui.pages import search
from webui.validation import In


def _storable(value: str) -> str:
    return value.replace("\x00", "")


class SearchQuery(In):
    """Anything: a name, a part of a number, an e-mail, an organisation, a ticket's id."""

    q: Annotated[str, Field(max_length=300), AfterValidator(_storable)] = ""


class FoundOut(BaseModel):
    """Something that fits; `path` is its page, `number` may be dialled (`shown`: as a person reads it)."""

    title: str
    detail: str
    path: str
    number: str
    shown: str
    contact_id: int | None


class GroupOut(BaseModel):
    """Things of a kind that fit, best first. `kind`: contact, email, organisation, ticket."""

    kind: str
    items: list[FoundOut]


class TypedOut(BaseModel):
    """A telephone number that was typed and is nobody's. `add`: the actor may make a contact of it."""

    number: str
    shown: str
    add: bool


class SearchOut(BaseModel):
    """What fits, and what to do with a number that is nobody's."""

    groups: list[GroupOut]
    number: TypedOut | None


@operation("GET", "/search", "search")
async def find(uow: UnitOfWork, query: SearchQuery) -> SearchOut:
    """Look for contacts, organisations and whatever else has a page, by what was typed so far."""
    return SearchOut.model_validate(await search.search(uow, query.q), from_attributes=True)


ROUTES = routes_of(__name__)
