"""A customer rings: who it may be, which project it is for, who is offered it first."""

import datetime as dt
from typing import Any

import structlog
from sqlalchemy import bindparam, exists, select

from callcenter import clock, jobs
from callcenter.calls import ending, offers, rows
from callcenter.calls.models import Call, CallState, Leg
from callcenter.contacts import numbers, timeline
from callcenter.contacts.identify import Match, identify
from callcenter.db import UnitOfWork
from callcenter.events import Notice
from callcenter.phone import EndReason, LegOffered, RejectLeg, RingLeg
from callcenter.projects.models import Project
from callcenter.projects.service import project_for
from callcenter.trunks.models import Trunk
from callcenter.users.service import supervisors

log = structlog.get_logger(__name__)

_LONGEST = 200  # characters kept of what a carrier says about a caller
_NOTICE_EVERY = dt.timedelta(hours=1)


_KNOWN = select(exists().where(Leg.id == bindparam("leg")), exists().where(Trunk.id == bindparam("trunk")))


async def leg_offered(uow: UnitOfWork, offered: LegOffered) -> None:
    """Take an inbound call: find contact and project, offer it to a ready agent or let it wait. Repeated: nothing."""
    await rows.lock(uow)
    given = {"leg": offered.leg_id, "trunk": offered.trunk_id}
    repeated, trunk_known = (await uow.session.execute(_KNOWN, given)).one()
    if repeated:
        return
    project = await project_for(uow, offered.dialled)
    call = Call(
        id=clock.new_id(),
        direction="inbound",
        state=CallState.WAITING.value,
        project_id=project.id if project else None,
        caller_name=offered.name[:_LONGEST],
        withheld=offered.withheld,
        dialled=offered.dialled[:_LONGEST],
        started_at=uow.now,
        queued_at=uow.now,
        number=offered.number[:_LONGEST],
    )
    leg = Leg(
        id=offered.leg_id,
        call_id=call.id,
        direction="inbound",
        state=rows.RINGING,
        number=call.number,
        provider_ref=offered.provider_ref[:_LONGEST],
        started_at=uow.now,
    )
    if trunk_known:
        call.trunk_id = leg.trunk_id = offered.trunk_id
    await _identify(uow, call, project, offered)
    uow.session.add(call)
    found = project is not None and await offers.offer_first(uow, call, project, offered.received)
    await uow.session.flush()  # the call before its leg
    uow.session.add(leg)
    timeline.touched(uow, call.contact_id, call.organisation_id)
    if project is None:
        await _nobodys(uow, call, leg)
        return
    if found or not project.answer_early:
        uow.send(RingLeg(leg.id))
    if not found:
        await offers.wait(uow, call, project)


async def max_wait_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Send a caller away who waited as long as the project lets them; while it rings at somebody they may still answer."""
    await rows.lock(uow)
    call = await uow.session.get(Call, str(payload["call_id"]))
    if call is None or call.state not in (CallState.WAITING, CallState.OFFERED) or call.user_id is not None:
        return
    if call.state == CallState.OFFERED:
        await jobs.put(uow, f"max_wait:{call.id}", "max_wait", uow.now + dt.timedelta(seconds=5), call_id=call.id)
        return
    await ending.hang_up(uow, call, EndReason.NO_ANSWER)


async def _identify(uow: UnitOfWork, call: Call, project: Project | None, offered: LegOffered) -> None:
    """Fill in who it may be; with exactly one candidate the call is theirs (S4)."""
    region = project.region if project else uow.database.settings.region
    call.match, call.identification = [], "off"
    if project is None or not project.identify:
        call.number = numbers.parse(offered.number, region).e164 or call.number
        return
    match = await identify(uow, offered.number, region, withheld=offered.withheld, everybody=True)
    call.number = match.number.e164 or call.number
    _take(call, match)


async def identify_again(uow: UnitOfWork, call: Call) -> bool:
    """Look once more for whose call it is, when it is answered: the contact may have been created while it rang.

    Only when nobody was found; a match, and what a person said meanwhile (calls.wrap_up.change_match), stand.
    Returns whether the call is somebody's only now.
    """
    if call.identification not in ("unknown", "invalid") or call.contact_id is not None or call.organisation_id is not None:
        return False
    project = await rows.project_of(uow, call)
    region = project.region if project else uow.database.settings.region
    _take(call, await identify(uow, call.number, region, everybody=True))
    return call.contact_id is not None


def _take(call: Call, match: Match) -> None:
    """Note who it may be; with exactly one candidate the call is theirs."""
    call.identification = match.kind
    call.match = [candidate.model_dump() for candidate in match.candidates]
    if len(match.candidates) == 1:
        call.contact_id, call.organisation_id = match.candidates[0].contact_id, match.candidates[0].organisation_id


async def _nobodys(uow: UnitOfWork, call: Call, leg: Leg) -> None:
    """Refuse a call to a number no project has, and tell the supervisors once an hour per number."""
    log.warning("call.no_project", call_id=call.id, dialled=call.dialled, trunk_id=call.trunk_id)
    uow.send(RejectLeg(leg.id, EndReason.UNREACHABLE))
    recent = select(Call.id).where(
        Call.dialled == call.dialled, Call.project_id.is_(None), Call.direction == "inbound", Call.id != call.id
    )
    earlier = await uow.session.scalar(recent.where(Call.id > rows.first_id(uow.now - _NOTICE_EVERY)).limit(1))
    if earlier is None:
        sentence = "Somebody called {number}, which belongs to no project. Add the number to a project."
        notice = Notice(level="warning", sentence=sentence, values={"number": call.dialled or "?"}, link="/projects")
        uow.emit(notice, await supervisors(uow))
    await ending.end(uow, call, EndReason.UNREACHABLE)
