"""Lines that nobody answers, and lines dialled together: what they cost the agent and the database."""

import pytest
from sqlalchemy import event, update

from callcenter.calls import service as calls
from callcenter.campaigns.lead_models import LeadNumber
from callcenter.contacts import suppressions
from callcenter.db import Database
from callcenter.phone import EndReason
from tests.callcenter.campaigns.dialling import Room, open_room


@pytest.fixture
async def room(database: Database) -> Room:
    """Open a room with three consultants, nobody ready, and five leads."""
    found = await open_room(database)
    await found.add_leads(5)
    return found


@pytest.mark.parametrize("reason", [EndReason.BUSY, EndReason.NO_ANSWER, EndReason.UNREACHABLE])
async def test_an_agent_whom_nobody_answered_has_nothing_to_wrap_up(room: Room, reason: EndReason) -> None:
    await room.floor.ready("anna")
    (dialled,) = await room.tick()
    await room.ends(dialled, reason)
    anna = await room.floor.agent("anna")
    assert (anna.state, anna.call_id) == ("ready", None)
    assert [each.number for each in await room.tick()] != [dialled.number]


async def test_who_hung_up_or_began_a_note_wraps_up_though_nobody_answered(room: Room) -> None:
    await room.floor.ready("anna", "bob")
    first, second = await room.tick()
    by_anna = first if (await room.attempt(first.call_id)).user_id == room.floor.people["anna"].id else second
    by_bob = second if by_anna is first else first
    await room.floor.do("anna", calls.hang_up, by_anna.call_id)
    await room.ends(by_anna, EndReason.CANCELLED)
    await room.floor.do("bob", calls.save_draft, by_bob.call_id, "Their number has changed")
    await room.ends(by_bob, EndReason.NO_ANSWER)
    assert [(await room.floor.agent(who)).state for who in ("anna", "bob")] == ["wrap_up", "wrap_up"]


async def test_lines_dialled_together_are_looked_up_together(room: Room) -> None:
    """Else each takes as long as the first, and who answers meanwhile waits for all of them."""
    said: list[str] = []
    event.listen(room.floor.database.engine.sync_engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    await room.floor.ready("anna", "bob", "celia")
    assert len(await room.tick()) == 3
    for table in ("suppressions", "project_numbers", "lead_attempts.number"):
        assert len([each for each in said if f"SELECT {table}" in each]) == 1, table


async def test_of_lines_dialled_together_each_is_judged_by_itself(database: Database) -> None:
    room = await open_room(database, people=("anna", "bob", "celia"))
    first, second, third = await room.add_leads(3, per_lead=2)
    async with database.unit_of_work() as uow:
        await uow.session.execute(
            update(LeadNumber).where(LeadNumber.lead_id == first, LeadNumber.position == 0).values(number="+48112")
        )
        await suppressions.suppress(uow, [suppressions.number_token(uow, "+48601000002")], suppressions.DO_NOT_CALL)
    await room.floor.ready("anna", "bob", "celia")
    assert {each.number for each in await room.tick()} == {"+48601000001", "+48601000003", "+48601000004"}
    assert (await room.decisions(first))[-1] == (await room.decisions(second))[-1] == "dialled"
    assert await room.decisions(third) == ["dialled"]
    assert [(await room.decisions(each))[0] for each in (first, second)] == ["emergency", "do_not_call"]
