"""What is counted of a campaign, period by period: real outcomes, each counted once, by whoever sees it happen (B5)."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from callcenter.campaigns import limits
from callcenter.campaigns.models import Campaign, CampaignPeriod
from callcenter.campaigns.observed import Totals
from callcenter.db import UnitOfWork

COUNTS = ("dialled", "answered", "connected", "abandoned", "machines", "no_answers", "busies", "failures")


def first_day(campaign: Campaign, at: dt.datetime) -> dt.date:
    """Return the first day of the period a time lies in, by the campaign's clock; the first begins as the campaign does. Pure."""
    days, today = limits.of(campaign, at).period_days, limits.today(campaign, at)
    begun = limits.today(campaign, campaign.started_at or campaign.created_at)
    return today - dt.timedelta(days=(today - begun).days % days)


def ends(campaign: Campaign, at: dt.datetime) -> dt.datetime:
    """Return when the period a time lies in is over: midnight by the campaign's clock. Pure."""
    last = first_day(campaign, at) + dt.timedelta(days=limits.of(campaign, at).period_days)
    return dt.datetime.combine(last, dt.time(), ZoneInfo(campaign.time_zone)).astimezone(dt.UTC)


def _count_statement(dialect: Any) -> Any:
    """Return the upsert of `count`, built once."""
    given: dict[str, Any] = {name: bindparam(f"more_{name}") for name in COUNTS}
    statement = dialect.insert(CampaignPeriod).values(campaign_id=bindparam("campaign"), period=bindparam("day"), **given)
    added = {name: getattr(CampaignPeriod, name) + statement.excluded[name] for name in COUNTS}
    return statement.on_conflict_do_update(index_elements=[CampaignPeriod.campaign_id, CampaignPeriod.period], set_=added)


_COUNT = {"sqlite": _count_statement(sqlite), "postgresql": _count_statement(postgresql)}


async def count(uow: UnitOfWork, campaign: Campaign, at: dt.datetime, **more: int) -> None:
    """Add to what is counted of the period in which a try was begun (`at`): names of COUNTS."""
    given: dict[str, Any] = {f"more_{name}": more.get(name, 0) for name in COUNTS}
    given |= {"campaign": campaign.id, "day": first_day(campaign, at)}
    await uow.session.execute(_COUNT["sqlite" if uow.database.sqlite else "postgresql"], given)


async def recount(uow: UnitOfWork, campaign: Campaign, at: dt.datetime, *, machine: bool) -> None:
    """Count as a machine what was counted as a person who was connected, or the other way round: it is known better now."""
    more = 1 if machine else -1
    await count(uow, campaign, at, machines=more, answered=-more, connected=-more)


async def totals(uow: UnitOfWork, campaign_id: int, period: dt.date) -> Totals:
    """Return the counts of a period, as pacing reads them."""
    columns = [getattr(CampaignPeriod, name) for name in COUNTS]
    query = select(*columns).where(CampaignPeriod.campaign_id == campaign_id, CampaignPeriod.period == period)
    row = (await uow.session.execute(query)).one_or_none()
    return Totals() if row is None else Totals(*row)
