"""Trunks: the administrator's connections to carriers, with a test and a trace of the last messages."""

from pydantic import BaseModel
from starlette.requests import Request

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Unavailable
from callcenter.phone import Query, ReadTrace, Refusal, Reply, SetWebhooks, TestTrunk, TrunkReport, TrunkTrace
from callcenter.trunks import service as trunks
from callcenter.trunks.service import AnyTrunkInput, AnyTrunkOut
from webui.api.me import refusal
from webui.i18n import gettext, say
from webui.openapi import operation, routes_of
from webui.validation import Id

_PATIENCE = 20.0  # seconds: a test waits for a carrier's time-outs


class TrunkList(BaseModel):
    """Trunks by name."""

    items: list[AnyTrunkOut]


class CheckOut(BaseModel):
    """One thing the test tried, and what to do when it did not work."""

    name: str
    ok: bool
    sentence: str


class ReportOut(BaseModel):
    """What the test found."""

    ok: bool
    checks: list[CheckOut]


class LineOut(BaseModel):
    """One SIP message as it crossed the wire; `at` is Unix seconds."""

    at: float
    sent: bool
    peer: str
    text: str


class TraceOut(BaseModel):
    """The last messages of a trunk, oldest first."""

    lines: list[LineOut]


@operation("GET", "/trunks", "listTrunks", role=Role.ADMINISTRATOR)
async def list_trunks(uow: UnitOfWork) -> TrunkList:
    """All trunks."""
    return TrunkList(items=await trunks.list_trunks(uow))


@operation("POST", "/trunks", "createTrunk", role=Role.ADMINISTRATOR, errors=(Conflict,), status=201)
async def create_trunk(uow: UnitOfWork, body: AnyTrunkInput) -> AnyTrunkOut:
    """Add a trunk: of kind `sip`, also where no kind is named, or `twilio`."""
    return await trunks.add_trunk(uow, body)


@operation("GET", "/trunks/{trunk_id}", "getTrunk", role=Role.ADMINISTRATOR)
async def get_trunk(uow: UnitOfWork, trunk_id: Id) -> AnyTrunkOut:
    """One trunk."""
    return await trunks.get_trunk(uow, trunk_id)


@operation("PUT", "/trunks/{trunk_id}", "updateTrunk", role=Role.ADMINISTRATOR, errors=(Conflict,))
async def update_trunk(uow: UnitOfWork, trunk_id: Id, body: AnyTrunkInput) -> AnyTrunkOut:
    """Change a trunk; a password or another secret that is null stays. The kind cannot change."""
    return await trunks.update_trunk(uow, trunk_id, body)


@operation("DELETE", "/trunks/{trunk_id}", "deleteTrunk", role=Role.ADMINISTRATOR)
async def delete_trunk(uow: UnitOfWork, trunk_id: Id) -> None:
    """Remove a trunk."""
    await trunks.delete_trunk(uow, trunk_id)


@operation("POST", "/trunks/{trunk_id}/test", "testTrunk", role=Role.ADMINISTRATOR)
async def test_trunk(request: Request, trunk_id: Id) -> ReportOut:
    """Try a trunk: what works, and what to do about what does not."""
    return _report(await _ask(request, trunk_id, TestTrunk(trunk_id)))


@operation("POST", "/trunks/{trunk_id}/webhooks", "setWebhooks", role=Role.ADMINISTRATOR, errors=(Conflict,))
async def set_webhooks(request: Request, trunk_id: Id) -> ReportOut:
    """Tell the carrier that calls and messages to the trunk's numbers come to us.

    Only a carrier that asks over HTTP has to be told (kind `twilio`). What the numbers did before is lost.
    """
    async with request.app.state.database.unit_of_work(request.state.actor) as uow:
        await trunks.webhooks_asked_for(uow, trunk_id)
    return _report(await _ask(request, trunk_id, SetWebhooks(trunk_id)))


@operation("GET", "/trunks/{trunk_id}/trace", "readTrace", role=Role.ADMINISTRATOR)
async def read_trace(request: Request, trunk_id: Id) -> TraceOut:
    """Read the last SIP messages of a trunk, credentials blanked."""
    trace = await _ask(request, trunk_id, ReadTrace(trunk_id))
    if not isinstance(trace, TrunkTrace):
        raise Unavailable("The telephone switch gave no answer. Try again.")
    return TraceOut(lines=[LineOut(at=each.at, sent=each.sent, peer=each.peer, text=each.text) for each in trace.lines])


def _report(reply: Reply) -> ReportOut:
    if not isinstance(reply, TrunkReport):
        raise Unavailable("The telephone switch gave no answer. Try again.")
    checks = [CheckOut(name=gettext(each.name), ok=each.ok, sentence=say(each.sentence, each.values)) for each in reply.checks]
    return ReportOut(ok=all(each.ok for each in checks), checks=checks)


async def _ask(request: Request, trunk_id: int, query: Query) -> Reply:
    """Ask the switch about a trunk there is, outside of any unit of work."""
    async with request.app.state.database.reading(request.state.actor) as uow:
        await trunks.get_trunk(uow, trunk_id)
    reply: Reply = await request.app.state.phone.ask(query, timeout=_PATIENCE)
    if isinstance(reply, Refusal):
        raise refusal(reply)
    return reply


ROUTES = routes_of(__name__)
