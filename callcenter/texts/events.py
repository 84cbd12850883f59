"""What browsers hear of text messages (callcenter/events.py says how)."""

from typing import ClassVar

from callcenter.events import LiveEvent


class TextArrived(LiveEvent):
    """An SMS came for these people. `text` is its beginning; `contact` is "" when nobody, or several, have the number.

    `hidden`: it is from an account this person may not see, and only its number is told.
    """

    TYPE: ClassVar[str] = "text.received"
    text_id: str
    number: str
    number_shown: str
    contact_id: int | None = None
    contact: str = ""
    project_id: int | None = None
    project: str = ""
    text: str
    hidden: bool = False


class TextDelivery(LiveEvent):
    """An SMS one sent: queued, sent, delivered, undelivered, failed, uncertain. `code` and `error` are the carrier's own."""

    TYPE: ClassVar[str] = "text.status"
    text_id: str
    contact_id: int | None = None
    number: str
    state: str
    code: int | None = None
    error: str = ""


class TextsSeen(LiveEvent):
    """Somebody (`user_id`) has dealt with SMS that came: answered them, or marked them as seen."""

    TYPE: ClassVar[str] = "text.seen"
    text_ids: list[str]
    user_id: int | None = None
