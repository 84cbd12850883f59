"""Sending a text message: written down before the switch hears of it, and never sent twice."""

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from callcenter import clock
from callcenter.actor import Role
from callcenter.contacts import consents
from callcenter.contacts import service as contacts
from callcenter.contacts.identify import identify
from callcenter.contacts.models import Contact
from callcenter.contacts.text import clean_lines
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.events import Candidate
from callcenter.phone import SendText
from callcenter.projects.models import Project
from callcenter.texts import entries, rows, segments, states, ways
from callcenter.texts.models import TextMessage
from callcenter.users.service import audit

MAXIMUM = 1600  # UTF-16 units; Twilio's limit of a message (error 21617)


async def send_text(
    uow: UnitOfWork,
    number: str,
    text: str,
    *,
    contact_id: int | None = None,
    project_id: int | None = None,
    reply_to: str | None = None,
    key: str = "",
    keep_number: bool = False,
) -> TextMessage:
    """Send an SMS on the actor's behalf; what becomes of it comes later (receiving.status).

    `reply_to`: the message it answers, and whose own number it leaves from. `key`: the page's id of this sending; sent again
    with the same it returns the message of the first time. `keep_number`: store the number on the contact, as a mobile.
    Raises Invalid with the field at fault (number, text, project_id), DoNotContact when the customer objected,
    Conflict when there is no trunk for it, Unavailable
    while the switch is away. The row is written before the switch hears of it: a crash may lose a message, never repeat it.
    """
    uow.actor.require(Role.CONSULTANT)
    words = _words(text)
    answered = None if reply_to is None else await rows.one(uow, reply_to)
    if answered is not None:
        await rows.refuse_hidden(uow, answered)
    project = await ways.project_of(uow, project_id, answered)
    e164 = ways.checked(uow, number, project)
    earlier = await _earlier(uow, key)
    if earlier is not None:
        return _same(earlier, e164, words)
    way = await ways.way_out(uow, project, answered)
    ways.check_up(way.trunk)
    message = TextMessage(
        id=clock.new_id(),
        trunk_id=way.trunk.id,
        project_id=project.id if project else None,
        user_id=uow.actor.id,
        outbound=True,
        number=e164,
        own_number=way.sender,
        text=words,
        state=states.QUEUED,
        key=key,
        match=[],
        created_at=uow.now,
        state_at=uow.now,
        seen_at=uow.now,
    )
    contact = None if contact_id is None else await contacts.get_contact(uow, contact_id)
    await _identify(uow, message, project, contact)
    await consents.check(
        uow,
        "sms",
        contact_id=message.contact_id,
        number=e164,
        purpose=project.purpose if project else "service",
        project_id=project.id if project else None,
    )
    try:
        async with uow.session.begin_nested():
            uow.session.add(message)
    except IntegrityError:  # the same key at the same moment: the other one was first
        return _same(await _earlier(uow, key), e164, words)
    if keep_number and contact is not None:
        await contacts.add_number(uow, contact, e164, ways.region(uow, project), "mobile")
    await entries.write(uow, message)
    await _answers(uow, message, answered)
    audit(uow, "text.sent", "text", message.id, number=e164)
    await entries.tell_state(uow, message)
    uow.send(SendText(message.id, way.trunk.id, way.sender, e164, words))
    return message


def _words(text: str) -> str:
    words = clean_lines(text)
    if not words:
        raise Invalid("Type the text of the message.", field="text")
    if segments.units(words) > MAXIMUM:
        raise Invalid("A text message has at most {maximum} characters.", field="text", maximum=MAXIMUM)
    return words


async def _earlier(uow: UnitOfWork, key: str) -> TextMessage | None:
    query = select(TextMessage).where(TextMessage.user_id == uow.actor.id, TextMessage.key == key, TextMessage.key != "")
    return await uow.session.scalar(query)


def _same(earlier: TextMessage | None, number: str, words: str) -> TextMessage:
    if earlier is None or (earlier.number, earlier.text) != (number, words):
        raise Conflict("This message was sent already, with another text or to another number. Look at the timeline.")
    return earlier


async def _identify(uow: UnitOfWork, message: TextMessage, project: Project | None, contact: Contact | None) -> None:
    """Note whom the message is for: the contact it was written from, else who has the number."""
    if contact is not None:
        message.contact_id, message.organisation_id = contact.id, contact.organisation_id
        message.match = [_chosen(contact).model_dump()]
    elif project is None or project.identify:
        match = await identify(uow, message.number, ways.region(uow, project), everybody=True)
        message.match = [each.model_dump() for each in match.candidates]
        if len(match.candidates) == 1:
            message.contact_id, message.organisation_id = match.candidates[0].contact_id, match.candidates[0].organisation_id


def _chosen(contact: Contact) -> Candidate:
    organisation = contact.organisation
    return Candidate(
        contact_id=contact.id,
        organisation_id=contact.organisation_id,
        name=contact.name or (organisation.name if organisation else ""),
        organisation=organisation.name if organisation else None,
        avatar_id=contact.avatar_id,
        rule="chosen",
    )


async def _answers(uow: UnitOfWork, message: TextMessage, answered: TextMessage | None) -> None:
    """Mark what the customer wrote to the same number of ours, as far as the actor may see it, as answered by this."""
    same = TextMessage.own_number == message.own_number
    if answered is not None:
        same = or_(same, TextMessage.id == answered.id)
    query = select(TextMessage).where(
        TextMessage.seen_at.is_(None), TextMessage.number == message.number, same, rows.visible(uow)
    )
    waiting = list(await uow.session.scalars(query.with_for_update(of=TextMessage)))
    for each in waiting:
        each.seen_at, each.seen_by, each.answer_id = uow.now, uow.actor.user_id, message.id
    await entries.tell_seen(uow, waiting)
