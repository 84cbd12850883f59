"""Conditions with very many values."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Text, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY

from callcenter.db import UnitOfWork


def one_of(uow: UnitOfWork, column: Any, values: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of some texts, hundreds of them.

    PostgreSQL gets them as one array: as parameters each is read three times on its way (SQLAlchemy, psycopg, the planner).
    """
    found: ColumnElement[bool] = (
        column.in_(values) if uow.database.sqlite else column == any_(literal(list(values), ARRAY(Text, dimensions=1)))
    )
    return found
