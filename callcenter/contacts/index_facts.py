"""Reading what the index wants to know of contacts; on a plain connection (AsyncConnection.run_sync)."""

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any

from sqlalchemy import Connection, text

from callcenter.contacts.index_keys import Custom, Facts

NUMBERS, TAGS, MANAGERS, CUSTOM = "numbers", "tags", "managers", "custom"
EVERYTHING = frozenset({NUMBERS, TAGS, MANAGERS, CUSTOM})
_ROW = (
    "SELECT c.id, c.first_name, c.last_name, c.sort_name, c.type, c.organisation_id, c.position_id, c.stage_id, c.source_id,"
    " c.segment_id, c.email, c.address1, c.address2, c.postcode, c.city, c.province, c.country, o.folded AS organisation_folded"
    " FROM contacts c LEFT JOIN organisations o ON o.id = c.organisation_id WHERE c.id "
)


def among(connection: Connection, ids: Collection[int]) -> tuple[str, dict[str, Any]]:
    """Return a condition that something is one of the ids, with its parameters: one statement however many there are."""
    if connection.dialect.name == "sqlite":
        return "IN (SELECT value FROM json_each(:ids))", {"ids": json.dumps(list(ids))}
    return "= ANY(:ids)", {"ids": list(ids)}


def between(first: int, last: int) -> tuple[str, dict[str, Any]]:
    """Return a condition that something lies between two ids, both of them meant."""
    return "BETWEEN :first AND :last", {"first": first, "last": last}


def _custom(row: Any) -> Custom:
    _, field_id, option_id, folded, number, day = row
    return Custom(field_id, option_id, folded, number, None if day is None else str(day))


def load(
    connection: Connection, of: tuple[str, dict[str, Any]], parts: Iterable[str] = EVERYTHING, known: Collection[int] = ()
) -> dict[int, Facts]:
    """Return the facts of contacts by id; `of`: which, by `among` or `between`; `parts` that are not named stay empty.

    `known`: their ids, where their rows are of no interest.
    """
    where, given = of
    found = {each: Facts({}) for each in known}
    if not known:
        found = {row["id"]: Facts(dict(row)) for row in connection.execute(text(_ROW + where), given).mappings()}

    def rows(columns: str, table: str) -> Iterable[Any]:
        return connection.execute(text(f"SELECT contact_id, {columns} FROM {table} WHERE contact_id {where}"), given)  # noqa: S608 - our own names

    add: dict[str, tuple[str, str, Callable[[Facts, Any], None]]] = {
        NUMBERS: ("digits", "numbers", lambda facts, row: facts.digits.append(row[1])),
        TAGS: ("entry_id", "contact_tags", lambda facts, row: facts.tags.append(row[1])),
        MANAGERS: ("user_id", "contact_managers", lambda facts, row: facts.managers.append(row[1])),
        CUSTOM: (
            "field_id, option_id, folded, number, day",
            "custom_values",
            lambda facts, row: facts.custom.append(_custom(row)),
        ),
    }
    for part in parts:
        columns, table, put = add[part]
        for row in rows(columns, table):
            if row[0] in found:
                put(found[row[0]], row)
    return found
