"""Projects: fields, numbers, people, dispositions."""

from typing import Any

import pytest
from pydantic import ValidationError

from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.projects import service
from callcenter.projects.service import ProjectInput
from callcenter.users.models import AuditEntry
from tests.callcenter.calls.floor import DIALLED, Floor, open_floor


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await open_floor(database)


def project(**fields: Any) -> ProjectInput:
    return ProjectInput.model_validate({"name": "Support", **fields})


async def test_numbers_are_stored_as_they_arrive_and_belong_to_one_project(floor: Floor) -> None:
    made = await floor.do("sue", service.add_project, project(numbers=["22 765 43 21", "+48 22 765 43 21", "2001"]))
    assert made.numbers == ["+48227654321", "2001"]
    with pytest.raises(Invalid) as taken:
        await floor.do("sue", service.add_project, project(name="Third", numbers=["(22) 123 45 67"]))
    assert str(taken.value) == f"{DIALLED} belongs to project Sales already."
    changed = await floor.do("sue", service.update_project, made.id, project(numbers=["2001", "2002"], wrap_up_seconds=0))
    assert changed.numbers == ["2001", "2002"]
    assert changed.wrap_up_seconds == 0
    assert {"project.added", "project.updated"} <= {entry.action for entry in await floor.all(AuditEntry)}


async def test_a_name_is_taken_once(floor: Floor) -> None:
    with pytest.raises(Conflict, match="called"):
        await floor.do("sue", service.add_project, project(name="Sales"))
    await floor.do("sue", service.update_project, floor.project_id, project(name="Sales", numbers=[DIALLED]))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "   "},
        {"region": "XX"},
        {"offer_seconds": 4},
        {"offer_seconds": 121},
        {"wrap_up_seconds": -1},
        {"max_wait_seconds": 9},
        {"keep_ready": -1},
        {"keep_ready": 1001},
        {"ring_seconds": 181},
        {"foreign_countries": ["Germany"]},
        {"surprise": 1},
    ],
)
def test_rules_outside_their_limits_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        project(**fields)


async def test_a_caller_id_must_be_the_trunks(floor: Floor) -> None:
    with pytest.raises(Invalid, match="not verified"):
        await floor.do("sue", service.add_project, project(trunk_id=floor.trunk_id, caller_id="+48229999999"))
    with pytest.raises(Invalid, match="no such trunk"):
        await floor.do("sue", service.add_project, project(trunk_id=999))
    made = await floor.do("sue", service.add_project, project(trunk_id=floor.trunk_id, caller_id="22 123 45 67"))
    assert made.caller_id == DIALLED


async def test_consultants_read_their_own_projects_and_change_none(floor: Floor) -> None:
    for door, args in ((service.add_project, (project(),)), (service.list_projects, ()), (service.set_members, (1, []))):
        with pytest.raises(NotPermitted):
            await floor.do("anna", door, *args)
    assert [each.name for each in await floor.do("anna", service.projects_of)] == ["Sales"]
    other = await floor.do("sue", service.add_project, project())
    with pytest.raises(NotFound):
        await floor.do("anna", service.get_project, other.id)
    assert (await floor.do("anna", service.get_project, floor.project_id)).name == "Sales"
    with pytest.raises(NotFound):
        await floor.do("sue", service.update_project, 999, project())


async def test_members_are_set_as_a_whole(floor: Floor) -> None:
    bob = floor.people["bob"].id
    assert [each.name for each in await floor.do("sue", service.set_members, floor.project_id, [bob])] == ["Bob"]
    assert await floor.do("anna", service.projects_of) == []
    with pytest.raises(Invalid, match="no user 999"):
        await floor.do("sue", service.set_members, floor.project_id, [bob, 999])


async def test_dispositions_retire_but_stay_with_their_calls_and_come_back(floor: Floor) -> None:
    first = await floor.do("sue", service.set_dispositions, floor.project_id, ["Sold", " Later ", "Sold", ""])
    assert [each.name for each in first] == ["Sold", "Later"]
    await floor.do("sue", service.set_dispositions, None, ["Wrong number"])
    await floor.do("sue", service.set_dispositions, floor.project_id, ["Later"])
    assert [each.name for each in await floor.do("anna", service.dispositions, floor.project_id)] == ["Later", "Wrong number"]
    again = await floor.do("sue", service.set_dispositions, floor.project_id, ["Sold"])
    assert again[0].id == first[0].id
    assert [each.name for each in await floor.do("anna", service.dispositions, None)] == ["Wrong number"]


@pytest.mark.parametrize("dialled", ["+48227654321", "227654321", "48227654321", "+49227654321", "00227654321"])
async def test_a_dialled_number_matches_in_full_then_by_its_last_nine_digits(floor: Floor, dialled: str) -> None:
    made = await floor.do("sue", service.add_project, project(numbers=["+48227654321", "reception"]))
    found = await floor.do("anna", service.project_for, dialled)
    assert found is not None
    assert found.id == made.id
    raw = await floor.do("anna", service.project_for, " reception ")
    assert raw.id == made.id
    for unknown in ("", "321", "+48221112233", "x" * 300):
        assert await floor.do("anna", service.project_for, unknown) is None


async def test_two_projects_alike_in_nine_digits_are_not_guessed(floor: Floor) -> None:
    await floor.do("sue", service.add_project, project(name="A", numbers=["+48227654321"]))
    german = await floor.do("sue", service.add_project, project(name="B", numbers=["+4922765432100"], region="DE"))
    await floor.do("sue", service.update_project, german.id, project(name="B", numbers=["+380227654321"]))
    assert await floor.do("anna", service.project_for, "+1227654321") is None
    exact = await floor.do("anna", service.project_for, "+48227654321")
    assert exact.name == "A"


async def test_a_disabled_project_takes_no_calls(floor: Floor) -> None:
    await floor.do("sue", service.update_project, floor.project_id, project(name="Sales", numbers=[DIALLED], enabled=False))
    assert await floor.do("anna", service.project_for, DIALLED) is None
