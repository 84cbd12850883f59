"""When a meeting changes for when its consultant is kept free: the rule that saves a query never misses a change."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from callcenter.agents.models import Agent
from callcenter.meetings.reservations import Kept, concerned

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
NONE: Kept = (None, None)


def kept(begin: int | None, hours: int) -> Kept:
    """Return a time that begins so many hours from now, or none."""
    return NONE if begin is None else (NOW + dt.timedelta(hours=begin), NOW + dt.timedelta(hours=begin + hours))


KEPT = st.builds(kept, st.none() | st.integers(-3, 5), st.integers(1, 5))


def first(reservations: list[Kept]) -> Kept:
    """Return for which time a consultant is kept free, as reservations.refresh finds it."""
    return min(((start, end) for start, end in reservations if start and end and end > NOW), default=NONE)


@given(others=st.lists(KEPT, max_size=3), before=KEPT, after=KEPT, theirs=st.booleans())
def test_what_concerns_nobody_changes_nothing(others: list[Kept], before: Kept, after: Kept, theirs: bool) -> None:
    """`theirs`: the meeting was this consultant's before, too; else it was somebody else's with the same times."""
    stored = first([*others, before] if theirs else others)
    agent = Agent(user_id=1, reserved_from=stored[0], reserved_until=stored[1])
    before = before if theirs else after
    if not concerned(agent, before, after, NOW):
        assert first([*others, after]) == stored


def test_an_earlier_meeting_concerns_and_a_later_one_does_not() -> None:
    hour = dt.timedelta(hours=1)
    agent = Agent(user_id=1, reserved_from=NOW + hour, reserved_until=NOW + 2 * hour)
    assert concerned(agent, NONE, (NOW, NOW + hour), NOW)
    assert not concerned(agent, NONE, (NOW + 3 * hour, NOW + 4 * hour), NOW)
    assert concerned(agent, (agent.reserved_from, agent.reserved_until), NONE, NOW)
    assert not concerned(agent, (NOW + 3 * hour, NOW + 4 * hour), NONE, NOW)
    assert not concerned(None, NONE, NONE, NOW)
