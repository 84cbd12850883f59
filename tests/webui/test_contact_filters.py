"""Filters of the list of contacts on the page and in the API: remembered, shared, wrong ones told of; many acted upon."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import delete, func, select

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, AccountRole, Actor, Role
from callcenter.contacts import batches, bulk, index, service
from callcenter.contacts.bulk_models import ContactBulk, ContactBulkRow
from callcenter.contacts.field_models import CustomField, CustomValue, DictionaryEntry
from callcenter.contacts.filters import ContactFilter
from callcenter.contacts.models import Contact, ContactManager, ContactTag, ContactTerm, TimelineEntry
from callcenter.users.models import AuditEntry, User
from tests.webui.conftest import Person, Site
from webui import contact_bulks

NAMES = ["Adamska", "Bąk", "Cichy", "Dąb"]


@pytest.fixture
async def page(site: Site, consultant: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Four contacts; yields Anna's browser."""
    async with site.database.unit_of_work() as uow:
        uow.session.add_all(
            DictionaryEntry(id=n, kind="tag" if n > 2 else "stage", name=f"W{n}", folded=f"w{n}") for n in (1, 2, 3, 4)
        )
        uow.session.add(CustomField(id=1, key="worth", name="Worth", kind="number"))
        await uow.session.flush()
        for at, name in enumerate(NAMES):
            number = {"number": f"50123456{at}", "type": "mobile"}
            made = await service.create_contact(
                uow,
                service.ContactInput(last_name=name, city="Kraków" if at % 2 else "Łódź", numbers=[number], tags=["W3"]),
                "PL",
            )
            uow.session.add(CustomValue(contact_id=made.id, field_id=1, number=at * 10.0))
    async with site.client(consultant.cookies | {"sec-fetch-site": "same-origin"}) as client:
        yield client


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each for each in NAMES if f">{each}<" in answer.text]


async def test_the_line_of_the_folded_filters_says_each_in_words(page: httpx.AsyncClient) -> None:
    async def said(query: str) -> str:
        shown = (await page.get(f"/contacts?f=1&{query}")).text
        return re.sub(r"<[^>]+>|\s+", " ", shown.partition('class="filters-said"')[2].partition("</summary>")[0]).replace(
            "  ", " "
        )

    assert "City: kra" in await said("city=kra")
    assert "Tags: all of W3, W4" in await said("tag=3&tag=4&all_tags=1")
    both = await said("stage=1&mine=me&type=partner&country=PL&number=501&number=60&x_worth_from=5&x_worth_to=10")
    for each in (
        "Stage: W1",
        "My contacts: Mine",
        "Type: Partner",
        "Country: Poland",
        "Number: 501, 60",
        "Worth: ≥ 5",
        "Worth: ≤ 10",
    ):
        assert each in both
    assert "Organisation: one that was chosen" not in await said("organisation_id=77")


async def test_a_filter_narrows_the_list_comes_back_and_is_taken_off(page: httpx.AsyncClient) -> None:
    assert names(await page.get("/contacts")) == NAMES
    assert names(await page.get("/contacts?city=krak&tag=3&f=1")) == ["Bąk", "Dąb"]
    again = await page.get("/contacts")
    assert again.status_code == 303
    assert names(await page.get(again.headers["location"])) == ["Bąk", "Dąb"]
    assert names(await page.get("/contacts?f=1")) == NAMES
    assert names(await page.get("/contacts")) == NAMES
    assert "2 contacts" in (await page.get("/contacts/count?x_worth_from=10&x_worth_to=20,5")).text
    assert names(await page.get("/contacts?number=4561&number=501")) == ["Bąk"]


@pytest.mark.parametrize(
    "query",
    [
        "stage=99&stage=x&tag=3&tag=3&tag=3",
        "city=" + "x" * 2000,
        "&".join(f"tag={n}" for n in range(200)),
        "manager=999999999999&mine=abc&organisation_id=77",
        "x_worth_from=abc&x_worth_to=nan&x_gone=1",
        "x_worth_from=9&x_worth_to=1",
        "number=1&number=abc",
        "country=XX&type=pope&all_tags=maybe",
    ],
)
async def test_what_makes_no_sense_in_an_address_is_told_of_and_is_no_error(page: httpx.AsyncClient, query: str) -> None:
    answer = await page.get(f"/contacts?{query}")
    assert answer.status_code == 200
    assert 'class="alert alert-warning"' in answer.text
    assert (await page.get(f"/contacts/rows?{query}")).status_code == 200


