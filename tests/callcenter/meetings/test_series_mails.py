"""One mail for a series, as it arrives: parsed with icalendar, its rule expanded with dateutil in the mail's own time zone."""

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule
from icalendar import Calendar

from callcenter.contacts.models import Contact
from callcenter.db import Database
from callcenter.errors import Invalid
from callcenter.events import Notice
from callcenter.meetings import assigning, invitations, series, service
from callcenter.meetings.forms import MeetingChange, Reschedule
from callcenter.meetings.models import Meeting, MeetingState
from callcenter.meetings.series_forms import SeriesInput, SeriesOut
from callcenter.messages.mailer import Mailer
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import history, meeting, open_office, row, told
from tests.callcenter.messages.conftest import settings_for
from tests.callcenter.messages.post import Post

WARSAW = ZoneInfo("Europe/Warsaw")
YEAR = dt.datetime.now(dt.UTC).year + 1
CLOCKS = max(day for day in range(25, 32) if dt.date(YEAR, 3, day).weekday() == 6)  # of March: one hour is skipped
JAN = "jan@example.org"
Window = tuple[dt.datetime, dt.datetime]


class Diary:
    """A customer's calendar: takes what arrives by mail, as RFC 5546 says, and shows when it has something."""

    def __init__(self, office: Floor, post: Post) -> None:
        self._office = office
        self._post = post
        self._read = 0
        self._held: dict[str, dict[dt.datetime, Window]] = {}
        self.mails: list[tuple[Any, Any]] = []
        self._sequences: dict[str, int] = {}

    async def take(self) -> list[str]:
        """Read the mails that arrived since; returns the methods with the numbers of their events."""
        await Mailer(self._office.database).run_due()
        fresh, self._read = self._post.received[self._read :], len(self._post.received)
        found = []
        for each in fresh:
            (part,) = [each for each in each.message.walk() if each.get_content_type() == "text/calendar"]
            calendar = Calendar.from_ical(part.get_content())
            assert isinstance(calendar, Calendar)
            assert part.get_param("method") == str(calendar["method"])
            self._take(calendar)
            self.mails.append((each.message, calendar))
            found.append(f"{calendar['method']} {len(calendar.walk('VEVENT'))}")
        return found

    def _take(self, calendar: Calendar) -> None:
        zones = {str(each["tzid"]): each.to_tz() for each in calendar.timezones}
        for event in calendar.events:
            assert not event.errors
            uid, sequence = str(event["uid"]), int(str(event["sequence"]))
            assert sequence > self._sequences.get(uid, -1) or event is not calendar.events[0], "SEQUENCE rises"
            self._sequences[uid] = sequence
            held = self._held.setdefault(uid, {})
            place = event.get("recurrence-id")
            if str(calendar["method"]) == "CANCEL":
                assert str(event["status"]) == "CANCELLED"
                if place is None:
                    held.clear()
                else:
                    del held[_utc(place, zones)]
            elif place is not None:
                held[_utc(place, zones)] = (_utc(event["dtstart"], zones), _utc(event["dtend"], zones))
            else:
                self._held[uid] = _expanded(event, zones)

    @property
    def windows(self) -> list[Window]:
        """What is in the calendar, in order."""
        return sorted(each for held in self._held.values() for each in held.values())


def _utc(property_: Any, zones: dict[str, Any]) -> dt.datetime:
    """Return a moment: of a zone's clock by the mail's own VTIMEZONE, not by what this machine knows of the zone."""
    zone = property_.params.get("tzid")
    found = property_.dt if zone is None else property_.dt.replace(tzinfo=zones[zone])
    assert isinstance(found, dt.datetime)
    return found.astimezone(dt.UTC)


def _expanded(event: Any, zones: dict[str, Any]) -> dict[dt.datetime, Window]:
    start, end = _utc(event["dtstart"], zones), _utc(event["dtend"], zones)
    if "rrule" not in event:
        return {start: (start, end)}
    zone = zones[event["dtstart"].params["tzid"]]
    local = event["dtstart"].dt.replace(tzinfo=None)
    length = event["dtend"].dt.replace(tzinfo=None) - local
    begins = list(rrule.rrulestr(event["rrule"].to_ical().decode(), dtstart=local))
    gone = event.get("exdate", [])
    without = {_utc(one, zones) for each in (gone if isinstance(gone, list) else [gone]) for one in _dates(each)}
    found = {}
    for each in begins:
        at, until = (moment.replace(tzinfo=zone).astimezone(dt.UTC) for moment in (each, each + length))
        if at not in without:
            found[at] = (at, until)
    return found


