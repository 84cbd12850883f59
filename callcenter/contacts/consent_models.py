"""What customers agreed to and objected to, and the tokens that keep the erased and the unwilling away."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base

CHANNELS = ("call", "sms", "email", "fax")
PURPOSES = ("marketing", "service", "survey")
MEANS = ("person", "automatic")


class Consent(Base):
    """What a customer said about being contacted; never changed, a later word of theirs stands beside the earlier ones.

    For a channel, a purpose and a means (by a person, or automatic). With no purpose and no means it is about the channel as
    a whole: `given` false is an objection ("do not call"), true takes it back. `at`: when they said so; `source`: where
    (a form, a call); `wording`: what they agreed to, word for word.
    """

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_contact_id_channel_purpose", "contact_id", "channel", "purpose"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    channel: Mapped[str]
    purpose: Mapped[str] = mapped_column(default="")
    means: Mapped[str] = mapped_column(default="")
    given: Mapped[bool]
    at: Mapped[dt.datetime]
    source: Mapped[str] = mapped_column(default="")
    wording: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    recorded_at: Mapped[dt.datetime]


class Suppression(Base):
    """A keyed digest of a number or an e-mail address, from which nobody without the key can tell whose it is.

    `reason`: erased (no file may bring this person back), do_not_call (the number is not dialled), or do_not_call:ID (not by
    the project with this id).
    """

    __tablename__ = "suppressions"
    token: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class NumberList(Base):
    """A file of numbers that are not to be called, read onto the list of a project, or (no project) onto everybody's.

    `state`: reading, done, failed. Of `total` lines with something in them `seen` have been read: `added` to the list, `known`
    there before, `invalid` (no number, `first_invalid` the first of them). `touched_at`: when it last got on.
    """

    __tablename__ = "number_lists"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    file_name: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="reading")
    total: Mapped[int] = mapped_column(default=0)
    seen: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)
    invalid: Mapped[int] = mapped_column(default=0)
    first_invalid: Mapped[list[Any]] = mapped_column(default=list)
    error: Mapped[str] = mapped_column(default="")
    error_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[dt.datetime]
    touched_at: Mapped[dt.datetime]