@pytest.mark.parametrize("typed", ["%", "_", "%%", "' OR 1=1", "\u202eabc", "\x00", "😀", "مرحبا", "<script>"])
async def test_texts_are_only_texts(page: httpx.AsyncClient, typed: str) -> None:
    for name in ("q", "last_name", "city", "postcode", "email", "address"):
        answer = await page.get(f"/contacts?{name}={quote(typed)}")
        assert answer.status_code == 200
        assert "<script>" not in answer.text.replace("<script type", "")


async def test_a_saved_filter_that_names_a_retired_word_or_a_deleted_user_still_opens(
    page: httpx.AsyncClient, site: Site
) -> None:
    async with site.database.unit_of_work() as uow:
        user = User(login="gone", name="Gone", role="consultant", accounts=[], password_hash="", created_at=uow.now)
        uow.session.add(user)
        await uow.session.flush()
        (await uow.session.get_one(DictionaryEntry, 3)).retired_at = uow.now
    saved = {"page": "contacts", "name": "Mine", "query": f"f=1&tag=3&manager={user.id}", "back": "/contacts"}
    assert (await page.post("/filters", data=saved)).status_code == 303
    async with site.database.unit_of_work() as uow:
        await uow.session.execute(delete(User).where(User.id == user.id))
        mine = await uow.session.scalar(select(User).where(User.login == "anna"))
        assert mine is not None
    answer = await page.get(f"/contacts?{saved['query']}")
    assert names(answer) == NAMES
    assert "no longer there" in answer.text
    assert "W3" in answer.text


async def test_the_api_filters_and_counts(page: httpx.AsyncClient, site: Site, consultant: Person) -> None:
    await index.catch_up(site.database)
    async with site.client(consultant.bearer) as api:
        found = (await api.get("/api/v1/contacts?city=krak&tags=3,4&numbers=501")).json()
        assert [each["name"] for each in found["items"]] == ["Bąk", "Dąb"]
        custom = quote('[{"key": "worth", "least": 15}]')
        assert len((await api.get(f"/api/v1/contacts?custom={custom}")).json()["items"]) == 2
        counted = await api.post("/api/v1/contacts/count", json={"city": "krak", "custom": [{"key": "worth", "most": 10}]})
        assert counted.json() == {"number": 1, "more": False}
        first = (await api.get("/api/v1/contacts?city=krak&limit=1")).json()
        other = (await api.get(f"/api/v1/contacts?tags=3&limit=1&after={first['next']}")).json()
        assert other["items"][0]["name"] == "Cichy", "a place of another filter is a place, too"
        bad = [
            "tags=a",
            "tags=99999999999",
            "city=a&city=b",
            "nonsense=1",
            "country=pl",
            "custom=x",
            "custom=[1]",
            "numbers=1",
            "mine=0",
        ]
        bad += [
            f"tags={','.join(map(str, range(200)))}",
            f"city={'x' * 2000}",
            "type=pope",
            'custom=[{"key":"a","least":2,"most":1}]',
        ]
        for each in [*bad, 'custom=[{"key":"a","first":"2020-13-01"}]', "after=WzEsMl0"]:
            answer = await api.get(f"/api/v1/contacts?{quote(each, safe='=&')}")
            assert answer.status_code == 422, (each, answer.text)
        for wrong in ({"tags": "3"}, {"q": 1}, {"custom": [{"key": "A"}]}, {"managers": [0]}, {"x": 1}):
            assert (await api.post("/api/v1/contacts/count", json=wrong)).status_code == 422, wrong


async def act(page: httpx.AsyncClient, **given: str) -> str:
    answer = await page.post("/contacts/bulk", data={"query": "f=1", **given})
    assert answer.status_code == 303, answer.text
    return (await page.get(answer.headers["location"])).text


