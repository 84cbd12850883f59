"""Organisations, contacts, their numbers, the timeline, and staged imports."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from callcenter.contacts import numbers
from callcenter.db import Base
from callcenter.errors import fill

NUMBER_TYPES = ("mobile", "landline", "work", "main", "home_fax", "office_fax", "other")  # S13


class Organisation(Base):
    """A company; any number of contacts belong to it (S1)."""

    __tablename__ = "organisations"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folded: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[dt.datetime]
    import_id: Mapped[int | None] = mapped_column(ForeignKey("imports.id", ondelete="SET NULL"))
    numbers: Mapped[list["Number"]] = relationship(lazy="raise", cascade="all, delete-orphan", order_by="Number.id")


class Contact(Base):
    """A customer's person. `folded` is what search reads (search.py): words and numbers, without case and diacritics.

    `version` grows with every change: who saves an older one is told, nothing is overwritten.
    """

    __tablename__ = "contacts"
    __table_args__ = (Index("ix_contacts_sort", "sort_name", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    sort_name: Mapped[str] = mapped_column(default="")  # folded last name, first name
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="SET NULL"), index=True)
    position: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    folded: Mapped[str] = mapped_column(default="")
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    version: Mapped[int] = mapped_column(default=1)
    import_id: Mapped[int | None] = mapped_column(ForeignKey("imports.id", ondelete="SET NULL"), index=True)
    organisation: Mapped[Organisation | None] = relationship(lazy="raise")
    numbers: Mapped[list["Number"]] = relationship(lazy="raise", cascade="all, delete-orphan", order_by="Number.id")

    @property
    def name(self) -> str:
        """The name as people say it."""
        return f"{self.first_name} {self.last_name}".strip()


class ContactTerm(Base):
    """What finds a contact by its beginning: each word of it, and each end of its numbers (docs/decisions/0004-search.md).

    Derived from the contact's own row (search.terms), so it needs no index by contact and no foreign key, which would
    ask for one; a term whose contact is gone finds nothing.
    """

    __tablename__ = "contact_terms"
    __table_args__ = ({"sqlite_with_rowid": False},)
    term: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Number(Base):
    """A telephone number of a contact or of an organisation: as typed, in E.164 where valid, and its last nine digits."""

    __tablename__ = "numbers"
    __table_args__ = (
        CheckConstraint("(contact_id IS NULL) <> (organisation_id IS NULL)", name="one_owner"),
        Index("ix_numbers_e164", "e164"),
        Index("ix_numbers_last_nine", "last_nine"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"), index=True)
    type: Mapped[str] = mapped_column(default="other")
    raw: Mapped[str]
    digits: Mapped[str]
    e164: Mapped[str | None]
    last_nine: Mapped[str | None]

    @property
    def shown(self) -> str:
        """The number as a person reads it."""
        return numbers.show(self.raw if self.e164 is None else self.e164)

    @property
    def valid(self) -> bool:
        """False for what is kept as typed: short internal numbers, and what is no full number anywhere."""
        return self.e164 is not None

    @property
    def takes_texts(self) -> bool:
        """Whether text messages can reach it: a mobile by its number or by what people say it is."""
        if self.e164 is None or self.type in ("home_fax", "office_fax"):
            return False
        return self.type == "mobile" or numbers.is_mobile(self.e164)


class TimelineEntry(Base):
    """Something that happened with a customer. `kind`: call, note, text, ...; `data` is what the page needs to draw it."""

    __tablename__ = "timeline"
    __table_args__ = (Index("ix_timeline_contact_id_at", "contact_id", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"), index=True)
    call_id: Mapped[str | None] = mapped_column(index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    at: Mapped[dt.datetime]
    kind: Mapped[str]
    text: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Import(Base):
    """A file on its way in. `state`: staging, checked, applying, done, failed, undoing, undone. Counts grow as it goes.

    `touched_at` is when it last moved: one that stands still for a minute lost its process and is taken up again.
    `header` is the file's first line; `kept` counts contacts an undoing left alone, since people had worked with them.
    """

    __tablename__ = "imports"
    id: Mapped[int] = mapped_column(primary_key=True)
    file_name: Mapped[str]
    state: Mapped[str]
    dry_run: Mapped[bool] = mapped_column(default=False)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime]
    touched_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    total: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    applied: Mapped[int] = mapped_column(default=0)
    notices: Mapped[int] = mapped_column(default=0)
    kept: Mapped[int] = mapped_column(default=0)
    header: Mapped[list[Any]] = mapped_column(default=list)
    error: Mapped[str] = mapped_column(default="")  # a sentence, with the values below
    error_values: Mapped[dict[str, Any]] = mapped_column(default=dict)

    @property
    def problem(self) -> str:
        """The sentence about the whole file, in English."""
        return fill(self.error, self.error_values)


class ImportRow(Base):
    """A staged row: what it says, or its cells when `error` says why it was rejected. `notice`: good, but look at it.

    `error` is a sentence in English with the values in `error_values`, so that each reader is told in their language.
    """

    __tablename__ = "import_rows"
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[dict[str, Any]]
    error: Mapped[str] = mapped_column(default="")
    error_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    notice: Mapped[str] = mapped_column(default="")
    applied: Mapped[bool] = mapped_column(default=False)
