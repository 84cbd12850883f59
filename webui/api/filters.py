"""Filters of lists that people keep under a name: their own."""

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, Field

from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.users import filters
from callcenter.users.models import SavedFilter
from webui.openapi import operation, routes_of
from webui.validation import Id, In, Word

Page = Annotated[str, Field(pattern="^[a-z][a-z_]{0,39}$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern="^[^\\x00]*$")]
Query = Annotated[str, Field(max_length=2001, pattern="^[^\\x00]*$")]


class FiltersQuery(In):
    """Of which list: phone_meetings; empty: of every list."""

    page: Word = ""


class FilterIn(In):
    """What stands after ? in a list's address, under a name; the same name again replaces it."""

    page: Page
    name: Name
    query: Query


class FilterName(In):
    """Another name."""

    name: Name


class FilterOut(BaseModel):
    """A saved filter."""

    id: int
    page: str
    name: str
    query: str
    created_at: dt.datetime


class FilterList(BaseModel):
    """Saved filters by name."""

    items: list[FilterOut]


def _show(found: SavedFilter) -> FilterOut:
    return FilterOut.model_validate(found, from_attributes=True)


@operation("GET", "/filters", "listSavedFilters")
async def list_saved_filters(uow: UnitOfWork, query: FiltersQuery) -> FilterList:
    """Your saved filters."""
    return FilterList(items=[_show(each) for each in await filters.list_filters(uow, query.page)])


@operation("POST", "/filters", "saveFilter", errors=(Conflict,), status=201)
async def save_filter(uow: UnitOfWork, body: FilterIn) -> FilterOut:
    """Keep a filter under a name."""
    return _show(await filters.save_filter(uow, body.page, body.name, body.query))


@operation("PUT", "/filters/{filter_id}", "renameSavedFilter", errors=(Conflict,))
async def rename_saved_filter(uow: UnitOfWork, filter_id: Id, body: FilterName) -> FilterOut:
    """Give a filter another name."""
    return _show(await filters.rename_filter(uow, filter_id, body.name))


@operation("DELETE", "/filters/{filter_id}", "deleteSavedFilter")
async def delete_saved_filter(uow: UnitOfWork, filter_id: Id) -> None:
    """Forget a filter."""
    await filters.delete_filter(uow, filter_id)


ROUTES = routes_of(__name__)
