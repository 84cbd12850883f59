"""What browsers hear of e-mails and faxes (callcenter/events.py says how)."""

from typing import ClassVar

from callcenter.events import LiveEvent


class EmailArrived(LiveEvent):
    """An e-mail came that concerns these people. `contact` is "" while it belongs to nobody; `beginning` is its text's."""

    TYPE: ClassVar[str] = "email.received"
    email_id: int
    address: str
    contact_id: int | None = None
    contact: str = ""
    subject: str
    beginning: str


class EmailChanged(LiveEvent):
    """An e-mail or a fax one sent: queued, sent, failed, delivered."""

    TYPE: ClassVar[str] = "email.changed"
    email_id: int
    contact_id: int | None = None
    channel: str
    state: str
