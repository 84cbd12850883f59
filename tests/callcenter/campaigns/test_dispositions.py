"""What a disposition means in a campaign, and that one which is retired while in use keeps it."""

from typing import Any

import pytest

from callcenter.campaigns import dispositions
from callcenter.campaigns.dispositions import Meant
from callcenter.campaigns.forms import MeaningInput
from callcenter.campaigns.models import Meaning
from callcenter.db import Database
from callcenter.errors import Invalid, NotPermitted
from callcenter.projects import service as projects
from tests.callcenter.calls.floor import Floor, open_floor
from tests.callcenter.campaigns.drafts import drafted


@pytest.fixture
async def floor(database: Database) -> Floor:
    found = await open_floor(database)
    await found.do("sue", projects.set_dispositions, found.project_id, ["Sold", "Later", "Never again"])
    await found.do("sue", projects.set_dispositions, None, ["Wrong number"])
    return found


async def ids(floor: Floor) -> dict[str, int]:
    return {each.name: each.id for each in await floor.do("sue", projects.dispositions, floor.project_id)}


def says(disposition_id: int, meaning: str, minutes: int = 0) -> MeaningInput:
    return MeaningInput.model_validate({"disposition_id": disposition_id, "meaning": meaning, "minutes": minutes})


async def meant(floor: Floor, campaign_id: int, disposition_id: int) -> Meant:
    found = await floor.do("anna", dispositions.meaning_of, campaign_id, disposition_id)
    assert isinstance(found, Meant)
    return found


async def test_each_disposition_means_something_and_done_unless_said(floor: Floor) -> None:
    made, other = await drafted(floor), await drafted(floor, name="Winter")
    known = await ids(floor)
    given = [
        says(known["Later"], "retry", 90),
        says(known["Never again"], "do_not_call", 5),
        says(known["Wrong number"], "meeting"),
    ]
    out = await floor.do("sue", dispositions.set_meanings, made.id, given)
    assert [(each.name, each.meaning, each.minutes, each.common) for each in out] == [
        ("Sold", "done", 0, False),
        ("Later", "retry", 90, False),
        ("Never again", "do_not_call", 0, False),
        ("Wrong number", "meeting", 0, True),
    ]
    assert await meant(floor, made.id, known["Later"]) == (Meaning.RETRY, 90)
    assert await meant(floor, made.id, known["Sold"]) == (Meaning.DONE, 0)
    assert await meant(floor, other.id, known["Later"]) == (Meaning.DONE, 0)
    again = await floor.do("sue", dispositions.set_meanings, made.id, [says(known["Later"], "retry", 10)])
    assert [each.minutes for each in again if each.meaning == "retry"] == [10]


async def test_one_that_is_retired_while_in_use_keeps_its_meaning(floor: Floor) -> None:
    made = await drafted(floor)
    known = await ids(floor)
    await floor.do("sue", dispositions.set_meanings, made.id, [says(known["Later"], "retry", 90)])
    await floor.do("sue", projects.set_dispositions, floor.project_id, ["Sold"])
    assert await meant(floor, made.id, known["Later"]) == (Meaning.RETRY, 90)
    out = await floor.do("sue", dispositions.list_meanings, made.id)
    assert [(each.name, each.retired) for each in out] == [("Sold", False), ("Wrong number", False), ("Later", True)]
    await floor.do("sue", projects.set_dispositions, floor.project_id, ["Sold", "Later"])  # taken up again: the same one
    assert await meant(floor, made.id, (await ids(floor))["Later"]) == (Meaning.RETRY, 90)


@pytest.mark.parametrize(("meaning", "minutes", "said"), [("retry", 0, "after how many minutes"), ("done", 0, "")])
async def test_a_retry_needs_a_time(floor: Floor, meaning: str, minutes: int, said: str) -> None:
    made = await drafted(floor)
    given: Any = [says((await ids(floor))["Sold"], meaning, minutes)]
    if said:
        with pytest.raises(Invalid, match=said):
            await floor.do("sue", dispositions.set_meanings, made.id, given)
    else:
        assert await floor.do("sue", dispositions.set_meanings, made.id, given)


async def test_those_of_another_project_mean_nothing_here(floor: Floor) -> None:
    made = await drafted(floor)
    async with floor.database.unit_of_work(floor.people["sue"]) as uow:
        other = await projects.add_project(uow, projects.ProjectInput(name="Other"))
        theirs = await projects.set_dispositions(uow, other.id, ["Theirs"])
    with pytest.raises(Invalid, match="does not belong"):
        await floor.do("sue", dispositions.set_meanings, made.id, [says(theirs[0].id, "done")])
    with pytest.raises(NotPermitted):
        await floor.do("anna", dispositions.set_meanings, made.id, [])
