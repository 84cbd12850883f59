"""What is shown of calls: the shapes pages and the API answer with."""

import datetime as dt

from pydantic import BaseModel

from callcenter.agents.views import AgentOut
from callcenter.calls.events import Listener
from callcenter.events import CallOffered, Candidate


class CallOut(BaseModel):
    """A call with the names of what it refers to.

    `draft_unsaved`: a typed note that was never saved. `note_version`: pass it with a change of draft or note.
    `dropped_at`: the agent's audio was lost for good; `heard_ms` of the announcement's `announcement_ms` the customer heard
    then (0: it could not be played), null without one or when nobody knows. `machine`: what the carrier found at the far end
    of a call that left (human, machine, fax, unknown), empty when it did not look. `joined`: the supervisors who took part
    in the talk. `hidden`: it is with an account this person
    may not see; then nothing tells whose it is, `identification` is hidden, and a note is there only for who took the call.
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
    joined: str
    hidden: bool = False


class ListeningOut(BaseModel):
    """The call one listens to: whose it is, with whom, since when, and how one is in it (listen, whisper, barge)."""

    call_id: str
    way: str
    since: dt.datetime
    user_id: int | None
    user: str
    customer: str
    number_shown: str
    project: str
    answered_at: dt.datetime | None
    held: bool


class Stretch(BaseModel):
    """A time in which a supervisor was in a call in one way; `ended_at` null: they are there now. `told`: the consultant knew."""

    user_id: int
    name: str
    way: str
    told: bool
    began_at: dt.datetime
    ended_at: dt.datetime | None


class TalkOut(BaseModel):
    """A consultant's call that goes on, of those one may listen to once its `state` is talking, with the supervisors in it."""

    call_id: str
    state: str
    user_id: int | None
    user: str
    customer: str
    number_shown: str
    project_id: int | None
    project: str
    answered_at: dt.datetime | None
    held: bool
    listeners: list[Listener]


class CallPage(BaseModel):
    """Calls, newest first; `next` goes into `after` for the page that follows."""

    items: list[CallOut]
    next: str | None


class CallBackOut(BaseModel):
    """A missed call somebody owns. `hidden`: it is from an account this person may not see."""

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
    hidden: bool = False


class Current(BaseModel):
    """All a reloaded page needs to draw: the offers that ring, the call, the wrap-up, and notes nobody saved.

    `listeners`: the supervisors in one's call, as far as one is told; `listening`: the call one listens to oneself.
    """

    agent: AgentOut
    offers: list[CallOffered]
    call: CallOut | None
    wrap_up: CallOut | None
    unsaved: list[CallOut]
    listeners: list[Listener] = []
    listening: ListeningOut | None = None


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
