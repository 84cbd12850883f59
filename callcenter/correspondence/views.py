"""What is shown of e-mails and faxes: the shapes pages and the API answer with."""

import datetime as dt
from typing import Any

from pydantic import BaseModel


class AttachedFile(BaseModel):
    """A file that goes with an e-mail. `size`: octets."""

    id: int
    name: str
    media_type: str
    size: int


class EmailCandidateOut(BaseModel):
    """A contact that has the sender's address."""

    contact_id: int
    name: str
    organisation: str


class EmailOut(BaseModel):
    """An e-mail or a fax (`channel`), with the names of what it refers to.

    `state`: queued, sent, failed; a fax its gateway reported: delivered; one that came: received. `kind` of one that came:
    mail, auto (a machine wrote it), bounce. `address`: the customer's. `candidates`: who has it, while it belongs to nobody.
    `answers_id`: ours that it answers, or that ours answers. `cut`: only a part of it could be read.
    """

    id: int
    channel: str
    outbound: bool
    kind: str
    state: str
    error: str
    address: str
    address_shown: str
    name: str
    cc: list[str]
    subject: str
    text: str
    cut: bool
    files: list[AttachedFile]
    contact_id: int | None
    contact: str
    candidates: list[EmailCandidateOut]
    user_id: int | None
    user: str
    answers_id: int | None
    created_at: dt.datetime
    sent_at: dt.datetime | None
    seen_at: dt.datetime | None
    seen_by: int | None
    seen_by_name: str


class EmailPage(BaseModel):
    """E-mails; `next` goes into `before` for the page that follows."""

    items: list[EmailOut]
    next: int | None


class EmailForm(BaseModel):
    """What the page needs to let somebody write: `problem` says why it cannot be sent. `largest`: octets of all files.

    `addresses`: where the contact can be reached; `may_keep`: another one may be stored on the contact. `draft`: what was begun.
    """

    contact: str
    addresses: list[str]
    may_keep: bool
    problem: str
    signature: str
    draft: dict[str, Any] | None
    largest: int
    most_files: int
