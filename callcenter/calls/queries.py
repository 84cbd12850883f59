"""Reading calls: one, a page of them, and all that a consultant has at this moment."""

from typing import Any

from sqlalchemy import Select, or_, select

from callcenter.agents import service as agents
from callcenter.agents.models import AgentState
from callcenter.calls import offers, rows
from callcenter.calls.models import Call, CallState, Offer
from callcenter.calls.views import CallOut, CallPage, Current
from callcenter.contacts import numbers
from callcenter.contacts.models import Contact, Organisation
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.events import Candidate
from callcenter.projects.models import Disposition, Project
from callcenter.users.models import User

_LARGEST_PAGE = 200
_UNSAVED = 10
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
}


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
        query = query.where(Call.contact_id == contact_id)
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
        await offers.offered_event(uow, call, offer, await rows.project_of(uow, call))
        for offer, call in (await uow.session.execute(ringing)).all()
    ]
    over = [CallState.ENDED.value, CallState.ANNOUNCING.value]  # for the agent, who dropped
    going = await _read(uow, select(Call.id).where(Call.user_id == me, Call.state.not_in(over)))
    wrapping = agent.call_id if agent.state == AgentState.WRAP_UP else ""
    wrapped = await _read(uow, select(Call.id).where(Call.id == wrapping))
    unsaved = select(Call.id).where(
        Call.user_id == me, Call.state == CallState.ENDED.value, Call.draft != "", Call.draft != Call.note
    )
    return Current(
        agent=agent,
        offers=pop_ups,
        call=going[0] if going else None,
        wrap_up=wrapped[0] if wrapped else None,
        unsaved=await _read(uow, unsaved.order_by(Call.id.desc()).limit(_UNSAVED)),
    )


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
    return [
        CallOut(
            **{name: getattr(call, name) for name in CallOut.model_fields if name not in _NAMED},
            project=project or "",
            user=user or "",
            contact=contact.name if contact else "",
            organisation=organisation or "",
            disposition=disposition or "",
            candidates=[Candidate.model_validate(each) for each in call.match],
            number_shown="" if call.withheld else numbers.show(call.number),
            takes_texts=not call.withheld and numbers.takes_texts(call.number),
            draft_unsaved=call.draft not in ("", call.note),
        )
        for call, project, user, contact, organisation, disposition in await uow.session.execute(query)
    ]
