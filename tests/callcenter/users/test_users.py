"""Users, what they may change, and the audit trail, on both databases."""

import asyncio

import pytest
from sqlalchemy import select

from callcenter.actor import SYSTEM, Actor, Role
from callcenter.db import Database
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, NotPermitted
from callcenter.users import service as users
from callcenter.users.models import AuditEntry, Token, User
from callcenter.users.preferences import parse_shortcut

PASSWORD = "correct horse battery"


async def add(database: Database, login: str, role: Role) -> Actor:
    user = await users.add_user(database, SYSTEM, login, login.title(), role, PASSWORD)
    return users.actor_of(user)


async def test_a_user_is_added_once_with_a_hash_and_a_trail(database: Database) -> None:
    user = await users.add_user(database, SYSTEM, " Anna ", " Anna  Nowak ", "consultant", PASSWORD, "pl")
    assert (user.login, user.name, user.role, user.language) == ("anna", "Anna Nowak", "consultant", "pl")
    assert user.password_hash.startswith("$argon2id$")
    with pytest.raises(Conflict):
        await users.add_user(database, SYSTEM, "ANNA", "Other", Role.CONSULTANT, PASSWORD)
    async with database.reading() as uow:
        assert [each.id for each in await users.list_users(uow)] == [user.id]
        [entry] = await users.list_audit(uow)
    assert (entry.action, entry.subject, entry.subject_id) == ("user.added", "user", str(user.id))
    assert PASSWORD not in str(entry.detail)


@pytest.mark.parametrize(
    ("login", "name", "role", "password", "language", "field"),
    [
        ("an na", "Anna", "consultant", PASSWORD, "en", "login"),
        ("", "Anna", "consultant", PASSWORD, "en", "login"),
        ("x" * 65, "Anna", "consultant", PASSWORD, "en", "login"),
        ("anna", "  ", "consultant", PASSWORD, "en", "name"),
        ("anna", "A\x00", "consultant", PASSWORD, "en", "name"),
        ("anna", "Anna", "system", PASSWORD, "en", "role"),
        ("anna", "Anna", "king", PASSWORD, "en", "role"),
        ("anna", "Anna", "consultant", "too short", "en", "password"),
        ("anna", "Anna", "consultant", "x" * 1001, "en", "password"),
        ("anna", "Anna", "consultant", "aaaaaaaaaaaa", "en", "password"),
        ("anna.nowak", "Anna", "consultant", "Anna.Nowak", "en", "password"),
        ("anna", "Anna", "consultant", PASSWORD, "de", "language"),
    ],
)
async def test_what_cannot_be_a_user_is_refused_with_the_field_at_fault(
    database: Database, login: str, name: str, role: str, password: str, language: str, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await users.add_user(database, SYSTEM, login, name, role, password, language)
    assert caught.value.field == field


async def test_the_last_administrator_stays_one(database: Database) -> None:
    first = await add(database, "first", Role.ADMINISTRATOR)
    second = await add(database, "second", Role.ADMINISTRATOR)
    async with database.unit_of_work(first) as uow:
        await users.update_user(uow, second.id, role="consultant")
    for change in ({"role": Role.SUPERVISOR}, {"disabled": True}):
        with pytest.raises(Conflict):
            async with database.unit_of_work(first) as uow:
                await users.update_user(uow, first.id, **change)
    async with database.unit_of_work(first) as uow:
        assert (await users.update_user(uow, first.id, name="Still", role="administrator")).name == "Still"


async def test_two_administrators_cannot_demote_each_other_at_once(database: Database) -> None:
    one, two = await add(database, "one", Role.ADMINISTRATOR), await add(database, "two", Role.ADMINISTRATOR)

    async def demote(actor: Actor, other: int) -> None:
        async with database.unit_of_work(actor) as uow:
            await users.update_user(uow, other, role=Role.CONSULTANT)

    results = await asyncio.gather(demote(one, two.id), demote(two, one.id), return_exceptions=True)
    assert [type(each) for each in results if each is not None] == [Conflict]
    async with database.reading() as uow:
        assert len(list(await uow.session.scalars(select(User).where(User.role == "administrator")))) == 1


async def test_who_is_shut_out_loses_sessions_and_tokens(database: Database) -> None:
    boss = await add(database, "boss", Role.ADMINISTRATOR)
    anna = await add(database, "anna", Role.CONSULTANT)
    opened = await users.sign_in(database, "anna", PASSWORD, address="10.0.0.1", agent="test", session_hours=12)
    async with database.unit_of_work(anna) as uow:
        token = await users.add_token(uow, "anna", "script")
    async with database.unit_of_work(boss) as uow:
        await users.update_user(uow, anna.id, disabled=True)
    async with database.unit_of_work(boss) as uow:
        await users.update_user(uow, anna.id, disabled=False)
    assert await users.actor_for_session(database, opened.cookie, address="10.0.0.1", session_hours=12) is None
    assert await users.actor_for_token(database, token, address="10.0.0.1") is None
    async with database.reading(boss) as uow:
        assert await users.list_tokens(uow, anna.id) == []
        assert await users.list_sessions(uow, anna.id) == []


async def test_roles_are_checked(database: Database) -> None:
    boss = await add(database, "boss", Role.ADMINISTRATOR)
    anna = await add(database, "anna", Role.CONSULTANT)
    sven = await add(database, "sven", Role.SUPERVISOR)
    with pytest.raises(NotPermitted):
        await users.add_user(database, sven, "new", "New", Role.CONSULTANT, PASSWORD)
    with pytest.raises(NotPermitted):
        await users.set_password(database, anna, boss.id, PASSWORD)
    async with database.unit_of_work(anna) as uow:
        assert (await users.get_user(uow, anna.id)).login == "anna"
        refused = [
            users.get_user(uow, boss.id),
            users.list_users(uow),
            users.update_user(uow, anna.id, role=Role.ADMINISTRATOR),
            users.list_audit(uow),
            users.list_sessions(uow, boss.id),
            users.list_tokens(uow, boss.id),
            users.add_token(uow, "boss"),
        ]
        for each in refused:
            with pytest.raises(CallCenterError) as caught:
                await each
            assert isinstance(caught.value, NotPermitted | NotFound)
    async with database.reading(sven) as uow:
        assert len(await users.list_users(uow)) == 3
        assert await users.supervisors(uow) == sorted([boss.id, sven.id])


async def test_preferences_are_checked_kept_apart_and_put_back(database: Database) -> None:
    anna = await add(database, "anna", Role.CONSULTANT)

    async def choose(**chosen: object) -> User:
        async with database.unit_of_work(anna) as uow:
            return await users.set_preferences(uow, **chosen)  # type: ignore[arg-type]

    user = await choose(language="pl", time_zone="Europe/London", answer_shortcut="alt+shift+q", ring_device="abc")
    assert (user.language, user.time_zone) == ("pl", "Europe/London")
    assert user.preferences == {"answer_shortcut": "Alt+Shift+Q", "ring_device": "abc"}
    assert (await choose(ring_device=None, ring_volume=30)).preferences == {"answer_shortcut": "Alt+Shift+Q", "ring_volume": 30}
    assert users.Preferences(**user.preferences).microphone == ""
    wrong: list[tuple[str, object]] = [
        ("language", "de"), ("time_zone", "Mars/Base"), ("time_zone", "../etc/passwd"), ("time_zone", ""),
        ("answer_shortcut", "Enter"), ("ring_volume", 101),
        ("theme", "pink"), ("unknown", 1), ("microphone", "x" * 201),
    ]  # fmt: skip
    for field, value in wrong:
        with pytest.raises(Invalid) as caught:
            await choose(**{field: value})
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("", ""), ("Alt+A", "Alt+A"), ("shift+ctrl+9", "Ctrl+Shift+9"), ("F9", "F9"), ("shift+f12", "Shift+F12")],
)
def test_a_shortcut_has_one_spelling(typed: str, kept: str) -> None:
    assert parse_shortcut(typed) == kept


