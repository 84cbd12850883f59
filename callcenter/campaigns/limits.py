"""What a campaign is dialled within on a day by its own clock: its rule pack, or its own hours and cap where stricter. Pure."""

import datetime as dt
from zoneinfo import ZoneInfo

from callcenter.campaigns import rule_packs
from callcenter.campaigns.models import Campaign
from callcenter.campaigns.rules import Standing


def today(campaign: Campaign, at: dt.datetime) -> dt.date:
    """Return the day of a time by the campaign's clock."""
    return at.astimezone(ZoneInfo(campaign.time_zone)).date()


def of(campaign: Campaign, at: dt.datetime) -> Standing:
    """Return what holds for a campaign at a time; `cap` is in per cent."""
    pack = rule_packs.find(campaign.rule_pack).at(today(campaign, at))
    return rule_packs.narrowed(pack, campaign.hours, campaign.abandon_cap)
