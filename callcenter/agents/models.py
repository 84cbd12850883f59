"""Agents: a user as routing sees them."""

import datetime as dt
import enum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class AgentState(enum.StrEnum):
    """What an agent is doing; ready needs a live station."""

    OFFLINE = "offline"
    READY = "ready"
    OFFERED = "offered"
    ON_CALL = "on_call"
    WRAP_UP = "wrap_up"
    BREAK = "break"
    LISTENING = "listening"  # a supervisor in a consultant's call; they get no calls of their own


class Agent(Base):
    """One row per user who ever took a state. `since`: when the state began; `ready_since` orders the longest ready.

    `call_id` is the call they are offered, talk in or wrap up. `missed_offers` counts unanswered offers in a row.
    `after_call`: the state asked for during a call (break, offline), taken when it is over. `fence` grows with every
    claim. From `reserved_from` until `reserved_until` they get no calls of queues and campaigns: a phone meeting of theirs
    is near (B4).
    """

    __tablename__ = "agents"
    __table_args__ = (Index("ix_agents_state_ready_since", "state", "ready_since"),)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(default=AgentState.OFFLINE.value)
    reason: Mapped[str] = mapped_column(default="")
    since: Mapped[dt.datetime]
    ready_since: Mapped[dt.datetime | None]
    call_id: Mapped[str | None]
    wrap_up_until: Mapped[dt.datetime | None]
    after_call: Mapped[str | None]
    missed_offers: Mapped[int] = mapped_column(default=0)
    station_session: Mapped[str] = mapped_column(default="")
    station_live: Mapped[bool] = mapped_column(default=False)
    fence: Mapped[int] = mapped_column(default=0)
    reserved_from: Mapped[dt.datetime | None]
    reserved_until: Mapped[dt.datetime | None]
