"""Whose a running campaign is: a lease in its row, taken and renewed in one statement; its fence grows with every taking."""

import datetime as dt

import structlog
from sqlalchemy import select, update

from callcenter.campaigns.models import Campaign, CampaignState
from callcenter.db import Database, UnitOfWork

log = structlog.get_logger(__name__)

LEASE = dt.timedelta(seconds=10)
RENEW = dt.timedelta(seconds=5)  # before its end

_RUNNING = Campaign.state == CampaignState.RUNNING.value
_HELD = select(Campaign.id, Campaign.dialer, Campaign.leased_until, Campaign.fence).where(_RUNNING)


async def hold(database: Database, name: str) -> dict[int, int]:
    """Return the running campaigns that `name` holds with their fences, the most important first.

    Leases that are near their end are renewed, those that are over, and nobody's, are taken.
    """
    async with database.reading() as uow:
        rows = (await uow.session.execute(_HELD.order_by(Campaign.priority.desc(), Campaign.id))).all()
        now = uow.now
    found: dict[int, int] = {}
    for campaign_id, dialer, until, fence in rows:
        ours = dialer == name
        lasts = until is not None and now < until <= now + LEASE  # farther away: the clock was put back
        if ours and until is not None and lasts and until - now > RENEW:
            found[campaign_id] = fence
        elif ours or not lasts:
            taken = await _take(database, name, campaign_id, fence, renewed=ours and lasts)
            if taken is not None:
                found[campaign_id] = taken
    return found


async def ours(uow: UnitOfWork, name: str, campaign_id: int, fence: int) -> Campaign | None:
    """Return a campaign, locked, if it still runs and is `name`'s to dial, as of this holding."""
    query = select(Campaign).where(Campaign.id == campaign_id, _RUNNING, Campaign.dialer == name)
    query = query.where(Campaign.fence == fence, Campaign.leased_until > uow.now)
    return await uow.session.scalar(query.with_for_update().execution_options(populate_existing=True))


async def _take(database: Database, name: str, campaign_id: int, fence: int, *, renewed: bool) -> int | None:
    """Renew or take a lease; returns the fence, None when somebody else was quicker."""
    async with database.unit_of_work() as uow:
        new = fence if renewed else fence + 1
        statement = update(Campaign).where(Campaign.id == campaign_id, Campaign.fence == fence, _RUNNING)
        values = {"dialer": name, "leased_until": uow.now + LEASE, "fence": new}
        result = await uow.session.execute(statement.values(values).execution_options(synchronize_session=False))
        if not getattr(result, "rowcount", 0):
            return None
    if not renewed:
        log.info("dialer.campaign_taken", campaign_id=campaign_id, fence=new)
    return new
