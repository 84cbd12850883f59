"""The audit trail: who did what to what, and when."""

import datetime as dt
from typing import Any

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.users.models import AuditEntry


def audit(uow: UnitOfWork, action: str, subject: str = "", subject_id: int | str = "", **detail: Any) -> None:
    """Record that the actor did `action` (subject.verb) to a subject. Never pass a secret.

    `detail` is kept as JSON; what JSON does not know is kept as text. Written just before the commit, so that who does much at
    once writes it at once; nobody reads the trail of their own transaction.
    """
    uow.write_line(
        AuditEntry,
        at=uow.now,
        actor_id=uow.actor.user_id,
        actor_name=uow.actor.name,
        action=action,
        subject=subject,
        subject_id=str(subject_id),
        detail={key: _plain(value) for key, value in detail.items()},
        address=uow.actor.address or "",
    )


async def list_audit(
    uow: UnitOfWork,
    *,
    before: int | None = None,
    limit: int = 100,
    action: str = "",
    subject: str = "",
    subject_id: str = "",
    actor_id: int | None = None,
    since: dt.datetime | None = None,
) -> list[AuditEntry]:
    """Return the trail, newest first, older than entry `before`; `action` filters by prefix ("session." or "session.opened")."""
    uow.actor.require(Role.ADMINISTRATOR)
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(max(1, min(limit, 500)))
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if action:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    if subject:
        query = query.where(AuditEntry.subject == subject)
    if subject_id:
        query = query.where(AuditEntry.subject_id == subject_id)
    if actor_id is not None:
        query = query.where(AuditEntry.actor_id == actor_id)
    if since is not None:
        query = query.where(AuditEntry.at >= since)
    return list(await uow.session.scalars(query))


def _plain(value: Any) -> Any:
    """Return the value as JSON can hold it."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case _:
            return str(value)
