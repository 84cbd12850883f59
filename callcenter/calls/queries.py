"""Reading calls: one, a page of them, and all that a consultant has at this moment."""

from typing import Any

from sqlalchemy import Select, or_, select

from callcenter.agents import service as agents
from callcenter.agents.models import AgentState
from callcenter.calls import listening, offers, rows, sight
from callcenter.calls.models import Call, CallState, Listening, Offer
from callcenter.calls.views import CallOut, CallPage, Current, ListeningOut, Stretch, TalkOut
from callcenter.contacts import numbers
from callcenter.contacts.models import Contact, Organisation
from callcenter.contacts.visibility import may_see
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.projects import rights
from callcenter.projects.models import Disposition, Membership, Project
from callcenter.projects.rights import Act, Reach
from callcenter.users.models import User

_LARGEST_PAGE = 200
_UNSAVED = 10
_OVER = (CallState.ENDED.value, CallState.ANNOUNCING.value, CallState.PLAYING.value)  # for the agent, who dropped
_NAMED = {
    "project",
    "user",
    "contact",
    "organisation",
    "disposition",
    "candidates",
    "number_shown",
    "takes_texts",
    "draft_unsaved",
    "hidden",
}
_CONCEALED: dict[str, Any] = {"contact_id": None, "contact": "", "organisation_id": None, "organisation": ""}


async def get_call(uow: UnitOfWork, call_id: str) -> CallOut:
    """Return a call the actor may see; raises NotFound."""
    found = await _read(uow, select(Call.id).where(Call.id == call_id, rows.visible(uow)))
    if not found:
        raise NotFound("There is no such call.")
    return found[0]


async def list_calls(
    uow: UnitOfWork, *, mine: bool = False, contact_id: int | None = None, after: str | None = None, limit: int = 50
) -> CallPage:
    """Return calls, newest first: all one may see, only one's own, or those with a contact. `after`: `next` of the last page."""
    limit = max(1, min(limit, _LARGEST_PAGE))
    query = select(Call.id).where(rows.visible(uow)).order_by(Call.id.desc()).limit(limit + 1)
    if mine:
        offered = select(Offer.call_id).where(Offer.user_id == uow.actor.id)
        query = query.where(or_(Call.user_id == uow.actor.id, Call.id.in_(offered)))
    if contact_id is not None:
        query = query.where(Call.contact_id.in_(select(Contact.id).where(Contact.id == contact_id, may_see(uow.actor))))
    if after is not None:
        query = query.where(Call.id < after)
    items = await _read(uow, query)
    return CallPage(items=items[:limit], next=items[limit - 1].id if len(items) > limit else None)


async def current(uow: UnitOfWork) -> Current:
    """Return what this consultant has now, so that a reloaded page can draw everything."""
    me = uow.actor.id
    agent = await agents.get_agent(uow, me)
    ringing = select(Offer, Call).join(Call, Call.id == Offer.call_id).where(Offer.user_id == me, Offer.result == "open")
    pop_ups = [
        await offers.offered_event(uow, call, offer, await rows.project_of(uow, call), uow.actor)
        for offer, call in (await uow.session.execute(ringing)).all()
    ]
    going = await _read(uow, select(Call.id).where(Call.user_id == me, Call.state.not_in(_OVER)))
    wrapping = agent.call_id if agent.state == AgentState.WRAP_UP else ""
    wrapped = await _read(uow, select(Call.id).where(Call.id == wrapping))
    unsaved = select(Call.id).where(
        Call.user_id == me, Call.state == CallState.ENDED.value, Call.draft != "", Call.draft != Call.note
    )
    at_one = await listening.of_call(uow, going[0].id) if going and going[0].answered_at else []
    return Current(
        listeners=await listening.listeners(uow, [each for each in at_one if listening.is_told(each)]),
        listening=await listened(uow) if agent.state == AgentState.LISTENING else None,
        agent=agent,
        offers=pop_ups,
        call=going[0] if going else None,
        wrap_up=wrapped[0] if wrapped else None,
        unsaved=await _read(uow, unsaved.order_by(Call.id.desc()).limit(_UNSAVED)),
    )


async def listened(uow: UnitOfWork) -> ListeningOut | None:
    """Return the call the actor listens to now."""
    mine = await listening.of_user(uow, uow.actor.id)
    found = await _read(uow, select(Call.id).where(Call.id == mine.call_id)) if mine is not None else []
    if mine is None or not found:
        return None
    return ListeningOut(way=mine.way, since=mine.began_at, **_talk(found[0]))


