"""The words people choose from, and what becomes of them where they are chosen."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select

from callcenter import clock
from callcenter.actor import Actor, Role
from callcenter.contacts import custom_fields, dictionaries, replacing, words
from callcenter.contacts import service as contacts
from callcenter.contacts.custom_fields import CustomFieldInput
from callcenter.contacts.field_models import CustomValue
from callcenter.contacts.models import ContactTag
from callcenter.contacts.service import ContactInput
from callcenter.contacts.timeline import newest
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.jobs import Job
from callcenter.scheduler import Scheduler
from tests.callcenter.contacts.people import add_person


async def administrator(database: Database, *stages: str, kind: str = "stage") -> Actor:
    actor = await add_person(database, "ada", Role.ADMINISTRATOR)
    async with database.unit_of_work(actor) as uow:
        for each in stages:
            await dictionaries.add_entry(uow, kind, each)
    return actor


async def names(database: Database, actor: Actor, kind: str = "stage", *, retired: bool = False) -> list[str]:
    async with database.reading(actor) as uow:
        return [each.name for each in await dictionaries.list_entries(uow, kind, retired=retired)]


async def ids(database: Database, actor: Actor, kind: str = "stage") -> dict[str, int]:
    async with database.reading(actor) as uow:
        return {each.name: each.id for each in await dictionaries.list_entries(uow, kind, retired=True)}


async def add(database: Database, actor: Actor, count: int = 1, **fields: object) -> list[int]:
    async with database.unit_of_work(actor) as uow:
        data = ContactInput.model_validate({"last_name": "Nowak"} | fields)
        return [(await contacts.create_contact(uow, data, "PL")).id for _ in range(count)]


async def stage_of(database: Database, actor: Actor, contact_id: int) -> tuple[str, int]:
    async with database.reading(actor) as uow:
        contact = await contacts.get_contact(uow, contact_id)
        return contact.stage.name if contact.stage else "", contact.version


async def run_jobs(database: Database) -> int:
    """Do the replacing to its end; returns in how many batches."""
    scheduler, batches = Scheduler(database), 0
    while True:
        async with database.reading() as uow:
            if not await replacing.under_way(uow):
                return batches
        batches += await scheduler.run_due()


async def test_words_are_kept_in_order_renamed_and_unique_however_they_are_written(database: Database) -> None:
    actor = await administrator(database, "Lead", "Customer", "Łączy")
    entry = await ids(database, actor)
    async with database.unit_of_work(actor) as uow:
        await dictionaries.update_entry(uow, "stage", entry["Łączy"], place=1)
        await dictionaries.update_entry(uow, "stage", entry["Lead"], name="Hot  lead")
    assert await names(database, actor) == ["Łączy", "Hot lead", "Customer"]
    refused: list[tuple[Callable[[UnitOfWork], Awaitable[object]], type[Exception]]] = [
        (lambda uow: dictionaries.add_entry(uow, "stage", "LACZY"), Conflict),
        (lambda uow: dictionaries.add_entry(uow, "stage", "  "), Invalid),
        (lambda uow: dictionaries.add_entry(uow, "stage", "x" * 101), Invalid),
        (lambda uow: dictionaries.add_entry(uow, "wrong", "x"), Invalid),
        (lambda uow: dictionaries.update_entry(uow, "stage", entry["Lead"], name="customer"), Conflict),
        (lambda uow: dictionaries.update_entry(uow, "tag", entry["Lead"], name="x"), NotFound),
        (lambda uow: dictionaries.retire_entry(uow, "stage", entry["Lead"], "replace", "nowhere"), Invalid),
        (lambda uow: dictionaries.retire_entry(uow, "stage", entry["Lead"], "replace", "hot lead"), Invalid),
    ]
    for call, refusal in refused:
        async with database.unit_of_work(actor) as uow:
            with pytest.raises(refusal):
                await call(uow)
            await uow.session.rollback()
    consultant = await add_person(database, "carl")
    async with database.unit_of_work(consultant) as uow:
        with pytest.raises(NotPermitted):
            await dictionaries.add_entry(uow, "stage", "Mine")


async def test_a_retired_word_stays_where_it_is_chosen_and_may_not_be_newly_chosen(database: Database) -> None:
    actor = await administrator(database, "Lead", "Customer")
    [has] = await add(database, actor, stage="lead")
    async with database.unit_of_work(actor) as uow:
        entry = (await ids(database, actor))["Lead"]
        assert await dictionaries.used(uow, "stage", entry) == 1
        await dictionaries.retire_entry(uow, "stage", entry)
    assert await names(database, actor) == ["Customer"]
    assert await names(database, actor, retired=True) == ["Customer", "Lead"]
    async with database.unit_of_work(actor) as uow:
        await contacts.update_contact(uow, has, ContactInput(last_name="Nowy", stage="Lead"), 1, "PL")
    assert await stage_of(database, actor, has) == ("Lead", 2)
    with pytest.raises(Invalid) as refused:
        await add(database, actor, stage="Lead")
    assert refused.value.field == "stage"
    async with database.unit_of_work(actor) as uow:
        with pytest.raises(Conflict, match="Bring it back"):
            await dictionaries.add_entry(uow, "stage", "lead")
        await dictionaries.restore_entry(uow, "stage", entry)
    await add(database, actor, stage="Lead")
    assert await names(database, actor) == ["Customer", "Lead"]


async def test_another_word_takes_the_place_of_a_retired_one_in_batches_and_timelines_tell(database: Database) -> None:
    actor = await administrator(database, "Lead", "Customer")
    have = await add(database, actor, 120, stage="Lead")
    [other] = await add(database, actor, stage="Customer")
    async with database.unit_of_work(actor) as uow:
        await dictionaries.retire_entry(uow, "stage", (await ids(database, actor))["Lead"], "replace", "customer")
    assert await run_jobs(database) >= 2
    for each in (have[0], have[-1]):
        assert await stage_of(database, actor, each) == ("Customer", 2)
    assert await stage_of(database, actor, other) == ("Customer", 1)
    async with database.reading(actor) as uow:
        [entry] = await newest(uow, contact_id=have[7])
        assert (entry.kind, entry.user_id, entry.data["fields"]) == ("change", actor.user_id, {"stage": ["Lead", "Customer"]})


async def test_of_many_contacts_the_timelines_do_not_tell(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replacing, "TOLD", 2)
    actor = await administrator(database, "Lead")
    have = await add(database, actor, 3, stage="Lead")
    async with database.unit_of_work(actor) as uow:
        await dictionaries.retire_entry(uow, "stage", (await ids(database, actor))["Lead"], "clear")
    await run_jobs(database)
    assert await stage_of(database, actor, have[2]) == ("", 2)
    async with database.reading(actor) as uow:
        assert await newest(uow, contact_id=have[2]) == []


async def test_replacing_goes_on_after_a_crash_in_the_middle_and_stops_when_the_word_is_back(database: Database) -> None:
    actor = await administrator(database, "Lead")
    have = await add(database, actor, 120, stage="Lead")
    entry = (await ids(database, actor))["Lead"]
    async with database.unit_of_work(actor) as uow:
        await dictionaries.retire_entry(uow, "stage", entry, "clear")
    await Scheduler(database).run_due()
    with pytest.raises(RuntimeError, match="power"):  # a batch that is not committed leaves nothing
        async with database.unit_of_work() as uow:
            [payload] = (await replacing.under_way(uow)).values()
            await replacing.step(uow, payload)
            raise RuntimeError("power")
    cleared = [each for each in have if await stage_of(database, actor, each) == ("", 2)]
    assert 0 < len(cleared) < 120
    async with database.unit_of_work(actor) as uow:
        await dictionaries.restore_entry(uow, "stage", entry)
        assert await replacing.under_way(uow) == {}
    assert await run_jobs(database) == 0
    async with database.unit_of_work(actor) as uow:
        assert await dictionaries.used(uow, "stage", entry) == 120 - len(cleared)
        await dictionaries.retire_entry(uow, "stage", entry, "clear")
    clock.shift(1)
    await run_jobs(database)
    assert {await stage_of(database, actor, each) for each in have} == {("", 2)}


async def test_a_tag_becomes_another_also_where_both_are(database: Database) -> None:
    actor = await administrator(database, "vip", "gold", kind="tag")
    [one] = await add(database, actor, tags=["vip"])
    [both] = await add(database, actor, tags=["vip", "gold"])
    async with database.unit_of_work(actor) as uow:
        await dictionaries.retire_entry(uow, "tag", (await ids(database, actor, "tag"))["vip"], "replace", "gold")
    await run_jobs(database)
    async with database.reading(actor) as uow:
        gold = (await ids(database, actor, "tag"))["gold"]
        rows = await uow.session.execute(select(ContactTag.contact_id, ContactTag.entry_id).order_by(ContactTag.contact_id))
        assert [tuple(each) for each in rows] == [(one, gold), (both, gold)]


async def test_an_option_becomes_another_and_a_field_is_cleared(database: Database) -> None:
    actor = await administrator(database)
    async with database.unit_of_work(actor) as uow:
        field = await custom_fields.add_field(uow, CustomFieldInput(name="Likes", kind="choices", options=["Golf", "Chess"]))
    [one] = await add(database, actor, custom={"likes": ["Golf"]})
    [both] = await add(database, actor, custom={"likes": ["Golf", "Chess"]})
    golf, chess = field.options
    async with database.unit_of_work(actor) as uow:
        await custom_fields.retire_option(uow, field.field.id, golf.id, "replace", "chess")
    await run_jobs(database)
    async with database.reading(actor) as uow:
        rows = await uow.session.execute(select(CustomValue.contact_id, CustomValue.option_id).order_by(CustomValue.contact_id))
        assert [tuple(each) for each in rows] == [(one, chess.id), (both, chess.id)]
    async with database.unit_of_work(actor) as uow:
        await custom_fields.retire_field(uow, field.field.id, "clear")
    await run_jobs(database)
    async with database.reading(actor) as uow:
        assert list(await uow.session.scalars(select(CustomValue))) == []
        assert list(await uow.session.scalars(select(Job.key).where(Job.kind == replacing.KIND))) == []


async def test_what_is_counted_ends_where_it_would_take_long(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "COUNTED", 2)
    actor = await administrator(database, "Lead")
    await add(database, actor, 5, stage="Lead")
    async with database.reading(actor) as uow:
        assert await dictionaries.used(uow, "stage", (await ids(database, actor))["Lead"]) == 3
