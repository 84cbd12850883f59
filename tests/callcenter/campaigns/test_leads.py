"""Leads: who gets the next ones, and how they change."""

import asyncio
import re
from typing import Any

import pytest

from callcenter.campaigns import lead_states, leads
from callcenter.campaigns.lead_models import LeadState
from callcenter.errors import Conflict, NotFound
from tests.callcenter.calls.floor import Floor
from tests.callcenter.campaigns.lists import HOUR, campaign, decisions, lead, row

S = LeadState
ALLOWED = {
    "waiting": "shown dialling done exhausted refused removed",
    "shown": "waiting dialling exhausted refused",
    "dialling": "waiting talking done exhausted refused uncertain",
    "talking": "waiting done exhausted refused uncertain",
    "done": "waiting exhausted refused",
    "exhausted": "waiting done refused removed",
    "refused": "waiting done exhausted removed",
    "uncertain": "waiting talking done exhausted refused removed",
    "removed": "waiting",
}


@pytest.mark.parametrize("before", list(S))
@pytest.mark.parametrize("after", list(S))
def test_the_table_of_changes(before: LeadState, after: LeadState) -> None:
    assert lead_states.may_follow(before, after) == (before is after or after.value in ALLOWED[before.value].split())


def test_what_is_over_may_be_put_back_and_what_goes_on_may_not() -> None:
    assert not lead_states.PUT_BACK & lead_states.GOING
    assert all(lead_states.may_follow(each, S.WAITING) for each in lead_states.PUT_BACK)


async def took(floor: Floor, campaign_id: int, n: int = 10, **how: Any) -> list[int]:
    async with floor.database.unit_of_work() as uow:
        return [each.id for each in await leads.take(uow, campaign_id, n, **how)]


async def test_the_first_priority_comes_first_then_who_waits_longest(floor: Floor) -> None:
    spring, other = await campaign(floor), await campaign(floor, "Other")
    now = (await row(floor, await lead(floor, other))).next_at
    late = await lead(floor, spring, "+48601000001", priority=5, next_at=now - 3 * HOUR)
    usual = [await lead(floor, spring, f"+4860100001{each}", next_at=now - each * HOUR) for each in range(3)]
    first = await lead(floor, spring, "+48601000003", priority=1)
    await lead(floor, spring, "+48601000004", priority=1, next_at=now + HOUR)
    await lead(floor, spring, "+48601000005", state="done")
    assert await took(floor, spring, 2) == [first, usual[2]]
    assert (await row(floor, first)).state == "dialling"
    assert await took(floor, spring) == [usual[1], usual[0], late]
    assert await took(floor, spring) == []
    floor.shift(3601)
    assert len(await took(floor, spring)) == 1


async def test_who_was_abandoned_is_taken_only_with_an_agent(floor: Floor) -> None:
    spring = await campaign(floor)
    plain = await lead(floor, spring)
    abandoned = await lead(floor, spring, "+48601000002", needs_agent=True, priority=1)
    assert await took(floor, spring, needs_agent=False) == [plain]
    assert await took(floor, spring, needs_agent=False) == []
    anna = floor.people["anna"].id
    assert await took(floor, spring, needs_agent=True, state=S.SHOWN, user_id=anna) == [abandoned]
    shown = await row(floor, abandoned)
    assert (shown.state, shown.user_id) == ("shown", anna)


async def test_two_who_take_at_once_never_have_the_same_lead(floor: Floor) -> None:
    """Both transactions are open at the same time on PostgreSQL; SQLite lets one write at a time."""
    spring = await campaign(floor)
    all_of_them = {await lead(floor, spring, f"+486010000{each:02}", priority=1 + each % 5) for each in range(30)}
    open_at_once = asyncio.Barrier(1 if floor.database.sqlite else 4)

    async def work() -> list[int]:
        async with floor.database.unit_of_work() as uow:
            found = [each.id for each in await leads.take(uow, spring, 8)]
            await open_at_once.wait()
        return found

    async with asyncio.timeout(60):
        parts = await asyncio.gather(*(work() for _ in range(4)))
    taken = [each for part in parts for each in part]
    assert len(taken) == len(set(taken)) == 30
    assert set(taken) == all_of_them


async def test_what_is_rolled_back_can_be_taken_again(floor: Floor) -> None:
    spring = await campaign(floor)
    one = await lead(floor, spring)
    with pytest.raises(RuntimeError):
        async with floor.database.unit_of_work() as uow:
            assert await leads.take(uow, spring, 1)
            raise RuntimeError
    assert await took(floor, spring) == [one]


