"""Series, files and saved filters through the API: what scripts send and get."""

import csv
import datetime as dt
import io
from collections.abc import Awaitable
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import insert

from callcenter import clock
from callcenter.actor import SYSTEM, Role
from callcenter.meetings import exports, settings
from callcenter.meetings.forms import MeetingFilter, SettingsInput
from callcenter.meetings.models import Meeting, MeetingState
from callcenter.projects import service as projects
from callcenter.projects.service import ProjectInput
from tests.webui.conftest import Person, Site
from tests.webui.test_api import good, until

ALWAYS = {str(day): [("00:00", "24:00")] for day in range(7)}
DAY = (clock.now() + dt.timedelta(days=30)).date()


@pytest.fixture
async def project(site: Site, consultant: Person, supervisor: Person) -> int:
    """Add a project that holds meetings, served by the consultant."""
    async with site.database.unit_of_work() as uow:
        made = await projects.add_project(uow, ProjectInput(name="Sales"))
        await projects.set_members(uow, made.id, [consultant.id])
        await settings.set_settings(uow, made.id, SettingsInput.model_validate({"hours": ALWAYS}))
        return made.id


def typed(project_id: int, **fields: Any) -> dict[str, Any]:
    begin = f"{DAY}T14:30:00+01:00"
    return {"name": "Offer", "number": "+48601234567", "from_at": begin, "project_id": project_id, **fields}


async def reached(client: httpx.AsyncClient, import_id: int, *states: str) -> dict[str, Any]:
    async def there() -> Any:
        found = await good(client.get(f"/api/v1/phone-meetings/imports/{import_id}"))
        return found if found["state"] in states else None

    return dict(await until(there))


async def refused(sent: Awaitable[httpx.Response]) -> tuple[int, str | None]:
    answer = await sent
    return answer.status_code, answer.json()["error"].get("field")


async def test_a_series_is_planned_changed_and_cancelled(site: Site, project: int, supervisor: Person) -> None:
    async with site.client(supervisor.bearer) as client:
        body = {"meeting": typed(project), "repeat": {"every": "day", "interval": 2, "until": str(DAY + dt.timedelta(days=6))}}
        made = await good(client.post("/api/v1/phone-meetings/series", json=body))
        ids = [each["id"] for each in made["items"]]
        assert len(ids) == 4
        listed = await good(client.get(f"/api/v1/phone-meetings?series_id={made['series_id']}"))
        assert [each["id"] for each in listed["items"]] == ids
        change = typed(project, name="Later", version=1, scope="rest")
        report = await good(client.put(f"/api/v1/phone-meetings/{ids[1]}/series", json=change))
        assert [(each["id"], each["name"]) for each in report["changed"]] == [(each, "Later") for each in ids[1:]]
        assert await refused(client.put(f"/api/v1/phone-meetings/{ids[1]}/series", json=change)) == (409, None)
        gone = await good(
            client.post(f"/api/v1/phone-meetings/{ids[2]}/series/cancel", json={"reason": "Holiday", "scope": "rest"})
        )
        assert [each["state"] for each in gone["changed"]] == ["cancelled", "cancelled"]
        wrong = body | {"repeat": {"every": "day"}}
        assert await refused(client.post("/api/v1/phone-meetings/series", json=wrong)) == (422, "repeat.until")
        wrong = body | {"repeat": {"every": "day", "count": 201}}
        assert await refused(client.post("/api/v1/phone-meetings/series", json=wrong)) == (422, "repeat.count")
        assert (await client.get("/api/v1/phone-meetings/series")).status_code == 404


async def test_what_is_wrong_with_one_day_is_said_in_the_readers_language(site: Site, project: int) -> None:
    boss = await site.person("szef", Role.SUPERVISOR, "pl")
    async with site.database.unit_of_work() as uow:
        await settings.set_settings(
            uow, project, SettingsInput.model_validate({"hours": {str(DAY.weekday()): [("08:00", "18:00")]}})
        )
    async with site.client(boss.bearer) as client:
        body = {"meeting": typed(project), "repeat": {"every": "day", "count": 2}}
        answer = await client.post("/api/v1/phone-meetings/series", json=body)
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == "from_at"
        sentence = answer.json()["error"]["sentence"]
        assert sentence.startswith(f"{DAY + dt.timedelta(days=1)}: ")
        assert "Customers" not in sentence


def file_of(*rows: str) -> dict[str, Any]:
    text = "\n".join(["Nazwa;Numer;Od;Do;Projekt;Użytkownik", *rows])
    return {"file": ("../spotkania.csv", text.encode("cp1250"), "text/csv")}


