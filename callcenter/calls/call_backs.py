"""The call-back list: every missed caller is somebody's until that person, or another, has dealt with it."""

from typing import Any

from sqlalchemy import Select, func, or_, select

from callcenter.actor import Role
from callcenter.calls.models import Call, CallBack, Offer
from callcenter.calls.views import CallBackOut
from callcenter.contacts import numbers, visibility
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.events import Notice
from callcenter.projects.models import Membership, Project
from callcenter.users.models import User
from callcenter.users.service import audit, supervisors

OPEN, DONE = "open", "done"
_LONGEST_NOTE = 10_000


async def add(uow: UnitOfWork, call: Call) -> CallBack:
    """Put a missed call on somebody's list and tell them; a second time for the same call changes nothing."""
    stored = await uow.session.scalar(select(CallBack).where(CallBack.call_id == call.id))
    if stored is not None:
        return stored
    owner = await _owner(uow, call)
    missed = CallBack(
        call_id=call.id,
        project_id=call.project_id,
        contact_id=call.contact_id,
        number=call.number,
        owner_id=owner,
        missed_at=uow.now,
    )
    uow.session.add(missed)
    if owner is not None:
        shown = numbers.show(call.number) or "?"
        sentence = "You missed a call from {number}. It is on your call-back list."
        if call.direction == "outbound":
            sentence = "{number} asked for a consultant, and none was free. It is on your call-back list."
        uow.emit(Notice(level="warning", sentence=sentence, values={"number": shown}, link="/call-backs"), [owner])
    await uow.session.flush()
    return missed


async def call_backs(uow: UnitOfWork, *, mine: bool = True, state: str = OPEN, limit: int = 500) -> list[CallBackOut]:
    """Return missed calls, the oldest first: one's own, or all one may take (those of one's projects; supervisors: all)."""
    query = select(CallBack).where(CallBack.state == state)
    if mine:
        query = query.where(CallBack.owner_id == uow.actor.id)
    elif not uow.actor.may(Role.SUPERVISOR):
        projects = select(Membership.project_id).where(Membership.user_id == uow.actor.id)
        query = query.where(or_(CallBack.owner_id == uow.actor.id, CallBack.project_id.in_(projects)))
    chosen = query.order_by(CallBack.missed_at, CallBack.id).limit(limit).subquery()
    return await _out(uow, select(chosen.c.id))


async def finish_call_back(uow: UnitOfWork, call_back_id: int, note: str = "") -> CallBackOut:
    """Mark a missed call as dealt with; what is done already stays as it was done."""
    if len(note) > _LONGEST_NOTE:
        raise Invalid("A note has at most {most} characters.", field="note", most=_LONGEST_NOTE)
    missed = await _mine_to_do(uow, call_back_id)
    if missed.owner_id != uow.actor.user_id:
        await _refuse_hidden(uow, missed)
    if missed.state == OPEN:
        missed.state, missed.done_at, missed.done_by, missed.note = DONE, uow.now, uow.actor.user_id, note
        await uow.session.flush()
    return (await _out(uow, select(CallBack.id).where(CallBack.id == call_back_id)))[0]


async def take_call_back(uow: UnitOfWork, call_back_id: int, user_id: int | None = None) -> CallBackOut:
    """Make a missed call one's own, or, for supervisors, somebody's."""
    user_id = uow.actor.id if user_id is None else user_id
    if user_id != uow.actor.user_id:
        uow.actor.require(Role.SUPERVISOR)
    missed = await _mine_to_do(uow, call_back_id)
    if missed.state != OPEN:
        raise Conflict("This call-back is done already.")
    person = await uow.session.get(User, user_id)
    if person is None or person.disabled_at is not None:
        raise Invalid("There is no such user.", field="user_id")
    await _refuse_hidden(uow, missed)
    if user_id in await visibility.blind(uow, [user_id], missed.contact_id):
        raise Invalid("{name} may not see who called: their account roles do not allow it.", field="user_id", name=person.name)
    audit(uow, "call_back.taken", "call_back", missed.id, before=missed.owner_id, owner=user_id)
    missed.owner_id = user_id
    await uow.session.flush()
    return (await _out(uow, select(CallBack.id).where(CallBack.id == call_back_id)))[0]


