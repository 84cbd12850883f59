"""When a pop-up left for the browser and when the browser had drawn it (B2), written in batches.

Writing them must not stand in the way of the next offer, so they are collected and written a few times a second.
"""

import asyncio

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from callcenter.actor import Actor
from callcenter.calls import service as calls
from callcenter.calls.models import Offer
from callcenter.db import Database, UnitOfWork
from webui import metrics

log = structlog.get_logger(__name__)

EVERY_SECONDS = 0.3
MOST_WAITING = 10_000


class Stamps:
    """Times of pop-ups that wait to be written; all times are clock.monotonic()."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._sent: dict[str, float] = {}
        self._shown: dict[str, tuple[Actor, float]] = {}
        self._some = asyncio.Event()

    def sent(self, offer_id: str, at: float) -> None:
        """Note that an offer was sent to a browser; the first time counts."""
        if len(self._sent) < MOST_WAITING:
            self._sent.setdefault(offer_id, at)
            self._some.set()

    def shown(self, actor: Actor, offer_id: str, at: float) -> None:
        """Note a browser's own acknowledgement that the pop-up is drawn; the first one counts."""
        if len(self._shown) < MOST_WAITING:
            self._shown.setdefault(offer_id, (actor, at))
            self._some.set()

    async def run(self) -> None:
        """Write what has come in, again and again."""
        while True:
            await self._some.wait()
            await asyncio.sleep(EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what is waiting; what a database that is away refuses is kept for the next time."""
        self._some.clear()
        sent, self._sent = self._sent, {}
        shown, self._shown = self._shown, {}
        if not sent and not shown:
            return
        try:
            async with self.database.unit_of_work() as uow:
                fresh = await self._write(uow, sent, shown)
        except SQLAlchemyError as error:
            log.warning("stamps.not_written", sent=len(sent), shown=len(shown), reason=type(error).__name__)
            self._sent, self._shown = sent | self._sent, shown | self._shown
            self._some.set()
            return
        metrics.observe_offers(fresh)

    async def _write(
        self, uow: UnitOfWork, sent: dict[str, float], shown: dict[str, tuple[Actor, float]]
    ) -> list[tuple[str, float]]:
        """Write the stamps; returns (stage, milliseconds) of each new one that counts."""
        before = await self._offers(uow, set(sent) | set(shown))
        for offer_id, at in sent.items():
            if offer_id in before and before[offer_id][1] is None:
                milliseconds = (at - Offer.received) * 1000
                await uow.session.execute(
                    update(Offer)
                    .where(Offer.id == offer_id, Offer.sent_ms.is_(None), Offer.received.is_not(None))
                    .values(sent_ms=milliseconds)
                    .execution_options(synchronize_session=False)
                )
        for offer_id, (actor, at) in shown.items():
            uow.actor = actor
            await calls.pop_up_shown(uow, offer_id, shown=at)
        await uow.session.flush()
        after = await self._offers(uow, set(before))
        fresh: list[tuple[str, float]] = []
        for offer_id, (offered_ms, sent_ms, shown_ms) in after.items():
            _, sent_before, shown_before = before[offer_id]
            if sent_ms is not None and sent_before is None:
                fresh += [("sent", sent_ms), *([("offered", offered_ms)] if offered_ms is not None else [])]
            if shown_ms is not None and shown_before is None:
                fresh.append(("shown", shown_ms))
        return fresh

    @staticmethod
    async def _offers(uow: UnitOfWork, ids: set[str]) -> dict[str, tuple[float | None, float | None, float | None]]:
        query = select(Offer.id, Offer.offered_ms, Offer.sent_ms, Offer.shown_ms).where(Offer.id.in_(ids), Offer.first)
        return {row[0]: (row[1], row[2], row[3]) for row in await uow.session.execute(query)}
