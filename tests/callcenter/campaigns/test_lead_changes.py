"""What supervisors do with leads."""

from typing import Any

import pytest

from callcenter.actor import AccountRole
from callcenter.campaigns import lead_changes as changes
from callcenter.campaigns import leads
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from tests.callcenter.calls.floor import Floor
from tests.callcenter.campaigns.lists import HOUR, campaign, decisions, lead, row


async def first(floor: Floor, campaign_id: int) -> int:
    async with floor.database.unit_of_work() as uow:
        return (await leads.take(uow, campaign_id, 1))[0].id


async def test_called_next_means_before_all_others(floor: Floor) -> None:
    spring = await campaign(floor)
    await lead(floor, spring, "+48601000001", priority=1)
    now = (await row(floor, 1)).next_at
    late = await lead(floor, spring, "+48601000002", priority=5, next_at=now + HOUR, refusal="delay")
    await floor.do("sue", changes.call_next, late)
    assert await first(floor, spring) == late
    assert await decisions(floor, late) == [("called_next", {})]


async def test_one_that_was_given_up_is_called_next_with_its_attempts_counted_anew(floor: Floor) -> None:
    spring = await campaign(floor)
    given_up = await lead(floor, spring, state="exhausted", attempts=5, position=1)
    await floor.do("sue", changes.call_next, given_up)
    found = await row(floor, given_up)
    assert (found.state, found.attempts, found.position) == ("waiting", 0, 0)


async def test_put_off_removed_and_put_back(floor: Floor) -> None:
    spring = await campaign(floor)
    one = await lead(floor, spring)
    until = (await row(floor, one)).next_at + HOUR
    await floor.do("sue", changes.put_off, one, until)
    assert ((await row(floor, one)).next_at, (await row(floor, one)).refusal) == (until, "by_hand")
    await floor.do("sue", changes.remove, one)
    assert (await row(floor, one)).state == "removed"
    await floor.do("sue", changes.put_back, one)
    assert await first(floor, spring) == one
    assert [code for code, _ in await decisions(floor, one)] == ["by_hand", "removed", "put_back"]


@pytest.mark.parametrize("state", ["shown", "dialling", "talking"])
async def test_nobody_changes_a_lead_that_is_being_called(floor: Floor, state: str) -> None:
    one = await lead(floor, await campaign(floor), state=state)
    for door, given in ((changes.call_next, ()), (changes.remove, ()), (changes.put_back, ()), (changes.set_priority, (1,))):
        with pytest.raises(Conflict):
            await floor.do("sue", door, one, *given)
    assert await decisions(floor, one) == []


async def test_only_supervisors_and_only_sense(floor: Floor) -> None:
    one = await lead(floor, await campaign(floor))
    with pytest.raises(NotPermitted):
        await floor.do("anna", changes.remove, one)
    wrong: list[tuple[Any, Any, Any]] = [
        (changes.set_priority, 0, Invalid),
        (changes.set_priority, 6, Invalid),
        (changes.put_off, (await row(floor, one)).next_at, Invalid),
        (changes.put_off, (await row(floor, one)).next_at + HOUR * 24 * 400, Invalid),
    ]
    for door, given, error in wrong:
        with pytest.raises(error):
            await floor.do("sue", door, one, given)
    with pytest.raises(Conflict):
        await floor.do("sue", changes.put_back, one)  # it waits already


async def test_a_done_one_may_not_be_removed(floor: Floor) -> None:
    """What was reached stays counted."""
    one = await lead(floor, await campaign(floor), state="done")
    with pytest.raises(Conflict):
        await floor.do("sue", changes.remove, one)


async def test_whom_a_supervisor_may_not_see_they_cannot_change(floor: Floor) -> None:
    spring = await campaign(floor)
    one = await lead(floor, spring, contact_id=await floor.add_contact("Jan Kowalski", "+48601000001"))
    await floor.give("sue", AccountRole.PARTNER_READER)
    before = (await row(floor, one)).priority
    for change, *args in ((changes.call_next,), (changes.remove,), (changes.set_priority, 1)):
        with pytest.raises(NotFound):
            await floor.do("sue", change, one, *args)
    assert ((await row(floor, one)).priority, await decisions(floor, one)) == (before, [])
