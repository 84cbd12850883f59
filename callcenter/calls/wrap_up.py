"""After the call: the countdown, the note and its draft, the disposition, and whom the call was really with."""

from typing import Any

from sqlalchemy import update

from callcenter.agents import service as agents
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import entries, offers, rows, sight
from callcenter.calls.models import Call, CallBack
from callcenter.contacts import service as contacts
from callcenter.contacts import timeline
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.events import CallChanged, DraftTyped
from callcenter.facts import Disposed
from callcenter.projects.models import Disposition

LONGEST_NOTE = 10_000
_LONGEST_EXTENSION = 3600


async def finish_wrap_up(uow: UnitOfWork) -> Agent:
    """End one's wrap-up now; nothing happens when it is over already."""
    await rows.lock(uow)
    agent = await agents.row(uow, uow.actor.id)
    if agent.state == AgentState.WRAP_UP:
        await finish(uow, agent)
        await offers.feed_from(uow, agent.user_id)
    return agent


async def extend_wrap_up(uow: UnitOfWork, seconds: int = 60) -> Agent:
    """Take some more seconds for one's wrap-up."""
    if not 0 < seconds <= _LONGEST_EXTENSION:
        raise Invalid("A wrap-up is extended by 1 to {most} seconds.", field="seconds", most=_LONGEST_EXTENSION)
    await rows.lock(uow)
    agent = await agents.row(uow, uow.actor.id)
    if agent.state != AgentState.WRAP_UP:
        raise Conflict("Your wrap-up is over.")
    await agents.extend_wrap_up(uow, agent, seconds)
    return agent


async def wrap_up_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """End a wrap-up whose time has run out. The draft stays a draft: it is neither lost nor made a note of."""
    await rows.lock(uow)
    agent = await uow.session.get(Agent, int(payload["user_id"]))
    if agent is None or agent.state != AgentState.WRAP_UP or agent.call_id != payload["call_id"]:
        return
    if agent.wrap_up_until is not None and agent.wrap_up_until > uow.now:
        return
    await finish(uow, agent)
    await offers.feed_from(uow, agent.user_id)


async def finish(uow: UnitOfWork, agent: Agent) -> None:
    """Close the wrapped-up call and let the agent take the state that follows."""
    call = None if agent.call_id is None else await uow.session.get(Call, agent.call_id)
    if call is not None and call.wrapped_at is None:
        call.wrapped_at = uow.now
    await agents.settle(uow, agent)


async def save_draft(uow: UnitOfWork, call_id: str, text: str, version: int | None = None) -> Call:
    """Keep the note as typed so far, upon `version` of it; raises Conflict when somebody else typed meanwhile."""
    _check_note(text)
    call = await rows.own(uow, call_id)
    await sight.refuse(uow, call, own=True)
    await _check_version(uow, call, text, version)
    if call.draft != text:
        call.draft, call.note_version = text, call.note_version + 1
        uow.emit(DraftTyped(call_id=call.id, draft=text, version=call.note_version), _people(uow, call))
    return call


async def set_disposition(
    uow: UnitOfWork, call_id: str, disposition_id: int | None, note: str, version: int | None = None
) -> Call:
    """Save the disposition and the note of a call, during it or any time after; the timeline's line follows.

    `version` is that of the note as the person saw it: Conflict when it was changed elsewhere meanwhile.
    """
    _check_note(note)
    call = await rows.own(uow, call_id)
    await sight.refuse(uow, call, own=True)
    await _check_version(uow, call, note, version)
    if disposition_id is not None and disposition_id != call.disposition_id:
        disposition = await uow.session.get(Disposition, disposition_id)
        if disposition is None or disposition.retired_at or disposition.project_id not in (None, call.project_id):
            raise Invalid("This disposition does not belong to the call's project.", field="disposition_id")
    if disposition_id is not None and disposition_id != call.disposition_id:
        uow.note(Disposed(call.id, disposition_id))
    call.disposition_id, call.note, call.draft = disposition_id, note.strip(), ""
    call.note_version += 1
    await _changed(uow, call)
    return call


async def change_match(uow: UnitOfWork, call_id: str, contact_id: int | None, organisation_id: int | None = None) -> Call:
    """Say whom the call was with: the call, its line on the timeline with the note, and its call-back move there."""
    await rows.lock(uow)
    call = await rows.own(uow, call_id)
    await sight.refuse(uow, call)
    if contact_id is not None:
        contact = await contacts.get_contact(uow, contact_id)
        organisation_id = contact.organisation_id
    elif organisation_id is not None:
        await contacts.get_organisation(uow, organisation_id)
    timeline.touched(uow, call.contact_id, call.organisation_id)
    call.contact_id, call.organisation_id = contact_id, organisation_id
    timeline.touched(uow, contact_id, organisation_id)
    await uow.session.execute(update(CallBack).where(CallBack.call_id == call.id).values(contact_id=contact_id))
    await _changed(uow, call)
    return call


async def _changed(uow: UnitOfWork, call: Call) -> None:
    await uow.session.flush()
    await entries.write(uow, call)
    uow.emit(CallChanged(call_id=call.id), _people(uow, call))


def _people(uow: UnitOfWork, call: Call) -> list[int]:
    return sorted({each for each in (call.user_id, uow.actor.user_id) if each is not None})


async def _check_version(uow: UnitOfWork, call: Call, text: str, version: int | None) -> None:
    """Refuse a text typed upon an older note, unless it says the same; without `version` the last one stands."""
    await uow.session.refresh(call, ["draft", "note", "note_version"], with_for_update=True)  # one after the other
    if version is not None and version != call.note_version and text.strip() != (call.draft or call.note).strip():
        raise Conflict("The note was changed in another tab or by another person. Both texts are kept: choose one.")


def _check_note(text: str) -> None:
    if len(text) > LONGEST_NOTE:
        raise Invalid("A note has at most {most} characters.", field="note", most=LONGEST_NOTE)
