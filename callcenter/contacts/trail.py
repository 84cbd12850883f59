"""The audit trail as somebody may read it who may not see every account: what was done stays, what was in it does not."""

from collections.abc import Sequence
from typing import Any

from callcenter.contacts import visibility
from callcenter.db import UnitOfWork
from callcenter.users import audit
from callcenter.users.models import AuditEntry

# Subjects whose details tell nothing of an account but numbers and ids; of any other, later ones too, they are left out.
_PLAIN = frozenset(
    {"", "agent", "call", "call_back", "dictionary", "login", "project", "roster", "text", "token", "trunk", "user"}
)


async def list_audit(uow: UnitOfWork, **wanted: Any) -> list[AuditEntry]:
    """Return the trail as users.audit.list_audit does, without the details of what the actor may not see (administrators)."""
    found = await audit.list_audit(uow, **wanted)
    if visibility.sees_all(uow.actor):
        return found
    hidden = await visibility.hidden(uow, _ids(found, "contact"), _ids(found, "organisation"))
    return [each if _tells_nothing(each, hidden) else _without_detail(uow, each) for each in found]


def _tells_nothing(entry: AuditEntry, hidden: visibility.Hidden) -> bool:
    if entry.subject == "contact":
        return not hidden.covers(_id(entry))
    if entry.subject == "organisation":
        return not hidden.covers(None, _id(entry))
    return entry.subject in _PLAIN


def _without_detail(uow: UnitOfWork, entry: AuditEntry) -> AuditEntry:
    """Return an entry, no longer the database's, with nothing but who did what to which, and when."""
    uow.session.expunge(entry)
    entry.detail = {}
    return entry


def _ids(entries: Sequence[AuditEntry], subject: str) -> list[int | None]:
    return [_id(each) for each in entries if each.subject == subject]


def _id(entry: AuditEntry) -> int | None:
    return int(entry.subject_id) if entry.subject_id.isdecimal() else None
