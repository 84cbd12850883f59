"""What the switch says of text messages: one that came, what became of one that was sent, and of those nobody knows about."""

import datetime as dt
from typing import Any

import structlog
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from callcenter import clock, jobs
from callcenter.contacts import numbers
from callcenter.contacts.identify import Match, identify
from callcenter.contacts.models import Contact
from callcenter.contacts.text import clean
from callcenter.db import UnitOfWork
from callcenter.phone import TextReceived, TextStatus
from callcenter.projects.models import Project
from callcenter.projects.service import normalised, project_for
from callcenter.texts import entries, rows, states, ways
from callcenter.texts.events import TextArrived
from callcenter.texts.models import TextMessage
from callcenter.trunks.models import Trunk

log = structlog.get_logger(__name__)

UNKNOWN = "texts_unknown"  # kind of the job that gives up waiting for news
PATIENCE = dt.timedelta(seconds=60)  # after the switch is back: what it knows of messages comes within that
_LONGEST_NUMBER = 100
_LONGEST_TOLD = 300  # characters in the message to browsers


async def received(uow: UnitOfWork, event: TextReceived) -> None:
    """Store a message that came, once, put it on the customer's timeline, and tell those it concerns.

    Several who have the number: it belongs to none of them until somebody says to whom.
    """
    if await _stored(uow, event):
        return
    project = await project_for(uow, event.dialled) or await _by_caller_id(uow, event.dialled)
    trunk = await uow.session.get(Trunk, event.trunk_id)
    match = await identify(uow, event.number[:_LONGEST_NUMBER], ways.region(uow, project), everybody=True)
    known = [] if project is not None and not project.identify else match.candidates
    only = known[0] if len(known) == 1 else None
    message = TextMessage(
        id=clock.new_id(),
        trunk_id=trunk.id if trunk else None,
        project_id=project.id if project else None,
        contact_id=only.contact_id if only else None,
        organisation_id=only.organisation_id if only else None,
        outbound=False,
        number=_number(match, event),
        own_number=normalised(clean(event.dialled)[:_LONGEST_NUMBER], ways.region(uow, project)),
        text=_storable(event.text),
        state=states.RECEIVED,
        provider_ref=event.provider_ref,
        match=[each.model_dump() for each in known],
        created_at=uow.now,
        state_at=uow.now,
    )
    try:
        async with uow.session.begin_nested():
            uow.session.add(message)
    except IntegrityError:  # the same message at the same moment
        log.info("text.repeated", provider_ref=event.provider_ref)
        return
    await entries.write(uow, message)
    await _tell(uow, message, project)
    log.info("text.received", text_id=message.id, trunk_id=message.trunk_id, kind=match.kind)


async def status(uow: UnitOfWork, event: TextStatus) -> None:
    """Keep what became of a message that was sent; news that is late or known changes nothing."""
    query = select(TextMessage).where(TextMessage.id == event.message_id, TextMessage.outbound).with_for_update(of=TextMessage)
    message = await uow.session.scalar(query)
    if message is None:
        log.warning("text.unknown", text_id=event.message_id, state=event.state)
        return
    message.provider_ref = message.provider_ref or event.provider_ref
    if states.follows(message.state, event.state):
        await _enter(uow, message, event.state, event.code, clean(event.words))


async def link_up(uow: UnitOfWork) -> None:
    """The switch is back: what it knows of messages that are on their way comes now; of the others nobody knows."""
    waiting = select(TextMessage.id).where(TextMessage.state == states.QUEUED).limit(1)
    if await uow.session.scalar(waiting) is not None:
        before = uow.now.isoformat()
        await jobs.put(uow, f"{UNKNOWN}:{before}", UNKNOWN, uow.now + PATIENCE, before=before)


async def give_up(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Mark what was queued `before` the switch came back, and was not heard of since, as uncertain. It is never repeated."""
    before = dt.datetime.fromisoformat(str(payload["before"]))
    query = select(TextMessage).where(TextMessage.state == states.QUEUED, TextMessage.created_at <= before)
    for message in await uow.session.scalars(query.with_for_update(of=TextMessage)):
        log.warning("text.uncertain", text_id=message.id)
        await _enter(uow, message, states.UNCERTAIN, None, "The telephone switch was restarted before it told what became of it.")


async def _enter(uow: UnitOfWork, message: TextMessage, state: str, code: int | None, words: str) -> None:
    message.state, message.state_at, message.code, message.error = state, uow.now, code, words
    await entries.write(uow, message)
    await entries.tell_state(uow, message)


async def _stored(uow: UnitOfWork, event: TextReceived) -> bool:
    """Tell whether the message came before; its trunk may be gone by now."""
    if not event.provider_ref:
        return False
    same = or_(TextMessage.trunk_id == event.trunk_id, TextMessage.trunk_id.is_(None))
    query = select(TextMessage.id).where(TextMessage.provider_ref == event.provider_ref, same)
    return await uow.session.scalar(query.limit(1)) is not None


async def _by_caller_id(uow: UnitOfWork, dialled: str) -> Project | None:
    """Return the one project that shows the number to those it calls or writes to: who answers writes there."""
    number = normalised(clean(dialled)[:_LONGEST_NUMBER], uow.database.settings.region)
    query = select(Project).where(Project.enabled, Project.caller_id == number, Project.caller_id != "").limit(2)
    found = list(await uow.session.scalars(query))
    return found[0] if len(found) == 1 else None


def _number(match: Match, event: TextReceived) -> str:
    """Return the sender in E.164 where it is a number, else the name it was sent under."""
    return match.number.e164 or clean(event.number)[:_LONGEST_NUMBER]


def _storable(text: str) -> str:
    """Return a text as databases keep it: no NUL, no half of a character; all else as it came."""
    return "".join("\ufffd" if each == "\x00" or "\ud800" <= each <= "\udfff" else each for each in text)


async def _tell(uow: UnitOfWork, message: TextMessage, project: Project | None) -> None:
    contact = None if message.contact_id is None else await uow.session.get(Contact, message.contact_id)
    candidate = message.match[0]["name"] if len(message.match) == 1 else ""
    told = TextArrived(
        text_id=message.id,
        number=message.number,
        number_shown=numbers.show(message.number),
        contact_id=message.contact_id,
        contact=(contact.name if contact else "") or candidate,
        project_id=message.project_id,
        project=project.name if project else "",
        text=message.text[:_LONGEST_TOLD],
    )
    people = await rows.recipients(uow, message)
    unseeing = await rows.blind(uow, message, people)
    uow.emit(told, [each for each in people if each not in unseeing])
    uow.emit(told.model_copy(update={"contact_id": None, "contact": "", "text": "", "hidden": True}), sorted(unseeing))
