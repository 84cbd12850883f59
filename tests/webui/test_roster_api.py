"""The roster through the API: weekly patterns, exceptions, who is off, who may, and errors that name the field."""

from collections.abc import AsyncIterator

import httpx
import pytest

from callcenter.actor import Role
from callcenter.roster.service import mark_of_shifts
from tests.webui.conftest import Person, Site
from tests.webui.test_api import good

WEEK = [{"weekday": day, "from_time": "08:00", "to_time": "16:00"} for day in range(5)]
EMPTY = mark_of_shifts([])
INTERVAL = "from_at=2026-06-03T00:00:00Z&to_at=2026-06-04T00:00:00Z"


@pytest.fixture
async def boss(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with site.client((await site.person("boss", Role.SUPERVISOR)).bearer) as client:
        yield client


@pytest.fixture
async def worker(site: Site) -> Person:
    return await site.person("worker")


async def test_a_supervisor_sets_a_roster_and_the_person_reads_it(site: Site, boss: httpx.AsyncClient, worker: Person) -> None:
    path = f"/api/v1/users/{worker.id}"
    night = {"weekday": 6, "from_time": "22:00", "to_time": "06:00"}
    version = (await good(boss.get(f"{path}/shifts")))["version"]
    said = (await good(boss.put(f"{path}/shifts", json={"shifts": [*WEEK, night], "version": version})))["items"]
    assert said[-1] == {**night, "overnight": True, "minutes": 480}
    leave = {"from_at": "2026-06-03T10:00:00+02:00", "to_at": "2026-06-03T12:00:00+02:00", "reason": "Dentist"}
    answer = await boss.post(f"{path}/absences", json=leave)
    assert answer.status_code == 201
    async with site.client(worker.bearer) as own:
        assert (await good(own.get(f"{path}/shifts")))["items"] == said
        [absence] = (await good(own.get(f"{path}/absences?{INTERVAL}")))["items"]
        assert (absence["from_at"], absence["reason"], absence["works"]) == ("2026-06-03T08:00:00Z", "Dentist", False)
        [me] = (await good(own.get(f"/api/v1/roster?{INTERVAL}")))["items"]
        for sent in (
            own.put(f"{path}/shifts", json={"shifts": [], "version": version}),
            own.post(f"{path}/absences", json=leave),
        ):
            assert (await sent).status_code == 403
    assert [(each["from_at"][11:16], each["why"]) for each in me["off"]] == [
        ("00:00", "outside_shifts"),
        ("08:00", "absence"),
        ("14:00", "outside_shifts"),
    ]
    assert [each["name"] for each in (await good(boss.get(f"/api/v1/roster?{INTERVAL}")))["items"]] == ["Boss", "Worker"]
    assert (await boss.delete(f"{path}/absences/{absence['id']}")).status_code == 204
    assert (await boss.delete(f"{path}/absences/{absence['id']}")).status_code == 404


async def mark(client: httpx.AsyncClient, person: Person, part: str) -> str:
    return str((await good(client.get(f"/api/v1/users/{person.id}/{part}")))["version"])


async def test_the_second_of_two_supervisors_is_told_what_the_first_changed_and_keeps_what_they_typed(
    site: Site, boss: httpx.AsyncClient, worker: Person
) -> None:
    async with site.client((await site.person("deputy", Role.SUPERVISOR)).bearer) as deputy:
        path, read = f"/api/v1/users/{worker.id}/shifts", await mark(boss, worker, "shifts")
        await good(deputy.put(path, json={"shifts": WEEK[:2], "version": read}))
        refused = await boss.put(path, json={"shifts": WEEK, "version": read})
        assert refused.status_code == 409
        assert refused.json()["error"]["sentence"] == (
            "Deputy changed the weekly hours meanwhile: + Monday 08:00\N{EN DASH}16:00; + Tuesday 08:00\N{EN DASH}16:00."
        )
        typed = {"from_0": "07:00", "to_0": "15:00", "version": read}
        page = await boss.post(f"/roster/{worker.id}/shifts", data=typed)
        assert page.status_code == 409
        assert "Deputy changed the weekly hours meanwhile" in page.text
        assert 'value="07:00"' in page.text
        assert "Saving again makes it the whole week and overwrites what was saved meanwhile." in page.text
        assert "data-stale" not in (await boss.get(f"/roster/{worker.id}")).text
        fresh = await mark(boss, worker, "shifts")
        assert f'value="{fresh}"' in page.text, "who reads that and saves again means it"
        assert [each["from_time"] for each in (await good(boss.get(path)))["items"]] == ["08:00", "08:00"]
        assert (await boss.post(f"/roster/{worker.id}/shifts", data={**typed, "version": fresh})).status_code == 303
        assert [each["from_time"] for each in (await good(boss.get(path)))["items"]] == ["07:00"]


async def test_the_second_of_two_exceptions_is_added_after_the_first_was_read(
    site: Site, boss: httpx.AsyncClient, worker: Person
) -> None:
    async with site.client((await site.person("deputy", Role.SUPERVISOR)).bearer) as deputy:
        form = {"kind": "off", "from_day": "2026-06-03", "reason": "Leave", "version": await mark(boss, worker, "absences")}
        assert (await deputy.post(f"/roster/{worker.id}/absences", data=form)).status_code == 303
        page = await boss.post(f"/roster/{worker.id}/absences", data=form)
        assert page.status_code == 409
        assert "Deputy changed the exceptions meanwhile: + 2026-06-03 00:00" in page.text
        assert 'value="Leave"' in page.text
        assert "Adding it again puts it beside what stands in the list now; nothing is overwritten." in page.text
        [kept] = (await good(boss.get(f"/api/v1/users/{worker.id}/absences")))["items"]
        gone = f"/roster/{worker.id}/absences/{kept['id']}/remove"
        assert (await deputy.post(gone)).status_code == 303
        late = await boss.post(gone)
        assert late.status_code == 404
        assert "Somebody may have removed it already." in late.text
        again = {**form, "version": await mark(boss, worker, "absences")}
        assert (await boss.post(f"/roster/{worker.id}/absences", data=again)).status_code == 303


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("PUT", "shifts", {"shifts": [{**WEEK[0], "from_time": "8"}], "version": ""}, 422, "shifts.0.from_time"),
        ("PUT", "shifts", {"shifts": [{**WEEK[0], "weekday": 7}], "version": ""}, 422, "shifts.0.weekday"),
        ("PUT", "shifts", {"shifts": [*WEEK, {**WEEK[0], "from_time": "15:00"}], "version": EMPTY}, 422, "shifts.5.from_time"),
        ("PUT", "shifts", {"shifts": WEEK * 11, "version": ""}, 422, "shifts"),
        ("POST", "absences", {"from_at": "2026-06-03T10:00:00Z", "to_at": "2026-06-03T10:00:00Z"}, 422, "to_at"),
        ("POST", "absences", {"from_at": "2026-06-03T10:00:00", "to_at": "2026-06-03T11:00:00Z"}, 422, "from_at"),
        ("POST", "absences", {"from_at": "0001-01-01T00:00:00+14:00", "to_at": "2026-06-03T11:00:00Z"}, 422, "from_at"),
        (
            "POST",
            "absences",
            {"from_at": "2026-06-03T10:00:00Z", "to_at": "2026-06-03T11:00:00Z", "reason": "x" * 201},
            422,
            "reason",
        ),
    ],
)
async def test_bad_input_is_a_sentence_about_its_field(
    boss: httpx.AsyncClient, worker: Person, method: str, path: str, body: object, status: int, field: str
) -> None:
    answer = await boss.request(method, f"/api/v1/users/{worker.id}/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["field"] == field
    assert answer.json()["error"]["sentence"]


@pytest.mark.parametrize(
    "query", ["", "from_at=2026-06-03T00:00:00Z", "from_at=2026-06-03T00:00:00Z&to_at=2028-06-04T00:00:00Z", f"{INTERVAL}&x=1"]
)
async def test_an_interval_that_cannot_be_shown_is_refused(boss: httpx.AsyncClient, query: str) -> None:
    assert (await boss.get(f"/api/v1/roster?{query}")).status_code == 422


async def test_only_supervisors_open_the_roster(site: Site, boss: httpx.AsyncClient, worker: Person) -> None:
    for path in ("/roster", "/roster?week=9999-12-31", "/roster?week=x", f"/roster/{worker.id}", "/meetings/calendar"):
        assert (await boss.get(path)).status_code == 200, path
    assert (await boss.get("/roster/99999")).status_code == 404
    async with site.client(worker.bearer) as own:
        assert (await own.get("/roster")).status_code == 403
        assert (await own.get(f"/roster/{worker.id}")).status_code == 403
        assert (await own.get("/meetings/calendar")).status_code == 200


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"kind": "off", "from_day": "", "to_day": ""}, "Choose a day."),
        ({"kind": "off", "from_day": "2026-06-03", "from_time": "25:00"}, "A time is written as hours and minutes"),
        ({"kind": "off", "from_day": "2026-06-03", "to_day": "2026-06-01"}, "The end must be after the beginning."),
        ({"kind": "off", "from_day": "9999-12-31"}, "This date is too far away."),
    ],
)
async def test_the_page_says_what_is_wrong_with_an_exception(
    boss: httpx.AsyncClient, worker: Person, form: dict[str, str], sentence: str
) -> None:
    answer = await boss.post(f"/roster/{worker.id}/absences", data={**form, "version": await mark(boss, worker, "absences")})
    assert answer.status_code == 422
    assert sentence in answer.text


async def test_an_exception_without_times_is_whole_days(boss: httpx.AsyncClient, worker: Person) -> None:
    form = {"kind": "works", "from_day": "2026-03-28", "to_day": "2026-03-29"}
    form["version"] = await mark(boss, worker, "absences")
    assert (await boss.post(f"/roster/{worker.id}/absences", data=form)).status_code == 303
    [kept] = (await good(boss.get(f"/api/v1/users/{worker.id}/absences")))["items"]
    assert (kept["from_at"], kept["to_at"], kept["works"]) == ("2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z", True)
