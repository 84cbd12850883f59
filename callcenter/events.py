"""What happened, as a browser hears of it: one class per message of `/live`, described once.

A durable event is stored with the transaction that caused it and numbered per recipient without gaps. A transient one
(`Transient` subclasses) is only sent. `type` on the wire is the class's `TYPE`. Those about text messages: texts/events.py.
"""

import datetime as dt
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict

LONGEST_LINE = 300  # characters: a customer may write ten thousand, and a pop-up is in a hurry


class LiveEvent(BaseModel):
    """A message to people's browsers. One that is `URGENT` goes before those of its transaction that are `YIELDING`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    TYPE: ClassVar[str]
    URGENT: ClassVar[bool] = False
    YIELDING: ClassVar[bool] = False


class Transient(LiveEvent):
    """A message that is not stored nor numbered: late, it would be worthless."""


class Candidate(BaseModel):
    """Somebody the caller may be, and the rule that says so."""

    model_config = ConfigDict(frozen=True)
    contact_id: int | None = None
    organisation_id: int | None = None
    name: str
    organisation: str | None = None
    avatar_id: int | None = None  # of the contact's picture
    rule: str  # e164 | last_nine | organisation_e164 | organisation_last_nine | chosen


def _beginning(text: str) -> str:
    return text[:LONGEST_LINE]


class TimelineLine(BaseModel):
    """A line of the customer's timeline as a pop-up shows it: the beginning of its text."""

    model_config = ConfigDict(frozen=True)
    at: dt.datetime
    kind: str
    text: Annotated[str, AfterValidator(_beginning)]
    data: dict[str, Any] = {}


class CallOffered(LiveEvent):
    """A call is offered to this consultant: the pop-up.

    `identification`: matched, several, unknown, withheld, invalid, short, off (the project does not identify), hidden (an
    account this person may not see: there are no candidates and no timeline).
    `takes_texts`: the number is a mobile's.
    """

    TYPE: ClassVar[str] = "call.offered"
    URGENT: ClassVar[bool] = True
    call_id: str
    offer_id: str
    direction: str = "inbound"
    number: str
    number_shown: str
    takes_texts: bool = False
    caller_name: str = ""
    project_id: int | None = None
    project: str = ""
    identification: str
    candidates: list[Candidate]
    timeline: list[TimelineLine] = []
    offered_at: dt.datetime
    expires_at: dt.datetime | None = None


class CallWithdrawn(LiveEvent):
    """The offer is over for this consultant without their answer: missed, caller_left, declined, taken."""

    TYPE: ClassVar[str] = "call.withdrawn"
    call_id: str
    reason: str


class CallRinging(LiveEvent):
    """An outbound call rings at the customer's."""

    TYPE: ClassVar[str] = "call.ringing"
    call_id: str


class CallAnswered(LiveEvent):
    """Customer and consultant are talking."""

    TYPE: ClassVar[str] = "call.answered"
    call_id: str
    answered_at: dt.datetime


class CallChanged(LiveEvent):
    """Something of the call changed: match, hold, note, disposition. The page loads it anew."""

    TYPE: ClassVar[str] = "call.changed"
    call_id: str


class DraftTyped(Transient):
    """The note of a call as typed so far, in whichever tab; `version` grows with every change of it."""

    TYPE: ClassVar[str] = "call.draft"
    call_id: str
    draft: str
    version: int


class CallDigit(LiveEvent):
    """The customer pressed a key."""

    TYPE: ClassVar[str] = "call.digit"
    call_id: str
    digit: str


class CallEnded(LiveEvent):
    """The call is over; `reason` is an EndReason, `code` and `text` the carrier's own."""

    TYPE: ClassVar[str] = "call.ended"
    call_id: str
    reason: str
    code: int | None = None
    text: str = ""
    ended_at: dt.datetime
    wrap_up_until: dt.datetime | None = None


class MeetingDue(LiveEvent):
    """A phone meeting is up for this consultant: the card with its Call button, or with `countdown_until` what is dialled then.

    `attempt_id` is the countdown's, the id of the call to come; `user_id` whose meeting it is, null for whoever takes it.
    `timeline` and `candidates` are as in call.offered. `ticket` is a title, empty where the consultant may not see it.
    `hidden`: the contact is one this person may not see, the meeting has only its number.
    """

    TYPE: ClassVar[str] = "meeting.due"
    meeting_id: int
    name: str
    mode: str
    number: str
    number_shown: str
    from_at: dt.datetime
    to_at: dt.datetime
    information: str = ""
    project_id: int | None = None
    project: str = ""
    contact_id: int | None = None
    contact: str = ""
    organisation: str = ""
    ticket_id: int | None = None
    ticket: str = ""
    user_id: int | None = None
    attempts: int = 0
    attempt_id: str | None = None
    countdown_until: dt.datetime | None = None
    timeline: list[TimelineLine] = []
    hidden: bool = False


