"""Saved filters: one's own, under a name, not too many."""

import pytest

from callcenter.actor import Actor
from callcenter.db import Database
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.users import filters
from tests.callcenter.contacts.people import add_person

PAGE = "phone_meetings"


async def save(database: Database, who: Actor, name: str, query: str = "state=missed", page: str = PAGE) -> int:
    async with database.unit_of_work(who) as uow:
        return (await filters.save_filter(uow, page, name, query)).id


async def names(database: Database, who: Actor, page: str = PAGE) -> list[tuple[str, str]]:
    async with database.reading(who) as uow:
        return [(each.name, each.query) for each in await filters.list_filters(uow, page)]


async def test_filters_are_saved_under_a_name_and_the_same_name_replaces_them(database: Database) -> None:
    anna, bob = await add_person(database, "anna"), await add_person(database, "bob")
    await save(database, anna, "  Missed \n ones", "?state=missed&after=abc&q=")
    await save(database, anna, "afternoons", "q=\u0142ucja&state=due&state=planned")
    await save(database, bob, "Missed ones", "mode=manual")
    await save(database, anna, "Calls", "q=x", "calls")
    assert await names(database, anna) == [
        ("afternoons", "q=%C5%82ucja&state=due&state=planned"),
        ("Missed ones", "state=missed"),
    ]
    await save(database, anna, "Missed ones", "state=missed&user=me")
    assert ("Missed ones", "state=missed&user=me") in await names(database, anna)
    assert len(await names(database, anna)) == 2
    assert len(await names(database, anna, "")) == 3
    assert await names(database, bob) == [("Missed ones", "mode=manual")]


async def test_only_ones_own_filters_are_renamed_and_deleted(database: Database) -> None:
    anna, bob = await add_person(database, "anna"), await add_person(database, "bob")
    first, second = await save(database, anna, "First"), await save(database, anna, "Second")
    for door in (filters.delete_filter, filters.rename_filter):
        with pytest.raises(NotFound):
            async with database.unit_of_work(bob) as uow:
                await door(uow, first, *(["Mine"] if door is filters.rename_filter else []))
    async with database.unit_of_work(anna) as uow:
        await filters.rename_filter(uow, first, "Later")
    with pytest.raises(Conflict):
        async with database.unit_of_work(anna) as uow:
            await filters.rename_filter(uow, first, "Second")
    async with database.unit_of_work(anna) as uow:
        await filters.delete_filter(uow, second)
    assert [name for name, _ in await names(database, anna)] == ["Later"]


@pytest.mark.parametrize(
    ("page", "name", "query", "field"),
    [
        (PAGE, " ", "q=x", "name"),
        (PAGE, "x" * 61, "q=x", "name"),
        (PAGE, "x", "", "query"),
        (PAGE, "x", "?after=abc", "query"),
        (PAGE, "x", "q=" + "x" * 2000, "query"),
        (PAGE, "x", "q=%ff", "query"),
        (PAGE, "x", "q=%00", "query"),
        (PAGE, "x", "&".join(f"a{n}=1" for n in range(201)), "query"),
        ("../x", "x", "q=x", "page"),
    ],
)
async def test_what_cannot_be_kept_is_said_on_the_field_at_fault(
    database: Database, page: str, name: str, query: str, field: str
) -> None:
    anna = await add_person(database, "anna")
    with pytest.raises(Invalid) as refused:
        await save(database, anna, name, query, page)
    assert refused.value.field == field


async def test_fifty_are_enough(database: Database) -> None:
    anna = await add_person(database, "anna")
    for number in range(filters.MOST):
        await save(database, anna, f"Filter {number}")
    with pytest.raises(Conflict, match="50"):
        await save(database, anna, "One more")
    await save(database, anna, "Filter 7", "q=changed")


async def test_the_system_has_none(database: Database) -> None:
    with pytest.raises(CallCenterError):
        async with database.reading() as uow:
            await filters.list_filters(uow)
