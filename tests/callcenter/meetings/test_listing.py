"""The list: every filter alone and together, pages that miss and repeat nothing, and only what one may see."""

import datetime as dt
import itertools
import random
from typing import Any

import pytest
from sqlalchemy import select

from callcenter import clock
from callcenter.errors import Invalid
from callcenter.meetings import rows, service
from callcenter.meetings.forms import MeetingFilter
from callcenter.meetings.models import Meeting
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import planned

STATES = ("planned", "due", "held", "missed", "cancelled")


async def listed(office: Floor, who: str = "sue", /, **wanted: Any) -> list[int]:
    """Return the ids of all pages, two at a time."""
    found: list[int] = []
    after = None
    while True:
        page = await office.do(who, service.list_meetings, MeetingFilter.model_validate({"limit": 2, **wanted, "after": after}))
        found += [each.id for each in page.items]
        assert len(page.items) <= wanted.get("limit", 2)
        if page.next is None:
            return found
        after = page.next


async def fill(office: Floor, count: int = 40) -> None:
    """Write meetings of all sorts, several at the same moment."""
    chance, begin = random.Random(7), clock.now()
    people = [None, *(actor.user_id for actor in office.people.values())]
    async with office.database.unit_of_work() as uow:
        for _ in range(count):
            at = begin + dt.timedelta(hours=chance.randrange(10))
            uow.session.add(
                Meeting(
                    name="Offer",
                    mode=chance.choice(("manual", "automatic")),
                    state=chance.choice(STATES),
                    number="+48601234567",
                    from_at=at,
                    to_at=at + dt.timedelta(hours=1),
                    project_id=chance.choice((None, office.project_id)),
                    user_id=chance.choice(people),
                    created_by=chance.choice(people),
                    created_at=begin,
                    updated_at=begin,
                )
            )


async def expected(office: Floor, who: str, *conditions: Any) -> list[int]:
    """Return the same by the plainest query there is."""
    async with office.database.reading(office.people[who]) as uow:
        query = select(Meeting.id).where(rows.visible(uow), *conditions).order_by(Meeting.from_at, Meeting.id)
        return list(await uow.session.scalars(query))


async def test_any_three_filters_together_find_what_a_plain_query_finds(office: Floor) -> None:
    await fill(office)
    now, anna = clock.now(), office.people["anna"].id
    later = now + dt.timedelta(hours=5)
    filters: dict[str, tuple[dict[str, Any], Any]] = {
        "project": ({"project_id": office.project_id}, Meeting.project_id == office.project_id),
        "user": ({"user_id": anna}, Meeting.user_id == anna),
        "unassigned": ({"unassigned": True}, Meeting.user_id.is_(None)),
        "state": ({"state": ["missed"]}, Meeting.state == "missed"),
        "states": ({"state": ["planned", "due", "held"]}, Meeting.state.in_(["planned", "due", "held"])),
        "mode": ({"mode": "manual"}, Meeting.mode == "manual"),
        "time": ({"from_at": now, "to_at": later}, (Meeting.from_at >= now) & (Meeting.from_at < later)),
    }
    for who in ("sue", "anna", "bob"):
        assert await listed(office, who) == await expected(office, who)
        for chosen in itertools.combinations(filters.values(), 3):
            given = {name: value for wanted, _ in chosen for name, value in wanted.items()}
            if len(given) == sum(len(wanted) for wanted, _ in chosen):  # not two of the same kind
                assert await listed(office, who, **given, limit=7) == await expected(
                    office, who, *(each for _, each in chosen)
                ), (
                    who,
                    given,
                )


async def test_pages_follow_each_other_without_a_gap(office: Floor) -> None:
    await fill(office, 15)
    for who in ("sue", "anna"):
        assert await listed(office, who) == await expected(office, who)


async def test_mine_are_those_one_serves(office: Floor) -> None:
    await fill(office)
    anna = office.people["anna"].id
    assert await listed(office, "anna", mine=True) == await expected(office, "anna", Meeting.user_id == anna)


async def test_meetings_are_found_by_name_contact_and_digits(office: Floor) -> None:
    contact = await office.add_contact("Zdzisława", "+48601000000")
    offer = await planned(office, name="Żółta oferta 7")
    named = await planned(office, contact_id=contact, number="602 345 678", keep_number=False)
    for q, found in (
        ("zolta", [offer]),
        ("OFERTA 7", [offer]),
        ("zdzisl", [named]),
        ("602 345", [named]),
        ("+48 602 345 678", [named]),
        ("0602345", [named]),
        ("601234567", [offer]),
        ("48601234567", [offer]),
        ("45 67", [offer]),
        ("678", [named]),
        ("7", [offer]),
        ("nobody", []),
        ("%", [offer, named]),
        ("zolta zdzisl", []),
    ):
        assert await listed(office, q=q) == found, q
    assert await listed(office, contact_id=contact, state=["planned", "due"]) == [named]


async def test_a_mark_that_is_not_ours_is_refused(office: Floor) -> None:
    for after in ("x", "e30=", "WzEsMl0=", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwgOTk5OTk5OTk5OTk5XQ=="):
        with pytest.raises(Invalid) as error:
            await office.do("sue", service.list_meetings, MeetingFilter(after=after))
        assert error.value.field == "after"
