"""What is shown of text messages: the shapes pages and the API answer with."""

import datetime as dt

from pydantic import BaseModel

from callcenter.events import Candidate


class TextOut(BaseModel):
    """A text message with the names of what it refers to.

    `state`: queued, sent, delivered, undelivered, failed, uncertain; received of one that came. `code` and `error` are the
    carrier's own. `segments`: how many SMS it is. `seen_at`: when somebody dealt with one that came, null: nobody yet;
    `answer_id`: the message that answered it. `candidates`: who has the number, when it came. `answerable`: its sender has a
    number one can write to. `hidden`: it belongs to an account this person may not see; its text is there only for who wrote it.
    """

    id: str
    outbound: bool
    state: str
    code: int | None
    error: str
    number: str
    number_shown: str
    own_number: str
    own_number_shown: str
    text: str
    segments: int
    answerable: bool
    contact_id: int | None
    contact: str
    organisation_id: int | None
    organisation: str
    candidates: list[Candidate]
    project_id: int | None
    project: str
    user_id: int | None
    user: str
    trunk_id: int | None
    created_at: dt.datetime
    state_at: dt.datetime
    seen_at: dt.datetime | None
    seen_by: int | None
    seen_by_name: str
    answer_id: str | None
    hidden: bool = False


class TextPage(BaseModel):
    """Text messages; `next` goes into `after` for the page that follows."""

    items: list[TextOut]
    next: str | None
