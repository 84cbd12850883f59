"""What an administrator declares of contacts: the words to choose from, and fields of one's own (S5, S12)."""

import datetime as dt

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base

DICTIONARIES = ("position", "stage", "source", "segment", "tag")
CHOSEN = ("position", "stage", "source", "segment")  # of those, what a contact has one of
CHANGE = "change"  # kind of the timeline entries that say which fields changed
CUSTOM_KINDS = ("text", "number", "date", "choice", "choices", "yes_no")


class DictionaryEntry(Base):
    """A word of a dictionary (`kind`, one of DICTIONARIES). A retired one stays where it is chosen and is offered no more."""

    __tablename__ = "dictionary_entries"
    __table_args__ = (UniqueConstraint("kind", "folded"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    folded: Mapped[str]
    place: Mapped[int] = mapped_column(default=0)
    retired_at: Mapped[dt.datetime | None]


class CustomField(Base):
    """A field of one's own (`kind`, one of CUSTOM_KINDS). `key` names it in the API, in files and in templates, for good."""

    __tablename__ = "custom_fields"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    required: Mapped[bool] = mapped_column(default=False)
    place: Mapped[int] = mapped_column(default=0)
    retired_at: Mapped[dt.datetime | None]


class CustomOption(Base):
    """What may be chosen in a field of the kinds choice and choices."""

    __tablename__ = "custom_options"
    __table_args__ = (UniqueConstraint("field_id", "folded"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    field_id: Mapped[int] = mapped_column(ForeignKey("custom_fields.id", ondelete="CASCADE"))
    name: Mapped[str]
    folded: Mapped[str]
    place: Mapped[int] = mapped_column(default=0)
    retired_at: Mapped[dt.datetime | None]


class CustomValue(Base):
    """What a contact has in such a field; several choices are several rows. `option_id` is 0 where the field has no options.

    By kind: text in `text` (`folded` for filters), number in `number`, date in `day`, yes/no as 1 and 0 in `number`.
    """

    __tablename__ = "custom_values"
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True)
    field_id: Mapped[int] = mapped_column(ForeignKey("custom_fields.id", ondelete="CASCADE"), primary_key=True)
    option_id: Mapped[int] = mapped_column(primary_key=True, default=0)
    text: Mapped[str] = mapped_column(default="")
    folded: Mapped[str] = mapped_column(default="")
    number: Mapped[float | None]
    day: Mapped[dt.date | None]
