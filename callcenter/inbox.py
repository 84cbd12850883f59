"""Durable messages per recipient: numbered without gaps inside the transaction, replayed after a reconnect.

`store` is a before-commit listener of Database. The numbers come from one counter row per recipient, so that two
transactions for the same person follow each other and no reader can see 8 before 7.
"""

import datetime as dt
from collections import Counter
from typing import Any

from sqlalchemy import ForeignKey, Index, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UnitOfWork
from callcenter.events import Transient


class EventCounter(Base):
    """The last number given to a recipient."""

    __tablename__ = "event_counters"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    last_seq: Mapped[int]


class StoredEvent(Base):
    """A message as one recipient gets it. `id` grows over all recipients, for watchers in other processes."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_user_id_seq", "user_id", "seq", unique=True), Index("ix_events_at", "at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    seq: Mapped[int]
    type: Mapped[str]
    at: Mapped[dt.datetime]
    data: Mapped[dict[str, Any]]


def _reserve_statement(dialect: Any) -> Any:
    """Return the upsert that takes numbers of recipients, built once: building it costs more than running it."""
    upsert = dialect.insert(EventCounter)
    upsert = upsert.on_conflict_do_update(
        index_elements=[EventCounter.user_id], set_={"last_seq": EventCounter.last_seq + upsert.excluded.last_seq}
    )
    return upsert.returning(EventCounter.user_id, EventCounter.last_seq)


_RESERVE = {"sqlite": _reserve_statement(sqlite), "postgresql": _reserve_statement(postgresql)}


async def store(uow: UnitOfWork) -> None:
    """Number and store the durable messages of this unit of work (a before-commit listener)."""
    durable = [each for each in uow.committed.outgoing if not isinstance(each.event, Transient)]
    if not durable:
        return
    wanted = Counter(user_id for each in durable for user_id in each.recipients or ())
    following = await _reserve(uow, wanted)
    rows: list[dict[str, Any]] = []
    for each in durable:
        data = each.event.model_dump(mode="json")
        for user_id in each.recipients or ():
            each.seq[user_id] = following[user_id]
            following[user_id] += 1
            rows.append({"user_id": user_id, "seq": each.seq[user_id], "type": each.event.TYPE, "at": uow.now, "data": data})
    await uow.session.execute(insert(StoredEvent), rows)


async def _reserve(uow: UnitOfWork, wanted: dict[int, int]) -> dict[int, int]:
    """Take so many numbers of each recipient and return the first of each; in one order, so writers never wait crosswise."""
    statement = _RESERVE["sqlite" if uow.database.sqlite else "postgresql"]
    rows = [{"user_id": user_id, "last_seq": wanted[user_id]} for user_id in sorted(wanted)]
    taken = await uow.session.execute(statement, rows)
    return {user_id: last - wanted[user_id] + 1 for user_id, last in taken}


async def after(uow: UnitOfWork, user_id: int, seq: int, limit: int = 500) -> list[StoredEvent]:
    """Return the recipient's messages after `seq`, oldest first."""
    query = select(StoredEvent).where(StoredEvent.user_id == user_id, StoredEvent.seq > seq)
    return list(await uow.session.scalars(query.order_by(StoredEvent.seq).limit(limit)))


async def last_seq(uow: UnitOfWork, user_id: int) -> int:
    """Return the recipient's latest number, 0 when there is none."""
    return await uow.session.scalar(select(EventCounter.last_seq).where(EventCounter.user_id == user_id)) or 0


async def forget(uow: UnitOfWork, user_id: int) -> None:
    """Delete what waits for a recipient; a page that was away is told to load anew instead."""
    await uow.session.execute(delete(StoredEvent).where(StoredEvent.user_id == user_id))


async def prune(uow: UnitOfWork, before: dt.datetime, limit: int = 1000) -> int:
    """Delete up to `limit` messages older than `before`, oldest first; returns how many. Short, since the writer waits."""
    old = select(StoredEvent.id).where(StoredEvent.at < before).order_by(StoredEvent.at).limit(limit)
    result = await uow.session.execute(delete(StoredEvent).where(StoredEvent.id.in_(old.scalar_subquery())))
    return int(getattr(result, "rowcount", 0))
