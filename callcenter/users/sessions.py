"""Sign-in, browser sessions and bearer tokens: from a cookie or a token to an actor.

What checks a password, or runs for every request, takes the database and drives its own units of work: a hash must not
be computed while SQLite's one writer waits, and a failed sign-in is recorded although it raises.
"""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

import structlog
from sqlalchemy import Executable, delete, func, select, text, update
from sqlalchemy.exc import OperationalError

from callcenter import clock
from callcenter.actor import AccountRole, Actor, Role
from callcenter.db import Database, UnitOfWork
from callcenter.errors import NotFound, NotSignedIn, TooMany
from callcenter.users import passwords
from callcenter.users.audit import audit
from callcenter.users.models import AuditEntry, Session, Token, User

log = structlog.get_logger(__name__)

FAILURE_WINDOW = dt.timedelta(minutes=15)
FAILURES_PER_LOGIN = 5
FAILURES_PER_ADDRESS = 20
TOUCH_EVERY = dt.timedelta(minutes=1)
KEEP_ENDED_SESSIONS = dt.timedelta(days=30)
TOKEN_PREFIX = "cc_"  # noqa: S105 - the visible start of every token, so that a leaked one is recognised
MAXIMUM_LOGIN = 100
_ONE_AT_A_TIME = 0x63635F73  # PostgreSQL advisory lock: counting failures and adding one must not interleave


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that succeeded: the user, and the secret for the session cookie."""

    user: User
    cookie: str


def normal_login(login: str) -> str:
    """Return a login in the one spelling it is stored in."""
    return login.strip().casefold()


def hash_secret(secret: str) -> str:
    """Return what is stored of a cookie or token: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def actor_of(user: User, *, session_id: int | None = None, address: str = "") -> Actor:
    """Return the user as an actor."""
    return Actor(
        user_id=user.id,
        name=user.name,
        role=Role(user.role),
        language=user.language,
        time_zone=user.time_zone,
        session_id=session_id,
        address=address or None,
        accounts=frozenset(AccountRole(each) for each in user.accounts),
    )


async def sign_in(database: Database, login: str, password: str, *, address: str, agent: str, session_hours: int) -> SignedIn:
    """Open a session for a login and password; failures are recorded before this raises.

    Raises NotSignedIn with one sentence for a wrong password, an unknown login and a disabled user alike (and after the
    same time), TooMany after 5 failures of a login or 20 from an address within 15 minutes.
    """
    login = normal_login(login)[:MAXIMUM_LOGIN]
    async with database.reading() as uow:
        user = await uow.session.scalar(select(User).where(User.login == login))
        await _refuse_too_many(uow, _subject_id(user, login), address)
    correct = await passwords.verify(password, user.password_hash if user else None)
    new_hash = None
    if user and correct and passwords.is_outdated(user.password_hash):
        new_hash = await passwords.make_hash(password)
    async with database.unit_of_work(Actor(None, login if user else "?", Role.CONSULTANT, address=address)) as uow:
        opened = await _decide(uow, user, login, correct, address, agent, session_hours, new_hash)
    if opened is None:
        raise NotSignedIn("Login or password is wrong.")
    return opened


async def _decide(
    uow: UnitOfWork,
    seen: User | None,
    login: str,
    correct: bool,
    address: str,
    agent: str,
    session_hours: int,
    new_hash: str | None,
) -> SignedIn | None:
    """Open a session or record the failure. Counts again, since many tries may have been hashing side by side."""
    if not uow.database.sqlite:
        await uow.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
    subject_id = _subject_id(seen, login)
    await _refuse_too_many(uow, subject_id, address)
    user = await uow.session.get(User, seen.id) if seen else None
    # A password changed while the old one was being checked does not count any more.
    if user is None or seen is None or not correct or user.disabled_at or user.password_hash != seen.password_hash:
        audit(uow, "session.refused", "login", subject_id)
        return None
    if new_hash:
        user.password_hash = new_hash
    cookie = secrets.token_urlsafe(32)
    session = Session(
        user_id=user.id,
        token_hash=hash_secret(cookie),
        created_at=uow.now,
        seen_at=uow.now,
        expires_at=uow.now + dt.timedelta(hours=session_hours),
        address=address,
        agent=agent[:300],
    )
    uow.session.add(session)
    stale = Session.expires_at < uow.now - KEEP_ENDED_SESSIONS
    await uow.session.execute(delete(Session).where(Session.user_id == user.id, stale))
    await uow.session.flush()
    uow.actor = actor_of(user, session_id=session.id, address=address)
    audit(uow, "session.opened", "login", subject_id, session_id=session.id)
    return SignedIn(user, cookie)