async def test_a_file_is_checked_planned_and_asked_about_the_second_time(
    site: Site, project: int, supervisor: Person, consultant: Person
) -> None:
    files = file_of(f"Łąka;601234567;{DAY} 14:30;15:00;Sales;anna", f"x;112;{DAY} 14:30;15:00;Sales;")
    async with site.client(supervisor.bearer) as client:
        made = await good(client.post("/api/v1/phone-meetings/import", files=files, data={"dry_run": "true"}))
        assert (made["file_name"], made["time_zone"]) == ("spotkania.csv", "Europe/Warsaw")
        checked = await reached(client, made["id"], "checked")
        assert (checked["accepted"], checked["rejected"], checked["planned"], checked["same_as_id"]) == (1, 1, 0, None)
        report = await client.get(f"/api/v1/phone-meetings/imports/{made['id']}/rejected")
        assert report.headers["content-type"].startswith("text/csv")
        [header, row] = csv.reader(io.StringIO(report.text.removeprefix("\ufeff")))
        assert (header[:4], row[:2]) == (["Line", "Column", "Reason", "Nazwa"], ["3", "Numer"])
        await good(client.post(f"/api/v1/phone-meetings/imports/{made['id']}/plan"))
        assert (await reached(client, made["id"], "done"))["planned"] == 1
        assert (await good(client.get("/api/v1/phone-meetings")))["items"][0]["name"] == "Łąka"
        assert (await client.post(f"/api/v1/phone-meetings/imports/{made['id']}/plan")).status_code == 409
        again = await good(client.post("/api/v1/phone-meetings/import", files=files))
        nothing = await reached(client, again["id"], "done")
        assert (nothing["same_as_id"], nothing["planned"], nothing["already"], nothing["rejected"]) == (made["id"], 0, 1, 1)
        [line] = (await good(client.get(f"/api/v1/phone-meetings/imports/{again['id']}/lines?state=already")))["items"]
        assert (line["line"], line["name"], line["state"]) == (2, "Łąka", "planned")
        assert "Already planned" in (await client.get(f"/meetings/import/{again['id']}")).text
        await good(client.post(f"/api/v1/phone-meetings/imports/{made['id']}/undo"))
        undone = await reached(client, made["id"], "undone")
        assert (undone["undone"], undone["kept"]) == (1, 0)
        assert (await client.post(f"/api/v1/phone-meetings/imports/{made['id']}/undo")).status_code == 409
        assert (await client.get(f"/api/v1/phone-meetings/imports/{made['id']}/lines?state=other")).status_code == 422
        assert (await good(client.get(f"/api/v1/phone-meetings/{line['meeting_id']}")))["state"] == "cancelled"
        assert [each["id"] for each in (await good(client.get("/api/v1/phone-meetings/imports")))["items"]] == [
            again["id"],
            made["id"],
        ]
        assert (await client.post("/api/v1/phone-meetings/import", data={"dry_run": "true"})).status_code in {415, 422}
    async with site.client(consultant.bearer) as client:
        assert (await client.get(f"/api/v1/phone-meetings/imports/{made['id']}")).status_code == 404
        assert (await client.get(f"/api/v1/phone-meetings/imports/{made['id']}/rejected")).status_code == 404
        assert (await client.get(f"/api/v1/phone-meetings/imports/{made['id']}/lines?state=kept")).status_code == 404
        assert (await client.post(f"/api/v1/phone-meetings/imports/{made['id']}/undo")).status_code == 404
        assert (await good(client.get("/api/v1/phone-meetings/imports")))["items"] == []
    await site.app.state.imports.close()
    assert not list((site.settings.data_dir / "imports").iterdir()), "the upload is gone when it was read"


async def test_a_large_file_of_meetings_is_taken(site: Site, project: int, supervisor: Person) -> None:
    rows = [f"{'x' * 150};601234567;yesterday;;Sales;" for _ in range(8000)]  # over the limit of other requests
    async with site.client(supervisor.bearer) as client:
        made = await client.post("/api/v1/phone-meetings/import", files=file_of(*rows), data={"dry_run": "true"})
        assert made.status_code == 202
    await site.app.state.imports.close()


async def store(site: Site, count: int, **fields: Any) -> None:
    """Write meetings as they are, an hour after another."""
    now = clock.now()
    plain = {
        "mode": "manual",
        "state": MeetingState.PLANNED.value,
        "number": "+48601234567",
        "created_at": now,
        "updated_at": now,
    }
    rows = [
        {
            **plain,
            "name": f"Meeting {n}",
            "from_at": now + dt.timedelta(hours=n),
            "to_at": now + dt.timedelta(hours=n + 1),
            **fields,
        }
        for n in range(count)
    ]
    async with site.database.unit_of_work() as uow:
        await uow.session.execute(insert(Meeting), rows)