async def talks(uow: UnitOfWork) -> list[TalkOut]:
    """Return consultants' calls that go on and that the actor may listen to once somebody talks in them, the longest first."""
    rights.require_some(uow.actor, Act.LISTEN)
    query = select(Call.id).where(Call.state.not_in(_OVER), Call.user_id.is_not(None))
    if rights.reach(uow.actor.role, Act.LISTEN) is Reach.SERVED:
        query = query.where(Call.project_id.in_(select(Membership.project_id).where(Membership.user_id == uow.actor.id)))
    found = [each for each in await _read(uow, query) if not each.hidden and each.user_id != uow.actor.user_id]
    there: dict[str, list[Listening]] = {}
    for each in await uow.session.scalars(select(Listening).where(Listening.ended_at.is_(None)).order_by(Listening.id)):
        there.setdefault(each.call_id, []).append(each)
    return [
        TalkOut(
            state=call.state,
            project_id=call.project_id,
            listeners=await listening.listeners(uow, there.get(call.id, [])),
            **_talk(call),
        )
        for call in reversed(found)
    ]


async def listenings(uow: UnitOfWork, call_id: str) -> list[Stretch]:
    """Return who was in a call beside consultant and customer, and how: all for supervisors, else as far as one is told."""
    await rows.seen(uow, call_id)
    query = select(Listening, User.name).join(User, User.id == Listening.user_id).where(Listening.call_id == call_id)
    found = (await uow.session.execute(query.order_by(Listening.id))).all()
    all_of_them = rights.reach(uow.actor.role, Act.LISTEN) is not Reach.NONE
    return [
        Stretch(name=name, **{field: getattr(row, field) for field in Stretch.model_fields if field != "name"})
        for row, name in found
        if all_of_them or listening.is_told(row)
    ]


def _talk(call: CallOut) -> dict[str, Any]:
    same = ("user_id", "user", "number_shown", "project", "answered_at", "held")
    customer = call.contact or call.organisation or call.number_shown
    return {"call_id": call.id, "customer": customer, **{name: getattr(call, name) for name in same}}


async def shown(uow: UnitOfWork, call: Call) -> CallOut:
    """Return a call the actor has just changed as it stands now."""
    await uow.session.flush()
    return (await _read(uow, select(Call.id).where(Call.id == call.id)))[0]


async def _read(uow: UnitOfWork, ids: Select[Any]) -> list[CallOut]:
    """Return the calls of these ids with the names they refer to, newest first."""
    chosen = ids.subquery()
    query = (
        select(Call, Project.name, User.name, Contact, Organisation.name, Disposition.name)
        .join(chosen, chosen.c.id == Call.id)
        .outerjoin(Project, Project.id == Call.project_id)
        .outerjoin(User, User.id == Call.user_id)
        .outerjoin(Contact, Contact.id == Call.contact_id)
        .outerjoin(Organisation, Organisation.id == Call.organisation_id)
        .outerjoin(Disposition, Disposition.id == Call.disposition_id)
        .order_by(Call.id.desc())
    )
    found = (await uow.session.execute(query)).all()
    concealed = await sight.concealed(uow, [call for call, *_ in found])
    return [
        _masked(
            uow,
            sight.seen(call, concealed),
            CallOut(
                **{name: getattr(call, name) for name in CallOut.model_fields if name not in _NAMED},
                project=project or "",
                user=user or "",
                contact=contact.name if contact else "",
                organisation=organisation or "",
                disposition=disposition or "",
                candidates=[],
                number_shown="" if call.withheld else numbers.show(call.number),
                takes_texts=not call.withheld and numbers.takes_texts(call.number),
                draft_unsaved=call.draft not in ("", call.note),
            ),
        )
        for call, project, user, contact, organisation, disposition in found
    ]


def _masked(uow: UnitOfWork, seen: sight.Seen, call: CallOut) -> CallOut:
    """Return a call as the actor may see it: with an account that is hidden from them, only what they wrote themselves."""
    known: dict[str, Any] = {
        "candidates": seen.candidates,
        "identification": seen.identification,
        "caller_name": seen.caller_name,
        "hidden": seen.hidden,
    }
    if seen.hidden:
        known |= _CONCEALED
        if call.user_id != uow.actor.user_id:
            known |= {"note": "", "draft": "", "draft_unsaved": False}
    return call.model_copy(update=known)
