"""Phone meetings through the API: what scripts send, what they get, and errors that name the field at fault."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from callcenter import clock
from tests.callcenter.meetings.office import ALWAYS
from tests.callcenter.meetings.test_settings import sound
from tests.webui.conftest import Person, Site
from tests.webui.test_api import floor, get_ready, good, until

__all__ = ["floor"]
HOUR = dt.timedelta(hours=1)


@pytest.fixture
async def planner(site: Site, floor: httpx.AsyncClient, supervisor: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Give the project of the floor its rules; yields the supervisor's client."""
    async with site.client(supervisor.bearer) as client:
        rules = {"hours": ALWAYS, "window_minutes": 45, "protection_seconds": 0}
        await good(client.put("/api/v1/projects/1/phone-meetings", json=rules))
        yield client


def meeting(**fields: Any) -> dict[str, Any]:
    chosen = fields.get("from_at")
    begin = chosen if isinstance(chosen, dt.datetime) else clock.now() + HOUR
    given = {"number": "601 234 567", "from_at": begin.isoformat(), "to_at": (begin + HOUR).isoformat(), "project_id": 1}
    return {name: value.isoformat() if isinstance(value, dt.datetime) else value for name, value in {**given, **fields}.items()}


async def refused(sending: Any, status: int = 422) -> dict[str, str]:
    answer = await sending
    assert answer.status_code == status, answer.text
    return dict(answer.json()["error"])


async def test_a_meeting_from_plan_to_outcome(site: Site, planner: httpx.AsyncClient, consultant: Person) -> None:
    begin = clock.now() + HOUR
    made = await good(planner.post("/api/v1/phone-meetings", json=meeting(name="Offer", user_id=consultant.id, from_at=begin)))
    assert (made["state"], made["mode"], made["user"], made["number_shown"]) == ("planned", "manual", "Anna", "+48 601 234 567")
    path = f"/api/v1/phone-meetings/{made['id']}"
    change = meeting(name="Offer 2", user_id=consultant.id, from_at=begin, version=made["version"])
    assert (await good(planner.put(path, json=change)))["version"] == 2
    stale = await refused(planner.put(path, json={**change, "name": "Offer 3"}), 409)
    assert (stale["code"], stale["sentence"]) == ("conflict", "Sofia changed this meeting meanwhile: name: Offer → Offer 2.")
    whole = await good(planner.get(path))
    assert [each["kind"] for each in whole["history"]] == ["changed", "planned"]
    moved = await good(planner.post(f"{path}/reschedule", json={"from_at": (begin + 24 * HOUR).isoformat()}))
    assert (moved["follows_id"], moved["name"]) == (made["id"], "Offer 2")
    cancelled = await good(planner.post(f"/api/v1/phone-meetings/{moved['id']}/cancel", json={"reason": "Not wanted"}))
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "Not wanted")
    assert (await refused(planner.post(f"{path}/outcome", json={"outcome": "held"}), 409))["code"] == "conflict"
    assert (await refused(planner.post(f"{path}/cancel", json={"reason": " "})))["field"] == "reason"
    assert (await planner.get("/api/v1/phone-meetings/9999")).status_code == 404


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("to_at", {"to_at": "2020-01-01T10:00:00Z"}),
        ("to_at", {"from_at": "2020-01-01T09:00:00Z", "to_at": "2020-01-01T10:00:00Z"}),
        ("from_at", {"from_at": "yesterday"}),
        ("from_at", {"from_at": "2027-01-01T10:00:00"}),
        ("from_at", {"from_at": "9999-12-31T23:59:59Z", "to_at": None}),
        ("number", {"number": "112"}),
        ("number", {"number": "+48 701 234 567"}),
        ("number", {"number": "+49 30 901820"}),
        ("number", {"number": "12"}),
        ("user_id", {"user_id": 2**31 - 1}),
        ("user_id", {"user_id": 2**40}),
        ("contact_id", {"contact_id": 999}),
        ("project_id", {"project_id": 999}),
        ("mode", {"mode": "sometimes"}),
        ("name", {"name": "x" * 201}),
        ("colour", {"colour": "red"}),
    ],
)
async def test_a_plan_that_cannot_be_kept_names_its_field(planner: httpx.AsyncClient, field: str, fields: dict[str, Any]) -> None:
    for path in ("/api/v1/phone-meetings", "/api/v1/phone-meetings/check"):
        error = await refused(planner.post(path, json=meeting(**fields)))
        assert error["field"] == field, error
        assert error["sentence"].endswith("."), error
    assert (await good(planner.get("/api/v1/phone-meetings")))["items"] == []


