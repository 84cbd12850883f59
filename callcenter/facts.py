"""What happened inside a unit of work, for those who stand above the one it happened to, in the same transaction.

A lower capability notes a fact (`uow.note(CallEnded(...))`) without knowing who cares; `Database.reactions`, set by the
composition (wiring.py), hear of it before the commit. Unlike `events` these never reach a browser.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that stands with this transaction."""

    def replaces(self, earlier: "Fact") -> bool:
        """Tell whether nobody need hear of an earlier fact of the same transaction any more."""
        return False


@dataclass(frozen=True, slots=True)
class CallTalking(Fact):
    """Customer and agent talk in this call."""

    call_id: str


@dataclass(frozen=True, slots=True)
class LegPickedUp(Fact):
    """Somebody answered a call that was dialled without an agent; nobody talks to them yet."""

    call_id: str


@dataclass(frozen=True, slots=True)
class KeyPressed(Fact):
    """A customer to whom a message is played pressed a key."""

    call_id: str
    digit: str


@dataclass(frozen=True, slots=True)
class MachineFound(Fact):
    """Who is at the far end of a call that left was found out: human, machine, fax, unknown."""

    call_id: str
    found: str


@dataclass(frozen=True, slots=True)
class Disposed(Fact):
    """An agent said what came of a call."""

    call_id: str
    disposition_id: int


@dataclass(frozen=True, slots=True)
class CallOver(Fact):
    """The call is over for good; its row says how. `lost`: the switch no longer knew it, so what became of it is unknown."""

    call_id: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class UserShutOut(Fact):
    """A user may not sign in any more."""

    user_id: int


@dataclass(frozen=True, slots=True)
class AgentChanged(Fact):
    """An agent took another state, or lost or regained their audio."""

    user_id: int
    state: str

    def replaces(self, earlier: Fact) -> bool:
        """Only how the agent stands at last matters."""
        return isinstance(earlier, AgentChanged) and earlier.user_id == self.user_id


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
class ContactMerged(Fact):
    """A contact is no more; all that was theirs is the survivor's."""

    loser_id: int
    survivor_id: int


@dataclass(frozen=True, slots=True)
class ContactRenamed(Fact):
    """A contact is called otherwise, by its own name or, having none, by its organisation's."""

    contact_id: int


@dataclass(frozen=True, slots=True)
class OrganisationMerged(Fact):
    """An organisation was merged into another, which has its contacts, numbers and timeline now; it is about to be deleted."""

    gone_id: int
    kept_id: int


@dataclass(frozen=True, slots=True)
class SeriesTouched(Fact):
    """A meeting of a series that somebody was invited to is new, other than it was, or no more."""

    series_id: int
    meeting_id: int
