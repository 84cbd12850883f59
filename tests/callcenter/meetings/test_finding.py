"""Typed text in the list: the index holds what the meetings say, and finds just what reading all of them would."""

import datetime as dt
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from callcenter import clock
from callcenter.contacts import search as contact_search
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput, OrganisationInput
from callcenter.contacts.models import Contact
from callcenter.jobs import Job
from callcenter.meetings import finding, imports, renaming, rows, search, series, service
from callcenter.meetings.forms import MeetingChange, MeetingFilter, Reschedule
from callcenter.meetings.models import Meeting
from callcenter.meetings.series_forms import SeriesInput
from callcenter.meetings.terms import MeetingTerm
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import meeting, planned, row
from tests.callcenter.meetings.test_listing import listed

WORDS = ("Żółw", "zolwik", "Żółwiński", "Kowal", "kowalski", "Łąka", "laka", "7", "77", "7701", "e-mail")
TYPED = ("zolw", "Łąka", "77", "e-mail", "kow żół", "ŻÓŁW kow 7", "601", "0601 2", "+48 602", "34567", "nobody", "~7")


async def terms(office: Floor, meeting_id: int) -> set[str]:
    async with office.database.reading() as uow:
        return set(await uow.session.scalars(select(MeetingTerm.term).where(MeetingTerm.meeting_id == meeting_id)))


async def every_term_is_as_it_should_be(office: Floor) -> bool:
    async with office.database.reading() as uow:
        found = {(term.term, term.meeting_id) for term in await uow.session.scalars(select(MeetingTerm))}
        stored = list(await uow.session.scalars(select(Meeting)))
    assert found == {(term, each.id) for each in stored for term in search.terms(each.folded)}
    return bool(found)


async def test_terms_are_written_with_the_meeting_and_follow_its_changes(office: Floor) -> None:
    meeting_id = await planned(office, name="Żółta oferta", number="602 345 678")
    assert await terms(office, meeting_id) == {"zolta", "oferta", "48602345678", "602345678", "~87654320684"}
    fields = {**meeting(office, name="Nowa oferta", number="603 345 678").model_dump(), "version": 1}
    await office.do("sue", service.change, meeting_id, MeetingChange.model_validate(fields))
    assert await terms(office, meeting_id) == {"nowa", "oferta", "48603345678", "603345678", "~87654330684"}
    assert await listed(office, q="zolta") == await listed(office, q="602345678") == []
    assert await listed(office, q="nowa 603") == [meeting_id]


async def test_a_failed_change_leaves_the_terms_as_they_were(office: Floor) -> None:
    meeting_id = await planned(office, name="Offer")
    before = await terms(office, meeting_id)
    with pytest.raises(RuntimeError, match="lost"):
        async with office.database.unit_of_work(office.people["sue"]) as uow:
            (await rows.own(uow, meeting_id)).folded = " other"
            await uow.session.flush()
            raise RuntimeError("lost")
    assert await terms(office, meeting_id) == before


async def test_meetings_of_series_imports_and_reschedules_have_their_terms(office: Floor) -> None:
    begin = clock.now() + dt.timedelta(days=30)
    file = f"Name,Number,From,Project\nWczasy,601 234 999,{begin:%Y-%m-%d} 14:30,Sales\n"
    await imports.run_import(office.database, office.people["sue"], file.encode(), "meetings.csv", False)
    repeat = SeriesInput.model_validate({"every": "day", "count": 3})
    made = await office.do("sue", series.plan_series, meeting(office, name="Seria", from_at=begin, to_at=None), repeat)
    first = await planned(office, name="Przełożone")
    again = await office.do("sue", service.reschedule, first, Reschedule(from_at=begin))
    assert len(await listed(office, q="wczasy 999")) == 1
    assert await listed(office, q="seria") == [each.id for each in made.items]
    assert set(await listed(office, q="przelozone")) == {first, again.id}
    assert await every_term_is_as_it_should_be(office)


async def test_a_renamed_contact_is_found_by_both_names(office: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renaming, "BATCH", 2)
    contact = await office.add_contact("Zofia", "+48601000000")
    theirs = [await planned(office, contact_id=contact, number="602 345 678") for _ in range(5)]
    other = await planned(office, name="Zofiówka")
    for name in ("Łucja", "Żaneta"):
        async with office.database.unit_of_work(office.people["anna"]) as uow:
            version = (await uow.session.get_one(Contact, contact)).version
            await contacts.update_contact(uow, contact, ContactInput(first_name=name), version, "PL")
        await office.run_due()
    assert await listed(office, q="zanet") == theirs
    assert await listed(office, q="zofi") == [*theirs, other]
    assert await listed(office, q="lucja") == []
    assert {(await row(office, each)).version for each in theirs} == {1}, "nobody changed the meetings"
    assert await every_term_is_as_it_should_be(office)


