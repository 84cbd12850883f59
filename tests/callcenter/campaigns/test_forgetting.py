"""Leads of contacts that are merged, deleted, or older than they are kept."""

from callcenter.campaigns.lead_models import Lead, LeadNumber
from callcenter.contacts import bulk_acts, merging
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput, NumberInput
from callcenter.db import UnitOfWork
from callcenter.privacy import retention
from tests.callcenter.calls.floor import ADMIN, Floor
from tests.callcenter.campaigns.lists import campaign, decisions, lead, row

YEAR = 400 * 24 * 3600


async def contact(floor: Floor, first: str, number: str) -> int:
    given = ContactInput(first_name=first, last_name="Kowal", numbers=[NumberInput(number=number)])
    return int((await floor.do("sue", contacts.create_contact, given, "PL")).id)


async def test_a_merged_contact_takes_its_leads_along(floor: Floor) -> None:
    spring = await campaign(floor)
    kept, lost = await contact(floor, "Jan", "601000001"), await contact(floor, "Janek", "601000002")
    one = await lead(floor, spring, "+48601000002", contact_id=lost)
    await floor.do("sue", merging.merge, kept, lost, merging.MergeInput(version=1, other_version=1))
    assert (await row(floor, one)).contact_id == kept


async def test_a_deleted_contact_is_called_no_more(floor: Floor) -> None:
    spring = await campaign(floor)
    jan = await contact(floor, "Jan", "601000001")
    waiting = await lead(floor, spring, "+48601000001", contact_id=jan)
    done = await lead(floor, spring, "+48601000002", contact_id=jan, state="done")

    async def remove(uow: UnitOfWork) -> None:
        await bulk_acts.remove(uow, [jan], {})

    await floor.do("sue", remove)
    gone = await row(floor, waiting)
    assert (gone.state, gone.contact_id, gone.name) == ("removed", None, "Jan Kowalski")
    assert [code for code, _ in await decisions(floor, waiting)] == ["contact_deleted"]
    assert (await row(floor, done)).state == "done"


async def retain(floor: Floor, months: int = 12) -> None:
    async with floor.database.unit_of_work(ADMIN) as uow:
        await retention.set_rule(uow, "leads", months)
    async with floor.database.unit_of_work() as uow:
        await retention.work(uow, {"what": "leads"})


async def test_old_leads_lose_their_names_and_numbers_and_still_count(floor: Floor) -> None:
    spring, over = await campaign(floor), await campaign(floor, "Over", state="finished")
    waiting = await lead(floor, spring, "+48601000001")
    done = await lead(floor, spring, "+48601000002", state="done", outcome="talked")
    left = await lead(floor, over, "+48601000003")
    floor.shift(YEAR)
    fresh = await lead(floor, spring, "+48601000004", state="done")
    await retain(floor)
    assert [(await row(floor, each)).name for each in (waiting, done, left, fresh)] == ["Jan Kowalski", "", "", "Jan Kowalski"]
    assert [(await row(floor, each)).state for each in (waiting, done, left)] == ["waiting", "done", "refused"]
    assert sorted(each.number[-1] for each in await floor.all(LeadNumber)) == ["1", "4"]
    assert len(await floor.all(Lead)) == 4


async def test_a_contact_whom_a_campaign_is_to_call_is_kept(floor: Floor) -> None:
    spring = await campaign(floor)
    waits, over = await contact(floor, "Jan", "601000001"), await contact(floor, "Ewa", "601000002")
    await lead(floor, spring, "+48601000001", contact_id=waits)
    await lead(floor, spring, "+48601000002", contact_id=over, state="done")
    floor.shift(YEAR)
    async with floor.database.unit_of_work(ADMIN) as uow:
        await retention.set_rule(uow, "contacts", 12)
    async with floor.database.unit_of_work() as uow:
        await retention.work(uow, {"what": "contacts"})
    async with floor.database.reading() as uow:
        assert [each.id for each in (await contacts.list_contacts(uow, q="kowal")).items] == [waits]
