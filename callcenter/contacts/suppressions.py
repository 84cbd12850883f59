"""Tokens of numbers and addresses: a keyed digest, so that a list of them tells nobody who is on it.

The key is derived from the installation's key file (secret.key). With another key no token is found any more: keep it.
"""

import functools
import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from callcenter.actor import Role
from callcenter.contacts import numbers, text
from callcenter.contacts.consent_models import Suppression
from callcenter.contacts.many import one_of
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.keys import installation_key
from callcenter.users.service import audit

ERASED, DO_NOT_CALL = "erased", "do_not_call"
_ADD = {each.dialect.name: each.insert(Suppression).on_conflict_do_nothing() for each in (sqlite, postgresql)}


def of_project(project_id: int) -> str:
    """Return the reason that keeps a number away from one project only."""
    return f"{DO_NOT_CALL}:{project_id}"


def number_token(uow: UnitOfWork, e164: str) -> str:
    """Return the token of a number in E.164."""
    return _token(uow.database.settings.data_dir, f"number:{e164}")


def email_token(uow: UnitOfWork, address: str) -> str:
    """Return the token of an e-mail address, whatever its case."""
    return _token(uow.database.settings.data_dir, f"email:{text.fold(address)}")


async def suppress(uow: UnitOfWork, tokens: Iterable[str], reason: str) -> int:
    """Remember tokens for a reason, some thousands at most at a time; returns how many were new."""
    wanted = set(tokens)
    new = sorted(wanted - await suppressed(uow, wanted, reason))
    if new:
        rows = [{"token": each, "reason": reason, "at": uow.now, "user_id": uow.actor.user_id} for each in new]
        await uow.session.execute(
            _ADD[uow.session.get_bind().dialect.name], rows
        )  # somebody else may add the same at this moment
    return len(new)


async def suppressed(uow: UnitOfWork, tokens: Iterable[str], reason: str) -> set[str]:
    """Return which of the tokens are remembered for a reason."""
    query = select(Suppression.token).where(one_of(uow, Suppression.token, set(tokens)), Suppression.reason == reason)
    return set(await uow.session.scalars(query))


async def reasons(uow: UnitOfWork, tokens: Iterable[str], wanted: Iterable[str]) -> dict[str, set[str]]:
    """Return for which of the wanted reasons each of the tokens is remembered; those for none are left out."""
    query = select(Suppression.token, Suppression.reason)
    query = query.where(Suppression.token.in_(set(tokens)), Suppression.reason.in_(set(wanted)))
    found: dict[str, set[str]] = {}
    for token, reason in await uow.session.execute(query):
        found.setdefault(token, set()).add(reason)
    return found


async def refuse(uow: UnitOfWork, e164: str, project_id: int | None) -> bool:
    """Remember that a number (E.164) is not to be called, by one project or (None) by anybody; False when it was known.

    For those who were told so by the customer: checks no right, writes no audit line.
    """
    reason = DO_NOT_CALL if project_id is None else of_project(project_id)
    return bool(await suppress(uow, [number_token(uow, e164)], reason))


async def do_not_call(uow: UnitOfWork, number: str, region: str, *, listed: bool = True, project_id: int | None = None) -> None:
    """Put a number that need not belong to any contact on the do-not-call list, or take it off (supervisors).

    `project_id`: the list of that project; None: everybody's.
    """
    uow.actor.require(Role.SUPERVISOR)
    reason = DO_NOT_CALL if project_id is None else of_project(project_id)
    parsed = numbers.parse(number, region)
    if parsed.e164 is None:
        raise Invalid("{number} is not a full telephone number.", field="number", number=number[:40])
    token = number_token(uow, parsed.e164)
    if listed:
        await suppress(uow, [token], reason)
    elif (found := await uow.session.get(Suppression, (token, reason))) is not None:
        await uow.session.delete(found)
        await uow.session.flush()
    audit(uow, "do_not_call.added" if listed else "do_not_call.removed", "suppression", token[:12], project_id=project_id)


async def is_listed(uow: UnitOfWork, number: str, region: str, *, project_id: int | None = None) -> bool:
    """Tell whether a number is on the do-not-call list (of a project)."""
    parsed = numbers.parse(number, region)
    reason = DO_NOT_CALL if project_id is None else of_project(project_id)
    return parsed.e164 is not None and bool(await suppressed(uow, [number_token(uow, parsed.e164)], reason))


def _token(data_dir: Path, what: str) -> str:
    return hmac.new(_key(data_dir), what.encode(), hashlib.sha256).hexdigest()


@functools.cache
def _key(data_dir: Path) -> bytes:
    return hashlib.sha256(b"suppression tokens" + installation_key(data_dir)).digest()