@pytest.mark.parametrize(
    "typed", ["A", "Shift+A", "Enter", "Alt+Enter", "Space", "Ctrl+ ", "Alt+Alt+A", "F13", "Alt+", "+", "Hyper+A"]
)
def test_nothing_a_person_types_can_be_a_shortcut(typed: str) -> None:
    with pytest.raises(ValueError, match="not a shortcut"):
        parse_shortcut(typed)


async def test_the_trail_is_paged_and_filtered(database: Database) -> None:
    boss = await add(database, "boss", Role.ADMINISTRATOR)
    async with database.unit_of_work(boss) as uow:
        for n in range(5):
            users.audit(
                uow, "trunk.updated" if n % 2 else "trunk.added", "trunk", n, when=uow.now, roles={Role.CONSULTANT}, count=n
            )
    async with database.reading(boss) as uow:
        first = await users.list_audit(uow, action="trunk.", limit=2)
        rest = await users.list_audit(uow, action="trunk.", before=first[-1].id)
        assert [each.subject_id for each in [*first, *rest]] == ["4", "3", "2", "1", "0"]
        assert [each.subject_id for each in await users.list_audit(uow, action="trunk.updated")] == ["3", "1"]
        assert [each.action for each in await users.list_audit(uow, subject="trunk", subject_id="2")] == ["trunk.added"]
        assert {each.actor_id for each in await users.list_audit(uow, actor_id=boss.user_id)} == {boss.user_id}
        assert first[0].detail["roles"] == ["consultant"]
        assert await users.list_audit(uow, action="%") == []


async def test_a_password_is_changed_with_the_old_one_and_ends_the_other_sessions(database: Database) -> None:
    anna = await add(database, "anna", Role.CONSULTANT)
    here = await users.sign_in(database, "anna", PASSWORD, address="", agent="", session_hours=1)
    there = await users.sign_in(database, "anna", PASSWORD, address="", agent="", session_hours=1)
    actor = await users.actor_for_session(database, here.cookie, address="", session_hours=1)
    assert actor is not None
    for old, new, field in ((None, "a new password", "old"), ("wrong", "a new password", "old"), (PASSWORD, "short", "password")):
        with pytest.raises(Invalid) as caught:
            await users.set_password(database, actor, anna.id, new, old=old)
        assert caught.value.field == field
    await users.set_password(database, actor, anna.id, "a new password", old=PASSWORD)
    assert await users.actor_for_session(database, here.cookie, address="", session_hours=1) == actor
    assert await users.actor_for_session(database, there.cookie, address="", session_hours=1) is None
    assert (await users.sign_in(database, "anna", "a new password", address="", agent="", session_hours=1)).user.id == anna.id


async def test_no_secret_is_stored(database: Database) -> None:
    await add(database, "anna", Role.CONSULTANT)
    opened = await users.sign_in(database, "anna", PASSWORD, address="", agent="", session_hours=1)
    async with database.unit_of_work() as uow:
        token = await users.add_token(uow, "anna")
    async with database.reading() as uow:
        rows = [str(vars(each)) for model in (User, Token, AuditEntry) for each in await uow.session.scalars(select(model))]
    assert rows
    for secret in (PASSWORD, opened.cookie, token):
        assert not [row for row in rows if secret in row]
