"""Signing in, staying signed in, and being kept out, on both databases."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import argon2
import pytest
from sqlalchemy import select, update

from callcenter import clock
from callcenter.actor import SYSTEM, Role
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, NotFound, NotSignedIn, TooMany
from callcenter.users import passwords
from callcenter.users import service as users
from callcenter.users.models import AuditEntry, Session, Token, User

PASSWORD = "correct horse battery"


@pytest.fixture
async def anna(database: Database) -> User:
    return await users.add_user(database, SYSTEM, "anna", "Anna", Role.CONSULTANT, PASSWORD)


async def sign_in(database: Database, login: str = "anna", password: str = PASSWORD, address: str = "10.0.0.1") -> users.SignedIn:
    return await users.sign_in(database, login, password, address=address, agent="Firefox " * 100, session_hours=12)


async def attempt(database: Database, login: str, password: str, address: str = "10.0.0.1") -> type[CallCenterError] | None:
    try:
        await sign_in(database, login, password, address)
    except CallCenterError as error:
        return type(error)
    return None


async def test_a_cookie_stands_for_its_user_until_sign_out(database: Database, anna: User) -> None:
    opened = await sign_in(database, " ANNA ")
    actor = await users.actor_for_session(database, opened.cookie, address="10.0.0.2", session_hours=12)
    assert actor is not None
    assert (actor.user_id, actor.role, actor.address) == (anna.id, Role.CONSULTANT, "10.0.0.2")
    for wrong in ("", "x", opened.cookie + "x", opened.cookie[:-1]):
        assert await users.actor_for_session(database, wrong, address="", session_hours=12) is None
    async with database.unit_of_work(actor) as uow:
        [session] = await users.list_sessions(uow, anna.id)
        assert session.id == actor.session_id
        assert len(session.agent) == 300
        await users.sign_out(uow, opened.cookie)
        await users.sign_out(uow, "not a cookie")
    assert await users.actor_for_session(database, opened.cookie, address="", session_hours=12) is None
    async with database.reading() as uow:
        trail = [each.action for each in await users.list_audit(uow, action="session.")]
    assert trail == ["session.closed", "session.opened"]


async def test_a_session_in_use_goes_on_and_an_unused_one_ends(database: Database, anna: User) -> None:
    opened = await sign_in(database)
    for hour in (11, 22, 33):
        clock.shift(hour * 3600)
        assert await users.actor_for_session(database, opened.cookie, address="", session_hours=12) is not None
    clock.shift(45 * 3600 + 1)
    assert await users.actor_for_session(database, opened.cookie, address="", session_hours=12) is None


async def test_use_is_written_at_most_once_a_minute(database: Database, anna: User) -> None:
    opened = await sign_in(database)
    async with database.unit_of_work() as uow:
        token = await users.add_token(uow, "anna", "script")
    assert token.startswith("cc_")

    async def seen() -> tuple[dt.datetime, dt.datetime | None]:
        assert await users.actor_for_session(database, opened.cookie, address="", session_hours=12) is not None
        assert await users.actor_for_token(database, f"Bearer {token}", address="") is not None
        async with database.reading() as uow:
            session = (await uow.session.scalars(select(Session))).one()
            return session.seen_at, (await uow.session.scalars(select(Token))).one().used_at

    first = await seen()
    clock.shift(30)
    assert await seen() == first
    clock.shift(95)
    later = await seen()
    assert later[0] > first[0]
    assert first[1] is not None
    assert later[1] is not None
    assert later[1] > first[1]


async def test_a_token_stands_for_its_user_until_revoked(database: Database, anna: User) -> None:
    async with database.unit_of_work(users.actor_of(anna)) as uow:
        token = await users.add_token(uow, "anna", "script")
        [row] = await users.list_tokens(uow, anna.id)
    actor = await users.actor_for_token(database, token, address="10.0.0.9")
    assert actor is not None
    assert (actor.user_id, actor.session_id) == (anna.id, None)
    for wrong in ("", "Bearer ", "cc_", token[3:], token.upper()):
        assert await users.actor_for_token(database, wrong, address="") is None
    async with database.unit_of_work(users.actor_of(anna)) as uow:
        await users.revoke_token(uow, row.id)
        with pytest.raises(NotFound):
            await users.revoke_token(uow, 999)
    assert await users.actor_for_token(database, token, address="") is None


async def test_nobody_ends_anothers_session_but_an_administrator(database: Database, anna: User) -> None:
    opened = await sign_in(database)
    other = await users.add_user(database, SYSTEM, "ewa", "Ewa", Role.SUPERVISOR, PASSWORD)
    async with database.reading() as uow:
        [session] = await users.list_sessions(uow, anna.id)
    with pytest.raises(NotFound):
        async with database.unit_of_work(users.actor_of(other)) as uow:
            await users.revoke_session(uow, session.id)
    async with database.unit_of_work() as uow:
        await users.revoke_session(uow, session.id)
    assert await users.actor_for_session(database, opened.cookie, address="", session_hours=12) is None


async def test_after_five_failures_a_login_waits_also_with_the_right_password(database: Database, anna: User) -> None:
    for _ in range(5):
        assert await attempt(database, "anna", "wrong") is NotSignedIn
    assert await attempt(database, "anna", PASSWORD) is TooMany
    assert await attempt(database, "anna", PASSWORD, address="10.0.0.2") is TooMany
    clock.shift(15 * 60 + 1)
    assert await attempt(database, "anna", PASSWORD) is None


async def test_a_success_forgives_the_failures_before_it(database: Database, anna: User) -> None:
    for _ in range(3):
        for _ in range(4):
            assert await attempt(database, "anna", "wrong", address="") is NotSignedIn
        assert await attempt(database, "anna", PASSWORD, address="") is None


async def test_tries_side_by_side_do_not_get_past_the_limit(database: Database, anna: User) -> None:
    results = await asyncio.gather(*(attempt(database, "anna", f"wrong {n}") for n in range(9)))
    assert results.count(NotSignedIn) == 5
    assert results.count(TooMany) == 4


async def test_an_address_that_tries_many_logins_waits(database: Database, anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong(_password: str, _stored: str | None) -> bool:
        return False

    monkeypatch.setattr(passwords, "verify", wrong)
    for n in range(20):
        assert await attempt(database, f"nobody{n}", "wrong") is NotSignedIn
    monkeypatch.undo()
    assert await attempt(database, "anna", PASSWORD) is TooMany
    assert await attempt(database, "anna", PASSWORD, address="10.0.0.2") is None


async def test_an_unknown_login_cannot_be_told_from_a_wrong_password(
    database: Database, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    real = argon2.PasswordHasher.verify

    def verify(self: argon2.PasswordHasher, stored: str, password: str) -> bool:
        hashed.append(password)
        return bool(real(self, stored, password))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    sentences = set()
    for login in ("anna", "nobody", "my secret password"):
        for n in range(6):
            with pytest.raises((NotSignedIn, TooMany)) as caught:
                await sign_in(database, login, f"wrong {n}", address="")
            sentences.add((type(caught.value), caught.value.sentence))
    assert len(sentences) == 2
    assert sorted(hashed) == sorted(f"wrong {n}" for n in range(5) for _ in range(3)), "each try costs one hash, known or not"
    async with database.reading() as uow:
        trail = [str(vars(each)) for each in await uow.session.scalars(select(AuditEntry))]
    assert not [each for each in trail if "my secret password" in each]


async def test_a_disabled_user_is_refused_like_a_wrong_password(database: Database, anna: User) -> None:
    async with database.unit_of_work() as uow:
        await users.update_user(uow, anna.id, disabled=True)
    assert await attempt(database, "anna", PASSWORD) is NotSignedIn


async def test_a_hash_with_old_parameters_is_made_anew_at_sign_in(database: Database, anna: User) -> None:
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    async with database.unit_of_work() as uow:
        await uow.session.execute(update(User).values(password_hash=old))
    await sign_in(database)
    async with database.reading() as uow:
        stored = (await uow.session.scalars(select(User))).one().password_hash
    assert stored != old
    assert not passwords.is_outdated(stored)
    await sign_in(database)


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$broken"])
async def test_no_password_fits_no_hash(stored: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    known = await passwords.make_hash(PASSWORD)
    monkeypatch.setattr(passwords, "_nobody", lambda: known)
    assert not await passwords.verify(PASSWORD, stored)


async def test_no_hash_is_computed_while_the_writer_waits(
    database: Database, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = []
    open_now = 0
    real = Database.unit_of_work
    real_verify, real_make = passwords.verify, passwords.make_hash

    @asynccontextmanager
    async def unit_of_work(self: Database, *args: object) -> AsyncIterator[UnitOfWork]:
        nonlocal open_now
        open_now += 1
        async with real(self, *args) as uow:  # type: ignore[arg-type]
            yield uow
        open_now -= 1

    async def verify(password: str, stored: str | None) -> bool:
        inside.append(bool(open_now))
        return await real_verify(password, stored)

    async def make_hash(password: str) -> str:
        inside.append(bool(open_now))
        return await real_make(password)

    monkeypatch.setattr(Database, "unit_of_work", unit_of_work)
    monkeypatch.setattr(passwords, "verify", verify)
    monkeypatch.setattr(passwords, "make_hash", make_hash)
    await sign_in(database)
    await users.set_password(database, users.actor_of(anna), anna.id, "another password", old=PASSWORD)
    await users.add_user(database, SYSTEM, "ewa", "Ewa", Role.CONSULTANT, PASSWORD)
    assert inside == [False] * 4
