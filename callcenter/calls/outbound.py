"""Calls that leave: may it be dialled, on which trunk, with which caller id; then the switch is asked to.

A consultant presses Call (`dial`); those above who dial for them find the way (`way_out`) and `place` the call.
"""

from typing import NamedTuple

import structlog
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from callcenter import clock
from callcenter.agents import service as agents
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import listening, offers, rows, sight, spending, wrap_up
from callcenter.calls.models import Call, CallState, Leg
from callcenter.contacts import consents, timeline
from callcenter.contacts.identify import identify
from callcenter.contacts.models import Contact
from callcenter.contacts.visibility import may_see
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, NotFound, Unavailable
from callcenter.events import Candidate, ContactOpened
from callcenter.phone import Listening, Originate
from callcenter.projects.dialling import Decision, Rules, decide, emergency_number
from callcenter.projects.models import Project
from callcenter.projects.service import served
from callcenter.trunks.models import Trunk
from callcenter.trunks.service import AWAY, DRAINING
from callcenter.users.service import audit

log = structlog.get_logger(__name__)

_RING_SECONDS = 60  # outside any project


class Way(NamedTuple):
    """How a call leaves."""

    project: Project | None
    trunk: Trunk
    caller_id: str
    decision: Decision


async def dial(
    uow: UnitOfWork,
    number: str,
    *,
    contact_id: int | None = None,
    project_id: int | None = None,
    despite_objection: bool = False,
) -> Call:
    """Call a number by hand from one's station.

    `despite_objection`: the consultant knows that the customer asked not to be called and has a reason, which is audited;
    a marketing project has no such reason (NoConsent).
    Raises Invalid or NotPermitted when it may not be dialled, Conflict while on a call or without a live station,
    DoNotContact when the customer objected,
    Unavailable while the switch is away or stopping. The rows are written before the switch hears of it: a crash may
    lose a dial, it never repeats one.
    """
    await rows.lock(uow)
    region = uow.database.settings.region
    project = await served(uow, project_id)
    if contact_id is not None:
        await _check_sees(uow, contact_id)
    emergency = bool(emergency_number(number, project.region if project else region))
    agent = await agents.row(uow, uow.actor.id)
    may_start(agent, emergency=emergency)
    way = await (_emergency_way if emergency else way_out)(uow, number, project)
    if way.trunk.state == AWAY:
        raise Unavailable("The telephone switch cannot be reached. Try again in a moment.")
    if way.trunk.state == DRAINING:
        raise Unavailable("The system is stopping: no new calls can be made. Calls in progress may finish.")
    await leave(uow, agent)
    call = await place(uow, agent, way, contact_id=contact_id)
    if emergency:
        audit(uow, "call.emergency", "call", call.id, number=call.number)
        return call
    await _check_wanted(uow, call, project, despite_objection=despite_objection)
    if despite_objection:
        audit(uow, "call.despite_objection", "call", call.id, contact_id=call.contact_id)
    return call


async def _check_wanted(uow: UnitOfWork, call: Call, project: Project | None, *, despite_objection: bool) -> None:
    await consents.check(
        uow,
        "call",
        contact_id=call.contact_id,
        number=call.number,
        purpose=project.purpose if project else "service",
        project_id=project.id if project else None,
        despite_objection=despite_objection,
    )


async def place(
    uow: UnitOfWork,
    agent: Agent,
    way: Way,
    *,
    call_id: str | None = None,
    contact_id: int | None = None,
    ring_seconds: int | None = None,
    announcement: str = "",
    listening: Listening | None = None,
) -> Call:
    """Write a call and its leg, put the agent on it, and ask the switch to dial once all that is committed.

    `call_id`: an id chosen before; `ring_seconds`: None, the project's; `announcement`: the file the customer hears should
    the agent drop, "": none. `listening`: find out by the sound who answers. The agent is free of any other call.
    """
    call, leg = await _write(uow, way, call_id, agent.user_id, contact_id, announcement)
    await agents.begin_call(uow, agent, call.id)
    seconds = ring_seconds or (way.project.ring_seconds if way.project else _RING_SECONDS)
    uow.send(Originate(leg.id, call.id, way.trunk.id, call.number, way.caller_id, seconds, listening=listening))
    uow.send(rows.bridge(call, [leg]))
    return call


