"""Campaigns, who serves them, and what a disposition means in each."""

import datetime as dt
import enum
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base


class CampaignState(enum.StrEnum):
    """Where a campaign stands. FINISHED is final: its leads stay to be read."""

    DRAFT = "draft"  # never started
    RUNNING = "running"
    PAUSED = "paused"  # by a person: nothing new is dialled, what rings may ring
    FINISHED = "finished"


class CampaignMode(enum.StrEnum):
    """How leads are dialled."""

    PREVIEW = "preview"  # the consultant sees the lead, then calls or skips
    PROGRESSIVE = "progressive"  # one line for each ready agent, who is on the call from its first ring
    POWER = "power"  # `lines_per_agent` lines for each ready agent
    PREDICTIVE = "predictive"  # as many as pacing.py decides
    AGENTLESS = "agentless"  # a message is played and a key taken


class Detection(enum.StrEnum):
    """What is done about answering machines."""

    OFF = "off"  # nobody listens for them: whoever answers is a person
    HANG_UP = "hang_up"
    MESSAGE = "message"  # `message` is left after the beep
    CONNECT = "connect"  # the agent hears it and is told


class Meaning(enum.StrEnum):
    """What a disposition does to its lead."""

    DONE = "done"
    RETRY = "retry"  # after `minutes`, attempts left or not: the customer asked for it
    DO_NOT_CALL = "do_not_call"
    AGREED = "agreed"  # a spoken yes: done, but awaiting durable confirmation; no sale yet
    MEETING = "meeting"  # the lead becomes a phone meeting; the consultant plans it


class Campaign(Base):
    """A campaign of a project.

    `hours`: per weekday ("0" is Monday) a list of ["HH:MM", "HH:MM"] by the callee's own clock, within what the rule pack
    allows; empty: the pack's. `delays`: minutes until the next attempt by the outcome of the last (busy, no_answer, machine,
    failed, no_agent). `abandon_cap`: per cent, null: the pack's, which it may only go below. `lines_per_agent` of power mode;
    `most_lines`: 0 has no limit of its own. `detection` with its `detection_settings`. `message`: file played to machines or by
    agentless calls, `abandoned_message` to a person for whom no agent was free ("" is silence and hang-up): names in
    Settings.announcements. `keys` of agentless calls: {"1": "confirm", "2": "agent", "9": "do_not_call"}.
    The opening (`company`, `on_behalf_of`, `about`) is pinned above the `script` (Jinja, sandboxed). `preview_seconds`: then the
    lead is dialled by itself, 0: never. `asks_consent`: the administrator's written ground for calls that only ask for consent.
    `script_problem`: why the script could not be shown last time, a sentence with values, until it is saved again.
    `version` grows with every change by people. `wake_at`: when the dialer looks at it again; `dialer` holds it until
    `leased_until`, `fence` grows with every taking.
    """

    __tablename__ = "campaigns"
    __table_args__ = (Index("ix_campaigns_state", "state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default=CampaignState.DRAFT.value)
    mode: Mapped[str] = mapped_column(default=CampaignMode.PREVIEW.value)
    priority: Mapped[int] = mapped_column(default=0)  # among a project's campaigns, the highest first
    starts_on: Mapped[dt.date | None]
    ends_on: Mapped[dt.date | None]
    rule_pack: Mapped[str] = mapped_column(default="PL")
    hours: Mapped[dict[str, Any]] = mapped_column(default=dict)
    time_zone: Mapped[str] = mapped_column(default="Europe/Warsaw")  # of days, periods and plots
    trunk_id: Mapped[int | None] = mapped_column(ForeignKey("trunks.id", ondelete="SET NULL"))
    caller_id: Mapped[str] = mapped_column(default="")
    ring_seconds: Mapped[int] = mapped_column(default=30)
    attempts: Mapped[int] = mapped_column(default=5)
    delays: Mapped[dict[str, Any]] = mapped_column(default=dict)
    lines_per_agent: Mapped[float] = mapped_column(default=1.0)
    most_lines: Mapped[int] = mapped_column(default=0)
    abandon_cap: Mapped[float | None]
    detection: Mapped[str] = mapped_column(default=Detection.OFF.value)
    detection_settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    message: Mapped[str] = mapped_column(default="")
    abandoned_message: Mapped[str] = mapped_column(default="")
    keys: Mapped[dict[str, Any]] = mapped_column(default=dict)
    preview_seconds: Mapped[int] = mapped_column(default=0)
    company: Mapped[str] = mapped_column(default="")
    on_behalf_of: Mapped[str] = mapped_column(default="")
    about: Mapped[str] = mapped_column(default="")
    script: Mapped[str] = mapped_column(default="")
    script_problem: Mapped[str] = mapped_column(default="")
    script_problem_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    script_problem_at: Mapped[dt.datetime | None]
    asks_consent: Mapped[str] = mapped_column(default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    wake_at: Mapped[dt.datetime | None]
    dialer: Mapped[str] = mapped_column(default="")
    leased_until: Mapped[dt.datetime | None]
    fence: Mapped[int] = mapped_column(default=0)


class CampaignMember(Base):
    """Who serves a campaign; a campaign without rows is served by every member of its project."""

    __tablename__ = "campaign_members"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)


class CampaignDisposition(Base):
    """What a disposition of the project means in a campaign; one without a row means done. `minutes` of a retry."""

    __tablename__ = "campaign_dispositions"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    disposition_id: Mapped[int] = mapped_column(ForeignKey("dispositions.id", ondelete="CASCADE"), primary_key=True, index=True)
    meaning: Mapped[str]
    minutes: Mapped[int] = mapped_column(default=0)


class CampaignPeriod(Base):
    """What was counted of a campaign in one period of its abandon cap: real outcomes, never estimates (B5).

    `period`: the first day of it, in the campaign's zone. `answered`: live persons, connected or abandoned.
    """

    __tablename__ = "campaign_periods"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    period: Mapped[dt.date] = mapped_column(primary_key=True)
    dialled: Mapped[int] = mapped_column(default=0)
    answered: Mapped[int] = mapped_column(default=0)
    connected: Mapped[int] = mapped_column(default=0)
    abandoned: Mapped[int] = mapped_column(default=0)
    machines: Mapped[int] = mapped_column(default=0)
    no_answers: Mapped[int] = mapped_column(default=0)
    busies: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)


class PacingDecision(Base):
    """How many lines were begun at a time, why (a code), and all that went into it: replayed, it gives the same number (B6).

    Written when the number or the reason is another than before, and once a minute.
    """

    __tablename__ = "campaign_pacing"
    __table_args__ = (Index("ix_campaign_pacing_campaign_id_id", "campaign_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    at: Mapped[dt.datetime]
    lines: Mapped[int]
    why: Mapped[str]
    inputs: Mapped[dict[str, Any]] = mapped_column(default=dict)
