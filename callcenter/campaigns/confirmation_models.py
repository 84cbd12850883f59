"""What became of a spoken yes: the terms that were sent, and the customer's own statement on paper or another durable medium.

Act on consumer rights of 30 May 2014 (Poland), art. 20(2): a contract offered on the telephone binds only once the trader has
confirmed the proposed terms on a durable medium and the consumer's statement, made after that, is recorded on one as well.
"""

import datetime as dt
import enum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class ConfirmationState(enum.StrEnum):
    """Where a spoken yes stands."""

    AWAITING = "awaiting"  # the terms are to be sent
    TERMS_SENT = "terms_sent"  # the customer's statement is to come
    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"
    WITHDRAWN = "withdrawn"  # the call was given another disposition while the yes was awaiting


OPEN = frozenset({ConfirmationState.AWAITING, ConfirmationState.TERMS_SENT})  # awaiting durable confirmation
ENDED = frozenset({ConfirmationState.CONFIRMED, ConfirmationState.NOT_CONFIRMED})


class Confirmation(Base):
    """A spoken yes and what followed, one for each attempt in which a customer said it. `attempt_id` is the call's id, too.

    `said_at`: when that talk began. `taken_by`: who talked. Days are the campaign's. `terms_how`: email, letter, sms, other.
    `end_how`: how the statement came (email, letter, sms, web_form, other), or why there is none (declined, no_answer).
    `ended_on`: the day the statement came. `*_by` and `*_at`: who recorded it, and when.
    """

    __tablename__ = "lead_confirmations"
    __table_args__ = (Index("ix_lead_confirmations_campaign_id_state_said_at", "campaign_id", "state", "said_at"),)
    attempt_id: Mapped[str] = mapped_column(ForeignKey("lead_attempts.id", ondelete="CASCADE"), primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id", ondelete="CASCADE"), index=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(default=ConfirmationState.AWAITING.value)
    said_at: Mapped[dt.datetime]
    taken_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    terms_on: Mapped[dt.date | None]
    terms_how: Mapped[str] = mapped_column(default="")
    terms_note: Mapped[str] = mapped_column(default="")
    terms_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    terms_at: Mapped[dt.datetime | None]
    ended_on: Mapped[dt.date | None]
    end_how: Mapped[str] = mapped_column(default="")
    end_note: Mapped[str] = mapped_column(default="")
    end_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    end_at: Mapped[dt.datetime | None]
