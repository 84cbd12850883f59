"""What happened inside a unit of work, for those who stand above the one it happened to, in the same transaction.

A lower capability notes a fact (`uow.note(CallEnded(...))`) without knowing who cares; `Database.reactions`, set by the
composition (wiring.py), hear of it before the commit. Unlike `events` these never reach a browser.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that stands with this transaction."""


@dataclass(frozen=True, slots=True)
class CallTalking(Fact):
    """Customer and agent talk in this call."""

    call_id: str


@dataclass(frozen=True, slots=True)
class CallOver(Fact):
    """The call is over for good; its row says how. `lost`: the switch no longer knew it, so what became of it is unknown."""

    call_id: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class AgentChanged(Fact):
    """An agent took another state, or lost or regained their audio."""

    user_id: int
    state: str


@dataclass(frozen=True, slots=True)
class MailOver(Fact):
    """An e-mail was taken by the mail server, or (`failed`) given up; its row says what it was about and why."""

    mail_id: int
    failed: bool


@dataclass(frozen=True, slots=True)
class ContactDeleted(Fact):
    """A contact is about to be deleted."""

    contact_id: int


@dataclass(frozen=True, slots=True)
class SeriesTouched(Fact):
    """A meeting of a series that somebody was invited to is new, other than it was, or no more."""

    series_id: int
    meeting_id: int
