"""What is kept for a number of months only: set by administrators, followed at night, a few rows at a time."""

import datetime as dt

import pytest

from callcenter import jobs
from callcenter.calls.models import Call, Leg
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact, TimelineEntry
from callcenter.errors import Invalid, NotPermitted
from callcenter.phone import EndReason, LegEnded
from callcenter.privacy import retention
from callcenter.privacy import service as privacy
from callcenter.texts import service as texts
from callcenter.texts.models import TextMessage
from tests.callcenter.calls.floor import ADMIN, Floor
from tests.callcenter.meetings.office import planned
from tests.callcenter.texts.conftest import add_sending_trunk

NUMBER = "+48601555001"
MONTH = 31 * 86400


async def set_rule(office: Floor, kind: str, months: int | None) -> None:
    async with office.database.unit_of_work(ADMIN) as uow:
        await privacy.set_rule(uow, kind, months)


async def night(office: Floor) -> None:
    """Let the work be done to its end."""
    async with office.database.unit_of_work() as uow:
        await jobs.put(uow, retention.KIND, retention.KIND, uow.now)
    for _ in range(50):
        await office.run_due()
        office.shift(2)
        async with office.database.reading() as uow:
            due = await uow.session.get_one(jobs.Job, retention.KIND)
        if due.due_at > uow.now + dt.timedelta(hours=1):
            return
    raise AssertionError("it never came to an end")


async def test_nothing_goes_without_a_rule(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    office.shift(240 * MONTH)
    await night(office)
    assert [each.id for each in await office.all(Contact)] == [contact_id]


async def test_a_contact_nothing_happened_with_is_erased_and_others_stay(office: Floor) -> None:
    quiet, noted, promised = [await office.add_contact(name, f"+4860155500{n}") for n, name in enumerate(("Jan", "Ewa", "Ola"))]
    await set_rule(office, "contacts", 12)
    office.shift(13 * MONTH)
    await office.do("sue", contacts.add_note, noted, "called yesterday")
    await planned(office, "sue", contact_id=promised, number="+48601555002")
    await night(office)
    assert {each.id for each in await office.all(Contact)} == {noted, promised}
    assert quiet not in {each.id for each in await office.all(Contact)}


async def test_old_lines_calls_and_texts_lose_what_says_who_it_was(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await office.do("sue", contacts.add_note, contact_id, "old")
    await office.ready("anna")
    leg_id, _ = await office.talk("anna", number=NUMBER)
    await office.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    await add_sending_trunk(office)
    await office.do("bob", texts.send_text, NUMBER, "old words", contact_id=contact_id)
    for kind in ("timeline", "calls", "texts"):
        await set_rule(office, kind, 6)
    await night(office)
    assert {each.number for each in await office.all(Call)} == {NUMBER}  # too young
    office.shift(7 * MONTH)
    await office.do("sue", contacts.add_note, contact_id, "new")
    await night(office)
    assert [each.text for each in await office.all(TimelineEntry)] == ["new"]
    (call,) = await office.all(Call)
    assert (call.number, call.match, call.contact_id) == ("", [], contact_id)
    assert {each.number for each in await office.all(Leg)} == {""}
    assert [(each.number, each.text) for each in await office.all(TextMessage)] == [("", "")]


@pytest.mark.parametrize("months", [0, -1, 601])
async def test_a_rule_is_a_sensible_number_of_months(office: Floor, months: int) -> None:
    with pytest.raises(Invalid):
        await set_rule(office, "calls", months)
    with pytest.raises(Invalid):
        await set_rule(office, "everything", 5)


async def test_only_administrators_set_them(office: Floor) -> None:
    with pytest.raises(NotPermitted):
        await office.do("sue", privacy.set_rule, "calls", 12)
    await set_rule(office, "calls", 12)
    await set_rule(office, "calls", None)
    async with office.database.reading(ADMIN) as uow:
        assert set((await privacy.rules(uow)).values()) == {None}
