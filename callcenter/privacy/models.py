"""How long personal data is kept."""

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base

RETAINED = ("contacts", "timeline", "calls", "texts", "leads")


class RetentionRule(Base):
    """What is kept for so many months (one of RETAINED); what has no rule is kept for ever."""

    __tablename__ = "retention_rules"
    kind: Mapped[str] = mapped_column(primary_key=True)
    months: Mapped[int]
    updated_at: Mapped[dt.datetime]
    updated_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