class MeetingDialling(LiveEvent):
    """The customer of a phone meeting is being dialled; the call's own messages follow."""

    TYPE: ClassVar[str] = "meeting.dialling"
    meeting_id: int
    call_id: str
    mode: str


class MeetingMissed(LiveEvent):
    """A phone meeting's window or attempts are over and nobody spoke: plan another time."""

    TYPE: ClassVar[str] = "meeting.missed"
    meeting_id: int
    name: str
    contact: str = ""
    number_shown: str = ""
    from_at: dt.datetime
    to_at: dt.datetime
    reason: str = ""


class MeetingAssigned(LiveEvent):
    """A phone meeting was given to this consultant, or taken from them (`taken`)."""

    TYPE: ClassVar[str] = "meeting.assigned"
    meeting_id: int
    name: str
    from_at: dt.datetime
    to_at: dt.datetime
    by: str = ""
    taken: bool = False


class MeetingChanged(LiveEvent):
    """Something of a phone meeting changed; lists and cards load it anew. `version` as in the API."""

    TYPE: ClassVar[str] = "meeting.changed"
    meeting_id: int
    state: str
    version: int


class RosterChanged(LiveEvent):
    """When a person works was changed: weekly hours or an exception. Calendars and rosters load it anew."""

    TYPE: ClassVar[str] = "roster.changed"
    user_id: int


class AgentStateChanged(LiveEvent):
    """An agent's state, to the agent and to supervisors. `reason` says why the system changed it, if it did.

    Of `offered`: `lead` while a lead is only looked at, `meeting` while a phone meeting is counted down; else a call rings.
    `after_call` is the state asked for meanwhile, taken when the call is over.
    """

    TYPE: ClassVar[str] = "agent.state"
    YIELDING: ClassVar[bool] = True
    user_id: int
    state: str
    reason: str = ""
    since: dt.datetime
    wrap_up_until: dt.datetime | None = None
    call_id: str | None = None
    station_live: bool = False
    after_call: str | None = None


class ContactOpened(LiveEvent):
    """Show this contact beside what the person is doing (S4)."""

    TYPE: ClassVar[str] = "contact.opened"
    contact_id: int
    call_id: str | None = None


class TimelineChanged(Transient):
    """A timeline has something new, or says something else: `entry_id` tells which line, null: whichever, or a running call.

    For the pages that said by `look` on /live that they show this contact or organisation; they load it, with their rights.
    """

    TYPE: ClassVar[str] = "timeline.changed"
    YIELDING: ClassVar[bool] = True
    contact_id: int | None = None
    organisation_id: int | None = None
    entry_id: int | None = None


class Notice(LiveEvent):
    """A sentence for one person: something needs their attention. `level`: info, warning, danger."""

    TYPE: ClassVar[str] = "notice"
    level: str
    sentence: str
    values: dict[str, str] = {}
    link: str = ""


class StationReplaced(LiveEvent):
    """Another tab or device took over this consultant's audio; `session` is the one plugged in now."""

    TYPE: ClassVar[str] = "station.replaced"
    session: str


class SwitchState(Transient):
    """Whether the telephone switch can be reached; `draining`: it is stopping, calls may finish, none can start."""

    TYPE: ClassVar[str] = "switch.state"
    up: bool
    draining: bool = False


class QueueState(Transient):
    """How many callers wait in the person's projects."""

    TYPE: ClassVar[str] = "queue.state"
    waiting: int
    longest_seconds: int


class Resync(Transient):
    """Too much was missed: load the page's state anew. `seq` is where the stream continues."""

    TYPE: ClassVar[str] = "resync"
    seq: int


def all_types() -> list[type[LiveEvent]]:
    """Return every message class, for the description of `/live`."""
    found: list[type[LiveEvent]] = []
    waiting = list(LiveEvent.__subclasses__())
    while waiting:
        each = waiting.pop(0)
        waiting.extend(each.__subclasses__())
        if "TYPE" in each.__dict__:
            found.append(each)
    return found
