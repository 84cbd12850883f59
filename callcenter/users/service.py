"""Users: who may sign in and what they may do. Everything of this capability is reached through this module.

What hashes a password, or runs for every request, takes the database and drives its own units of work (see sessions.py);
all else takes a unit of work and checks its actor.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from callcenter import inbox
from callcenter.actor import EVERY_ACCOUNT, AccountRole, Actor, Role
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.facts import UserShutOut
from callcenter.users import passwords
from callcenter.users.audit import audit, list_audit
from callcenter.users.feeds import end_feed
from callcenter.users.models import User
from callcenter.users.preferences import LANGUAGES, Preferences, is_time_zone
from callcenter.users.sessions import (
    SignedIn,
    actor_for_session,
    actor_for_token,
    actor_of,
    add_token,
    end_sessions,
    end_tokens,
    list_sessions,
    list_tokens,
    normal_login,
    revoke_session,
    revoke_token,
    sign_in,
    sign_out,
)

__all__ = [
    "LANGUAGES",
    "Preferences",
    "SignedIn",
    "actor_for_session",
    "actor_for_token",
    "actor_of",
    "add_token",
    "add_user",
    "audit",
    "get_user",
    "list_audit",
    "list_sessions",
    "list_tokens",
    "list_users",
    "revoke_session",
    "revoke_token",
    "set_password",
    "set_preferences",
    "sign_in",
    "sign_out",
    "supervisors",
    "update_user",
]

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_MAXIMUM_NAME = 100


async def list_users(uow: UnitOfWork) -> list[User]:
    """Return all users by name, disabled ones too (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    return list(await uow.session.scalars(select(User).order_by(User.name, User.id)))


async def get_user(uow: UnitOfWork, user_id: int) -> User:
    """Return a user: oneself, or anybody for supervisors."""
    if user_id != uow.actor.user_id:
        uow.actor.require(Role.SUPERVISOR)
    return await _get(uow, user_id)


async def add_user(
    database: Database,
    actor: Actor,
    login: str,
    name: str,
    role: Role | str,
    password: str,
    language: str = "en",
    accounts: Iterable[AccountRole | str] = EVERY_ACCOUNT,
) -> User:
    """Add a user (administrators). Raises Invalid with the field at fault, Conflict when the login is taken.

    `accounts`: what they may do with contacts and organisations; said nothing, read and change all, as a small team works.
    """
    actor.require(Role.ADMINISTRATOR)
    login = normal_login(login)
    if not _LOGIN.fullmatch(login):
        raise Invalid("A login has letters a-z, digits and . _ @ - only, and starts with a letter or digit.", field="login")
    user = User(login=login, name=_name(name), role=_role(role).value, language=_language(language), accounts=_accounts(accounts))
    passwords.check_rules(password, login)
    user.password_hash = await passwords.make_hash(password)
    try:
        async with database.unit_of_work(actor) as uow:
            user.created_at = uow.now
            uow.session.add(user)
            await uow.session.flush()
            audit(uow, "user.added", "user", user.id, login=login, name=user.name, role=user.role, accounts=user.accounts)
    except IntegrityError as error:
        raise Conflict("There is already a user {login}.", login=login) from error
    return user


async def update_user(
    uow: UnitOfWork,
    user_id: int,
    *,
    name: str | None = None,
    role: Role | str | None = None,
    disabled: bool | None = None,
    accounts: Iterable[AccountRole | str] | None = None,
) -> User:
    """Change name or roles, or let in and shut out (administrators); shutting out ends sessions, tokens and calendar.

    Raises Conflict when nobody would be left who administers.
    """
    uow.actor.require(Role.ADMINISTRATOR)
    # Locked in one order, so that two administrators cannot demote each other at the same moment.
    administrators = select(User).where(User.role == Role.ADMINISTRATOR.value, User.disabled_at.is_(None)).order_by(User.id)
    serving = [each.id for each in await uow.session.scalars(administrators.with_for_update())]
    user = await _get(uow, user_id)
    changed: dict[str, Any] = {}
    if name is not None and _name(name) != user.name:
        changed["name"] = user.name = _name(name)
    if role is not None and _role(role).value != user.role:
        changed["role"] = user.role = _role(role).value
    if accounts is not None and _accounts(accounts) != user.accounts:
        changed["accounts"] = user.accounts = _accounts(accounts)
    if disabled is not None and disabled != (user.disabled_at is not None):
        changed["disabled"] = disabled
        user.disabled_at = uow.now if disabled else None
    if serving == [user_id] and (user.role != Role.ADMINISTRATOR or user.disabled_at):
        raise Conflict("{name} is the last administrator. Make somebody else one first.", name=user.name)
    await _see_to(uow, user_id, changed)
    return user


async def _see_to(uow: UnitOfWork, user_id: int, changed: dict[str, Any]) -> None:
    """Let a change of a user count at once, and keep it in the trail."""
    if changed.get("disabled"):
        await end_sessions(uow, user_id)
        await end_tokens(uow, user_id)
        await end_feed(uow, user_id)
        uow.note(UserShutOut(user_id))
    if "accounts" in changed:
        await inbox.forget(uow, user_id)  # what waits for their pages may tell of accounts they may see no more
    if changed:
        audit(uow, "user.updated", "user", user_id, **changed)


async def set_password(database: Database, actor: Actor, user_id: int, password: str, old: str | None = None) -> None:
    """Set a password: one's own with the old one, anybody else's as administrator. Ends the user's other sessions."""
    own = actor.user_id == user_id
    if not own:
        actor.require(Role.ADMINISTRATOR)
    async with database.reading(actor) as uow:
        user = await _get(uow, user_id)
    if own and not await passwords.verify(old or "", user.password_hash):
        raise Invalid("The old password is wrong.", field="old")
    passwords.check_rules(password, user.login)
    new_hash = await passwords.make_hash(password)
    async with database.unit_of_work(actor) as uow:
        user = await _get(uow, user_id)
        user.password_hash = new_hash
        await end_sessions(uow, user_id, keep=actor.session_id if own else None)
        audit(uow, "user.password_set", "user", user_id)


async def set_preferences(
    uow: UnitOfWork, *, language: str | None = None, time_zone: str | None = None, **preferences: Any
) -> User:
    """Set what the actor chose for themselves; what is not named stays, None puts a preference back to its default."""
    user = await _get(uow, uow.actor.id)
    if language is not None:
        user.language = _language(language)
    if time_zone is not None:
        if not is_time_zone(time_zone):
            raise Invalid("There is no time zone {time_zone}.", field="time_zone", time_zone=time_zone)
        user.time_zone = time_zone
    merged = {key: value for key, value in (user.preferences | preferences).items() if value is not None}
    try:
        user.preferences = Preferences(**merged).model_dump(exclude_unset=True)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        if field == "answer_shortcut":
            raise Invalid("A shortcut is F1-F12, or Ctrl, Alt or Meta with a letter or digit.", field=field) from error
        raise Invalid("The preference {preference} cannot have this value.", field=field, preference=field) from error
    return user


_SUPERVISORS = (  # built once: every change of an agent's state asks for them
    select(User.id)
    .where(User.role.in_((Role.SUPERVISOR.value, Role.ADMINISTRATOR.value)), User.disabled_at.is_(None))
    .order_by(User.id)
)


async def supervisors(uow: UnitOfWork) -> list[int]:
    """Return the ids of supervisors and administrators who may sign in."""
    return list(await uow.session.scalars(_SUPERVISORS))


async def administrators(uow: UnitOfWork) -> list[int]:
    """Return the ids of administrators who may sign in."""
    those = select(User.id).where(User.role == Role.ADMINISTRATOR.value, User.disabled_at.is_(None))
    return list(await uow.session.scalars(those.order_by(User.id)))


async def _get(uow: UnitOfWork, user_id: int) -> User:
    user = await uow.session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    return user


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _MAXIMUM_NAME or any(unicodedata.category(each) == "Cc" for each in name):
        raise Invalid("A user needs a name of at most {maximum} characters.", field="name", maximum=_MAXIMUM_NAME)
    return name


def _accounts(accounts: Iterable[AccountRole | str]) -> list[str]:
    try:
        chosen = {AccountRole(each) for each in accounts}
    except ValueError as error:
        raise Invalid("There is no such account role.", field="accounts") from error
    return [each.value for each in AccountRole if each in chosen]


def _role(role: Role | str) -> Role:
    if role not in {Role.CONSULTANT, Role.SUPERVISOR, Role.ADMINISTRATOR}:
        raise Invalid("A role is consultant, supervisor or administrator.", field="role")
    return Role(role)


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise Invalid("A language is one of {languages}.", field="language", languages=", ".join(LANGUAGES))
    return language