async def ids(site: Site) -> list[int]:
    async with site.database.reading() as uow:
        return list(await uow.session.scalars(select(Contact.id).order_by(Contact.sort_name)))


async def test_few_are_tagged_staged_and_given_to_a_manager_at_once(
    page: httpx.AsyncClient, site: Site, consultant: Person
) -> None:
    chosen = ",".join(map(str, (await ids(site))[:2]))
    assert "Done." in await act(page, action="tag", tag_id="4", ids=chosen)
    await act(page, action="untag", tag_id="3", all="1")
    await act(page, action="stage", stage_id="2", all="1", query="city=krak")
    await act(page, action="add_manager", manager_id=str(consultant.id), ids=chosen)
    async with site.database.reading() as uow:
        tags = (await uow.session.execute(select(ContactTag.entry_id, func.count()).group_by(ContactTag.entry_id))).all()
        assert [tuple(each) for each in tags] == [(4, 2)]
        assert await uow.session.scalar(select(func.count()).where(Contact.stage_id == 2)) == 2
        assert await uow.session.scalar(select(func.count()).select_from(ContactManager)) == 2
        audited = await uow.session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "contact_bulk"))
        assert {"contacts.tag_started", "contacts.tag_done"} <= set(audited)
        assert await uow.session.scalar(select(func.count()).select_from(ContactBulkRow)) == 0
    assert names(await page.get("/contacts?mine=me")) == NAMES[:2]
    async with site.database.reading() as uow:
        found = select(TimelineEntry).where(TimelineEntry.kind == "change").order_by(TimelineEntry.id)
        told = [(each.user_id, *each.data["fields"].items()) for each in await uow.session.scalars(found)]
    by = consultant.id
    tagged, untagged, staged = ["tags", [["W3"], ["W3", "W4"]]], [["W3", "W4"], ["W4"]], ("stage", ["", "W2"])
    assert told[:2] == [(by, tuple(tagged))] * 2
    assert sorted(told[2:6]) == sorted([(by, ("tags", untagged))] * 2 + [(by, ("tags", [["W3"], []]))] * 2)
    assert told[6:] == [(by, staged)] * 2  # each one's timeline tells who changed what, as when one is saved by itself


async def test_the_api_does_the_same_to_many_and_reports_on_it(page: httpx.AsyncClient, site: Site, consultant: Person) -> None:
    chosen = (await ids(site))[:2]
    done = await page.post("/api/v1/contacts/bulk", json={"action": "tag", "ids": [*chosen, 99999], "id": 4})
    assert done.status_code == 201, done.text
    report = done.json()
    assert [report[each] for each in ("state", "total", "done", "refused")] == ["done", 3, 2, 1]
    assert report["refusals"] == [{"contact_id": 99999, "name": "", "why": "This contact is no longer there."}]
    assert (await page.get(f"/api/v1/contacts/bulk/{report['id']}")).json() == report
    krakow: dict[str, Any] = {"action": "stage", "filter": {"city": "krak"}, "id": 2}
    assert (await page.post("/api/v1/contacts/bulk", json=krakow)).json()["done"] == 2
    remove = {"action": "delete", "filter": {"city": "krak"}}
    assert (await page.post("/api/v1/contacts/bulk", json=remove)).status_code == 409
    assert (await page.post("/api/v1/contacts/bulk", json=remove | {"number": 2})).json()["done"] == 2
    bad: list[dict[str, Any]] = [
        {"action": "tag"}, {"action": "tag", "ids": []}, {"action": "tag", "ids": chosen, "filter": {}, "id": 4},
        {"action": "tag", "ids": chosen, "id": 2}, {"action": "meetings", "ids": chosen}, {"action": "fly", "ids": chosen},
        {"action": "add_manager", "ids": chosen},
    ]  # fmt: skip
    for wrong in bad:
        assert (await page.post("/api/v1/contacts/bulk", json=wrong)).status_code == 422, wrong
    assert (await page.get("/api/v1/contacts/bulk/99999")).status_code == 404


