"""A person's own phone meetings as a calendar others subscribe to (RFC 5545, METHOD:PUBLISH)."""

import datetime as dt
import hashlib
from urllib.parse import urlsplit

from sqlalchemy import select

from callcenter.contacts import numbers
from callcenter.contacts.visibility import viewer
from callcenter.db import UnitOfWork
from callcenter.meetings import ics, letters, sight
from callcenter.meetings.models import Meeting, MeetingState, Mode
from callcenter.messages import addresses
from callcenter.projects.models import Project
from callcenter.users.models import User

BACK = dt.timedelta(days=30)
AHEAD = dt.timedelta(days=365)
_LEFT_OUT = (MeetingState.CANCELLED.value, MeetingState.RESCHEDULED.value)
_SAID = (MeetingState.HELD, MeetingState.NOT_HELD, MeetingState.MISSED, MeetingState.UNCERTAIN)


async def entries(uow: UnitOfWork, user: User, url: str) -> list[ics.Entry]:
    """Return the events of a user's meetings from 30 days back to a year ahead; those that no longer take place are left out.

    `url` is where people reach the product, without a slash at its end. Checks no permission: who has the secret may read.
    """
    words = letters.WORDS.get(user.language, letters.WORDS["en"])
    domain = addresses.ascii_domain(urlsplit(url).hostname or "") or "callcenter.invalid"
    query = (
        select(Meeting, Project.name)
        .join(Project, Project.id == Meeting.project_id, isouter=True)
        .where(Meeting.user_id == user.id, Meeting.state.not_in(_LEFT_OUT))
        .where(Meeting.from_at >= uow.now - BACK, Meeting.from_at <= uow.now + AHEAD)
        .order_by(Meeting.from_at, Meeting.id)
    )
    rows = (await uow.session.execute(query)).all()
    concealed = await sight.concealed(uow, [meeting for meeting, _ in rows], viewer(user.id, user.accounts))
    return [_entry(meeting, project or "", words, domain, url, meeting.id in concealed) for meeting, project in rows]


def digest(found: list[ics.Entry], name: str) -> str:
    """Return what changes when anything in a calendar does."""
    return hashlib.sha256(repr((name, found)).encode()).hexdigest()


def title(user: User) -> str:
    """Return what a person's calendar is called."""
    return letters.WORDS.get(user.language, letters.WORDS["en"])["feed"].format(user=user.name)


def _entry(meeting: Meeting, project: str, words: dict[str, str], domain: str, url: str, hidden: bool) -> ics.Entry:
    """Return a meeting as an event; of one with a contact that is `hidden` from its consultant only the number."""
    number = numbers.show(meeting.number)
    who = number if hidden else meeting.contact_name or number
    name = words["feed.title"].format(who=who)
    state = MeetingState(meeting.state)
    lines = [words["number"].format(number=number)]
    if project:
        lines.append(words["feed.project"].format(project=project))
    if state in _SAID:
        lines.append(words[f"feed.{state.value}"])
    else:
        lines.append(words["feed.manual" if meeting.mode == Mode.MANUAL.value else "feed.automatic"])
    if meeting.information and not hidden:
        lines += ["", meeting.information]
    return ics.Entry(
        uid=ics.uid(meeting.id, domain),
        sequence=meeting.version,
        start=meeting.from_at,
        end=meeting.to_at,
        stamp=meeting.updated_at,
        summary=f"{name} · {meeting.name}" if meeting.name and not hidden else name,
        description="\n".join(lines),
        location=words["location"].format(number=number),
        url=f"{url}/meetings/{meeting.id}",
    )