async def place_unattended(
    uow: UnitOfWork,
    way: Way,
    *,
    call_id: str,
    contact_id: int | None,
    ring_seconds: int,
    announcement: str,
    listening: Listening | None = None,
) -> Call:
    """Write a call and its leg that nobody is on, and ask the switch to dial once all that is committed.

    Who answers is told of as LegPickedUp; giving.py gives them to an agent, or lets them hear `announcement` (a file, "": none).
    """
    call, leg = await _write(uow, way, call_id, None, contact_id, announcement)
    uow.send(Originate(leg.id, call.id, way.trunk.id, call.number, way.caller_id, ring_seconds, listening=listening))
    return call


async def _write(
    uow: UnitOfWork, way: Way, call_id: str | None, user_id: int | None, contact_id: int | None, announcement: str
) -> tuple[Call, Leg]:
    """Write the rows of a call that leaves, with whom it is for."""
    call = Call(
        id=call_id or clock.new_id(),
        direction="outbound",
        state=CallState.DIALLING.value,
        project_id=way.project.id if way.project else None,
        trunk_id=way.trunk.id,
        user_id=user_id,
        number=way.decision.e164,
        dialled=way.decision.e164,
        started_at=uow.now,
        match=[],
        announcement=announcement,
    )
    await _identify(uow, call, way, contact_id)
    uow.session.add(call)
    await uow.session.flush()
    leg = Leg(
        id=clock.new_id(),
        call_id=call.id,
        trunk_id=way.trunk.id,
        direction="outbound",
        state=rows.RINGING,
        number=call.number,
        started_at=uow.now,
    )
    uow.session.add(leg)
    timeline.touched(uow, call.contact_id, call.organisation_id)
    log.info("call.dialled", call_id=call.id, kind=way.decision.kind, trunk_id=way.trunk.id)
    return call, leg


async def emergency_warning(uow: UnitOfWork) -> bool:
    """Tell whether emergency calls cannot leave: no enabled trunk is marked for them. The page says so at sign-in."""
    return await uow.session.scalar(select(Trunk.id).where(Trunk.emergency, Trunk.enabled).limit(1)) is None


def may_start(agent: Agent, *, emergency: bool = False) -> None:
    """Raise unless the agent's state and station allow a call; an emergency call goes before what only rings."""
    if agent.state == AgentState.ON_CALL:
        raise Conflict("You are on a call. Hang up first.")
    if agent.state == AgentState.LISTENING and not emergency:
        raise Conflict("You listen to a call. Leave it first.")
    if agent.state == AgentState.OFFERED and not emergency:
        raise Conflict("A call is ringing at your desk. Answer or decline it first.")
    if agent.state == AgentState.OFFLINE and not emergency:
        raise Conflict("You are offline. Press Ready or Break first.")
    if not agent.station_live:
        raise Conflict("Allow the microphone first, then call.")


async def leave(uow: UnitOfWork, agent: Agent) -> None:
    """End what the agent was in before the call: a wrap-up, or an offer or a listening that an emergency call goes before."""
    if agent.state == AgentState.LISTENING:
        await listening.take_out(uow, agent.user_id, "emergency")
    if agent.state == AgentState.WRAP_UP:
        await wrap_up.finish(uow, agent)
    if agent.state == AgentState.OFFERED and agent.call_id is not None:
        agent.after_call = AgentState.BREAK.value  # so that no other call comes in between
        offer = await rows.open_offer(uow, agent.call_id)
        if offer is not None:
            await offers.not_taken(uow, offer, "declined", "taken", missed=False)


