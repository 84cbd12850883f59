"""The secret address of a person's calendar: made, replaced, revoked by themselves; opened by programs that cannot sign in.

The secret has 256 random bits and only its hash is kept, so finding a row by the hash tells a guesser nothing: how long it
takes depends on the hash, not on how much of a secret is right.
"""

import datetime as dt
import hmac
import secrets
from dataclasses import dataclass

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.exc import OperationalError

from callcenter import clock
from callcenter.actor import Actor, Role
from callcenter.db import Database, UnitOfWork
from callcenter.errors import NotFound, TooMany
from callcenter.users.audit import audit
from callcenter.users.models import AuditEntry, CalendarFeed, User
from callcenter.users.sessions import FAILURE_WINDOW, FAILURES_PER_ADDRESS, TOUCH_EVERY, hash_secret

log = structlog.get_logger(__name__)

_REFUSED = "calendar_feed.refused"
_LONGEST_SECRET = 100


@dataclass(frozen=True, slots=True)
class OpenedFeed:
    """A feed and whose it is."""

    user: User
    feed: CalendarFeed


async def create_feed(uow: UnitOfWork) -> str:
    """Make the actor's secret, which is shown only now; one there was before is worth nothing from now on."""
    user_id = uow.actor.id
    secret = secrets.token_urlsafe(32)
    replaced = await _delete(uow, user_id)
    uow.session.add(CalendarFeed(user_id=user_id, token_hash=hash_secret(secret), created_at=uow.now))
    await uow.session.flush()
    audit(uow, "calendar_feed.made", "user", user_id, replaced=replaced)
    return secret


async def revoke_feed(uow: UnitOfWork) -> None:
    """Make the actor's secret worth nothing; raises NotFound when there is none."""
    if not await _delete(uow, uow.actor.id):
        raise NotFound("You have no calendar address.")
    audit(uow, "calendar_feed.revoked", "user", uow.actor.id)


async def end_feed(uow: UnitOfWork, user_id: int) -> None:
    """Make a user's secret worth nothing, if there is one: they are shut out."""
    await _delete(uow, user_id)


async def own_feed(uow: UnitOfWork) -> CalendarFeed | None:
    """Return when the actor's secret was made and last used, None when there is none."""
    return await uow.session.get(CalendarFeed, uow.actor.id)


async def open_feed(database: Database, secret: str, *, address: str) -> OpenedFeed:
    """Return whose calendar a secret opens.

    Raises NotFound for one that is wrong, revoked or of somebody shut out, all alike; after 20 of those from an address in
    15 minutes TooMany. A right one is served also then: many people's calendars are fetched from one address of Google's.
    """
    query = select(CalendarFeed, User).join(User, User.id == CalendarFeed.user_id)
    wanted = hash_secret(secret[:_LONGEST_SECRET])
    async with database.reading() as uow:
        found = (await uow.session.execute(query.where(CalendarFeed.token_hash == wanted))).one_or_none()
    if found is not None and hmac.compare_digest(found[0].token_hash, wanted) and found[1].disabled_at is None:
        return OpenedFeed(found[1], found[0])
    async with database.unit_of_work(Actor(None, "?", Role.CONSULTANT, address=address)) as uow:
        too_many = await _too_many(uow, address)
        if not too_many:
            audit(uow, _REFUSED)
    if too_many:
        log.warning("calendar_feed.limited", address=address)
        minutes = int(FAILURE_WINDOW.total_seconds() // 60)
        raise TooMany("Too many wrong addresses. Try again in {minutes} minutes.", minutes=minutes)
    raise NotFound("There is no calendar at this address. It may have been revoked.")


async def note_read(database: Database, opened: OpenedFeed, digest: str) -> dt.datetime:
    """Keep when a feed was read, at most once a minute, and return when what is in it (`digest`) was last another."""
    feed, now = opened.feed, clock.now()
    noted = feed.read_at is not None and now - feed.read_at < TOUCH_EVERY
    if noted and feed.digest == digest and feed.changed_at is not None:
        return feed.changed_at
    try:
        async with database.unit_of_work() as uow:
            row = await uow.session.get(CalendarFeed, feed.user_id, with_for_update=True)
            if row is None or row.token_hash != feed.token_hash:
                return now  # revoked just now
            row.read_at = uow.now
            if row.digest != digest or row.changed_at is None:
                row.digest, row.changed_at = digest, uow.now
            return row.changed_at
    except OperationalError as error:
        log.warning("calendar_feed.not_touched", reason=str(error.orig))
        return now


async def _delete(uow: UnitOfWork, user_id: int) -> bool:
    result = await uow.session.execute(delete(CalendarFeed).where(CalendarFeed.user_id == user_id))
    return bool(getattr(result, "rowcount", 0))


async def _too_many(uow: UnitOfWork, address: str) -> bool:
    if not address:
        return False
    refused = (AuditEntry.action == _REFUSED, AuditEntry.at > uow.now - FAILURE_WINDOW, AuditEntry.address == address)
    return (await uow.session.scalar(select(func.count()).select_from(AuditEntry).where(*refused)) or 0) >= FAILURES_PER_ADDRESS