async def test_the_list_is_filtered_and_paged(planner: httpx.AsyncClient, consultant: Person, site: Site) -> None:
    begin = clock.now() + HOUR
    ids = []
    for n in range(3):
        at = begin + n * HOUR
        given = meeting(name=f"Offer {n}", from_at=at, to_at=at + HOUR, user_id=consultant.id if n else None)
        ids.append((await good(planner.post("/api/v1/phone-meetings", json=given)))["id"])

    async def listed(client: httpx.AsyncClient, **query: Any) -> list[int]:
        return [each["id"] for each in (await good(client.get("/api/v1/phone-meetings", params=query)))["items"]]

    assert await listed(planner) == ids
    assert await listed(planner, state="planned,due", project_id=1, mode="manual") == ids
    assert await listed(planner, unassigned="true") == ids[:1]
    assert await listed(planner, user_id=consultant.id, q="offer 2") == ids[2:]
    assert await listed(planner, from_at=(begin + HOUR).isoformat(), to_at=(begin + 2 * HOUR).isoformat()) == ids[1:2]
    page = await good(planner.get("/api/v1/phone-meetings", params={"limit": 2}))
    assert await listed(planner, after=page["next"]) == ids[2:]
    async with site.client(consultant.bearer) as client:
        assert await listed(client, mine="true") == ids[1:]
    far = {"from_at": "0001-01-01T00:00:00+02:00", "to_at": "9999-12-31T23:59:59-02:00"}
    assert await listed(planner, **far) == ids
    for field, wrong in (
        ("state", {"state": "lost"}),
        ("after", {"after": "abc"}),
        ("limit", {"limit": 0}),
        ("from_at", {"from_at": "x"}),
    ):
        assert (await refused(planner.get("/api/v1/phone-meetings", params=wrong)))["field"] == field


async def test_meetings_are_given_away_and_spread(planner: httpx.AsyncClient, consultant: Person, site: Site) -> None:
    ids = [(await good(planner.post("/api/v1/phone-meetings", json=meeting())))["id"] for _ in range(2)]
    report = await good(planner.post("/api/v1/phone-meetings/assign", json={"ids": [ids[0], 999], "user_id": consultant.id}))
    assert report == {"assigned": ids[:1], "refused": [{"id": 999, "sentence": "There is no such meeting.", "values": {}}]}
    report = await good(planner.post("/api/v1/phone-meetings/spread", json={"ids": ids, "user_ids": [consultant.id]}))
    assert report["assigned"] == ids
    warnings = (await good(planner.post("/api/v1/phone-meetings/check", json=meeting(user_id=consultant.id))))["items"]
    assert [each["code"] for each in warnings] == ["overlap", "overlap"]
    assert (await refused(planner.post("/api/v1/phone-meetings/assign", json={"ids": ids, "user_id": 999})))["field"] == "user_id"
    async with site.client(consultant.bearer) as client:
        assert (await client.post("/api/v1/phone-meetings/spread", json={"ids": ids, "user_ids": [1]})).status_code == 403


async def test_the_projects_rules_are_read_and_set(planner: httpx.AsyncClient, consultant: Person, site: Site) -> None:
    rules = await good(planner.get("/api/v1/projects/1/phone-meetings"))
    assert (rules["window_minutes"], rules["announcement"]) == (45, "")
    for field, wrong in (
        ("hours", {"hours": {}}),
        ("hours.7", {"hours": {"7": []}}),
        ("time_zone", {"hours": ALWAYS, "time_zone": "Mars"}),
        ("attempts", {"hours": ALWAYS, "attempts": 0}),
        ("served_by", {"hours": ALWAYS, "served_by": [999]}),
    ):
        error = await refused(planner.put("/api/v1/projects/1/phone-meetings", json=wrong))
        assert error["field"].startswith(field), error
    async with site.client(consultant.bearer) as client:
        assert (await good(client.get("/api/v1/projects/1/phone-meetings")))["window_minutes"] == 45
        assert (await client.put("/api/v1/projects/1/phone-meetings", json=rules)).status_code == 403
        assert (await client.get("/api/v1/projects/999/phone-meetings")).status_code == 404
    project = await good(planner.post("/api/v1/projects", json={"name": "Other"}))
    assert (await planner.get(f"/api/v1/projects/{project['id']}/phone-meetings")).status_code == 404
    error = await refused(planner.post("/api/v1/phone-meetings", json=meeting(project_id=project["id"])))
    assert (error["field"], "A supervisor can set them" in error["sentence"]) == ("project_id", True)


