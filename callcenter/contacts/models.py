"""Organisations, contacts, their numbers, tags and managers, the timeline, and staged imports. Fields: field_models.py."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from callcenter.contacts import numbers
from callcenter.contacts.field_models import CustomValue, DictionaryEntry
from callcenter.db import Base
from callcenter.errors import fill

NUMBER_TYPES = ("mobile", "landline", "work", "main", "home_fax", "office_fax", "other")  # S13
ACCOUNT_TYPES = ("customer", "partner")  # S17


class Organisation(Base):
    """A company; any number of contacts belong to it (S1), and have its `type` (an ACCOUNT_TYPE, S17).

    `country` is an ISO 3166-1 alpha-2 code, "" for unknown. `version` grows with every change, as a contact's does.
    `folded` is the name as names are compared, `searchable` what search reads (organisation_terms.py). One that is on its
    way out, deleted or merged into `successor_id`, has `leaving_at` until its last contact has gone (leaving.py).
    """

    __tablename__ = "organisations"
    __table_args__ = (
        Index("ix_organisations_folded", "folded", "id"),
        Index("ix_organisations_type_folded", "type", "folded", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folded: Mapped[str]
    searchable: Mapped[str] = mapped_column(default="")
    type: Mapped[str] = mapped_column(default="customer")
    email: Mapped[str] = mapped_column(default="")
    website: Mapped[str] = mapped_column(default="")
    address1: Mapped[str] = mapped_column(default="")
    address2: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    province: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime | None]
    leaving_at: Mapped[dt.datetime | None]
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="SET NULL"), index=True)
    import_id: Mapped[int | None] = mapped_column(ForeignKey("imports.id", ondelete="SET NULL"))
    numbers: Mapped[list["Number"]] = relationship(lazy="raise", cascade="all, delete-orphan", order_by="Number.id")


class Contact(Base):
    """A customer's person. `folded` is what search reads (search.py): words and numbers, without case and diacritics.

    `version` grows with every change: who saves an older one is told, nothing is overwritten. `type` is the account's (S17):
    the organisation's where there is one, kept in step with it, else the contact's own. `country`: as an organisation's.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        Index("ix_contacts_sort", "sort_name", "id"),
        Index("ix_contacts_organisation_id_sort", "organisation_id", "sort_name", "id"),
        {"sqlite_autoincrement": True},  # the id of one that was merged away is never somebody else's
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    # folded last name, first name
    sort_name: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"), default="")
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="SET NULL"))
    type: Mapped[str] = mapped_column(default="customer")
    position_id: Mapped[int | None] = mapped_column(ForeignKey("dictionary_entries.id", ondelete="SET NULL"))
    stage_id: Mapped[int | None] = mapped_column(ForeignKey("dictionary_entries.id", ondelete="SET NULL"))
    source_id: Mapped[int | None] = mapped_column(ForeignKey("dictionary_entries.id", ondelete="SET NULL"))
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("dictionary_entries.id", ondelete="SET NULL"))
    email: Mapped[str] = mapped_column(default="", index=True)
    address1: Mapped[str] = mapped_column(default="")
    address2: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    province: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    avatar_id: Mapped[int | None] = mapped_column(ForeignKey("files.id", ondelete="SET NULL"))
    folded: Mapped[str] = mapped_column(default="")
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    version: Mapped[int] = mapped_column(default=1)
    import_id: Mapped[int | None] = mapped_column(ForeignKey("imports.id", ondelete="SET NULL"), index=True)
    organisation: Mapped[Organisation | None] = relationship(lazy="raise")
    position: Mapped[DictionaryEntry | None] = relationship(lazy="raise", foreign_keys=[position_id])
    stage: Mapped[DictionaryEntry | None] = relationship(lazy="raise", foreign_keys=[stage_id])
    source: Mapped[DictionaryEntry | None] = relationship(lazy="raise", foreign_keys=[source_id])
    segment: Mapped[DictionaryEntry | None] = relationship(lazy="raise", foreign_keys=[segment_id])
    tags: Mapped[list[DictionaryEntry]] = relationship(
        lazy="raise", secondary="contact_tags", order_by="DictionaryEntry.place, DictionaryEntry.id"
    )
    custom: Mapped[list[CustomValue]] = relationship(lazy="raise", cascade="all, delete-orphan")
    numbers: Mapped[list["Number"]] = relationship(lazy="raise", cascade="all, delete-orphan", order_by="Number.id")

    @property
    def name(self) -> str:
        """The name as people say it."""
        return f"{self.first_name} {self.last_name}".strip()


