"""What browsers hear of campaigns (callcenter/events.py says how)."""

from typing import ClassVar

from callcenter.events import LiveEvent


class CampaignChanged(LiveEvent):
    """Something of a campaign changed, to supervisors: its pages load it anew. `by`: who did it, "" for the system."""

    TYPE: ClassVar[str] = "campaign.changed"
    campaign_id: int
    name: str
    state: str
    mode: str
    version: int
    by: str = ""
