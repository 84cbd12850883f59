"""Who awaits confirmation, found by supervisors; what of it is taken out, and what is forgotten."""

from typing import Any

import pytest
from sqlalchemy import update

from callcenter.actor import AccountRole
from callcenter.campaigns import confirmation_queries, confirmations, evidence, forgetting, lead_queries, queries
from callcenter.campaigns.lead_models import Lead
from callcenter.campaigns.lead_queries import LeadsWanted
from callcenter.db import Database
from tests.callcenter.campaigns.dialling import Room
from tests.callcenter.campaigns.yeses import DAY, one, open_yes_room, statement, talk, terms


@pytest.fixture
async def room(database: Database) -> Room:
    return await open_yes_room(database)


async def listed(room: Room, confirmation: Any, **more: Any) -> list[int]:
    page = await room.floor.do("sue", lead_queries.list_leads, room.campaign_id, LeadsWanted(confirmation=confirmation, **more))
    return [each.lead.id for each in page.items]


async def test_the_list_shows_who_waits_the_longest_first(room: Room) -> None:
    async with room.floor.database.unit_of_work() as uow:
        await uow.session.execute(update(Lead).where(Lead.id == 1).values(priority=5))  # the last to be called
    first = await talk(room)
    room.floor.shift(DAY)
    second = await talk(room)
    room.floor.shift(DAY)
    third = await talk(room)
    order = [(await room.attempt(each)).lead_id for each in (first, second, third)]
    assert order == [2, 3, 1]
    room.floor.shift(2 * DAY)
    page = await room.floor.do("sue", lead_queries.list_leads, room.campaign_id, LeadsWanted(confirmation="open"))
    assert [(each.lead.id, each.waits_days) for each in page.items] == [(2, 4), (3, 3), (1, 2)]
    assert await listed(room, "open", limit=1, after=2) == [3]
    await terms(room, first)
    await statement(room, first)
    await terms(room, second)
    assert await listed(room, "open", after=2) == [3, 1], "the one before, confirmed meanwhile, keeps its place"
    assert [await listed(room, each) for each in ("awaiting", "terms_sent", "confirmed", "not_confirmed")] == [[1], [3], [2], []]
    counts = await room.floor.do("sue", confirmation_queries.counts, room.campaign_id)
    assert counts == {"awaiting": 1, "terms_sent": 1, "confirmed": 1, "open": 2}
    figures = await room.floor.do("sue", queries.figures, room.campaign_id)
    assert figures.confirmations == counts
    assert [each.awaiting for each in await room.floor.do("sue", queries.list_campaigns)] == [2]


async def test_the_evidence_tells_what_followed_a_yes(room: Room) -> None:
    call_id = await talk(room)
    await terms(room, call_id)
    pieces = evidence.pieces(room.floor.database, room.floor.people["sue"], room.campaign_id, "csv")
    rows = "".join([each async for each in pieces]).splitlines()
    assert rows[0].endswith(",confirmation")
    assert {each.rpartition(",")[2] for each in rows[1:]} == {"terms_sent"}
    pieces = evidence.pieces(room.floor.database, room.floor.people["sue"], room.campaign_id, "json")
    assert "version 3" in "".join([each async for each in pieces])
    await room.floor.give("sue", AccountRole.PARTNER_READER)
    pieces = evidence.pieces(room.floor.database, room.floor.people["sue"], room.campaign_id, "json")
    told = "".join([each async for each in pieces])
    assert '"terms_sent"' in told
    assert "version 3" not in told


async def test_who_is_forgotten_leaves_the_count_and_no_note(room: Room) -> None:
    call_id = await talk(room)
    await terms(room, call_id)
    await statement(room, call_id)
    async with room.floor.database.unit_of_work() as uow:
        await forgetting.empty(uow, [1])
    found = await one(room, call_id)
    assert (found.state, found.terms_note, found.end_note) == ("confirmed", "", "")
    await room.floor.do("sue", confirmations.reopen, call_id)
    assert (await room.lead()).refusal == "agreed"
