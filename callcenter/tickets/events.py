"""What browsers hear of tickets (callcenter/events.py says how)."""

from typing import ClassVar

from callcenter.events import LiveEvent


class TicketChanged(LiveEvent):
    """Something of a ticket changed, or it is new, or gone (`gone`); lists and its page load it anew. `version` as in the API."""

    TYPE: ClassVar[str] = "ticket.changed"
    ticket_id: int
    state_id: int
    version: int
    gone: bool = False
