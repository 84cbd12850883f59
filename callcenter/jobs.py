"""Durable due work: put, claim, finish. Claimed in one statement with a lease and a fencing number.

A job is work of a `kind` due at a time, with a `key` that is unique among those not finished: putting it again moves
it. Handlers are idempotent: whoever crashes after the work and before `finish` does it again.
"""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, Index, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UnitOfWork

LEASE = dt.timedelta(seconds=5)  # who took longer finds the fence moved and does nothing


class Job(Base):
    """Work that is due at a time."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_due_at", "due_at"),)
    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    due_at: Mapped[dt.datetime]
    payload: Mapped[dict[str, Any]]
    leased_until: Mapped[dt.datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")


def _put_statement(dialect: Any) -> Any:
    """Return the upsert of `put`, built once: building it costs more than running it."""
    given = {"kind": bindparam("work"), "due_at": bindparam("at"), "payload": bindparam("what", type_=JSON())}
    fresh = {"leased_until": None, "tries": 0, "error": ""}
    statement = dialect.insert(Job).values(key=bindparam("job"), fence=0, **given, **fresh)
    return statement.on_conflict_do_update(index_elements=[Job.key], set_={**given, **fresh, "fence": Job.fence + 1})


_PUT = {"sqlite": _put_statement(sqlite), "postgresql": _put_statement(postgresql)}


_DROP = delete(Job).where(Job.key == bindparam("job"))


async def put(uow: UnitOfWork, key: str, kind: str, due_at: dt.datetime, **payload: Any) -> None:
    """Make `key` due at `due_at`, replacing what was there, and wake the scheduler then."""
    statement = _PUT["sqlite" if uow.database.sqlite else "postgresql"]
    await uow.session.execute(statement, {"job": key, "work": kind, "at": due_at, "what": payload})
    uow.due(due_at)


async def drop(uow: UnitOfWork, key: str) -> None:
    """Forget `key`; nothing happens if there is none."""
    await uow.session.execute(_DROP, {"job": key})


async def claim(uow: UnitOfWork, limit: int = 20) -> list[Job]:
    """Lease the jobs that are due now, oldest first; the caller finishes each in the same or a later transaction."""
    due = select(Job.key).where(Job.due_at <= uow.now, (Job.leased_until.is_(None)) | (Job.leased_until < uow.now))
    due = due.order_by(Job.due_at).limit(limit)
    if not uow.database.sqlite:
        due = due.with_for_update(skip_locked=True)
    statement = (
        update(Job)
        .where(Job.key.in_(select(due.cte("due").c.key)))  # worked out once: PostgreSQL may repeat a subquery for each row
        .values(leased_until=uow.now + LEASE, fence=Job.fence + 1, tries=Job.tries + 1)
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(await uow.session.scalars(statement), key=lambda job: job.due_at)


async def finish(uow: UnitOfWork, key: str, fence: int) -> bool:
    """Remove a job if nobody claimed or moved it since; tells whether it was ours."""
    result = await uow.session.execute(delete(Job).where(Job.key == key, Job.fence == fence))
    return bool(getattr(result, "rowcount", 0))


async def next_due(uow: UnitOfWork) -> dt.datetime | None:
    """Return when the next job is due, or None."""
    return await uow.session.scalar(select(Job.due_at).order_by(Job.due_at).limit(1))