async def test_a_contact_without_a_name_is_found_by_its_organisations_new_one(office: Floor) -> None:
    async with office.database.unit_of_work(office.people["anna"]) as uow:
        nameless = await contacts.create_contact(uow, ContactInput(organisation="Acme"), "PL")
        named = await contacts.create_contact(uow, ContactInput(first_name="Jan", organisation="Acme"), "PL")
        organisation_id = nameless.organisation_id
    assert organisation_id is not None
    first, _ = [await planned(office, contact_id=each.id, name="Offer") for each in (nameless, named)]
    async with office.database.unit_of_work(office.people["anna"]) as uow:
        await contacts.update_organisation(uow, organisation_id, OrganisationInput(name="Śnieżka"), 1, "PL")
    await office.run_due()
    assert await listed(office, q="sniezka") == await listed(office, q="acme") == [first]


async def test_a_change_that_is_no_new_name_leaves_no_work(office: Floor) -> None:
    contact = await office.add_contact("Zofia", "+48601000000")
    await planned(office, contact_id=contact, keep_number=False)
    lonely = await office.add_contact("Ewa", "+48601000009")
    async with office.database.unit_of_work(office.people["anna"]) as uow:
        await contacts.update_contact(uow, contact, ContactInput(first_name="Zofia", note="Rings twice"), 1, "PL")
        await contacts.update_contact(uow, lonely, ContactInput(first_name="Eva"), 1, "PL")
    async with office.database.reading() as uow:
        keys = list(await uow.session.scalars(select(Job.key)))
    assert not [key for key in keys if key.startswith(renaming.JOB)]


async def test_long_words_are_told_apart_beyond_their_term(office: Floor) -> None:
    start = "x" * contact_search.LONGEST_TERM
    first, second = [await planned(office, name=start + end) for end in ("yz", "ya")]
    assert await listed(office, q=start) == [first, second]
    assert await listed(office, q=start + "yz") == [first]


@given(
    name=st.text(max_size=30), contact=st.text(max_size=20), number=st.from_regex(r"\+\d{6,12}", fullmatch=True), data=st.data()
)
def test_what_a_meeting_holds_is_the_beginning_of_one_of_its_terms(name: str, contact: str, number: str, data: Any) -> None:
    folded = search.folded(name, contact, number)
    own = st.sampled_from([name, contact, number, number[:-3], number[3:], number[-4:], name[:2]])
    typed = data.draw(own | st.text(max_size=8))
    for each in search.wanted(typed):
        by_scan = any(f" {start}" in folded for start in each)
        assert by_scan == any(term.startswith(start) for start in each for term in search.terms(folded))


@pytest.mark.parametrize("ways", ["terms", "steps", "steps, then terms", "steps to the end"])
async def test_any_text_with_any_filters_finds_what_reading_all_would(
    office: Floor, monkeypatch: pytest.MonkeyPatch, ways: str
) -> None:
    if ways != "terms":
        monkeypatch.setattr(finding, "FEW", 1)
        monkeypatch.setattr(finding, "STEPS", (4, 7) if "then" in ways else (4, 7, 16))
        monkeypatch.setattr(finding, "MANY", 0 if "end" in ways else 1000)
    stored = await fill(office, 90)
    now, anna = clock.now(), office.people["anna"].id
    filters: list[dict[str, Any]] = [
        {},
        {"state": ["missed"], "mode": "manual"},
        {"state": ["planned", "due", "held"], "project_id": office.project_id},
        {"user_id": anna, "from_at": now},
    ]
    for who, chosen in (("sue", filters[:2]), ("anna", filters[1:])):
        for filtered in chosen:
            fits = await listed(office, who, **filtered, limit=500)
            for q in TYPED:
                plain = [each for each in fits if holds(stored[each], q)]
                found, after = list[int](), None
                while after is not None or not found:
                    wanted = MeetingFilter.model_validate({**filtered, "q": q, "limit": 25, "after": after})
                    async with office.database.reading(office.people[who]) as uow:
                        page = await service.list_meetings(uow, wanted)
                    found, after = [*found, *(each.id for each in page.items)], page.next
                    if after is None:
                        break
                assert found == plain, (who, filtered, q)


def holds(folded: str, typed: str) -> bool:
    """Tell whether a meeting's text holds what was typed, by reading it."""
    return all(any(word.startswith(start) for word in folded.split() for start in each) for each in search.wanted(typed))


async def fill(office: Floor, count: int) -> dict[int, str]:
    """Write meetings with words that are alike, several at the same moment; returns their texts by id."""
    chance, begin = random.Random(11), clock.now()
    people = [None, *(actor.user_id for actor in office.people.values())]
    made = []
    async with office.database.unit_of_work() as uow:
        for _ in range(count):
            at = begin + dt.timedelta(hours=chance.randrange(-5, 10))
            name, contact = " ".join(chance.choices(WORDS, k=2)), chance.choice(WORDS)
            number = f"+4860{chance.randrange(1, 3)}{chance.choice(('234567', '234568', '999567'))}"
            made.append(
                Meeting(
                    name=name,
                    mode=chance.choice(("manual", "automatic")),
                    state=chance.choice(("planned", "due", "held", "missed")),
                    number=number,
                    contact_name=contact,
                    folded=search.folded(name, contact, number),
                    from_at=at,
                    to_at=at + dt.timedelta(hours=1),
                    project_id=chance.choice((None, office.project_id)),
                    user_id=chance.choice(people),
                    created_by=chance.choice(people),
                    created_at=begin,
                    updated_at=begin,
                )
            )
        uow.session.add_all(made)
    return {each.id: each.folded for each in made}
