"""E-mails on their way out."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class Mail(Base):
    """An e-mail. `state`: queued, sent, failed. `due_at`: when to try (again), null when it is over.

    `message_id` is its Message-ID, the same in every try. `calendar` is the iCalendar part with its `method` (REQUEST,
    CANCEL), empty for none. `about`/`about_id` name what it is about (phone_meeting 12). `user_id`: who caused it. While a
    server sends it, it is leased: `fence` grows with every claim, so that only the last claimer says what became of it.
    `give_up_at`: no try after this. `error`: the mail server's words of the last try that failed, or about a recipient in
    `cc` it did not take. `from_name`: a person's, "" for the sender's own; such a mail is a person's letter, not a machine's.
    `reply_to`: where answers go, "" for the sender. `html`: the same text for programs that show it. `parents`: Message-IDs
    of what it answers, oldest first. `files`: ids of what is attached, `size` octets together; whoever is `about` owns them.
    """

    __tablename__ = "mails"
    __table_args__ = (
        Index("ix_mails_due_at", "due_at", sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_mails_about_about_id", "about", "about_id"),
        Index("ix_mails_state_id", "state", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    to_address: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    calendar: Mapped[str] = mapped_column(default="")
    method: Mapped[str] = mapped_column(default="")
    cc: Mapped[list[Any]] = mapped_column(default=list)
    from_name: Mapped[str] = mapped_column(default="")
    reply_to: Mapped[str] = mapped_column(default="")
    html: Mapped[str] = mapped_column(default="")
    parents: Mapped[list[Any]] = mapped_column(default=list)
    files: Mapped[list[Any]] = mapped_column(default=list)
    size: Mapped[int] = mapped_column(default=0)
    about: Mapped[str] = mapped_column(default="")
    about_id: Mapped[str] = mapped_column(default="")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    message_id: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="queued")
    due_at: Mapped[dt.datetime | None]
    leased_until: Mapped[dt.datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    give_up_at: Mapped[dt.datetime]
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
