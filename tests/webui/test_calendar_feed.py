"""The secret calendar address: made, replaced, revoked; only one's own meetings, only what still takes place."""

import datetime as dt
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import httpx
import pytest
import structlog
from icalendar import Calendar
from sqlalchemy import select

from callcenter import clock
from callcenter.meetings.models import Meeting
from callcenter.users import service as users
from callcenter.users.models import AuditEntry, CalendarFeed
from tests.webui.conftest import Person, Site

DAY = dt.timedelta(days=1)


async def plan(site: Site, person: Person, name: str, *, start: dt.timedelta = DAY, **more: Any) -> int:
    async with site.database.unit_of_work() as uow:
        at = (uow.now + start).replace(microsecond=0)
        given = {"mode": "manual", "number": "+48601234567", "from_at": at, "to_at": at + dt.timedelta(minutes=30)}
        meeting = Meeting(name=name, user_id=person.id, created_at=uow.now, updated_at=uow.now, **(given | more))
        uow.session.add(meeting)
        await uow.session.flush()
        return meeting.id


async def make(site: Site, person: Person) -> str:
    async with site.client(person.bearer) as client:
        answer = await client.post("/api/v1/me/calendar-feed")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"])


async def read(site: Site, url: str, **headers: str) -> httpx.Response:
    async with site.client() as client:  # nobody is signed in
        return await client.get(url, headers=headers)


