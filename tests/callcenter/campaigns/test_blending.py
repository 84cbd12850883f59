"""Phone meetings, callers, campaigns: nobody is dialled for whom a project keeps for callers; who answers gets them anyhow."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.campaigns import blending, board, pacing_words
from callcenter.campaigns.blending import Shares, Stand
from callcenter.campaigns.models import PacingDecision
from callcenter.db import Database
from callcenter.projects import service as projects
from callcenter.projects.fields import ProjectInput
from callcenter.projects.models import Project
from tests.callcenter.campaigns.dialling import Room, invariants, open_room
from tests.callcenter.campaigns.test_answering import Told

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def people(states: str) -> list[Stand]:
    """Return somebody for each letter: ready, bound by something else, on a call, wrapping up, paused; the longest so first."""
    words = {"r": "ready", "b": "ready", "c": "on_call", "w": "wrap_up", "p": "break"}
    return [
        Stand(n, words[letter], NOON + dt.timedelta(minutes=n), letter == "r") for n, letter in enumerate(states.replace(" ", ""))
    ]


@pytest.mark.parametrize(
    ("states", "keep", "left"),
    [
        ("rrr", 0, set()),
        ("rrr", 1, {2}),
        ("rrr", 2, {1, 2}),
        ("rrr", 3, {0, 1, 2}),
        ("rrr", 9, {0, 1, 2}),
        ("rbr", 1, {2}),  # who is bound is no help to a caller
        ("rcw", 1, {0}),
        ("rcw", 2, {0, 2}),  # the one short is who wraps up: ready before who talks
        ("ccw p", 2, {2, 0}),
        ("ppp", 2, set()),
        ("", 2, set()),
    ],
)
def test_who_is_left_to_callers(states: str, keep: int, left: set[int]) -> None:
    found = people(states)
    shares = Shares({1: keep}, {each.user_id: [1] for each in found})
    assert blending.share(found, [], shares) == left


def test_colleagues_who_serve_only_callers_stand_for_others() -> None:
    found, clerk = people("rr"), Stand(9, "ready", NOON, free=True)
    shares = Shares({1: 1}, {0: [1], 1: [1], 9: [1]})
    assert blending.share(found, [clerk], shares) == set()
    assert blending.share(found, [clerk._replace(free=False)], shares) == {1}


def test_each_project_keeps_its_own() -> None:
    """Of two projects one keeps one person; who serves the other alone is dialled for."""
    found = people("rrr")
    assert blending.share(found, [], Shares({1: 1}, {0: [1], 2: [1]})) == {2}
    assert blending.share(found, [], Shares({1: 1, 2: 1}, {0: [1, 2], 1: [1], 2: [2]})) == {1, 2}
    assert blending.share(found, [], Shares({1: 1, 2: 2}, {0: [1], 1: [1], 2: [2]})) == {1, 2}


@given(
    states=st.text("rbcwp", max_size=12),
    serves=st.lists(st.sets(st.integers(1, 3)), min_size=12, max_size=12),
    keep=st.dictionaries(st.integers(1, 3), st.integers(1, 6), max_size=3),
)
def test_no_project_has_fewer_left_than_it_keeps_while_one_of_its_people_may_be_dialled_for(
    states: str, serves: list[set[int]], keep: dict[int, int]
) -> None:
    found = people(states)
    served = {each.user_id: sorted(serves[each.user_id] & set(keep)) for each in found}
    left = blending.share(found, [], Shares(keep, served))
    free = {each.user_id for each in found if each.free}
    for project, wanted in keep.items():
        theirs = {user_id for user_id in served if project in served[user_id]}
        assert len(theirs & left & free) >= wanted or not theirs & free - left
    assert not {user_id for user_id in left if not served[user_id]}, "who serves no such project is nobody's"
    assert not {each.user_id for each in found if each.user_id in left and each.state == "break"}


@pytest.fixture
async def room(database: Database) -> Room:
    """Open a room with three consultants and six leads; their project keeps two ready for callers."""
    found = await open_room(database)
    await found.add_leads(6)
    await keep(found, 2)
    return found


async def keep(room: Room, count: int) -> None:
    """Change how many are kept, as the project's form would."""
    floor = room.floor
    async with floor.database.unit_of_work(floor.people["sue"]) as uow:
        stored = (await projects.get_project(uow, floor.project_id)).model_dump(exclude={"id", "members"})
        await projects.update_project(uow, floor.project_id, ProjectInput.model_validate(stored | {"keep_ready": count}))


async def test_a_campaign_dials_only_for_those_beyond_them(room: Room) -> None:
    floor = room.floor
    await floor.ready("anna", "bob")
    assert await room.tick() == []
    last = max(await floor.all(PacingDecision), key=lambda each: each.id)
    assert (last.why, last.inputs["spare"]) == ("one_each", 2)
    async with floor.database.reading(floor.people["sue"]) as uow:
        shown = await board.read(uow, room.campaign_id)
    assert [(each.name, each.kept, each.spare) for each in shown.agents] == [("Anna", True, True), ("Bob", True, True)]
    assert shown.pacing is not None
    assert shown.pacing.sentence == pacing_words.SPARE
    await floor.ready("celia")
    assert len(await room.tick()) == 1
    states = await floor.states()
    assert (states["anna"], states["bob"], states["celia"]) == ("on_call", "ready", "ready")
    assert await room.tick() == []
    await keep(room, 1)
    assert len(await room.tick()) == 1
    await keep(room, 0)
    assert len(await room.tick()) == 1
    await invariants(room)


async def test_a_caller_takes_one_of_them_and_the_campaign_waits_until_they_are_enough(room: Room) -> None:
    floor = room.floor
    await floor.ready("anna", "bob", "celia")
    await floor.ring()
    assert len(floor.offers()) == 1
    assert await room.tick() == [], "two are ready, and two are kept"


async def test_previews_wait_too(room: Room) -> None:
    await room.change(mode="preview")
    await room.floor.ready("anna", "bob")
    await room.tick()
    assert await room.attempts() == []
    await room.floor.ready("celia")
    await room.tick()
    assert [each.user_id for each in await room.attempts()] == [room.floor.people["anna"].id]


async def test_who_answered_is_given_one_of_them(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines without anybody on them ring as their consultants are kept: nobody who answers is left in silence for that."""
    monkeypatch.setattr("callcenter.campaigns.dialer.Pacer", Told)
    monkeypatch.setattr(Told, "lines", 2)
    room = await open_room(database, mode="predictive", abandon_cap=3.0)
    await room.add_leads(2)
    dialled = await room.tick()
    assert len(dialled) == 2
    await keep(room, 3)
    await room.floor.ready("anna")
    await room.answers(dialled[0])
    await room.answers(dialled[1])
    await room.floor.ready("bob")
    assert [each.state for each in await room.attempts()] == ["talking"] * 2
    assert (await room.floor.states())["bob"] == "on_call"
    await invariants(room)


async def test_a_project_switched_off_keeps_nobody(room: Room) -> None:
    floor = room.floor
    async with floor.database.unit_of_work() as uow:
        other = Project(name="Off", created_at=uow.now, enabled=False, keep_ready=3)
        uow.session.add(other)
        await uow.session.flush()
        other_id = other.id
    async with floor.database.unit_of_work(floor.people["sue"]) as uow:
        await projects.set_members(uow, other_id, [floor.people[name].id for name in ("anna", "bob", "celia")])
    await keep(room, 0)
    await floor.ready("anna")
    assert len(await room.tick()) == 1
