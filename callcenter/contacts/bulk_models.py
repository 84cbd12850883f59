"""Something done to many contacts: what, to whom, how far it is, and what could not be done."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base
from callcenter.errors import fill


class ContactBulk(Base):
    """`state`: running, done, failed. `value`: what the action needs; `query` and `filter`: what the person saw."""

    __tablename__ = "contact_bulks"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    action: Mapped[str]
    value: Mapped[dict[str, Any]] = mapped_column(default=dict)
    query: Mapped[str] = mapped_column(default="")
    filter: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(default="running")
    created_at: Mapped[dt.datetime]
    touched_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    error_values: Mapped[dict[str, Any]] = mapped_column(default=dict)

    @property
    def problem(self) -> str:
        """Why the whole of it ended, in English."""
        return fill(self.error, self.error_values)


class ContactBulkRow(Base):
    """A contact it is still to be done to (`sentence` empty), or could not be done to, and why. Who is done has no row.

    No foreign key: a contact deleted meanwhile is told of.
    """

    __tablename__ = "contact_bulk_rows"
    __table_args__ = (Index("ix_contact_bulk_rows_bulk_id_sentence", "bulk_id", "sentence", "contact_id"),)
    bulk_id: Mapped[int] = mapped_column(ForeignKey("contact_bulks.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(default="")
    sentence: Mapped[str] = mapped_column(default="")
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
