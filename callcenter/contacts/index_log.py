"""The index of contacts, and the log of contacts that changed since they were put into it; triggers write the log.

Whoever changes a contact, by whatever way, need not know of the index: who reads it leaves out those who are in the log and
looks at them one by one. `was` is what a row held before it was changed or deleted, null for a row that is new.
"""

from typing import Any

from sqlalchemy import LargeBinary, Text, event
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class ContactPosting(Base):
    """A block of the set of contacts that have a key (index_keys.py); `bits`: bitmaps.py."""

    __tablename__ = "contact_postings"
    __table_args__ = ({"sqlite_with_rowid": False},)
    key: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bits: Mapped[bytes] = mapped_column(LargeBinary)


class ContactChange(Base):
    """A contact whose keys may not be in the index as they are now."""

    __tablename__ = "contact_changes"
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int]
    was: Mapped[str | None]


_OWN = [
    "first_name",
    "last_name",
    "sort_name",
    "type",
    "position_id",
    "stage_id",
    "source_id",
    "segment_id",
    "email",
    "address1",
    "address2",
    "postcode",
    "city",
    "province",
    "country",
    "folded",
]
_ROWS: dict[str, tuple[str, str, dict[str, str]]] = {  # table: which contact, of what, which columns by which name
    "contacts": ("id", "contact", {name: name for name in _OWN}),
    "numbers": ("contact_id", "number", {"digits": "digits"}),
    "contact_tags": ("contact_id", "tag", {"id": "entry_id"}),
    "contact_managers": ("contact_id", "manager", {"id": "user_id"}),
    "custom_values": ("contact_id", "custom", {name: name for name in ("field_id", "option_id", "folded", "number", "day")}),
}
_WATCHED = {"contacts": [*_OWN, "organisation_id"]}  # other columns of a contact are no matter


def triggers(dialect: str) -> list[str]:
    """Return the statements that make the triggers of a database ("sqlite" or "postgresql")."""
    return _sqlite() if dialect == "sqlite" else _postgresql()


def no_triggers(dialect: str) -> list[str]:
    """Return the statements that take the triggers away again."""
    names = [f"{table}_{when}" for table in _ROWS for when in ("insert", "update", "delete")]
    if dialect == "sqlite":
        return [f"DROP TRIGGER IF EXISTS index_{name}" for name in names]
    found = [
        f"DROP TRIGGER IF EXISTS index_{table}_{when} ON {table}" for table in _ROWS for when in ("insert", "update", "delete")
    ]
    return [*found, *(f"DROP FUNCTION IF EXISTS index_{table}_changed()" for table in _ROWS)]


def _was(table: str, function: str, row: str) -> str:
    _, of, columns = _ROWS[table]
    pairs = ", ".join(f"'{name}', {row}.{column}" for name, column in columns.items())
    return f"{function}('of', '{of}', {pairs})"


def _sqlite() -> list[str]:
    found = []
    for table, (key, _, _) in _ROWS.items():
        of = f" OF {', '.join(_WATCHED[table])}" if table in _WATCHED else ""
        old, new = _line("OLD", key, _was(table, "json_object", "OLD")), _line("NEW", key, "NULL")
        found += [
            f"CREATE TRIGGER IF NOT EXISTS index_{table}_{when} AFTER {what} ON {table} BEGIN {lines} END"
            for when, what, lines in (("insert", "INSERT", new), ("update", f"UPDATE{of}", old + new), ("delete", "DELETE", old))
        ]
    return found


def _postgresql() -> list[str]:
    found = []
    for table, (key, _, _) in _ROWS.items():
        of = f" OF {', '.join(_WATCHED[table])}" if table in _WATCHED else ""
        old, new = _line("OLD", key, f"({_was(table, 'json_build_object', 'OLD')})::text"), _line("NEW", key, "NULL")
        found.append(
            f"CREATE OR REPLACE FUNCTION index_{table}_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF TG_OP <> 'INSERT' THEN {old} END IF; IF TG_OP <> 'DELETE' THEN {new} END IF; RETURN NULL; END $$"
        )
        found += [
            f"CREATE OR REPLACE TRIGGER index_{table}_{when} AFTER {what} ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION index_{table}_changed()"
            for when, what in (("insert", "INSERT"), ("update", f"UPDATE{of}"), ("delete", "DELETE"))
        ]
    return found


def _line(row: str, key: str, was: str) -> str:
    """Return the statement that writes a line of the log; an organisation's number has no contact, and no line."""
    return f"INSERT INTO contact_changes (contact_id, was) SELECT {row}.{key}, {was} WHERE {row}.{key} IS NOT NULL;"


def _after_create(_target: Any, connection: Any, **_more: Any) -> None:
    for statement in triggers(connection.dialect.name):
        connection.exec_driver_sql(statement)


event.listen(Base.metadata, "after_create", _after_create)
