"""Shifts and absences."""

import datetime as dt

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class Shift(Base):
    """Hours a person works every week, in their own time zone. `weekday` 0 is Monday; minutes count from its midnight.

    `to_minute` is after `from_minute`, at most a day later: beyond 1440 the shift ends on the next day.
    """

    __tablename__ = "shifts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    weekday: Mapped[int]
    from_minute: Mapped[int]
    to_minute: Mapped[int]


class Absence(Base):
    """A time a person is off, whatever the weekly pattern says; `works` turns it round: an extra shift."""

    __tablename__ = "absences"
    __table_args__ = (Index("ix_absences_user_id_to_at", "user_id", "to_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    from_at: Mapped[dt.datetime]
    to_at: Mapped[dt.datetime]
    works: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(default="")