def events(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {str(each["summary"]): each for each in Calendar.from_ical(answer.text).walk("VEVENT")}


async def test_the_address_gives_ones_own_meetings_that_still_take_place_and_nobody_elses(
    site: Site, consultant: Person, supervisor: Person
) -> None:
    meeting_id = await plan(site, consultant, "Offer", contact_name="Jan Żuk", information="Ask for\nthe contract")
    await plan(site, consultant, "Old", start=-29 * DAY, state="held")
    await plan(site, consultant, "Missed", start=-2 * DAY, state="missed")
    await plan(site, consultant, "Too old", start=-31 * DAY, state="held")
    await plan(site, consultant, "Too far", start=367 * DAY)
    await plan(site, consultant, "Cancelled", state="cancelled")
    await plan(site, consultant, "Moved", state="rescheduled")
    await plan(site, supervisor, "Not Anna's")
    await plan(site, supervisor, "Planned by Anna for another", created_by=consultant.id)
    url = await make(site, consultant)
    answer = await read(site, url)
    found = events(answer)
    number = "+48 60 123 45 67" if "+48 60 123 45 67" in answer.text else "+48 601 234 567"
    assert set(found) == {"Phone meeting: Jan Żuk · Offer", f"Phone meeting: {number} · Old", f"Phone meeting: {number} · Missed"}
    event = found["Phone meeting: Jan Żuk · Offer"]
    assert str(event["uid"]).startswith(f"phone-meeting-{meeting_id}@")
    assert str(event["url"]) == f"http://testserver/meetings/{meeting_id}"
    assert "Ask for\nthe contract" in str(event["description"])
    assert event["dtstart"].to_ical().endswith(b"Z")
    assert event.end - event.start == dt.timedelta(minutes=30)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"].startswith("private")
    calendar = Calendar.from_ical(answer.text)
    assert str(calendar["method"]) == "PUBLISH"
    assert str(calendar["x-wr-calname"]) == "Phone meetings of Anna"


async def test_a_calendar_that_has_not_changed_is_not_sent_again(site: Site, consultant: Person) -> None:
    meeting_id = await plan(site, consultant, "Offer")
    url = await make(site, consultant)
    first = await read(site, url)
    tag, changed = first.headers["etag"], first.headers["last-modified"]
    for headers in ({"if-none-match": tag}, {"if-none-match": f'"x", W/{tag}'}, {"if-modified-since": changed}):
        again = await read(site, url, **headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert (await read(site, url, **{"if-none-match": '"x"', "if-modified-since": changed})).status_code == 200
    assert (await read(site, url, **{"if-modified-since": "nonsense"})).status_code == 200
    clock.shift(3600)
    async with site.database.unit_of_work() as uow:
        (await uow.session.get_one(Meeting, meeting_id)).user_id = None  # given away: nothing of it is Anna's any more
    later = await read(site, url, **{"if-modified-since": changed, "if-none-match": tag})
    assert events(later) == {}
    assert parsedate_to_datetime(later.headers["last-modified"]) > parsedate_to_datetime(changed)
    assert (await read(site, url, **{"if-modified-since": changed})).status_code == 200
    old = format_datetime(dt.datetime(1999, 1, 1, tzinfo=dt.UTC), usegmt=True)
    assert (await read(site, url, **{"if-modified-since": old})).status_code == 200


async def test_a_replaced_a_revoked_and_a_wrong_address_are_alike(site: Site, consultant: Person) -> None:
    first = await make(site, consultant)
    assert (await read(site, first)).status_code == 200
    second = await make(site, consultant)
    replaced = await read(site, first)
    assert (await read(site, second)).status_code == 200
    async with site.client(consultant.bearer) as client:
        assert (await client.delete("/api/v1/me/calendar-feed")).status_code == 204
        assert (await client.delete("/api/v1/me/calendar-feed")).status_code == 404
    revoked = await read(site, second)
    wrong = await read(site, "/calendar/" + "x" * 43 + ".ics")
    for answer in (replaced, revoked, wrong, await read(site, "/calendar/.ics"), await read(site, "/calendar/%00.ics")):
        assert answer.status_code == 404
    assert replaced.text == revoked.text == wrong.text


async def test_somebody_shut_out_has_no_calendar_also_not_when_they_come_back(
    site: Site, consultant: Person, administrator: Person
) -> None:
    url = await make(site, consultant)
    async with site.client(administrator.bearer) as client:
        for disabled in (True, False):
            answer = await client.put(f"/api/v1/users/{consultant.id}", json={"disabled": disabled})
            assert answer.status_code == 200, answer.text
            assert (await read(site, url)).status_code == 404


async def test_guessing_is_slowed_down_as_sign_ins_are_and_right_addresses_are_served_all_the_same(
    site: Site, consultant: Person
) -> None:
    url = await make(site, consultant)
    answers = [(await read(site, f"/calendar/{n:043}.ics")).status_code for n in range(22)]
    assert answers == [404] * 20 + [429] * 2
    assert (await read(site, url)).status_code == 200, "one address may be a proxy for many"
    async with site.database.reading() as uow:
        kept = list(await uow.session.scalars(select(AuditEntry).where(AuditEntry.action == "calendar_feed.refused")))
    assert len(kept) == 20
    clock.shift(16 * 60)
    assert (await read(site, "/calendar/other.ics")).status_code == 404


async def test_the_secret_stands_in_no_log_and_only_its_hash_in_the_database(site: Site, consultant: Person) -> None:
    with structlog.testing.capture_logs() as logs:
        url = await make(site, consultant)
        secret = url.rpartition("/")[2].removesuffix(".ics")
        assert len(secret) >= 43
        await read(site, url)
        await read(site, url + "/")
        await read(site, url.replace(".ics", ""))
    assert any(each.get("path") == "/calendar/***.ics" for each in logs)
    assert secret not in str(logs)
    async with site.database.reading() as uow:
        (stored,) = await uow.session.scalars(select(CalendarFeed))
        entries = list(await uow.session.scalars(select(AuditEntry)))
    assert secret not in stored.token_hash
    assert secret not in str([each.detail for each in entries])
    assert {"calendar_feed.made"} <= {each.action for each in entries}
    assert stored.read_at is not None


async def test_the_profile_makes_shows_once_and_revokes_it(site: Site, consultant: Person) -> None:
    same = {"sec-fetch-site": "same-origin"}
    async with site.client(consultant.cookies | same) as client:
        assert "/calendar/" not in (await client.get("/profile")).text.replace('action="/profile/calendar', "")
        made = await client.post("/profile/calendar")
        assert made.status_code == 200
        url = made.text.split('data-copy="')[1].split('"')[0]
        assert url.startswith("http://testserver/calendar/")
        assert (await read(site, url)).status_code == 200
        assert url not in (await client.get("/profile")).text, "shown once"
        assert (await client.post("/profile/calendar/revoke")).status_code == 303
        assert (await read(site, url)).status_code == 404
        assert (await client.post("/profile/calendar/revoke")).status_code == 303, "revoked already, in another tab"


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_the_calendar_speaks_the_persons_language(site: Site, language: str) -> None:
    person = await site.person("ola", language=language)
    await plan(site, person, "", contact_name="Jan Żuk")
    await plan(site, person, "", contact_name="Ewa", state="missed")
    found = events(await read(site, await make(site, person)))
    expected = {"en": "Phone meeting: Jan Żuk", "pl": "Spotkanie telefoniczne: Jan Żuk"}[language]
    assert expected in found
    assert users.LANGUAGES == ("en", "pl")
