"""Do not call again, pressed by whoever talks with the customer."""

import pytest

from callcenter.calls import service as calls
from callcenter.contacts import consents, suppressions
from callcenter.errors import DoNotContact, Invalid, NotFound
from callcenter.users.models import AuditEntry
from tests.callcenter.calls.floor import CALLER, Floor


async def listed(floor: Floor, project_id: int | None = None) -> bool:
    async with floor.database.reading() as uow:
        return await suppressions.is_listed(uow, CALLER, "PL", project_id=project_id)


async def test_during_a_call_the_customer_is_put_on_the_projects_list(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    await floor.ready("anna")
    _, call_id = await floor.talk("anna")
    shown = await floor.do("anna", calls.do_not_call, call_id)
    await floor.do("anna", calls.do_not_call, call_id)  # pressed twice
    assert shown.id == call_id
    assert (await listed(floor, floor.project_id), await listed(floor)) == (True, False)
    entries = [each for each in await floor.timeline(contact_id) if each.kind == "consent"]
    assert [(each.data["project"], each.data["given"], each.call_id) for each in entries] == [("Sales", False, call_id)]
    audited = [each for each in await floor.all(AuditEntry) if each.action == "do_not_call.in_call"]
    assert [each.subject_id for each in audited] == [call_id, call_id]
    async with floor.database.reading(floor.people["anna"]) as uow:
        assert await consents.history(uow, contact_id) == []
        with pytest.raises(DoNotContact):
            await consents.check(uow, "call", contact_id=None, number=CALLER, project_id=floor.project_id)
        await consents.check(uow, "call", contact_id=None, number=CALLER, project_id=floor.project_id + 1)


async def test_everywhere_is_an_objection_of_the_contact_too(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    await floor.ready("anna")
    _, call_id = await floor.talk("anna")
    await floor.do("anna", calls.do_not_call, call_id, everywhere=True)
    assert await listed(floor)
    async with floor.database.reading(floor.people["anna"]) as uow:
        said = await consents.history(uow, contact_id)
    assert [(each.channel, each.given, each.source) for each in said] == [("call", False, "Said in a call.")]


async def test_a_call_that_is_not_ones_own_or_has_no_number_is_refused(floor: Floor) -> None:
    await floor.ready("anna")
    _, call_id = await floor.talk("anna", number="", withheld=True)
    with pytest.raises(Invalid):
        await floor.do("anna", calls.do_not_call, call_id)
    with pytest.raises(NotFound):
        await floor.do("bob", calls.do_not_call, call_id)
