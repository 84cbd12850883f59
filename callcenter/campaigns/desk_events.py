"""What a consultant's desk hears of campaigns (events.py says how); the lead itself is read with one's own rights (desk.py)."""

from typing import ClassVar

from callcenter.events import LiveEvent


class LeadShown(LiveEvent):
    """A lead is at this consultant's desk, to look at before the call: the page loads its card (`lead` of getMe)."""

    TYPE: ClassVar[str] = "lead.shown"
    attempt_id: str
    lead_id: int
    campaign: str


class LeadWithdrawn(LiveEvent):
    """The lead is not at this consultant's desk any more, and was not called.

    `reason`: skipped, refused (it may not be called), paused, break, no_audio, nobody_there, gone, trunk_down, spent,
    project_off.
    """

    TYPE: ClassVar[str] = "lead.withdrawn"
    attempt_id: str
    reason: str


class LeadCalled(LiveEvent):
    """A lead of a campaign is being called from this consultant's desk, or was given to them; the call's own messages follow."""

    TYPE: ClassVar[str] = "lead.called"
    lead_id: int
    call_id: str
    campaign: str
