"""Users, their sign-ins, their tokens, and the audit trail."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class User(Base):
    """A person who may sign in. `role` is an actor.Role, `accounts` a list of actor.AccountRole (S16, S17).

    `preferences` holds answer_shortcut and device choices.
    """

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    accounts: Mapped[list[Any]] = mapped_column(default=list)
    password_hash: Mapped[str]
    language: Mapped[str] = mapped_column(default="en")
    time_zone: Mapped[str] = mapped_column(default="Europe/Warsaw")
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[dt.datetime]
    disabled_at: Mapped[dt.datetime | None]


class Session(Base):
    """A sign-in in one browser. Only the hash of its cookie is kept."""

    __tablename__ = "sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]
    address: Mapped[str] = mapped_column(default="")
    agent: Mapped[str] = mapped_column(default="")


class Token(Base):
    """A bearer token for scripts. Only its hash is kept."""

    __tablename__ = "tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(default="")
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


class CalendarFeed(Base):
    """The secret address of a person's calendar; only its hash is kept, a new one takes the place of the old.

    `read_at`: when a calendar last asked, kept to the minute. `digest` is of what it then got, new at `changed_at`.
    """

    __tablename__ = "calendar_feeds"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime]
    read_at: Mapped[dt.datetime | None]
    digest: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[dt.datetime | None]


class SavedFilter(Base):
    """A list's filters under a name; `page` is the list's (phone_meetings), `query` what stands after ? in its address."""

    __tablename__ = "saved_filters"
    __table_args__ = (UniqueConstraint("user_id", "page", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    page: Mapped[str]
    name: Mapped[str]
    query: Mapped[str]
    created_at: Mapped[dt.datetime]


class AuditEntry(Base):
    """Who did what to what, and when. Never changed, holds no secret. `action` is subject.verb, e.g. trunk.updated."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_action_at", "action", "at"), Index("ix_audit_subject_subject_id", "subject", "subject_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    actor_name: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    subject_id: Mapped[str] = mapped_column(default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    address: Mapped[str] = mapped_column(default="")
