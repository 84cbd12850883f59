"""Leads of campaigns, their numbers, each try to reach them, what was decided about them and why; files of leads."""

import datetime as dt
import enum
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base

_WAITING = text("state = 'waiting'")
_GOING = text("state <> 'over'")
_HELD_BACK = text("state = 'waiting' AND needs_agent")


class LeadState(enum.StrEnum):
    """Where a lead stands."""

    WAITING = "waiting"  # may be dialled from `next_at` on
    SHOWN = "shown"  # a consultant looks at it (preview)
    DIALLING = "dialling"
    TALKING = "talking"  # or listening to the message, or being wrapped up
    DONE = "done"
    EXHAUSTED = "exhausted"  # all attempts made
    REFUSED = "refused"  # may not be called: `refusal` says why
    UNCERTAIN = "uncertain"  # dialled as the switch was lost: a person says what became of it
    REMOVED = "removed"  # taken off the list by a person


class Lead(Base):
    """Somebody a campaign is to call.

    `folded`: the name without accents and capitals, to be searched. `fields`: what the file said beside names and numbers, for
    the script. `priority` 1 (first) to 5. `next_at`: from when it may be dialled (its hours, a delay). `position`: which of its
    numbers is next, from 0. `needs_agent`: it was abandoned, so it is dialled only with an agent waiting for it. `attempt_id`:
    the attempt that goes on. `outcome`: of the last attempt. `refusal`: a code with values, why it stands as it does: of one that
    is refused, exhausted, uncertain or removed, or why a waiting one was put off.
    """

    __tablename__ = "leads"
    __table_args__ = (
        Index("ix_leads_next", "campaign_id", "priority", "next_at", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index(
            "ix_leads_needs_agent",
            *("campaign_id", "priority", "next_at", "id"),
            sqlite_where=_HELD_BACK,
            postgresql_where=_HELD_BACK,
        ),
        Index("ix_leads_campaign_id_id", "campaign_id", "id"),
        Index("ix_leads_campaign_id_state_id", "campaign_id", "state", "id"),
        Index("ix_leads_contact_id", "contact_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"))
    import_id: Mapped[int | None] = mapped_column(ForeignKey("lead_imports.id", ondelete="SET NULL"), index=True)
    name: Mapped[str] = mapped_column(default="")
    folded: Mapped[str] = mapped_column(default="")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    priority: Mapped[int] = mapped_column(default=3)
    state: Mapped[str] = mapped_column(default=LeadState.WAITING.value)
    next_at: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)
    needs_agent: Mapped[bool] = mapped_column(default=False)
    attempt_id: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))  # of the last talk or preview
    outcome: Mapped[str] = mapped_column(default="")
    refusal: Mapped[str] = mapped_column(default="")
    refusal_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[dt.datetime]
    changed_at: Mapped[dt.datetime]


class LeadNumber(Base):
    """A number of a lead, in the order it is tried. `refusal`: a code, of one that may not be dialled.

    `zones`: the IANA time zones the number may be in, sorted; the strictest counts.
    """

    __tablename__ = "lead_numbers"
    __table_args__ = (
        Index("ix_lead_numbers_campaign_id_number", "campaign_id", "number", unique=True),
        Index("ix_lead_numbers_number", "number"),
    )
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    number: Mapped[str]  # E.164
    zones: Mapped[list[Any]] = mapped_column(default=list)
    refusal: Mapped[str] = mapped_column(default="")


class LeadAttempt(Base):
    """One try to reach a lead. `id` is the id of its call, chosen before the carrier is asked.

    `state`: shown (preview; nobody is dialled yet), dialling, answered (somebody is there, no agent yet), talking, over.
    `outcome`: talked, abandoned, machine, busy, no_answer, rejected, unreachable, failed, cancelled, uncertain, skipped (shown,
    not dialled); where a message was played: message_left, heard (all of it), hung_up (before its end), confirmed, do_not_call,
    wanted_agent (and none was free).
    `found`: what detection said. `bridged_ms`: from the answer to the agent. `waited_seconds`: how long the agent was ready, or
    on the line that rang, before they talked. A number has one attempt that goes on at most.
    """

    __tablename__ = "lead_attempts"
    __table_args__ = (
        Index("ix_lead_attempts_going", "number", unique=True, sqlite_where=_GOING, postgresql_where=_GOING),
        Index("ix_lead_attempts_campaign_id_started_at", "campaign_id", "started_at"),
        Index("ix_lead_attempts_campaign_id_state", "campaign_id", "state"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id", ondelete="CASCADE"), index=True)
    number: Mapped[str]
    mode: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    state: Mapped[str] = mapped_column(default="dialling")
    outcome: Mapped[str] = mapped_column(default="")
    found: Mapped[str] = mapped_column(default="")
    key: Mapped[str] = mapped_column(default="")  # pressed in an agentless call
    started_at: Mapped[dt.datetime]
    answered_at: Mapped[dt.datetime | None]
    bridged_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    bridged_ms: Mapped[float | None]
    waited_seconds: Mapped[float | None]
    end_code: Mapped[int | None]


class LeadDecision(Base):
    """Why a lead was, or was not, dialled (B6): a code of explaining.py with its values. `user_id`: a person's doing."""

    __tablename__ = "lead_decisions"
    __table_args__ = (Index("ix_lead_decisions_lead_id_id", "lead_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id", ondelete="CASCADE"))
    at: Mapped[dt.datetime]
    code: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class LeadImport(Base):
    """A file, or the contacts a filter finds, on their way into a campaign. `state`: mapping, adding, done, failed, stopped.

    `report`: how many rows by what became of them (added, and codes of refusals). `filter`: of contacts. `cursor`: the last row
    or contact that was seen to, so that it goes on after a crash. `header`: the names of the file's columns. `mapping`: what was
    chosen (lead_columns.LeadMapping). `digest`: SHA-256 of the file, to know it again. `touched_at`: when it moved last.
    """

    __tablename__ = "lead_imports"
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    file_name: Mapped[str] = mapped_column(default="")
    file_id: Mapped[int | None] = mapped_column(ForeignKey("files.id", ondelete="SET NULL"))
    filter: Mapped[dict[str, Any] | None]
    header: Mapped[list[Any]] = mapped_column(default=list)
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)
    digest: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="mapping")
    cursor: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str] = mapped_column(default="")
    error_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[dt.datetime]
    touched_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]


class LeadImportRow(Base):
    """A row of such a file that was not added as it was: a code, and a sentence's values.

    `digits`: of each of its cells and of the number it is about, apart by spaces, so that whoever asks to be forgotten is found
    however their number was written.
    """

    __tablename__ = "lead_import_rows"
    import_id: Mapped[int] = mapped_column(ForeignKey("lead_imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str]
    cells: Mapped[list[Any]] = mapped_column(default=list)
    digits: Mapped[str] = mapped_column(default="")
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