async def way_out(
    uow: UnitOfWork,
    number: str,
    project: Project | None,
    *,
    trunk_id: int | None = None,
    caller_id: str = "",
    by_hand: bool = True,
) -> Way:
    """Return how a number leaves; `trunk_id` and `caller_id`: None and "", the project's.

    Raises Invalid or NotPermitted when it may not be dialled, Conflict when there is no trunk for it, it is switched off, or
    it has spent what it may spend today.
    """
    trunk = await _trunk(uow, trunk_id or (project.trunk_id if project else None))
    caller_id = caller_id or (project.caller_id if project else "")
    if not caller_id and trunk is not None and trunk.caller_ids:
        caller_id = str(trunk.caller_ids[0])
    decision = decide(
        number,
        Rules(
            region=project.region if project else uow.database.settings.region,
            by_hand=by_hand,
            allow_premium=bool(project and project.allow_premium),
            foreign_countries=frozenset(project.foreign_countries if project else ()),
            caller_id=caller_id,
            verified=frozenset(trunk.caller_ids if trunk else (caller_id,)),
        ),
    )
    if decision.refusal is not None:
        raise decision.refusal
    if trunk is None:
        raise Conflict("No trunk is chosen for this call. Ask an administrator to choose one for the project.")
    await spending.check(uow, trunk)
    return Way(project, trunk, caller_id, decision)


async def _emergency_way(uow: UnitOfWork, number: str, project: Project | None) -> Way:
    """Find the trunk marked for emergency calls; no rule of a project counts."""
    query = select(Trunk).where(Trunk.emergency, Trunk.enabled)
    trunk = await uow.session.scalar(query.order_by(Trunk.state == AWAY, Trunk.state == "failed", Trunk.id).limit(1))
    region = project.region if project else uow.database.settings.region
    decision = decide(number, Rules(region=region, emergency_trunk=trunk is not None))
    if decision.refusal is not None:
        raise decision.refusal
    if trunk is None:
        raise Unavailable("Emergency calls cannot leave from here. Call {number} from a mobile phone, now.", number=number)
    verified = [str(each) for each in trunk.caller_ids]
    own = project.caller_id if project and project.caller_id in verified else ""
    return Way(project, trunk, own or (verified[0] if verified else ""), decision)


async def _trunk(uow: UnitOfWork, trunk_id: int | None) -> Trunk | None:
    """Return the trunk that was chosen, else the only enabled one there is."""
    if trunk_id is not None:
        trunk = await uow.session.get(Trunk, trunk_id)
        if trunk is not None and not trunk.enabled:
            raise Conflict("The trunk {trunk} of this project is switched off.", trunk=trunk.name)
        return trunk
    enabled = list(await uow.session.scalars(select(Trunk).where(Trunk.enabled).order_by(Trunk.id).limit(2)))
    return enabled[0] if len(enabled) == 1 else None


async def _check_sees(uow: UnitOfWork, contact_id: int) -> None:
    """Raise NotFound unless the actor may see the contact; of a meeting whoever places the call was asked before."""
    if await uow.session.scalar(select(Contact.id).where(Contact.id == contact_id, may_see(uow.actor))) is None:
        raise NotFound("There is no such contact.")


async def _identify(uow: UnitOfWork, call: Call, way: Way, contact_id: int | None) -> None:
    """Note whom the call is for: the contact whose number was pressed, else who has the number."""
    if contact_id is not None:
        query = select(Contact).where(Contact.id == contact_id).options(joinedload(Contact.organisation))
        contact = (await uow.session.scalars(query)).one()
        organisation = contact.organisation
        chosen = Candidate(
            contact_id=contact.id,
            organisation_id=contact.organisation_id,
            name=contact.name,
            organisation=organisation.name if organisation else None,
            avatar_id=contact.avatar_id,
            rule="chosen",
        )
        call.contact_id, call.organisation_id = contact.id, contact.organisation_id
        call.match, call.identification = [chosen.model_dump()], "matched"
        return
    if way.project is not None and not way.project.identify:
        call.identification = "off"
        return
    region = way.project.region if way.project else uow.database.settings.region
    match = await identify(uow, call.number, region, everybody=True)
    call.identification, call.match = match.kind, [candidate.model_dump() for candidate in match.candidates]
    if len(match.candidates) == 1:
        call.contact_id, call.organisation_id = match.candidates[0].contact_id, match.candidates[0].organisation_id
        if call.contact_id is not None and call.user_id is not None and not (await sight.of(uow, call)).hidden:
            uow.emit(ContactOpened(contact_id=call.contact_id, call_id=call.id), [call.user_id])