class ContactTag(Base):
    """A tag (a dictionary entry of the kind tag) on a contact (S10)."""

    __tablename__ = "contact_tags"
    entry_id: Mapped[int] = mapped_column(ForeignKey("dictionary_entries.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, index=True)


class ContactManager(Base):
    """A user who manages a contact (S16)."""

    __tablename__ = "contact_managers"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, index=True)


class OrganisationManager(Base):
    """A user who manages an organisation, and with it the organisation's contacts."""

    __tablename__ = "organisation_managers"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True, index=True)


class ContactTerm(Base):
    """What finds a contact by its beginning: each word of it, and each end of its numbers (docs/decisions/0004-search.md).

    Derived from the contact's own row (search.terms), so it needs no index by contact and no foreign key, which would
    ask for one; a term whose contact is gone finds nothing.
    """

    __tablename__ = "contact_terms"
    __table_args__ = ({"sqlite_with_rowid": False},)
    term: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class OrganisationTerm(Base):
    """What finds an organisation by its beginning, as ContactTerm does a contact; written by organisation_terms.py."""

    __tablename__ = "organisation_terms"
    __table_args__ = ({"sqlite_with_rowid": False},)
    term: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


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
    """Something that happened with a customer. `kind`: call, note, text, ...; `data` is what the page needs to draw it.

    `version` grows with every correction of a note or a log (corrections.py), whose earlier texts are TimelineVersions.
    One that is struck out stays, and is shown struck.
    """

    __tablename__ = "timeline"
    __table_args__ = (
        # With all that choosing a page of an organisation's contacts' entries asks for, so that it reads no row of the others.
        Index("ix_timeline_contact_id_at", "contact_id", "at", "id", "kind"),
        Index("ix_timeline_organisation_id_at", "organisation_id", "contact_id", "at", "id", "kind"),
        Index("ix_timeline_contact_id_kind_at", "contact_id", "kind", "at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    call_id: Mapped[str | None] = mapped_column(index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    at: Mapped[dt.datetime]
    kind: Mapped[str]
    text: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    corrected_at: Mapped[dt.datetime | None]
    corrected_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    struck_at: Mapped[dt.datetime | None]
    struck_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class TimelineVersion(Base):
    """What a line of the timeline said before it was corrected: its `version` then, written `at` by `user_id`."""

    __tablename__ = "timeline_versions"
    entry_id: Mapped[int] = mapped_column(ForeignKey("timeline.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    at: Mapped[dt.datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class Import(Base):
    """A file on its way in. Counts grow as it goes.

    `state`: mapping (it waits to be told what its columns mean), staging, checked, applying, indexing (the contacts are there,
    search is told), done, failed, undoing, undone.
    `touched_at` is when it last moved: one that stands still for a minute lost its process and is taken up again.
    `header` is the file's first line; `kept` counts contacts an undoing left alone, since people had worked with them.
    `mapping`: what its columns mean and what else was chosen (import_mapping.Mapping). `skipped`: rows left out since somebody
    is there already; `updated`: rows that filled what was empty of somebody.
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
    skipped: Mapped[int] = mapped_column(default=0, server_default="0")
    updated: Mapped[int] = mapped_column(default=0, server_default="0")
    header: Mapped[list[Any]] = mapped_column(default=list)
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    error: Mapped[str] = mapped_column(default="")  # a sentence, with the values below
    error_values: Mapped[dict[str, Any]] = mapped_column(default=dict)

    @property
    def problem(self) -> str:
        """The sentence about the whole file, in English."""
        return fill(self.error, self.error_values)


class ImportRow(Base):
    """A staged row: what it says, or its cells when `error` says why it was rejected. `notice`: good, but look at it.

    `error` is a sentence in English with the values in `error_values`, so that each reader is told in their language; so is
    `notice` with `notice_values`.
    """

    __tablename__ = "import_rows"
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[dict[str, Any]]
    error: Mapped[str] = mapped_column(default="")
    error_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    notice: Mapped[str] = mapped_column(default="")
    notice_values: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    applied: Mapped[bool] = mapped_column(default=False)
