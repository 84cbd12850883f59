"""How a campaign's calls are listened to for machines: what the switch is asked, and how long a person waits for it. Pure."""

import datetime as dt

from callcenter.campaigns.forms import DetectionSettings
from callcenter.campaigns.models import Campaign, Detection
from callcenter.phone import Listening

KNOWN_MS = 3000  # with less time than this hardly any machine is known: docs/decisions/0026


def settings(campaign: Campaign) -> DetectionSettings:
    """Return a campaign's thresholds; those it says nothing of are the usual ones."""
    return DetectionSettings.model_validate(campaign.detection_settings)


def decide(campaign: Campaign) -> dt.timedelta:
    """Return how long after the answer somebody who is undecided is taken for a person."""
    return dt.timedelta(milliseconds=settings(campaign).decide_ms)


def listening(campaign: Campaign) -> Listening | None:
    """Return what the switch is asked to listen for, None where the campaign does not."""
    if campaign.detection == Detection.OFF:
        return None
    chosen = settings(campaign)
    return Listening(pause_ms=chosen.pause_ms, greeting_ms=chosen.greeting_ms, words=chosen.words, silence_ms=chosen.silence_ms)
