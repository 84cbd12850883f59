"""What import, export, merging and the search for duplicates keep: mappings, pairs, who was merged into whom, files made."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class ImportMapping(Base):
    """What the columns of files with these headings meant last time (`headings`: a mark of them, import_mapping.mark)."""

    __tablename__ = "import_mappings"
    headings: Mapped[str] = mapped_column(primary_key=True)
    mapping: Mapped[dict[str, Any]]
    updated_at: Mapped[dt.datetime]


class ContactMerge(Base):
    """A contact that is no more, and whom it was merged into; chains are kept short: the survivor is one that is there."""

    __tablename__ = "contact_merges"
    loser_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    survivor_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    merged_at: Mapped[dt.datetime]


class DuplicatePair(Base):
    """Two contacts who may be one: `first_id` < `second_id`. `reason`: number, email or name; `scan`: who saw it last."""

    __tablename__ = "duplicate_pairs"
    __table_args__ = (Index("ix_duplicate_pairs_scan", "scan"),)
    first_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    second_id: Mapped[int] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    reason: Mapped[str]
    scan: Mapped[int]
    dismissed_at: Mapped[dt.datetime | None]
    dismissed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class DuplicateScan(Base):
    """A walk through all contacts for pairs. `state`: waiting, running, done. Counts grow as it goes."""

    __tablename__ = "duplicate_scans"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    created_at: Mapped[dt.datetime]
    touched_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    looked_at: Mapped[int] = mapped_column(default=0)
    found: Mapped[int] = mapped_column(default=0)


class Export(Base):
    """A file of contacts somebody asked for. `state`: writing, done, failed. `wanted`: which contacts, which columns.

    `expires_at`: when file and row go.
    """

    __tablename__ = "exports"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    state: Mapped[str]
    format: Mapped[str]
    wanted: Mapped[dict[str, Any]]
    rows: Mapped[int] = mapped_column(default=0)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("files.id", ondelete="SET NULL"))
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[dt.datetime]
    touched_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