def _subject_id(user: User | None, login: str) -> str:
    """Return how the trail names a login. An unknown one is hashed: people type passwords into the wrong field."""
    return login if user else "unknown:" + hashlib.sha256(login.encode()).hexdigest()[:16]


async def _refuse_too_many(uow: UnitOfWork, subject_id: str, address: str) -> None:
    """Raise TooMany when the trail shows too many failures of this login since its last success, or from this address."""
    since = uow.now - FAILURE_WINDOW
    about = (AuditEntry.subject == "login", AuditEntry.subject_id == subject_id, AuditEntry.at > since)
    success = select(func.max(AuditEntry.id)).where(AuditEntry.action == "session.opened", *about).scalar_subquery()
    refused = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "session.refused")
    of_login = await uow.session.scalar(refused.where(*about, AuditEntry.id > func.coalesce(success, 0))) or 0
    of_address = 0
    if address:
        of_address = await uow.session.scalar(refused.where(AuditEntry.at > since, AuditEntry.address == address)) or 0
    if of_login >= FAILURES_PER_LOGIN or of_address >= FAILURES_PER_ADDRESS:
        log.warning("sign_in.limited", address=address, of_login=of_login, of_address=of_address)
        minutes = int(FAILURE_WINDOW.total_seconds() // 60)
        raise TooMany("Too many failed sign-ins. Try again in {minutes} minutes.", minutes=minutes)


async def actor_for_session(database: Database, cookie: str, *, address: str, session_hours: int) -> Actor | None:
    """Return who a session cookie stands for, or None when it has ended; moves its end on, at most once a minute."""
    if not cookie:
        return None
    now = clock.now()
    query = select(Session, User).join(User, User.id == Session.user_id).where(Session.token_hash == hash_secret(cookie))
    async with database.reading() as uow:
        found = (await uow.session.execute(query)).one_or_none()
    if found is None:
        return None
    session, user = found
    if session.revoked_at or session.expires_at <= now or user.disabled_at:
        return None
    if now - session.seen_at >= TOUCH_EVERY:
        values = {"seen_at": now, "address": address, "expires_at": now + dt.timedelta(hours=session_hours)}
        alive = update(Session).where(Session.id == session.id, Session.revoked_at.is_(None))
        await _touch(database, alive.values(values))
    return actor_of(user, session_id=session.id, address=address)


async def actor_for_token(database: Database, bearer: str, *, address: str) -> Actor | None:
    """Return who a bearer token stands for, or None; notes its use, at most once a minute."""
    secret = bearer.removeprefix("Bearer ").strip()
    if not secret.startswith(TOKEN_PREFIX):
        return None
    now = clock.now()
    query = select(Token, User).join(User, User.id == Token.user_id).where(Token.token_hash == hash_secret(secret))
    async with database.reading() as uow:
        found = (await uow.session.execute(query)).one_or_none()
    if found is None:
        return None
    token, user = found
    if token.revoked_at or user.disabled_at:
        return None
    if token.used_at is None or now - token.used_at >= TOUCH_EVERY:
        await _touch(database, update(Token).where(Token.id == token.id).values(used_at=now))
    return actor_of(user, address=address)


async def _touch(database: Database, statement: Executable) -> None:
    """Write when something was last used; a database that is locked just now must not end anybody's request."""
    try:
        async with database.unit_of_work() as uow:
            await uow.session.execute(statement)
    except OperationalError as error:
        log.warning("session.not_touched", reason=str(error.orig))


async def sign_out(uow: UnitOfWork, cookie: str) -> None:
    """End the session of a cookie; nothing happens if it has ended."""
    session = await uow.session.scalar(select(Session).where(Session.token_hash == hash_secret(cookie)))
    if session is not None and session.revoked_at is None:
        session.revoked_at = uow.now
        audit(uow, "session.closed", "user", session.user_id, session_id=session.id)


async def list_sessions(uow: UnitOfWork, user_id: int) -> list[Session]:
    """Return a user's living sessions, the latest used first (own ones, or for administrators)."""
    _own_or_administrator(uow, user_id)
    alive = (Session.user_id == user_id, Session.revoked_at.is_(None), Session.expires_at > uow.now)
    return list(await uow.session.scalars(select(Session).where(*alive).order_by(Session.seen_at.desc())))


async def revoke_session(uow: UnitOfWork, session_id: int) -> None:
    """End a session (own one, or for administrators)."""
    session = await uow.session.get(Session, session_id)
    if session is None or not (session.user_id == uow.actor.user_id or uow.actor.may(Role.ADMINISTRATOR)):
        raise NotFound("There is no such session.")
    if session.revoked_at is None:
        session.revoked_at = uow.now
        audit(uow, "session.revoked", "user", session.user_id, session_id=session.id)


async def end_sessions(uow: UnitOfWork, user_id: int, *, keep: int | None = None) -> None:
    """End all sessions of a user but `keep`."""
    alive = update(Session).where(Session.user_id == user_id, Session.revoked_at.is_(None))
    if keep is not None:
        alive = alive.where(Session.id != keep)
    await uow.session.execute(alive.values(revoked_at=uow.now))


async def add_token(uow: UnitOfWork, login: str, name: str = "") -> str:
    """Make a bearer token for a user (own, or for administrators) and return its secret, which is shown only now."""
    user = await uow.session.scalar(select(User).where(User.login == normal_login(login)))
    if user is None or not (user.id == uow.actor.user_id or uow.actor.may(Role.ADMINISTRATOR)):
        raise NotFound("There is no user {login}.", login=login)
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = Token(user_id=user.id, name=name.strip()[:100], token_hash=hash_secret(secret), created_at=uow.now)
    uow.session.add(token)
    await uow.session.flush()
    audit(uow, "token.added", "user", user.id, token_id=token.id, name=token.name)
    return secret


async def list_tokens(uow: UnitOfWork, user_id: int) -> list[Token]:
    """Return a user's living tokens, newest first (own ones, or for administrators)."""
    _own_or_administrator(uow, user_id)
    alive = (Token.user_id == user_id, Token.revoked_at.is_(None))
    return list(await uow.session.scalars(select(Token).where(*alive).order_by(Token.id.desc())))


async def revoke_token(uow: UnitOfWork, token_id: int) -> None:
    """End a token (own one, or for administrators)."""
    token = await uow.session.get(Token, token_id)
    if token is None or not (token.user_id == uow.actor.user_id or uow.actor.may(Role.ADMINISTRATOR)):
        raise NotFound("There is no such token.")
    if token.revoked_at is None:
        token.revoked_at = uow.now
        audit(uow, "token.revoked", "user", token.user_id, token_id=token.id, name=token.name)


async def end_tokens(uow: UnitOfWork, user_id: int) -> None:
    """End all tokens of a user."""
    alive = update(Token).where(Token.user_id == user_id, Token.revoked_at.is_(None))
    await uow.session.execute(alive.values(revoked_at=uow.now))


def _own_or_administrator(uow: UnitOfWork, user_id: int) -> None:
    if user_id != uow.actor.user_id:
        uow.actor.require(Role.ADMINISTRATOR)
