"""E-mails and faxes, both ways: the customer's history. Templates, unfinished texts, and where the inbox is read up to."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class Email(Base):
    """An e-mail, or a fax (`channel`) that leaves as one.

    `state`: queued, sent, failed; of a fax that the gateway reported: delivered; of one that came: received. `address` is the
    customer's: an e-mail address as written, of a fax the number in E.164; `name` is how its sender calls themselves.
    `message_id` is its own Message-ID ("" when it had none), `parents` those of what it answers, oldest first. `error` is what
    the mail server, or whoever returned it, said. `key`: the id the page gave it, so that two presses send once. `digest` is
    of the octets of one that came, so that none is stored twice. `kind` of one that came: mail, auto (written by a machine),
    bounce (a delivery report). `sent_at`: when its sender says it was written. `entry_id`: its line on a timeline.
    `seen_at`, `seen_by`: who dealt with one that came; null: nobody yet. `answers_id`: ours that it answers or is about.
    `cut`: only its beginning was read.
    """

    __tablename__ = "emails"
    __table_args__ = (
        Index("ix_emails_contact_id_created_at", "contact_id", "created_at"),
        _partial("ix_emails_message_id", "message_id", where="message_id != ''"),
        _partial("ix_emails_digest", "digest", where="digest != ''", unique=True),
        _partial("ix_emails_user_id_key", "user_id", "key", where="key != ''", unique=True),
        _partial("ix_emails_unseen", "id", where="seen_at IS NULL"),
        _partial("ix_emails_came", "id", where="NOT outbound"),
        _partial("ix_emails_faxes", "address", where="channel = 'fax'"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(default="email")
    outbound: Mapped[bool]
    kind: Mapped[str] = mapped_column(default="mail")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    address: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    cc: Mapped[list[Any]] = mapped_column(default=list)
    subject: Mapped[str]
    text: Mapped[str]
    state: Mapped[str]
    error: Mapped[str] = mapped_column(default="")
    message_id: Mapped[str] = mapped_column(default="")
    parents: Mapped[list[Any]] = mapped_column(default=list)
    key: Mapped[str] = mapped_column(default="")
    digest: Mapped[str] = mapped_column(default="")
    cut: Mapped[bool] = mapped_column(default=False)
    entry_id: Mapped[int | None]
    answers_id: Mapped[int | None] = mapped_column(ForeignKey("emails.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
    seen_at: Mapped[dt.datetime | None]
    seen_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class EmailFile(Base):
    """A file that goes with an e-mail; the e-mail owns it."""

    __tablename__ = "email_files"
    email_id: Mapped[int] = mapped_column(ForeignKey("emails.id", ondelete="CASCADE"), primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), primary_key=True, index=True)
    place: Mapped[int] = mapped_column(default=0)


class EmailCandidate(Base):
    """A contact that has the address an e-mail came from, while it belongs to nobody because several have it."""

    __tablename__ = "email_candidates"
    email_id: Mapped[int] = mapped_column(ForeignKey("emails.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, index=True)


class EmailTemplate(Base):
    """A letter to begin with; `subject` and `body` are templates (rendering.py)."""

    __tablename__ = "email_templates"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folded: Mapped[str] = mapped_column(unique=True)
    language: Mapped[str] = mapped_column(default="en")
    subject: Mapped[str]
    body: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]


class Draft(Base):
    """What somebody has begun to write to a contact; `data` is the page's own form."""

    __tablename__ = "email_drafts"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, index=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]]
    updated_at: Mapped[dt.datetime]


class Mailbox(Base):
    """A folder that is read, and up to where: `uid_validity` and `last_uid` as its server numbers messages (RFC 9051, 2.3.1.1).

    `name` is user@host:port/folder. `checked_at`: when it was last read without a fault; `error`: the fault since then.
    """

    __tablename__ = "mailboxes"
    name: Mapped[str] = mapped_column(primary_key=True)
    uid_validity: Mapped[int] = mapped_column(default=0)
    last_uid: Mapped[int] = mapped_column(default=0)
    received: Mapped[int] = mapped_column(default=0)
    checked_at: Mapped[dt.datetime | None]
    error: Mapped[str] = mapped_column(default="")
    error_at: Mapped[dt.datetime | None]