@pytest.mark.parametrize("needs_agent", [None, True, False])
async def test_the_choice_reads_the_partial_index_of_each_priority(floor: Floor, needs_agent: bool | None) -> None:
    """Neither a sort nor a walk through the table: leads of the first priority that are put off are not passed one by one.

    Also when the plan is made once for all values, as both databases may.
    """
    await campaign(floor)
    async with floor.database.unit_of_work() as uow:
        seen = " ".join(await _plan(uow.session, leads._CLAIM[needs_agent, False], floor.database.sqlite))
    if floor.database.sqlite:
        assert seen.count("USING INDEX ix_leads_n") == 5 or seen.count("USING COVERING INDEX ix_leads_n") == 5, seen
        assert "next_at<?" in seen
        assert "SCAN leads" not in seen
    else:
        assert seen.count("Index Scan using ix_leads_n") == 5, seen
        assert "Sort" not in seen


async def _plan(session: Any, statement: Any, sqlite: bool) -> list[str]:
    """Return the plan made for any values at all: of parameters nothing is known."""
    connection = await session.connection()
    compiled = statement.compile(dialect=connection.dialect)
    sql = str(compiled).replace("__[POSTCOMPILE_most]", "20")
    if sqlite:
        found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (None,) * sql.count("?"))
        return [each[3] for each in found]
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    for number, name in enumerate(names, 1):
        sql = sql.replace(f"%({name})s", f"${number}")
    for each in ("plan_cache_mode = force_generic_plan", "enable_seqscan = off", "enable_bitmapscan = off"):
        await connection.exec_driver_sql(f"SET LOCAL {each}")
    await connection.exec_driver_sql(f"PREPARE claim AS {sql}")
    found = await connection.exec_driver_sql(f"EXPLAIN EXECUTE claim ({', '.join(['NULL'] * len(names))})")
    await connection.exec_driver_sql("DEALLOCATE claim")
    return [each[0] for each in found]


async def test_a_lead_is_put_off_refused_given_back_and_each_says_why(floor: Floor) -> None:
    spring = await campaign(floor)
    ids = [await lead(floor, spring, f"+4860100000{each}") for each in range(3)]
    async with floor.database.unit_of_work() as uow:
        first, second, third = await leads.take(uow, spring, 3)
        until = uow.now + HOUR
        leads.put_off(uow, first, until, "hours", {"zone": "Europe/Warsaw"})
        leads.refuse(uow, second, "do_not_call", {"list": "project"})
        leads.give_back(uow, third, "trunk_down", {"trunk": "carrier"})
    off, refused, back = [await row(floor, each) for each in ids]
    assert (off.state, off.next_at, off.refusal) == ("waiting", until, "hours")
    assert (refused.state, refused.refusal, refused.refusal_values) == ("refused", "do_not_call", {"list": "project"})
    assert (back.state, back.refusal, back.next_at < until) == ("waiting", "trunk_down", True)
    assert await decisions(floor, ids[0]) == [("hours", {"zone": "Europe/Warsaw", "until": until.isoformat()})]
    assert await decisions(floor, ids[1]) == [("do_not_call", {"list": "project"})]
    assert await took(floor, spring) == [ids[2]]
    assert (await row(floor, ids[2])).refusal == ""


async def test_what_may_not_follow_is_a_conflict(floor: Floor) -> None:
    spring = await campaign(floor)
    one = await lead(floor, spring, state="removed")
    async with floor.database.unit_of_work() as uow:
        found = await leads.held(uow, one)
        with pytest.raises(Conflict):
            leads.refuse(uow, found, "do_not_call")
        with pytest.raises(NotFound):
            await leads.held(uow, one + 1)


async def test_the_next_number_is_the_first_from_its_place_on_that_may_be_called(floor: Floor) -> None:
    spring = await campaign(floor)
    one = await lead(floor, spring, "+48601000001", "+48601000002", "+48601000003")
    async with floor.database.unit_of_work() as uow:
        found = await leads.held(uow, one)
        numbers = (await leads.numbers(uow, [found]))[one]
        assert [each.number[-1] for each in numbers] == ["1", "2", "3"]
        found.position = 1
        leads.refuse_number(uow, numbers[1], "premium")
        assert leads.next_number(found, numbers) is numbers[2]
        leads.refuse_number(uow, numbers[2], "foreign", {"country": "DE"})
        assert leads.next_number(found, numbers) is numbers[0]
        leads.refuse_number(uow, numbers[0], "invalid")
        assert leads.next_number(found, numbers) is None
    assert (await decisions(floor, one))[1] == ("foreign", {"number": "+48601000003", "country": "DE"})
