"""Invitations as they arrive: parsed with the standard email package and icalendar, from a real mail server."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from callcenter import clock
from callcenter.contacts.models import Contact
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid
from callcenter.events import Notice
from callcenter.meetings import service
from callcenter.meetings.forms import MeetingChange
from callcenter.messages.mailer import Mailer
from callcenter.users.models import User
from tests.callcenter.calls.floor import CALLER, Floor
from tests.callcenter.meetings.office import history, meeting, open_office, planned, row, told
from tests.callcenter.messages.conftest import settings_for
from tests.callcenter.messages.post import Post

JAN = "jan.zuk+praca@example.org"
TOMORROW = dt.timedelta(days=1)


@pytest.fixture
async def inviting(database: Database, post: Post, tmp_path: Path) -> Floor:
    """The office with a mail server, a customer with an address, and a supervisor who speaks Polish."""
    office = await open_office(database, time_zone="Europe/Warsaw")
    database.settings = settings_for(tmp_path, post.port)
    async with database.unit_of_work() as uow:
        uow.session.add(
            Contact(id=77, first_name="Jan", last_name='Żuk "Junior"', email=JAN, created_at=uow.now, updated_at=uow.now)
        )
        planner = await uow.session.get_one(User, office.people["sue"].id)
        planner.language = "pl"
    return office


async def arrived(office: Floor, post: Post) -> list[tuple[Any, Any, Calendar]]:
    """Send what waits; return every message with its event."""
    await Mailer(office.database).run_due()
    found = []
    for each in post.received:
        part = each.message.get_body(("plain",))
        assert part is not None
        (calendar_part,) = [each for each in each.message.walk() if each.get_content_type() == "text/calendar"]
        calendar = Calendar.from_ical(calendar_part.get_content())
        assert isinstance(calendar, Calendar)
        (event,) = calendar.walk("VEVENT")
        assert calendar_part.get_param("method") == str(calendar["method"])
        assert not event.errors
        found.append((each.message, event, calendar))
    return found


async def change(office: Floor, meeting_id: int, **fields: Any) -> None:
    stored = await row(office, meeting_id)
    same = {"number": stored.number, "from_at": stored.from_at, "to_at": stored.to_at, "name": stored.name}
    same |= {"project_id": stored.project_id, "user_id": stored.user_id, "contact_id": stored.contact_id}
    data = MeetingChange.model_validate({**same, "version": stored.version, **fields})
    await office.do("sue", service.change, meeting_id, data)


async def test_an_invitation_says_who_calls_when_and_on_which_number_and_is_an_event(inviting: Floor, post: Post) -> None:
    at = dt.datetime(clock.now().year + 1, 1, 15, 9, 0, tzinfo=dt.UTC)
    name = "Nowa; oferta, część\\2"
    meeting_id = await planned(
        inviting,
        name=name,
        contact_id=77,
        invite=True,
        from_at=at,
        to_at=at + dt.timedelta(minutes=30),
        information="secret note",
    )
    ((message, event, calendar),) = await arrived(inviting, post)
    assert message["To"] == JAN
    assert message["From"] == "Infolinia Żółw <post@example.com>"
    assert message["Subject"].startswith("Rozmowa telefoniczna 15 stycznia")
    body = message.get_body(("plain",)).get_content()
    for word in ("Dzień dobry", "Anna", "między 10:00 a 10:30", "Europe/Warsaw", "GMT+01:00", "+48 601 234 567", name):
        assert word in body
    assert "<" not in body
    assert "secret note" not in body + event["description"]
    assert (str(calendar["method"]), str(calendar["version"])) == ("REQUEST", "2.0")
    assert str(event["uid"]) == f"phone-meeting-{meeting_id}@example.com"
    assert event["sequence"] == 0
    assert (event.start, event.end) == (at, at + dt.timedelta(minutes=30))
    assert event["dtstart"].to_ical() == at.strftime("%Y%m%dT%H%M%SZ").encode()
    assert str(event["summary"]) == name
    assert str(event["description"]).replace("\r\n", "\n") in body.replace("\r\n", "\n") + "\n"
    assert str(event["organizer"]) == "mailto:post@example.com"
    assert event["organizer"].params["cn"] == "Infolinia Żółw"
    assert str(event["attendee"]) == f"mailto:{JAN}"
    assert event["attendee"].params["cn"] == "Jan Żuk 'Junior'"
    stored = await row(inviting, meeting_id)
    assert (stored.invited, stored.sequence) == (JAN, 1)
    assert "An invitation goes to {address}." in [each.text for each in await history(inviting, meeting_id)]


async def test_a_change_the_customer_sees_is_a_request_with_the_next_sequence_and_a_cancel_ends_it(
    inviting: Floor, post: Post
) -> None:
    meeting_id = await planned(inviting, name="Offer", contact_id=77, invite=True)
    await change(inviting, meeting_id, information="for us only")
    await change(inviting, meeting_id, number="+48602111222", keep_number=False)
    start = clock.now() + TOMORROW
    await change(inviting, meeting_id, from_at=start, to_at=start + dt.timedelta(hours=1))
    await inviting.do("sue", service.cancel, meeting_id, "The customer asked.")
    found = await arrived(inviting, post)
    methods = [(str(calendar["method"]), event["sequence"], str(event["status"])) for _, event, calendar in found]
    assert methods == [
        ("REQUEST", 0, "CONFIRMED"),
        ("REQUEST", 1, "CONFIRMED"),
        ("REQUEST", 2, "CONFIRMED"),
        ("CANCEL", 3, "CANCELLED"),
    ]
    assert len({str(event["uid"]) for _, event, _ in found}) == 1
    assert "+48 602 111 222" in str(found[1][1]["location"])
    assert found[2][1].start == start.replace(microsecond=0)
    assert [message["Subject"].split()[0] for message, _, _ in found] == ["Rozmowa", "Zmiana:", "Zmiana:", "Odwołana:"]
    assert (await row(inviting, meeting_id)).invited == ""


async def test_a_contact_with_another_address_is_invited_there_and_the_old_one_is_told(inviting: Floor, post: Post) -> None:
    meeting_id = await planned(inviting, name="Offer", contact_id=77, invite=True)
    async with inviting.database.unit_of_work() as uow:
        (await uow.session.get_one(Contact, 77)).email = "jan@new.example.org"
    await change(inviting, meeting_id, name="Offer!")
    found = await arrived(inviting, post)
    assert [(message["To"], str(calendar["method"])) for message, _, calendar in found] == [
        (JAN, "REQUEST"),
        (JAN, "CANCEL"),
        ("jan@new.example.org", "REQUEST"),
    ]
    assert [event["sequence"] for _, event, _ in found] == [0, 1, 2]
    assert (await row(inviting, meeting_id)).invited == "jan@new.example.org"


async def test_a_sender_with_another_domain_keeps_the_events_identity(inviting: Floor, post: Post, tmp_path: Path) -> None:
    meeting_id = await planned(inviting, name="Offer", contact_id=77, invite=True)
    inviting.database.settings = settings_for(tmp_path, post.port, smtp_from="new@example.net")
    await inviting.do("sue", service.cancel, meeting_id, "No.")
    found = await arrived(inviting, post)
    assert {str(event["uid"]) for _, event, _ in found} == {f"phone-meeting-{meeting_id}@example.com"}


async def test_who_cannot_be_invited_is_a_sentence_on_the_field(inviting: Floor, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="Choose a contact first") as refused:
        await planned(inviting, invite=True)
    assert refused.value.field == "invite"
    for email, sentence in (("", "no e-mail address"), ("jan@bad-.pl", "is not an e-mail address")):
        async with inviting.database.unit_of_work() as uow:
            (await uow.session.get_one(Contact, 77)).email = email
        with pytest.raises(Invalid, match=sentence) as refused:
            await planned(inviting, contact_id=77, invite=True)
        assert refused.value.field == "invite"
    inviting.database.settings = settings_for(tmp_path, 25, smtp="")
    with pytest.raises(Conflict, match="E-mail is not set up"):
        await planned(inviting, contact_id=77, invite=True)


async def test_a_meeting_can_be_cancelled_when_mail_is_no_longer_set_up_and_the_person_hears_who_was_not_told(
    inviting: Floor, tmp_path: Path
) -> None:
    meeting_id = await planned(inviting, name="Offer", contact_id=77, invite=True)
    inviting.database.settings = settings_for(tmp_path, 25, smtp="")
    await inviting.do("sue", service.cancel, meeting_id, "No.")
    assert (await row(inviting, meeting_id)).state == "cancelled"
    assert {"sue"} in told(inviting, Notice)


async def test_an_invitation_that_comes_back_stands_in_the_meetings_history(inviting: Floor, post: Post) -> None:
    meeting_id = await planned(inviting, name="Offer", contact_id=77, invite=True)
    post.answers["RCPT"] = ["550 No such user"]
    await Mailer(inviting.database).run_due()
    last = (await history(inviting, meeting_id))[-1]
    assert last.text.format(**last.data) == f"The e-mail to {JAN} could not be delivered (550 No such user)."
    (notice,) = [event for event, _ in inviting.messages if isinstance(event, Notice)]
    assert notice.link == f"/meetings/{meeting_id}"


async def test_nobody_is_written_to_about_a_meeting_nobody_was_invited_to(inviting: Floor, post: Post) -> None:
    meeting_id = await planned(inviting, name="Offer", contact_id=77)
    await change(inviting, meeting_id, name="Other")
    await inviting.do("sue", service.cancel, meeting_id, "No.")
    assert await arrived(inviting, post) == []
    assert meeting(inviting).number == CALLER