def _dates(exdate: Any) -> list[Any]:
    for each in exdate.dts:
        each.params = exdate.params
    return list(exdate.dts)


def at(day: str, clock: str = "14:30") -> dt.datetime:
    return dt.datetime.fromisoformat(f"{YEAR}-{day} {clock}").replace(tzinfo=WARSAW)


@pytest.fixture
async def inviting(database: Database, post: Post, tmp_path: Path) -> Floor:
    """The office with a mail server and a customer with an address."""
    office = await open_office(database, time_zone="Europe/Warsaw")
    database.settings = settings_for(tmp_path, post.port)
    async with database.unit_of_work() as uow:
        uow.session.add(Contact(id=77, first_name="Jan", last_name="Żuk", email=JAN, created_at=uow.now, updated_at=uow.now))
    return office


@pytest.fixture
def diary(inviting: Floor, post: Post) -> Diary:
    return Diary(inviting, post)


async def plan(office: Floor, rule: dict[str, Any] | None = None, **fields: Any) -> SeriesOut:
    repeat = SeriesInput.model_validate(rule or {"every": "day", "count": 5})
    fields = {"from_at": at("03-01"), "to_at": None, "contact_id": 77, "invite": True, "name": "Offer", **fields}
    found = await office.do("sue", series.plan_series, meeting(office, **fields), repeat)
    assert isinstance(found, SeriesOut)
    return found


async def change(office: Floor, meeting_id: int, scope: str = "one", /, **fields: Any) -> None:
    stored = await row(office, meeting_id)
    names = ("name", "number", "mode", "information", "project_id", "user_id", "contact_id", "from_at", "to_at", "version")
    data = MeetingChange.model_validate({**{name: getattr(stored, name) for name in names}, **fields})
    await office.do("sue", series.change_series, meeting_id, data, scope)


async def promised(office: Floor, made: SeriesOut) -> list[Window]:
    """Return the windows in which the customer will be called."""
    stored = [await row(office, each.id) for each in made.items]
    return sorted((each.from_at, each.to_at) for each in stored if each.state == MeetingState.PLANNED)


RULES: list[tuple[str, dict[str, Any]]] = [
    ("14:30", {"every": "day", "count": 10}),
    ("14:30", {"every": "day", "interval": 3, "count": 8}),
    ("09:00", {"every": "weekdays", "until": f"{YEAR}-04-09"}),
    ("09:00", {"every": "week", "interval": 2, "days": [0, 3, 6], "count": 9}),
    ("02:30", {"every": "day", "count": 10}),  # one night there is no 02:30
    ("01:45", {"every": "day", "count": 10}),  # one of them goes on while the hour is skipped
    ("23:50", {"every": "day", "count": 10}),
]


@pytest.mark.parametrize(("clock", "rule"), RULES)
async def test_a_series_is_one_mail_and_its_rule_gives_every_meeting_over_the_clock_change(
    inviting: Floor, diary: Diary, clock: str, rule: dict[str, Any]
) -> None:
    begin = at(f"03-{CLOCKS - 5:02}", clock)
    length = dt.timedelta(minutes=90 if clock == "01:45" else 30)
    made = await plan(inviting, rule, from_at=begin, to_at=begin + length)
    methods = await diary.take()
    exceptions = int(clock in ("02:30", "01:45"))
    assert methods == [f"REQUEST {1 + exceptions}"], "the rule says all of it but that one night"
    assert diary.windows == await promised(inviting, made)
    ((message, calendar),) = diary.mails
    event = calendar.walk("VEVENT")[0]
    assert str(event["uid"]) == f"phone-meeting-series-{made.series_id}@example.com"
    assert (event["sequence"], str(event["status"])) == (0, "CONFIRMED")
    assert message["Subject"].startswith("Phone calls from ")
    body = message.get_body(("plain",)).get_content()
    assert f"at these times ({len(made.items)})" in body
    assert body.count("\n- ") == len(made.items)
    assert "When:" not in str(event["description"])
    for each in made.items:
        stored = await row(inviting, each.id)
        assert (stored.invited, stored.sequence) == (JAN, 1)
        assert [line.text for line in await history(inviting, each.id)].count("An invitation goes to {address}.") == 1


