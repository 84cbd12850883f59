"""Phone meetings, their attempts, what was decided about them and why, and each project's rules for them."""

import datetime as dt
import enum
from typing import Any

from sqlalchemy import Connection, ForeignKey, Index, event, text
from sqlalchemy.orm import Mapped, Mapper, mapped_column, object_session
from sqlalchemy.orm.attributes import get_history

from callcenter.db import Base
from callcenter.meetings import search, terms


class MeetingState(enum.StrEnum):
    """Where a meeting stands. states.py has the table of what may follow what."""

    PLANNED = "planned"  # its window has not opened
    DUE = "due"  # the window is open, nobody is being called now
    DIALLING = "dialling"  # an attempt counts down or rings
    IN_TALK = "in_talk"
    RETRY_WAIT = "retry_wait"  # an attempt did not reach the customer; the next one has its time
    UNCERTAIN = "uncertain"  # an attempt whose fate nobody knows: a person says what became of it
    HELD = "held"  # they talked; the outcome may still be written
    NOT_HELD = "not_held"  # they talked or met somebody else, and it was no meeting
    RESCHEDULED = "rescheduled"  # another meeting follows it
    MISSED = "missed"  # the window or the attempts are over
    CANCELLED = "cancelled"


class Mode(enum.StrEnum):
    """How a meeting is dialled (S14)."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


_NOBODYS = text("state = 'due' AND mode = 'automatic' AND user_id IS NULL")  # what feeding.py asks for


class Meeting(Base):
    """A promise to a customer: called at `number` between `from_at` and `to_at`.

    `user_id` serves it, null: any member of the project. `contact_name` is the contact's as planned, and stays when the
    contact is deleted. `not_before`: the earliest next dial (a retry, a snooze). `next_at`: when the engine looks at it
    again, null when nothing is to be done. `waiting`: why it is not dialled just now (a code of waiting.py, with values).
    `reserve_from`/`reserve_until`: while its consultant gets no other work. `version` grows with every change by people.
    `follows_id`: the meeting this one was rescheduled from. `series_id` and `series_at`: the recurrence and its own date;
    `series_version`: the `version` the recurrence left it at, another one means that it was changed singly since.
    `folded`: name, contact (as planned, and as it is called now) and number as the list's search compares them.
    `sequence`: RFC 5545's, grows when an invitation must be sent again; `invited` is the address invited, if any.
    """

    __tablename__ = "phone_meetings"
    __table_args__ = (
        Index(
            "ix_phone_meetings_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index("ix_phone_meetings_nobodys_due", "project_id", "to_at", "id", sqlite_where=_NOBODYS, postgresql_where=_NOBODYS),
        Index("ix_phone_meetings_from_at_id", "from_at", "id"),
        Index("ix_phone_meetings_state_from_at_id_mode", "state", "from_at", "id", "mode"),
        Index("ix_phone_meetings_user_id_from_at_id", "user_id", "from_at", "id"),
        Index("ix_phone_meetings_user_id_state_from_at_id", "user_id", "state", "from_at", "id", "mode", "project_id"),
        Index("ix_phone_meetings_user_id_state_to_at", "user_id", "state", "to_at"),
        Index("ix_phone_meetings_project_id_from_at_id", "project_id", "from_at", "id"),
        Index("ix_phone_meetings_project_id_state_from_at_id", "project_id", "state", "from_at", "id", "mode", "user_id"),
        Index(
            "ix_phone_meetings_unassigned",
            "project_id",
            "state",
            "from_at",
            "id",
            "mode",
            sqlite_where=text("user_id IS NULL"),
            postgresql_where=text("user_id IS NULL"),
        ),
        Index("ix_phone_meetings_created_by_from_at_id", "created_by", "from_at", "id"),
        Index(
            "ix_phone_meetings_created_by_state_from_at_id",
            *("created_by", "state", "from_at", "id", "mode", "project_id", "user_id"),
        ),
        Index("ix_phone_meetings_contact_id_from_at", "contact_id", "from_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    mode: Mapped[str]
    state: Mapped[str] = mapped_column(default=MeetingState.PLANNED.value)
    number: Mapped[str]  # E.164
    from_at: Mapped[dt.datetime]
    to_at: Mapped[dt.datetime]
    information: Mapped[str] = mapped_column(default="")
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="SET NULL"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"))
    contact_name: Mapped[str] = mapped_column(default="")
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id", ondelete="SET NULL"), index=True)
    folded: Mapped[str] = mapped_column(default="")
    series_id: Mapped[int | None] = mapped_column(ForeignKey("phone_meeting_series.id", ondelete="SET NULL"), index=True)
    series_at: Mapped[dt.datetime | None]
    series_version: Mapped[int] = mapped_column(default=0)
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("phone_meetings.id", ondelete="SET NULL"), index=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    version: Mapped[int] = mapped_column(default=1)
    next_at: Mapped[dt.datetime | None]
    not_before: Mapped[dt.datetime | None]
    waiting: Mapped[str] = mapped_column(default="")
    waiting_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    attempts: Mapped[int] = mapped_column(default=0)
    reserve_from: Mapped[dt.datetime | None]
    reserve_until: Mapped[dt.datetime | None]
    escalated_at: Mapped[dt.datetime | None]
    outcome_note: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")  # why cancelled or missed
    closed_at: Mapped[dt.datetime | None]
    sequence: Mapped[int] = mapped_column(default=0)
    invited: Mapped[str] = mapped_column(default="")


@event.listens_for(Meeting, "after_insert")
@event.listens_for(Meeting, "after_update")
def _note_terms(_mapper: Mapper[Meeting], _connection: Connection, meeting: Meeting) -> None:
    """Bring the terms of a meeting whose `folded` changed up to date, whoever changed it."""
    changed, session = get_history(meeting, "folded"), object_session(meeting)
    if changed.added and session is not None:
        before = search.terms(changed.deleted[0]) if changed.deleted else set[str]()
        terms.note(session, meeting.id, before, search.terms(meeting.folded))


class Attempt(Base):
    """One try to reach the customer. `id` is the id of its call, chosen before the carrier is asked.

    `state`: countdown, dialling, talking, over. `result`: answered, an EndReason (dropped: the consultant was, in the talk
    or before it), not_now, withdrawn, uncertain.
    `number_in_meeting` counts from 1 what was really dialled; 0 while counting down.
    """

    __tablename__ = "phone_meeting_attempts"
    id: Mapped[str] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("phone_meetings.id", ondelete="CASCADE"), index=True)
    number_in_meeting: Mapped[int] = mapped_column(default=0)
    mode: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    state: Mapped[str]
    result: Mapped[str] = mapped_column(default="")
    started_at: Mapped[dt.datetime]
    countdown_until: Mapped[dt.datetime | None]
    dialled_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    end_code: Mapped[int | None]
    end_text: Mapped[str] = mapped_column(default="")


class MeetingEntry(Base):
    """Who changed what of a meeting, when and why, and what the engine decided.

    `kind`: planned, changed, assigned, state, decision, attempt, outcome, told. `text` is a sentence template in English
    with its values in `data` (data["changes"] of `changed`: {field: [before, after]}).
    """

    __tablename__ = "phone_meeting_log"
    __table_args__ = (Index("ix_phone_meeting_log_meeting_id_id", "meeting_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("phone_meetings.id", ondelete="CASCADE"))
    at: Mapped[dt.datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    kind: Mapped[str]
    text: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class MeetingSeries(Base):
    """A recurrence: an RFC 5545 rule in a time zone; its occurrences are rows of phone_meetings."""

    __tablename__ = "phone_meeting_series"
    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str]
    time_zone: Mapped[str]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime]


class MeetingSettings(Base):
    """A project's rules for phone meetings (S15). A project without a row cannot have any.

    `served_by`: ids of the members who serve them, empty: every member. `hours`: per weekday ("0" is Monday) a list of
    ["HH:MM", "HH:MM"] in `time_zone` in which may be dialled, all days left out: never. `caller_id` and `trunk_id`: empty
    and null are the project's. `announcement`: name of a wav file kept by the product, played when the consultant drops.
    """

    __tablename__ = "phone_meeting_settings"
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    served_by: Mapped[list[Any]] = mapped_column(default=list)
    default_mode: Mapped[str] = mapped_column(default=Mode.MANUAL.value)
    window_minutes: Mapped[int] = mapped_column(default=30)
    ring_seconds: Mapped[int] = mapped_column(default=45)
    attempts: Mapped[int] = mapped_column(default=3)
    retry_minutes: Mapped[int] = mapped_column(default=5)
    protection_seconds: Mapped[int] = mapped_column(default=120)
    escalation_minutes: Mapped[int] = mapped_column(default=10)
    hours: Mapped[dict[str, Any]] = mapped_column(default=dict)
    time_zone: Mapped[str] = mapped_column(default="Europe/Warsaw")
    caller_id: Mapped[str] = mapped_column(default="")
    trunk_id: Mapped[int | None] = mapped_column(ForeignKey("trunks.id", ondelete="SET NULL"))
    announcement: Mapped[str] = mapped_column(default="")
    updated_at: Mapped[dt.datetime]


class MeetingImport(Base):
    """A file of meetings on its way in. `state`: reading, checked, planning, done, failed, undoing, undone. Counts grow then.

    Of the rows `already` are those whose meeting stood before, of the `planned` ones `undone` those an undo cancelled and `kept`
    those it left, since they were dialled or are over.

    `time_zone`: of times written without an offset. `digest`: SHA-256 of the file; `same_as_id`: an import of the same file
    before, so that somebody must say once more that its meetings are wanted. `touched_at`: when it last moved.
    """

    __tablename__ = "phone_meeting_imports"
    id: Mapped[int] = mapped_column(primary_key=True)
    file_name: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime]
    touched_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    dry_run: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str]
    time_zone: Mapped[str]
    header: Mapped[list[Any]] = mapped_column(default=list)
    total: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    planned: Mapped[int] = mapped_column(default=0)
    already: Mapped[int] = mapped_column(default=0)
    undone: Mapped[int] = mapped_column(default=0)
    kept: Mapped[int] = mapped_column(default=0)
    digest: Mapped[str] = mapped_column(default="", index=True)
    same_as_id: Mapped[int | None] = mapped_column(ForeignKey("phone_meeting_imports.id", ondelete="SET NULL"))
    error: Mapped[str] = mapped_column(default="")  # a sentence about the whole file, with the values below
    error_values: Mapped[dict[str, Any]] = mapped_column(default=dict)

    @property
    def problem(self) -> str:
        """The sentence about the whole file, in English."""
        return self.error.format(**self.error_values) if self.error_values else self.error


class MeetingImportRow(Base):
    """A row of such a file. `state`: good, rejected, already, planned, undone, kept, changed with the meeting in one transaction.

    `cells` are the row's as they were (of rejected rows only), `data` what they mean (of good ones only): a MeetingInput.
    `sentence` with `values` says why it was rejected, `field` where; of a good row it is something to think of.
    """

    __tablename__ = "phone_meeting_import_rows"
    import_id: Mapped[int] = mapped_column(ForeignKey("phone_meeting_imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str]
    cells: Mapped[list[Any]] = mapped_column(default=list)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    field: Mapped[str] = mapped_column(default="")
    sentence: Mapped[str] = mapped_column(default="")
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("phone_meetings.id", ondelete="SET NULL"), index=True)
