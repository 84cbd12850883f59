"""Tickets with their comments, attachments and history; the kinds and states they may have, and which may follow which."""

import datetime as dt
import enum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base

EVERY_KIND = 0  # of TicketStep.kind_id: the steps of kinds that have none of their own
FAR = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)  # when a ticket without a due time stands in a list
_OPEN = text("ended_at IS NULL")
COLOURS = ("blue", "azure", "green", "yellow", "orange", "red", "purple", "grey")


class Priority(enum.IntEnum):
    """How soon it matters; its name in lower case is what people and scripts say."""

    LOW = 1
    NORMAL = 2
    HIGH = 3
    URGENT = 4


class TicketKind(Base):
    """What a ticket is about (a complaint). `start_id`: the state new ones begin in, null: the usual one.

    `own_steps`: which state may follow which is its own matter, else that of every kind. A retired one is offered no more.
    """

    __tablename__ = "ticket_kinds"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folded: Mapped[str] = mapped_column(unique=True)
    place: Mapped[int] = mapped_column(default=0)
    start_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_states.id", ondelete="SET NULL"))
    own_steps: Mapped[bool] = mapped_column(default=False)
    retired_at: Mapped[dt.datetime | None]


class TicketState(Base):
    """Where a ticket may stand; `colour` is one of COLOURS. `ends`: nothing is left to do. `starts`: the usual first one.

    Nothing moves into a retired one; what is in it may leave it.
    """

    __tablename__ = "ticket_states"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folded: Mapped[str] = mapped_column(unique=True)
    place: Mapped[int] = mapped_column(default=0)
    colour: Mapped[str] = mapped_column(default="grey")
    ends: Mapped[bool] = mapped_column(default=False)
    starts: Mapped[bool] = mapped_column(default=False)
    retired_at: Mapped[dt.datetime | None]


class TicketStep(Base):
    """That a ticket in the state `from_id` may be put into `to_id`; `kind_id` is EVERY_KIND or a kind with steps of its own."""

    __tablename__ = "ticket_steps"
    kind_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_id: Mapped[int] = mapped_column(ForeignKey("ticket_states.id", ondelete="CASCADE"), primary_key=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("ticket_states.id", ondelete="CASCADE"), primary_key=True)


class Ticket(Base):
    """A matter of a customer, or nobody's in particular. People say its id with # before it.

    It has a contact, whose organisation is then the ticket's, or an organisation, or neither. `of_account`: it has or had one;
    when that was deleted the ticket is shown to few (visibility.py). `priority` is a Priority. `ended_at`: since when its
    state ends it, null while it is open. `reminded_at`: the `due_at` its assignee was
    reminded of; `sort_at`: the same, FAR without one. `folded`: the words of the
    title and its number, as search compares them. `call_id`: the call it came of. `version` grows with every change.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        Index("ix_tickets_created_at_id", "created_at", "id"),
        Index("ix_tickets_updated_at_id", "updated_at", "id"),
        Index("ix_tickets_sort_at_id", "sort_at", "id"),
        Index("ix_tickets_open", "sort_at", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_tickets_assignee_id_sort_at", "assignee_id", "sort_at", "id"),
        Index("ix_tickets_contact_id_id", "contact_id", "id"),
        Index("ix_tickets_organisation_id_id", "organisation_id", "id"),
        Index("ix_tickets_state_id_created_at", "state_id", "created_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    kind_id: Mapped[int] = mapped_column(ForeignKey("ticket_kinds.id"), index=True)
    state_id: Mapped[int] = mapped_column(ForeignKey("ticket_states.id"))
    priority: Mapped[int] = mapped_column(default=Priority.NORMAL.value)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    due_at: Mapped[dt.datetime | None]
    sort_at: Mapped[dt.datetime]
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="SET NULL"))
    of_account: Mapped[bool] = mapped_column(default=False)
    call_id: Mapped[str | None] = mapped_column(ForeignKey("calls.id", ondelete="SET NULL"), index=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    reminded_at: Mapped[dt.datetime | None]
    folded: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)


class TicketTerm(Base):
    """What finds a ticket by its beginning: each word of its `folded` (docs/decisions/0004-search.md)."""

    __tablename__ = "ticket_terms"
    __table_args__ = ({"sqlite_with_rowid": False},)
    term: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class TicketComment(Base):
    """What somebody said about a ticket. `before`: the texts its author corrected, oldest first: [{"text", "at"}]."""

    __tablename__ = "ticket_comments"
    __table_args__ = (Index("ix_ticket_comments_ticket_id_id", "ticket_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    at: Mapped[dt.datetime]
    text: Mapped[str]
    edited_at: Mapped[dt.datetime | None]
    before: Mapped[list[Any]] = mapped_column(default=list)


class TicketFile(Base):
    """A file attached to a ticket; who detaches it removes the file."""

    __tablename__ = "ticket_files"
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    at: Mapped[dt.datetime]


class TicketEntry(Base):
    """Who changed what of a ticket, and when. `kind`: created, changed, state, account, comment, file, reminder.

    `data["changes"]`: {field: [before, after]} in words as they were then, times as ISO 8601 text.
    """

    __tablename__ = "ticket_log"
    __table_args__ = (Index("ix_ticket_log_ticket_id_id", "ticket_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    at: Mapped[dt.datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    kind: Mapped[str]
    version: Mapped[int]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