async def test_one_that_is_changed_is_one_mail_about_that_occurrence(inviting: Floor, diary: Diary) -> None:
    made = await plan(inviting)
    await diary.take()
    third = made.items[2].id
    await change(inviting, third, from_at=at("03-03", "09:00"), to_at=at("03-03", "09:20"))
    assert await diary.take() == ["REQUEST 1"]
    assert diary.windows == await promised(inviting, made)
    message, calendar = diary.mails[-1]
    (event,) = calendar.walk("VEVENT")
    assert event["recurrence-id"].dt.replace(tzinfo=None) == dt.datetime(YEAR, 3, 3, 14, 30)  # noqa: DTZ001
    assert (event["sequence"], event.get("rrule")) == (1, None)
    assert message["Subject"].startswith("Changed: phone call on 3 March")
    await change(inviting, third, information="for us only")
    assert await diary.take() == [], "nothing the customer sees"
    await change(inviting, third, number="+48602111222", keep_number=False)
    assert await diary.take() == ["REQUEST 1"]
    assert "+48 602 111 222" in str(diary.mails[-1][1].walk("VEVENT")[0]["location"])


async def test_the_rest_that_moves_is_one_mail(inviting: Floor, diary: Diary) -> None:
    made = await plan(inviting, {"every": "week", "days": [0, 2], "count": 12})
    await diary.take()
    ids = [each.id for each in made.items]
    third, fourth = await row(inviting, ids[2]), await row(inviting, ids[3])
    hour = dt.timedelta(hours=1)
    await change(inviting, ids[3], from_at=fourth.from_at + hour, to_at=fourth.to_at + hour)
    assert await diary.take() == ["REQUEST 1"]
    await change(inviting, ids[2], "rest", from_at=third.from_at + 2 * hour, to_at=third.to_at + 2 * hour)
    assert await diary.take() == ["REQUEST 4"], "most moved: the rule did; two did not, one otherwise"
    assert diary.windows == await promised(inviting, made)
    first = await row(inviting, ids[0])
    day = dt.timedelta(days=1)
    await change(inviting, ids[0], "rest", from_at=first.from_at + day, to_at=first.to_at + day)
    assert await diary.take() == ["REQUEST 4"]
    assert diary.windows == await promised(inviting, made)
    event = diary.mails[-1][1].walk("VEVENT")[0]
    assert "BYDAY=TU,TH" in event["rrule"].to_ical().decode()


async def test_the_rest_with_other_words_is_one_mail(inviting: Floor, diary: Diary) -> None:
    made = await plan(inviting)
    await diary.take()
    await change(inviting, made.items[1].id, "rest", name="Better; offer, now")
    assert await diary.take() == ["REQUEST 2"]
    event, first = diary.mails[-1][1].walk("VEVENT")
    assert (str(event["summary"]), str(first["summary"])) == ("Better; offer, now", "Offer")
    assert diary.windows == await promised(inviting, made)
    await inviting.do("sue", assigning.assign, [each.id for each in made.items], inviting.people["bob"].id)
    assert await diary.take() == ["REQUEST 2"], "given to another consultant: once, too"
    assert "Bob" in diary.mails[-1][0].get_body(("plain",)).get_content()


async def test_cancelling_one_the_rest_and_all_is_one_cancel_each(inviting: Floor, diary: Diary) -> None:
    made = await plan(inviting, {"every": "day", "count": 6})
    await diary.take()
    ids = [each.id for each in made.items]
    await inviting.do("sue", series.cancel_series, ids[1], "Not then.", "one")
    assert await diary.take() == ["CANCEL 1"]
    assert diary.windows == await promised(inviting, made)
    assert diary.mails[-1][0]["Subject"].startswith("Cancelled: phone call on 2 March")
    await inviting.do("sue", series.cancel_series, ids[3], "Enough.", "rest")
    assert await diary.take() == ["CANCEL 3"]
    assert diary.windows == await promised(inviting, made)
    assert "these times are cancelled (3)" in diary.mails[-1][0].get_body(("plain",)).get_content()
    await change(inviting, ids[0], "rest", name="Last")
    assert await diary.take() == ["REQUEST 1"], "what was cancelled is no occurrence of the event any more"
    assert diary.windows == await promised(inviting, made)
    await inviting.do("sue", series.cancel_series, ids[0], "No.", "rest")
    assert await diary.take() == ["CANCEL 1"]
    assert diary.mails[-1][1].walk("VEVENT")[0].get("recurrence-id") is None
    assert diary.windows == []
    assert {(await row(inviting, each)).invited for each in ids} == {""}


async def test_one_that_is_rescheduled_leaves_the_series_and_is_an_invitation_of_its_own(inviting: Floor, diary: Diary) -> None:
    made = await plan(inviting)
    await diary.take()
    begin = at("03-20", "10:00")
    await inviting.do("sue", service.reschedule, made.items[4].id, Reschedule(from_at=begin))
    assert sorted(await diary.take()) == ["CANCEL 1", "REQUEST 1"]
    assert diary.windows == sorted([*await promised(inviting, made), (begin, begin + dt.timedelta(minutes=30))])


