"""A campaign's messages and people, and the list of campaigns, on both databases."""

import datetime as dt
from typing import Any

import pytest

from callcenter import clock
from callcenter.campaigns import changes, members, messages, queries, service
from callcenter.campaigns.lead_models import LeadAttempt
from callcenter.campaigns.views import CampaignOut
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.projects import service as projects
from tests.callcenter.calls.floor import Floor, open_floor
from tests.callcenter.campaigns.drafts import drafted, lead, sound


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await open_floor(database)


@pytest.mark.parametrize("kind", ["message", "abandoned"])
async def test_messages_are_wav_files_and_nothing_else(floor: Floor, kind: Any) -> None:
    made = await drafted(floor)
    for bad in (b"", b"not a sound at all", sound(rate=44_100), sound(channels=2), sound(61), sound()[:-100]):
        with pytest.raises(Invalid) as error:
            await floor.do("sue", messages.set_message, made.id, kind, bad)
        assert error.value.field == kind
    out = await floor.do("sue", messages.set_message, made.id, kind, sound())
    assert [bool(out.message), bool(out.abandoned_message)] == [kind == "message", kind == "abandoned"]
    assert (await floor.do("sue", messages.message_file, made.id, kind)).read_bytes() == sound()
    await floor.do("sue", messages.set_message, made.id, kind, None)
    with pytest.raises(NotFound):
        await floor.do("sue", messages.message_file, made.id, kind)


async def test_a_message_a_running_campaign_needs_is_not_taken_away(floor: Floor) -> None:
    made = await drafted(floor, mode="predictive", rule_pack="US")
    await floor.do("sue", messages.set_message, made.id, "abandoned", sound())
    await floor.do("sue", service.start, made.id)
    with pytest.raises(Conflict, match="before a consultant is free"):
        await floor.do("sue", messages.set_message, made.id, "abandoned", None)


async def test_chosen_people_serve_else_the_whole_project(floor: Floor) -> None:
    made = await drafted(floor)
    anna, bob, sue = (floor.people[name].id for name in ("anna", "bob", "sue"))
    assert anna in await _serving(floor, made)
    await floor.do("sue", members.set_members, made.id, [bob])
    assert await _serving(floor, made) == [bob]
    with pytest.raises(Invalid, match="Sue does not serve this project"):
        await floor.do("sue", members.set_members, made.id, [sue])
    with pytest.raises(Invalid, match="no user 99999"):
        await floor.do("sue", members.set_members, made.id, [99_999])
    await floor.do("sue", projects.set_members, floor.project_id, [anna])
    assert await _serving(floor, made) == []  # Bob was chosen and is gone: nobody is taken in his place unasked
    out = await floor.do("sue", service.get_campaign, made.id)
    assert "nobody_serves" in [each.code for each in out.warnings]


async def _serving(floor: Floor, made: CampaignOut) -> list[int]:
    async with floor.database.reading() as uow:
        return await members.serving(uow, await changes.stored(uow, made.id))


async def test_the_list_says_what_is_left_and_what_today_brought(floor: Floor) -> None:
    first, second = await drafted(floor), await drafted(floor, name="Winter")
    await floor.do("sue", service.start, second.id)
    waiting = await lead(floor, second.id)
    await lead(floor, second.id, "+48601000002", state="done")
    yesterday = clock.now() - dt.timedelta(days=2)
    async with floor.database.unit_of_work() as uow:
        tries = [("a", "talked", uow.now), ("b", "abandoned", uow.now), ("c", "busy", uow.now), ("d", "talked", yesterday)]
        tries += [("e", "skipped", uow.now), ("f", "", uow.now)]  # looked at, and looked at now: nobody was called
        for key, outcome, at in tries:
            uow.session.add(
                LeadAttempt(
                    id=key,
                    campaign_id=second.id,
                    lead_id=waiting,
                    number="+48601000001",
                    mode="preview",
                    state="over" if outcome else "shown",
                    outcome=outcome,
                    started_at=at,
                )
            )
    found = await floor.do("sue", queries.list_campaigns)
    assert [(each.name, each.state, each.left, each.leads) for each in found] == [
        ("Winter", "running", 1, 2),
        ("Autumn", "draft", 0, 0),
    ]
    assert (found[0].today.dialled, found[0].today.talked, found[0].today.abandoned) == (3, 1, 1)
    assert [each.id for each in await floor.do("sue", queries.list_campaigns, states=["draft"])] == [first.id]
    assert await floor.do("sue", queries.list_campaigns, project_id=99) == []
    figures = await floor.do("sue", queries.figures, second.id)
    assert (figures.left, figures.leads, figures.outcomes["busy"]) == (1, {"waiting": 1, "done": 1}, 1)