async def export(site: Site, who: Person, query: str = "") -> list[list[str]]:
    async with site.client(who.bearer) as client:
        answer = await client.get(f"/api/v1/phone-meetings/export{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf"), "spreadsheets know it as UTF-8"
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


async def test_what_is_filtered_is_exported_harmless_and_in_the_readers_language(
    site: Site, project: int, consultant: Person, supervisor: Person
) -> None:
    await store(site, 2, project_id=project, information='=HYPERLINK("http://evil")')
    await store(site, 1, project_id=None, name="+cmd", state=MeetingState.MISSED.value)
    header, *rows = await export(site, supervisor, "?state=planned")
    assert header == list(exports.HEADER)
    assert [(row[1], row[2], row[6], row[7], row[10]) for row in rows] == [
        ("Meeting 0", "'+48601234567", '\'=HYPERLINK("http://evil")', "Sales", "Planned"),
        ("Meeting 1", "'+48601234567", '\'=HYPERLINK("http://evil")', "Sales", "Planned"),
    ]
    assert len(await export(site, supervisor)) == 4
    assert [row[1] for row in (await export(site, supervisor, "?state=missed"))[1:]] == ["'+cmd"]
    assert len(await export(site, consultant)) == 3, "only what they may see"
    boss = await site.person("szef", Role.SUPERVISOR, "pl")
    header, *_ = await export(site, boss)
    assert header != list(exports.HEADER)
    async with site.client(supervisor.bearer) as client:
        assert await refused(client.get("/api/v1/phone-meetings/export?state=odd")) == (422, "state")


async def test_an_export_is_read_page_after_page(site: Site, project: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE", 3)
    await store(site, 10, project_id=project)
    pieces = [piece async for piece in exports.rows(site.database, SYSTEM, MeetingFilter(), exports.HEADER, {})]
    assert [piece.count("\n") for piece in pieces] == [4, 3, 3, 1]
    rows = list(csv.reader(io.StringIO("".join(pieces).removeprefix("\ufeff"))))
    assert [row[1] for row in rows[1:]] == [f"Meeting {n}" for n in range(10)]


async def test_an_hour_that_comes_twice_says_which_it_is() -> None:
    zone = ZoneInfo("Europe/Warsaw")
    first = dt.datetime(2027, 10, 31, 0, 30, tzinfo=dt.UTC)
    assert exports.written(first, zone) == "2027-10-31T02:30+02:00"
    assert exports.written(first + dt.timedelta(hours=1), zone) == "2027-10-31T02:30+01:00"
    assert exports.written(first + dt.timedelta(hours=2), zone) == "2027-10-31 03:30"


async def test_an_export_can_be_imported_again_without_its_own_columns(site: Site, project: int, supervisor: Person) -> None:
    boss = await site.person("szef", Role.SUPERVISOR, "pl")
    async with site.client(supervisor.bearer) as client:
        made = await good(client.post("/api/v1/phone-meetings", json=typed(project)))
        rows = [row[1:10] for row in await export(site, boss)]
        await good(client.post(f"/api/v1/phone-meetings/{made['id']}/cancel", json={"reason": "Enough."}))
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    async with site.client(boss.bearer) as client:
        files = {"file": ("back.csv", text.getvalue().encode(), "text/csv")}
        made = await good(client.post("/api/v1/phone-meetings/import", files=files))
        done = await reached(client, made["id"], "done", "failed")
        assert (done["state"], done["planned"], done["error"]) == ("done", 1, "")
        items = (await good(client.get("/api/v1/phone-meetings")))["items"]
    assert len({(each["name"], each["number"], each["from_at"], each["to_at"], each["mode"]) for each in items}) == 1
    await site.app.state.imports.close()


async def test_filters_are_saved_listed_renamed_and_deleted(site: Site, consultant: Person, supervisor: Person) -> None:
    async with site.client(consultant.bearer) as client:
        body = {"page": "phone_meetings", "name": "Missed", "query": "state=missed"}
        made = await good(client.post("/api/v1/filters", json=body))
        assert [each["name"] for each in (await good(client.get("/api/v1/filters?page=phone_meetings")))["items"]] == ["Missed"]
        assert (await good(client.put(f"/api/v1/filters/{made['id']}", json={"name": "Lost"})))["name"] == "Lost"
        assert await refused(client.post("/api/v1/filters", json=body | {"query": ""})) == (422, "query")
        async with site.client(supervisor.bearer) as other:
            assert (await other.delete(f"/api/v1/filters/{made['id']}")).status_code == 404
        assert (await client.delete(f"/api/v1/filters/{made['id']}")).status_code == 204
        assert (await good(client.get("/api/v1/filters")))["items"] == []
