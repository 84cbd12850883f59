"""What is shown of calls: the shapes pages and the API answer with."""

import datetime as dt

from pydantic import BaseModel

from callcenter.agents.views import AgentOut
from callcenter.events import CallOffered, Candidate


class CallOut(BaseModel):
    """A call with the names of what it refers to.

    `draft_unsaved`: a typed note that was never saved. `note_version`: pass it with a change of draft or note.
    `dropped_at`: the agent's audio was lost for good; `heard_ms` of the announcement's `announcement_ms` the customer heard
    then (0: it could not be played), null without one or when nobody knows. `machine`: what the carrier found at the far end
    of a call that left (human, machine, fax, unknown), empty when it did not look.
    """

    id: str
    direction: str
    state: str
    project_id: int | None
    project: str
    trunk_id: int | None
    user_id: int | None
    user: str
    contact_id: int | None
    contact: str
    organisation_id: int | None
    organisation: str
    number: str
    number_shown: str
    takes_texts: bool
    caller_name: str
    withheld: bool
    dialled: str
    identification: str
    candidates: list[Candidate]
    started_at: dt.datetime
    queued_at: dt.datetime | None
    answered_at: dt.datetime | None
    ended_at: dt.datetime | None
    talk_seconds: int | None
    end_reason: str
    end_code: int | None
    end_text: str
    held: bool
    disposition_id: int | None
    disposition: str
    note: str
    draft: str
    draft_unsaved: bool
    note_version: int
    wrapped_at: dt.datetime | None
    dropped_at: dt.datetime | None
    announcement_ms: int | None
    heard_ms: int | None
    machine: str


class CallPage(BaseModel):
    """Calls, newest first; `next` goes into `after` for the page that follows."""

    items: list[CallOut]
    next: str | None


class CallBackOut(BaseModel):
    """A missed call somebody owns."""

    id: int
    call_id: str
    project_id: int | None
    project: str
    contact_id: int | None
    contact: str
    number: str
    number_shown: str
    owner_id: int | None
    owner: str
    state: str
    missed_at: dt.datetime
    done_at: dt.datetime | None
    done_by: int | None
    note: str


class Current(BaseModel):
    """All a reloaded page needs to draw: the offers that ring, the call, the wrap-up, and notes nobody saved."""

    agent: AgentOut
    offers: list[CallOffered]
    call: CallOut | None
    wrap_up: CallOut | None
    unsaved: list[CallOut]


class Percentiles(BaseModel):
    """Milliseconds below which half, 95 and 99 of a hundred lie; None without values."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None


class Latency(BaseModel):
    """How long the pop-up took from the call's first packet (B2): written, sent to the browser, shown by it."""

    count: int
    offered_ms: Percentiles
    sent_ms: Percentiles
    shown_ms: Percentiles