async def _mine_to_do(uow: UnitOfWork, call_back_id: int) -> CallBack:
    """Return a call-back the actor may take or finish; raises NotFound."""
    query = select(CallBack).where(CallBack.id == call_back_id).with_for_update()
    if not uow.actor.may(Role.SUPERVISOR):
        projects = select(Membership.project_id).where(Membership.user_id == uow.actor.id)
        query = query.where(or_(CallBack.owner_id == uow.actor.id, CallBack.project_id.in_(projects)))
    missed = await uow.session.scalar(query)
    if missed is None:
        raise NotFound("There is no such call-back.")
    return missed


async def _refuse_hidden(uow: UnitOfWork, missed: CallBack) -> None:
    if (await visibility.hidden(uow, [missed.contact_id])).covers(missed.contact_id):
        raise NotPermitted("This call-back is for an account you may not see. Ask somebody who may.")


async def _owner(uow: UnitOfWork, call: Call) -> int | None:
    """Return whose a missed call becomes: the first of these who may still sign in, a supervisor in the end.

    Whoever has this caller's open call-back, was offered the call last, spoke with the contact last, has the fewest open.
    """
    usable = select(User.id).where(User.disabled_at.is_(None))
    members = usable.join(Membership, Membership.user_id == User.id).where(Membership.project_id == call.project_id)
    queries: list[Select[Any]] = [
        select(Offer.user_id).where(Offer.call_id == call.id, Offer.user_id.in_(usable)).order_by(Offer.id.desc())
    ]
    if call.number:
        same = (CallBack.state == OPEN, CallBack.number == call.number, CallBack.project_id == call.project_id)
        queries.insert(0, select(CallBack.owner_id).where(*same, CallBack.owner_id.in_(usable)).order_by(CallBack.id.desc()))
    if call.contact_id is not None:
        spoke = select(Call.user_id).where(Call.contact_id == call.contact_id, Call.user_id.in_(members), Call.id != call.id)
        queries.append(spoke.order_by(Call.id.desc()))
    queries.append(_fewest(members))
    for query in queries:
        found = await uow.session.scalar(query.limit(1))
        if found is not None:
            return int(found)
    leader = await uow.session.scalar(_fewest(usable.where(User.id.in_(await supervisors(uow)))).limit(1))
    return None if leader is None else int(leader)


def _fewest(people: Select[int]) -> Select[Any]:
    """Return the query for these people, those with the fewest open call-backs first."""
    query = select(User.id).outerjoin(CallBack, (CallBack.owner_id == User.id) & (CallBack.state == OPEN))
    return query.where(User.id.in_(people)).group_by(User.id).order_by(func.count(CallBack.id), User.id)


async def _out(uow: UnitOfWork, ids: Select[Any]) -> list[CallBackOut]:
    query = (
        select(CallBack, Project.name, Contact, User.name)
        .outerjoin(Project, Project.id == CallBack.project_id)
        .outerjoin(Contact, Contact.id == CallBack.contact_id)
        .outerjoin(User, User.id == CallBack.owner_id)
        .where(CallBack.id.in_(ids))
        .order_by(CallBack.missed_at, CallBack.id)
    )
    found = (await uow.session.execute(query)).all()
    concealed = await visibility.hidden(uow, [missed.contact_id for missed, *_ in found])
    return [
        CallBackOut(
            id=missed.id,
            call_id=missed.call_id,
            project_id=missed.project_id,
            project=project or "",
            contact_id=None if (hidden := concealed.covers(missed.contact_id)) else missed.contact_id,
            contact=contact.name if contact and not hidden else "",
            number=missed.number,
            number_shown=numbers.show(missed.number),
            owner_id=missed.owner_id,
            owner=owner or "",
            state=missed.state,
            missed_at=missed.missed_at,
            done_at=missed.done_at,
            done_by=missed.done_by,
            note="" if hidden and missed.done_by != uow.actor.user_id else missed.note,
            hidden=hidden,
        )
        for missed, project, contact, owner in found
    ]
