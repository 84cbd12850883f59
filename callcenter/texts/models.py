"""Text messages (SMS), both ways. They are the customer's history: nothing deletes them."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class TextMessage(Base):
    """An SMS. `state`: queued, sent, delivered, undelivered, failed, uncertain (phone.TextStatus); of one that came: received.

    `number` is the far one, `own_number` ours, both E.164 where known. `code` and `error` are the carrier's of what went
    wrong, `provider_ref` its id: a message that comes twice is stored once. `user_id`: who sent it; `key`: the id their page
    gave it, so that two presses send once. `match` keeps the candidates as they were when it came. `entry_id`: its line on a
    timeline. `seen_at`, `seen_by`: who dealt with one that came; null: nobody yet. `answer_id`: the message that answered it.
    """

    __tablename__ = "text_messages"
    __table_args__ = (
        Index("ix_text_messages_contact_id_created_at", "contact_id", "created_at"),
        Index("ix_text_messages_created_at", "created_at"),
        _partial("ix_text_messages_provider_ref", "trunk_id", "provider_ref", where="provider_ref != ''", unique=True),
        _partial("ix_text_messages_user_id_key", "user_id", "key", where="key != ''", unique=True),
        _partial("ix_text_messages_unseen", "id", where="seen_at IS NULL"),
        # Two halves: of a whole index beside that of the unseen SQLite, without statistics, may choose the wrong one.
        _partial("ix_text_messages_project_id_unseen", "project_id", "id", where="seen_at IS NULL"),
        _partial("ix_text_messages_project_id_seen", "project_id", "id", where="seen_at IS NOT NULL"),
        _partial("ix_text_messages_queued", "id", where="state = 'queued'"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    trunk_id: Mapped[int | None] = mapped_column(ForeignKey("trunks.id", ondelete="SET NULL"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="SET NULL"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="SET NULL"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    outbound: Mapped[bool]
    number: Mapped[str] = mapped_column(index=True)
    own_number: Mapped[str]
    text: Mapped[str]
    state: Mapped[str]
    code: Mapped[int | None]
    error: Mapped[str] = mapped_column(default="")
    provider_ref: Mapped[str] = mapped_column(default="")
    key: Mapped[str] = mapped_column(default="")
    match: Mapped[list[Any]] = mapped_column(default=list)
    entry_id: Mapped[int | None]
    answer_id: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    state_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime | None]
    seen_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