async def test_a_contact_with_another_address_is_invited_there_once_and_the_old_one_gets_one_cancel(
    inviting: Floor, diary: Diary
) -> None:
    made = await plan(inviting)
    await diary.take()
    async with inviting.database.unit_of_work() as uow:
        (await uow.session.get_one(Contact, 77)).email = "jan@new.example.org"
    await change(inviting, made.items[0].id, "rest", name="Offer!")
    assert await diary.take() == ["CANCEL 1", "REQUEST 1"]
    assert [message["To"] for message, _ in diary.mails] == [JAN, JAN, "jan@new.example.org"]
    assert diary.windows == await promised(inviting, made)
    assert {(await row(inviting, each.id)).invited for each in made.items} == {"jan@new.example.org"}


async def test_the_rest_is_invited_with_one_mail_and_one_alone_is_an_event_of_its_own(inviting: Floor, diary: Diary) -> None:
    made = await plan(inviting, invite=False)
    await change(inviting, made.items[4].id, invite=True)
    assert await diary.take() == ["REQUEST 1"]
    assert str(diary.mails[-1][1].walk("VEVENT")[0]["uid"]) == f"phone-meeting-{made.items[4].id}@example.com"
    await change(inviting, made.items[1].id, "rest", invite=True)
    assert await diary.take() == ["REQUEST 1"]
    assert diary.windows == (await promised(inviting, made))[1:]
    await change(inviting, made.items[4].id, from_at=at("03-05", "18:00"), to_at=at("03-05", "18:30"))
    assert await diary.take() == ["REQUEST 1"]
    assert diary.windows == (await promised(inviting, made))[1:]


async def test_who_cannot_be_invited_is_a_sentence_and_nothing_is_planned(inviting: Floor, diary: Diary) -> None:
    async with inviting.database.unit_of_work() as uow:
        (await uow.session.get_one(Contact, 77)).email = "jan@bad-.pl"
    with pytest.raises(Invalid, match="is not an e-mail address") as refused:
        await plan(inviting)
    assert refused.value.field == "invite"
    assert await diary.take() == []


async def test_without_a_mail_server_the_change_stands_and_the_person_hears_once(inviting: Floor, tmp_path: Path) -> None:
    made = await plan(inviting)
    inviting.database.settings = settings_for(tmp_path, 25, smtp="")
    await inviting.do("sue", series.cancel_series, made.items[0].id, "No.", "rest")
    assert {(await row(inviting, each.id)).state for each in made.items} == {"cancelled"}
    assert told(inviting, Notice) == [{"sue"}]


async def test_a_mail_about_all_that_comes_back_stands_in_each_history(inviting: Floor, post: Post) -> None:
    made = await plan(inviting)
    post.answers["RCPT"] = ["550 No such user"]
    await Mailer(inviting.database).run_due()
    for each in made.items:
        last = (await history(inviting, each.id))[-1]
        assert last.text.format(**last.data) == f"The e-mail to {JAN} could not be delivered (550 No such user)."


async def test_a_series_that_was_invited_meeting_by_meeting_before_goes_on_so(inviting: Floor, diary: Diary) -> None:
    made = await plan(inviting, invite=False)
    for each in made.items:
        async with inviting.database.unit_of_work(inviting.people["sue"]) as uow:
            await invitations.send(uow, await uow.session.get_one(Meeting, each.id), JAN, "invited")
    assert await diary.take() == ["REQUEST 1"] * 5
    await inviting.do("sue", series.cancel_series, made.items[3].id, "No.", "rest")
    assert await diary.take() == ["CANCEL 1"] * 2
    assert diary.windows == await promised(inviting, made)


async def test_the_mails_of_a_series_are_needed_until_its_last_meeting_is_over(inviting: Floor, diary: Diary) -> None:
    made = await plan(inviting)
    await diary.take()
    first, last = made.items[0].id, made.items[4].id
    single = await inviting.do("sue", service.plan, meeting(inviting))

    async def needed() -> set[str]:
        ids = {str(each) for each in (first, last, single.id)}
        async with inviting.database.reading() as uow:
            assert await invitations.needed(uow, "test", ids) == set()
            return set(await invitations.needed(uow, invitations.ABOUT, ids))

    await inviting.do("sue", series.cancel_series, first, "Not then.", "one")
    assert await needed() == {str(first), str(last), str(single.id)}
    await inviting.do("sue", service.cancel, single.id, "No.")
    assert await needed() == {str(first), str(last)}
    await inviting.do("sue", series.cancel_series, made.items[1].id, "Enough.", "rest")
    assert await needed() == set()
