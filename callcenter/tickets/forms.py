"""What may be said about tickets, and what is shown of them: the models the API and the pages share."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from callcenter.contacts import text
from callcenter.tickets.models import COLOURS, Priority

PriorityName = Literal["low", "normal", "high", "urgent"]
ColourName = Literal["blue", "azure", "green", "yellow", "orange", "red", "purple", "grey"]
SortName = Literal["due", "created", "updated"]
DueName = Literal["overdue", "today", "week", "none"]
assert set(PriorityName.__args__) == {each.name.lower() for each in Priority}  # type: ignore[attr-defined]  # noqa: S101 - one list, twice written
assert ColourName.__args__ == COLOURS  # type: ignore[attr-defined]  # noqa: S101 - the same


def _one_line(value: str) -> str:
    return " ".join(text.clean(value).split())


LONGEST_TITLE = 200
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Title = Annotated[str, Field(max_length=LONGEST_TITLE), AfterValidator(_one_line)]
Name = Annotated[str, Field(max_length=60), AfterValidator(_one_line)]
Lines = Annotated[str, Field(max_length=20_000), AfterValidator(text.clean_lines)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TicketFields(_In):
    """What people fill in. `assignee_id` null: nobody's yet; `due_at` null: at no time."""

    title: Title
    description: Lines = ""
    kind_id: Id
    priority: PriorityName = "normal"
    assignee_id: Id | None = None
    due_at: AwareDatetime | None = None


class TicketInput(TicketFields):
    """A new ticket. It begins in its kind's first state. With a contact, the organisation is the contact's.

    `call_id`: the call it comes of; without contact and organisation it is the call's contact's.
    """

    contact_id: Id | None = None
    organisation_id: Id | None = None
    call_id: Annotated[str, Field(min_length=1, max_length=64, pattern="^[0-9A-Za-z-]+$")] | None = None


class TicketChange(TicketFields):
    """A ticket as changed, upon `version` as it was seen. State and contact are changed by themselves."""

    version: Id


class TicketStateChange(_In):
    """Which state; `from_id` the one it was seen in, null: whichever it is in."""

    state_id: Id
    from_id: Id | None = None


class TicketAccountChange(_In):
    """Whose ticket it becomes, nobody's when both are null. `move`: also when it is another contact's now."""

    contact_id: Id | None = None
    organisation_id: Id | None = None
    move: bool = False


class TicketFilter(_In):
    """Which tickets: everything given must fit. `due` and `created` are in the time zone of who asks. `after`: a page's `next`.

    `q`: beginnings of words of the title, or an id (#1042). `ids`: none but these.
    """

    q: Annotated[str, Field(max_length=100)] = ""
    kind_id: Annotated[list[Id], Field(max_length=50)] = []
    state_id: Annotated[list[Id], Field(max_length=50)] = []
    open: bool | None = None
    assignee_id: Id | None = None
    mine: bool = False
    unassigned: bool = False
    contact_id: Id | None = None
    organisation_id: Id | None = None
    without_contact: bool = False
    due: DueName | None = None
    priority: Annotated[list[PriorityName], Field(max_length=4)] = []
    created_from: dt.date | None = None
    created_to: dt.date | None = None
    sort: SortName = "due"
    after: Annotated[str, Field(max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class TicketOut(BaseModel):
    """A ticket with the names of what it refers to. `contact` and `organisation` are empty when one may not see them."""

    id: int
    title: str
    description: str
    kind_id: int
    kind: str
    state_id: int
    state: str
    colour: ColourName
    open: bool
    priority: PriorityName
    assignee_id: int | None
    assignee: str
    due_at: dt.datetime | None
    overdue: bool
    contact_id: int | None
    contact: str
    organisation_id: int | None
    organisation: str
    call_id: str | None
    created_by: int | None
    author: str
    created_at: dt.datetime
    updated_at: dt.datetime
    ended_at: dt.datetime | None
    version: int


class TicketPage(BaseModel):
    """Tickets in the order asked for; `next` goes into `after` for the page that follows."""

    items: list[TicketOut]
    next: str | None


class TicketCommentOut(BaseModel):
    """A comment; `before` are the texts its author corrected, oldest first, each with the time it was written."""

    id: int
    user_id: int | None
    user: str
    at: dt.datetime
    text: str
    edited_at: dt.datetime | None
    before: list[dict[str, Any]]


class TicketFileOut(BaseModel):
    """An attachment; `size` in octets."""

    id: int
    name: str
    media_type: str
    size: int
    user: str
    at: dt.datetime


class TicketEntryOut(BaseModel):
    """A line of a ticket's history. `data["changes"]`: {field: [before, after]}."""

    at: dt.datetime
    user: str
    kind: str
    data: dict[str, Any]


class TicketStateChoice(BaseModel):
    """A state a ticket may be put into now."""

    id: int
    name: str
    colour: ColourName
    ends: bool


class TicketWhole(TicketOut):
    """A ticket with all of it: comments the oldest first, history the newest first, and the states that may follow."""

    comments: list[TicketCommentOut]
    files: list[TicketFileOut]
    history: list[TicketEntryOut]
    next_states: list[TicketStateChoice]


class TicketRefused(BaseModel):
    """A ticket of many that stays as it was, and why, as a sentence with values. `title` is empty for one nobody may see."""

    id: int
    title: str = ""
    sentence: str
    values: dict[str, str] = {}


class TicketBulkReport(BaseModel):
    """What came of changing many tickets."""

    changed: list[int] = []
    refused: list[TicketRefused] = []


class TicketKindInput(_In):
    """A kind; `start_id` null: its tickets begin in the usual state."""

    name: Name
    start_id: Id | None = None


class TicketStateInput(_In):
    """A state."""

    name: Name
    colour: ColourName = "grey"
    ends: bool = False


class TicketStepPair(_In):
    """That one state may follow another."""

    from_id: Id
    to_id: Id


class TicketStepsInput(_In):
    """Which state may follow which. For a kind: `own` false takes those of every kind."""

    steps: Annotated[list[TicketStepPair], Field(max_length=2500)] = []
    own: bool = True


class TicketKindOut(BaseModel):
    """A kind; `steps` are null where those of every kind hold."""

    id: int
    name: str
    start_id: int | None
    retired: bool
    steps: list[TicketStepPair] | None


class TicketStateOut(BaseModel):
    """A state."""

    id: int
    name: str
    colour: ColourName
    ends: bool
    starts: bool
    retired: bool


class TicketSettingsOut(BaseModel):
    """Kinds and states in their order, and the steps of every kind. `ready`: tickets can be made."""

    kinds: list[TicketKindOut]
    states: list[TicketStateOut]
    steps: list[TicketStepPair]
    ready: bool
