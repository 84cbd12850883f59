"""E-mails that were sent or have failed are kept for a number of days (Settings.mail_days) and then deleted, a few at a time."""

import datetime as dt
from collections.abc import Awaitable, Callable, Set
from typing import Any

from sqlalchemy import delete, select

from callcenter import jobs
from callcenter.db import UnitOfWork
from callcenter.messages.models import Mail

KIND = "prune_mails"  # of the job
FIRST = dt.timedelta(minutes=1)  # after the start
BATCH = 200
PAUSE = dt.timedelta(seconds=1)  # between two batches
EVERY = dt.timedelta(days=1)

Needed = Callable[[UnitOfWork, str, Set[str]], Awaitable[Set[str]]]


async def prune(uow: UnitOfWork, payload: dict[str, Any], needed: Needed) -> None:
    """Look at the next mails in the order they were written, delete those that are old, and come again for the others.

    `needed` says of an `about` and some of its ids whose mails somebody still reads: they stay. `payload`: `after`, the last
    mail that was looked at.
    """
    before = uow.now - dt.timedelta(days=uow.database.settings.mail_days)
    after = payload.get("after", 0)
    query = select(Mail.id, Mail.state, Mail.about, Mail.about_id, Mail.created_at).where(Mail.id > after)
    looked_at = (await uow.session.execute(query.order_by(Mail.id).limit(BATCH))).all()
    old = [each for each in looked_at if each.created_at < before and each.state != "queued"]
    kept = {
        (about, about_id)
        for about in {each.about for each in old}
        for about_id in await needed(uow, about, {each.about_id for each in old if each.about == about})
    }
    gone = [each.id for each in old if (each.about, each.about_id) not in kept]
    if gone:
        await uow.session.execute(delete(Mail).where(Mail.id.in_(gone)).execution_options(synchronize_session=False))
    more = len(looked_at) == BATCH and looked_at[-1].created_at < before
    place = {"after": looked_at[-1].id} if more else {}
    await jobs.put(uow, KIND, KIND, uow.now + (PAUSE if more else EVERY), **place)
