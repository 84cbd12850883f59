"""How fast the pop-up was (B2): from the call's first packet to written, sent, and shown by the browser."""

import datetime as dt
import math
from collections.abc import Iterable

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.calls.models import Offer
from callcenter.calls.views import Latency, Percentiles
from callcenter.db import UnitOfWork

_MOST = 100_000  # values read for one report, the newest


async def pop_up_shown(uow: UnitOfWork, offer_id: str, *, shown: float, sent: float | None = None) -> None:
    """Keep the browser's acknowledgement that the pop-up is drawn; both times are clock.monotonic() of the web.

    Only the first one of the person it was offered to counts; anything else is ignored.
    """
    offer = await uow.session.get(Offer, offer_id)
    if offer is None or offer.user_id != uow.actor.user_id or offer.received is None or offer.shown_ms is not None:
        return
    offer.shown_ms = max(0.0, (shown - offer.received) * 1000)
    if sent is not None:
        offer.sent_ms = max(0.0, (sent - offer.received) * 1000)


async def latency(uow: UnitOfWork, since: dt.datetime) -> Latency:
    """Return the percentiles of calls offered at once since then (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    values = await latency_values(uow, since)
    return Latency(
        count=len(values),
        offered_ms=percentiles(value[0] for value in values),
        sent_ms=percentiles(value[1] for value in values),
        shown_ms=percentiles(value[2] for value in values),
    )


async def latency_values(
    uow: UnitOfWork, since: dt.datetime, limit: int = _MOST
) -> list[tuple[float | None, float | None, float | None]]:
    """Return (offered, sent, shown) in milliseconds of the offers made at once, the newest first."""
    query = select(Offer.offered_ms, Offer.sent_ms, Offer.shown_ms).where(Offer.first, Offer.offered_at >= since)
    rows = await uow.session.execute(query.order_by(Offer.offered_at.desc()).limit(limit))
    return [(offered, sent, shown) for offered, sent, shown in rows]


def percentiles(values: Iterable[float | None]) -> Percentiles:
    """Return p50, p95 and p99 by nearest rank; values that are None were never measured and do not count."""
    known = sorted(value for value in values if value is not None)

    def rank(share: float) -> float | None:
        return known[max(0, math.ceil(share * len(known)) - 1)] if known else None

    return Percentiles(count=len(known), p50=rank(0.50), p95=rank(0.95), p99=rank(0.99))
