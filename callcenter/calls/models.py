"""Calls, their legs, the offers made to agents, and the call-back list."""

import datetime as dt
import enum
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class CallState(enum.StrEnum):
    """Where a call stands. ENDED is final."""

    WAITING = "waiting"  # inbound, nobody is offered it
    OFFERED = "offered"  # inbound, rings at one agent
    DIALLING = "dialling"  # outbound, not ringing yet
    RINGING = "ringing"  # outbound, rings at the customer's
    ANSWERED = "answered"  # outbound, dialled without an agent: the customer is there, nobody was given the call yet
    TALKING = "talking"
    ANNOUNCING = "announcing"  # the agent is gone; the customer hears the announcement and is then hung up on
    PLAYING = "playing"  # a message is played, to the customer or to their answering machine; no agent is on the call
    ENDED = "ended"


class Call(Base):
    """The whole conversation.

    `number` is the customer's in E.164 or as the carrier sent it; `dialled` the number called. `answered_at` is when a
    person answered (customer and agent talk). `match` keeps candidates and rules as they were when it rang (B1).
    `draft` is the note as typed, saved while typing; `note` the one that stands; `note_version` counts changes of either.
    `user_id` is the agent who has it, or had it when they dropped. `announcement`: the file the customer hears should the
    agent drop, "" for none. `dropped_at`: when the agent's audio was lost for good while the customer was on the line; of
    the announcement (`announcement_ms` long, 0 when it could not be played) they then heard `heard_ms`, null: unknown.
    `machine`: what was found at the far end of a call that left (human, machine, fax, unknown), "": nobody looked.
    `joined`: the supervisors who took part in the talk, by name, with a comma between two; not those who listened or whispered.
    A message that was played instead of a talk is `announcement`, too, with the same two lengths; `pressed`: what the key meant
    that the customer pressed (confirm, agent, do_not_call), "": none.
    """

    __tablename__ = "calls"
    __table_args__ = (
        Index("ix_calls_state", "state"),
        Index("ix_calls_user_id_id", "user_id", "id"),
        Index("ix_calls_contact_id_id", "contact_id", "id"),
        Index("ix_calls_organisation_id", "organisation_id"),
        Index("ix_calls_number", "number"),
        Index("ix_calls_project_id_id", "project_id", "id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    direction: Mapped[str]
    state: Mapped[str]
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="SET NULL"))
    trunk_id: Mapped[int | None] = mapped_column(ForeignKey("trunks.id", ondelete="SET NULL"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="SET NULL"))
    number: Mapped[str] = mapped_column(default="")
    caller_name: Mapped[str] = mapped_column(default="")
    withheld: Mapped[bool] = mapped_column(default=False)
    dialled: Mapped[str] = mapped_column(default="")
    identification: Mapped[str] = mapped_column(default="")
    match: Mapped[list[Any]] = mapped_column(default=list)
    started_at: Mapped[dt.datetime]
    queued_at: Mapped[dt.datetime | None]
    answered_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    talk_seconds: Mapped[int | None]
    end_reason: Mapped[str] = mapped_column(default="")
    end_code: Mapped[int | None]
    end_text: Mapped[str] = mapped_column(default="")
    held: Mapped[bool] = mapped_column(default=False)
    disposition_id: Mapped[int | None] = mapped_column(ForeignKey("dispositions.id", ondelete="SET NULL"))
    note: Mapped[str] = mapped_column(default="")
    draft: Mapped[str] = mapped_column(default="")
    note_version: Mapped[int] = mapped_column(default=0, server_default="0")
    wrapped_at: Mapped[dt.datetime | None]
    announcement: Mapped[str] = mapped_column(default="", server_default="")
    dropped_at: Mapped[dt.datetime | None]
    announcement_ms: Mapped[int | None]
    heard_ms: Mapped[int | None]
    machine: Mapped[str] = mapped_column(default="", server_default="")
    joined: Mapped[str] = mapped_column(default="", server_default="")
    pressed: Mapped[str] = mapped_column(default="", server_default="")


class Leg(Base):
    """One carrier connection of a call. `minutes`: those begun from its answer to its end, null until then."""

    __tablename__ = "legs"
    __table_args__ = (
        Index(
            "ix_legs_trunk_id_answered_at",  # what a trunk's calls cost today (spending.py), without a look at the rows
            "trunk_id",
            "direction",
            "answered_at",
            "minutes",
            sqlite_where=text("answered_at IS NOT NULL"),
            postgresql_where=text("answered_at IS NOT NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    trunk_id: Mapped[int | None] = mapped_column(ForeignKey("trunks.id", ondelete="SET NULL"))
    direction: Mapped[str]
    state: Mapped[str]  # ringing, answered, ended
    number: Mapped[str] = mapped_column(default="")
    provider_ref: Mapped[str] = mapped_column(default="")
    started_at: Mapped[dt.datetime]
    answered_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    end_reason: Mapped[str] = mapped_column(default="")
    end_code: Mapped[int | None]
    end_text: Mapped[str] = mapped_column(default="")
    ended_by: Mapped[str] = mapped_column(default="")
    minutes: Mapped[int | None]
    quality: Mapped[dict[str, Any] | None]


class Offer(Base):
    """A call offered to one agent. `result`: open, answered, no_answer, declined, caller_left, failed.

    The three latencies are milliseconds from the call's first packet (B2): to the offer being written, to the message
    being sent, to the browser's own acknowledgement that the pop-up is drawn.
    """

    __tablename__ = "offers"
    __table_args__ = (Index("ix_offers_call_id", "call_id"), Index("ix_offers_offered_at", "offered_at"))
    id: Mapped[str] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    offered_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    result: Mapped[str] = mapped_column(default="open")
    first: Mapped[bool] = mapped_column(default=False)  # made at once when the call came: its latencies count
    received: Mapped[float | None]  # clock.monotonic() of the first packet
    offered_ms: Mapped[float | None]
    sent_ms: Mapped[float | None]
    shown_ms: Mapped[float | None]


class CallBack(Base):
    """A missed call somebody owns until it is done. `state`: open, done."""

    __tablename__ = "call_backs"
    __table_args__ = (Index("ix_call_backs_state_owner_id", "state", "owner_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), unique=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="SET NULL"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"), index=True)
    number: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    state: Mapped[str] = mapped_column(default="open")
    missed_at: Mapped[dt.datetime]
    done_at: Mapped[dt.datetime | None]
    done_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    note: Mapped[str] = mapped_column(default="")


class Listening(Base):
    """A stretch in which a supervisor was in a consultant's call in one way: listen, whisper, barge (phone.Way).

    `consultant_id`: whose call it was. `told`: the consultant was told of whoever listened. `ended_at` null: it goes on; a
    supervisor is in one call at most.
    """

    __tablename__ = "listenings"
    __table_args__ = (
        Index(
            "uq_listenings_user_id",
            "user_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    consultant_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    way: Mapped[str]
    told: Mapped[bool]
    began_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
