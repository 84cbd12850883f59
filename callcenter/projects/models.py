"""Projects: what groups numbers, people and rules; and the dispositions agents pick."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from callcenter.db import Base

PURPOSES = ("service", "marketing", "survey", "consent")  # consent: it only asks for consents


class Project(Base):
    """A project and its rules.

    `identify`: match callers and open their contact (S4). `answer_early`: answer waiting callers at once so that they
    hear music (starts billing). `foreign_countries`: regions (DE, CZ...) its people may dial besides the own one.
    `purpose`: what it contacts customers for, one of PURPOSES; marketing needs their consent. `tell_listening`: consultants
    are told when a supervisor listens to their call. `keep_ready`: campaigns leave so many of its ready people to callers.
    """

    __tablename__ = "projects"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    purpose: Mapped[str] = mapped_column(default="service", server_default="service")
    region: Mapped[str] = mapped_column(default="PL")
    trunk_id: Mapped[int | None] = mapped_column(ForeignKey("trunks.id", ondelete="SET NULL"))
    caller_id: Mapped[str] = mapped_column(default="")
    identify: Mapped[bool] = mapped_column(default=True)
    answer_early: Mapped[bool] = mapped_column(default=False)
    offer_seconds: Mapped[int] = mapped_column(default=20)
    wrap_up_seconds: Mapped[int] = mapped_column(default=30)
    max_wait_seconds: Mapped[int] = mapped_column(default=600)
    ring_seconds: Mapped[int] = mapped_column(default=45)
    allow_premium: Mapped[bool] = mapped_column(default=False)
    foreign_countries: Mapped[list[Any]] = mapped_column(default=list)
    tell_listening: Mapped[bool] = mapped_column(default=True, server_default=true())
    keep_ready: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[dt.datetime]
    numbers: Mapped[list["ProjectNumber"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="ProjectNumber.number"
    )


class ProjectNumber(Base):
    """A number customers dial to reach a project, in E.164 or as the carrier sends it; `tail` is its last nine digits."""

    __tablename__ = "project_numbers"
    number: Mapped[str] = mapped_column(primary_key=True)
    tail: Mapped[str] = mapped_column(default="", index=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)


class Membership(Base):
    """Who serves a project."""

    __tablename__ = "project_members"
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)


class Disposition(Base):
    """A code an agent picks after a call; of one project, or of all when project_id is null."""

    __tablename__ = "dispositions"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    retired_at: Mapped[dt.datetime | None]