async def test_deleting_asks_first_and_names_the_number(page: httpx.AsyncClient, site: Site) -> None:
    asked = await page.post("/contacts/bulk", data={"query": "city=krak", "action": "delete", "all": "1"})
    assert asked.status_code == 200
    assert "Delete 2 contacts for good?" in asked.text
    other = {"query": "city=krak", "action": "delete", "all": "1", "sure": "1", "number": "3"}
    assert (await page.post("/contacts/bulk", data=other)).status_code == 409
    await act(page, action="delete", all="1", sure="1", number="2", query="city=krak")
    assert names(await page.get("/contacts?f=1")) == ["Adamska", "Cichy"]
    async with site.database.reading() as uow:
        left = set(await uow.session.scalars(select(ContactTerm.contact_id)))
        assert left == set(await ids(site))


async def test_who_changed_meanwhile_or_may_not_be_changed_is_named(
    site: Site, page: httpx.AsyncClient, consultant: Person
) -> None:
    everybody = await ids(site)
    actor = Actor(consultant.id, "Anna", Role.CONSULTANT, accounts=EVERY_ACCOUNT)
    async with site.database.unit_of_work(actor) as uow:
        made = ContactBulk(
            user_id=actor.id,
            action="tag",
            value={"id": 4},
            filter={"city": "krak"},
            created_at=uow.now,
            touched_at=uow.now - batches.ABANDONED * 2,
            total=4,
        )
        uow.session.add(made)
        await uow.session.flush()
        uow.session.add_all(ContactBulkRow(bulk_id=made.id, contact_id=each) for each in [*everybody, 99999])
        await uow.session.execute(select(Contact))
    await bulk.resume_all(site.database, contact_bulks.ACTS)
    said = (await page.get(f"/contacts/bulk/{made.id}")).text
    assert "no longer fits the filter" in said
    assert "is no longer there" in said
    assert "Adamska" in said
    reader = Actor(consultant.id, "Anna", Role.CONSULTANT, accounts=frozenset({AccountRole.CUSTOMER_READER}))
    async with site.database.unit_of_work(reader) as uow:
        found = await bulk.start(uow, contact_bulks.ACTS, "stage", {"id": 1}, wanted=ContactFilter(city="krak"))
        assert (found.done, found.refused, found.state) == (0, 2, "done")
    async with site.client((await site.person("eve")).cookies) as eve:
        assert (await eve.get(f"/contacts/bulk/{made.id}")).status_code == 404


async def test_many_go_on_in_the_background_in_batches(site: Site, page: httpx.AsyncClient, consultant: Person) -> None:
    actor = Actor(consultant.id, "Anna", Role.CONSULTANT, accounts=EVERY_ACCOUNT)
    async with site.database.unit_of_work() as uow:
        for n in range(60):
            await service.create_contact(uow, service.ContactInput(last_name=f"Nowak{n}"), "PL")
    async with site.database.unit_of_work(actor) as uow:
        made = await bulk.start(uow, contact_bulks.ACTS, "stage", {"id": 1}, wanted=ContactFilter(last_name="nowak"))
        assert (made.state, made.total, made.done) == ("running", 60, 0)
    await bulk.run(site.database, actor, contact_bulks.ACTS, made.id)
    async with site.database.reading(actor) as uow:
        found = await bulk.get(uow, made.id)
        assert (found.state, found.done, found.refused) == ("done", 60, 0)
        assert await uow.session.scalar(select(func.count()).where(Contact.stage_id == 1)) == 60


async def test_meetings_that_cannot_be_planned_are_refused_one_by_one(site: Site, page: httpx.AsyncClient) -> None:
    given = {"action": "meetings", "project_id": "77", "from_date": f"{clock.now().year + 1}-01-05", "from_time": "10:00"}
    said = await act(page, all="1", **given)
    assert "There is no such project." in said
    assert (await page.post("/contacts/bulk", data={"action": "meetings", "all": "1", "query": ""})).status_code == 422
    for wrong in ({"action": "tag", "tag_id": "1"}, {"action": "tag"}, {"action": "dance"}, {"action": "stage", "stage_id": "3"}):
        assert (await page.post("/contacts/bulk", data={"all": "1", "query": "", **wrong})).status_code == 422, wrong
    assert (await page.post("/contacts/bulk", data={"action": "tag", "tag_id": "3", "ids": "x,-1"})).status_code == 422