async def test_a_due_meeting_is_put_off_and_called_from_ones_desk(
    site: Site, planner: httpx.AsyncClient, floor: httpx.AsyncClient, consultant: Person
) -> None:
    now = clock.now()
    made = await good(planner.post("/api/v1/phone-meetings", json=meeting(user_id=consultant.id, from_at=now, to_at=now + HOUR)))
    path = f"/api/v1/phone-meetings/{made['id']}"
    assert (await refused(floor.post(f"{path}/snooze", json={"minutes": 5}), 409))["sentence"] == "This meeting is not due."
    assert (await refused(floor.post(f"{path}/snooze", json={"minutes": 0})))["field"] == "minutes"
    assert (await refused(floor.post(f"{path}/not-now", json={"attempt_id": "0" * 32}), 404))["code"] == "not_found"
    assert (await refused(floor.post(f"{path}/call"), 409))["code"] == "conflict"
    await get_ready(floor)
    call = await good(floor.post(f"{path}/call"))
    assert (call["direction"], call["number"], call["user_id"]) == ("outbound", "+48601234567", consultant.id)

    async def dialling() -> Any:
        whole = await good(floor.get(path))
        return whole if whole["attempts_made"] else None

    whole = await until(dialling)
    assert whole["state"] in {"dialling", "in_talk"}
    assert whole["attempts_made"][0]["call_id"] == call["id"]
    assert (await refused(planner.post(f"{path}/cancel", json={"reason": "no"}), 409))["code"] == "conflict"


async def test_the_announcement_of_a_project_is_kept_listened_to_and_taken_away(
    site: Site, planner: httpx.AsyncClient, consultant: Person
) -> None:
    path = "/api/v1/projects/1/phone-meetings/announcement"
    spoken = sound(2)
    assert (await planner.get(path)).status_code == 404
    made = await good(planner.put(path, files={"file": ("sorry.wav", spoken, "audio/wav")}))
    assert made["announcement"].endswith(".wav")
    async with site.client(consultant.bearer) as client:
        read = await client.get(path)
        assert (read.status_code, read.headers["content-type"], read.content) == (200, "audio/wav", spoken)
        part = await client.get(path, headers={"range": "bytes=0-43"})
        assert (part.status_code, part.content) == (206, spoken[:44])
        assert (await client.put(path, files={"file": ("sorry.wav", spoken)})).status_code == 403
        assert (await client.delete(path)).status_code == 403
    for wrong in (b"no sound", sound(61), sound(1, rate=16000), b""):
        error = await refused(planner.put(path, files={"file": ("sorry.wav", wrong)}))
        assert error["field"] == "announcement"
    assert (await refused(planner.put(path, files={"other": ("sorry.wav", spoken)})))["field"] == "file"
    assert (await planner.put(path, files={"file": ("sorry.wav", bytes(2_000_000))})).status_code == 413
    assert (await planner.put(path, content=spoken, headers={"content-type": "audio/wav"})).status_code == 415
    assert (await good(planner.get("/api/v1/projects/1/phone-meetings")))["announcement"] == made["announcement"]
    assert (await planner.delete(path)).status_code == 204
    assert (await planner.get(path)).status_code == 404
    assert (await planner.get("/api/v1/projects/999/phone-meetings/announcement")).status_code == 404
    project = await good(planner.post("/api/v1/projects", json={"name": "No rules"}))
    other = f"/api/v1/projects/{project['id']}/phone-meetings/announcement"
    assert (await refused(planner.put(other, files={"file": ("sorry.wav", spoken)}), 409))["code"] == "conflict"
