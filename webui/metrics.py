"""What a monitoring system scrapes at /metrics, from a registry of our own.

Open to the machine itself and to administrators (session or bearer token).
"""

import asyncio
import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import structlog
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from callcenter import clock
from callcenter.actor import Role
from callcenter.agents.models import Agent, AgentState
from callcenter.calls.models import Call, CallBack, CallState
from callcenter.calls.spending import SpendingOut, today
from callcenter.db import Database
from callcenter.errors import NotPermitted, Unavailable
from callcenter.phone import EndReason, Phone, ReadSnapshot, Snapshot
from webui import security, views

log = structlog.get_logger(__name__)

REGISTRY = CollectorRegistry()
_POP_UP_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
REQUESTS = Histogram("callcenter_http_request_seconds", "Time to answer a request.", ["method", "status"], registry=REGISTRY)
POP_UP = Histogram(
    "callcenter_pop_up_seconds",
    "From a call's first packet to the pop-up: offered (written), sent (to the browser), shown (browser's own word).",
    ["stage"],
    buckets=_POP_UP_SECONDS,
    registry=REGISTRY,
)
WEBHOOKS = Histogram(
    "callcenter_webhook_seconds",
    "Time to answer a carrier's webhook; one that lets a caller ring is held for seconds.",
    ["status"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10, 15),
    registry=REGISTRY,
)
SOCKETS = Gauge("callcenter_live_sockets", "Connected pages.", registry=REGISTRY)
_CALLS = Gauge("callcenter_calls", "Calls in progress by state.", ["state"], registry=REGISTRY)
_ENDED = Gauge(
    "callcenter_calls_ended_last_hour", "Calls that began in the last hour and ended.", ["direction", "reason"], registry=REGISTRY
)
_CALL_BACKS = Gauge("callcenter_call_backs_open", "Missed calls nobody has called back.", registry=REGISTRY)
_AGENTS = Gauge("callcenter_agents", "Agents by state.", ["state"], registry=REGISTRY)
_DATABASE_UP = Gauge("callcenter_database_up", "1 when the database answers.", registry=REGISTRY)
_POOL = Gauge("callcenter_database_connections", "Connections in use.", ["pool"], registry=REGISTRY)
_SPENT = Gauge("callcenter_trunk_spent_today", "What calls that left cost since midnight UTC.", ["trunk"], registry=REGISTRY)
_SPEND_LIMIT = Gauge("callcenter_trunk_spend_limit", "What they may cost in a day; 0: no limit.", ["trunk"], registry=REGISTRY)
_SWITCH_UP = Gauge("callcenter_switch_up", "1 when the switch answers.", registry=REGISTRY)
_SWITCH_LEGS = Gauge("callcenter_switch_legs", "Legs alive in the switch.", ["state"], registry=REGISTRY)
_SWITCH_STATIONS = Gauge("callcenter_switch_stations_live", "Consultants' browsers with audio.", registry=REGISTRY)
_SWITCH_TRUNKS = Gauge("callcenter_switch_trunks", "Trunks by state.", ["state"], registry=REGISTRY)
_SWITCH_TOTAL = Gauge("callcenter_switch_counter", "The switch's own totals since its start.", ["name"], registry=REGISTRY)
_SWITCH_SECONDS = 2.0


def observe_offers(stamps: list[tuple[str, float]]) -> None:
    """Count pop-up latencies: (stage, milliseconds)."""
    for stage, milliseconds in stamps:
        POP_UP.labels(stage).observe(milliseconds / 1000)


async def gather(database: Database, phone: Phone) -> None:
    """Bring the gauges up to date; what cannot be reached is shown as down."""
    await asyncio.gather(_ask_database(database), _ask_switch(phone))


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the database says about the floor just now."""

    calls: dict[str, int]
    ended: Sequence[tuple[str, str, int]]
    agents: dict[str, int]
    call_backs: int
    spending: list[SpendingOut]


async def _ask_database(database: Database) -> None:
    try:
        counts = await _count(database)
    except SQLAlchemyError as error:
        log.warning("metrics.database", reason=type(error).__name__)
        _DATABASE_UP.set(0)
        return
    _DATABASE_UP.set(1)
    for call_state in set(CallState) - {CallState.ENDED}:
        _CALLS.labels(call_state.value).set(counts.calls.get(call_state.value, 0))
    for direction, reason in product(("inbound", "outbound"), EndReason):
        _ENDED.labels(direction, reason.value).set(0)
    for way, why, count in counts.ended:
        _ENDED.labels(way, why).set(count)
    for agent_state in AgentState:
        _AGENTS.labels(agent_state.value).set(counts.agents.get(agent_state.value, 0))
    _CALL_BACKS.set(counts.call_backs)
    _show_spending(counts.spending)
    for name, engine in {"writer": database.engine, "reader": database.reader}.items():
        if isinstance(engine.pool, QueuePool):
            _POOL.labels(name).set(engine.pool.checkedout())


def _show_spending(spending: list[SpendingOut]) -> None:
    for gauge in (_SPENT, _SPEND_LIMIT):
        gauge.clear()  # a trunk may be gone
    for each in spending:
        _SPENT.labels(each.trunk).set(float(each.spent))
        _SPEND_LIMIT.labels(each.trunk).set(float(each.limit))


async def _count(database: Database) -> _Counts:
    hour_ago = clock.now() - dt.timedelta(hours=1)
    first_id = f"{int(hour_ago.timestamp() * 1000):012x}" + "0" * 20  # ids of calls sort by time (clock.new_id)
    living = select(Call.state, func.count()).where(Call.state != CallState.ENDED).group_by(Call.state)
    ended = select(Call.direction, Call.end_reason, func.count()).where(Call.id > first_id, Call.state == CallState.ENDED)
    agents = select(Agent.state, func.count()).group_by(Agent.state)
    waiting = select(func.count()).where(CallBack.state == "open")
    async with database.reading() as uow:
        return _Counts(
            calls=dict((await uow.session.execute(living)).all()),
            ended=[
                (way, why, count)
                for way, why, count in await uow.session.execute(ended.group_by(Call.direction, Call.end_reason))
            ],
            agents=dict((await uow.session.execute(agents)).all()),
            call_backs=await uow.session.scalar(waiting) or 0,
            spending=await today(uow),
        )


async def _ask_switch(phone: Phone) -> None:
    snapshot = await read_snapshot(phone)
    _SWITCH_UP.set(1 if snapshot else 0)
    if snapshot is None:
        return
    for state in ("ringing", "answered"):
        _SWITCH_LEGS.labels(state).set(sum(leg.state == state for leg in snapshot.legs))
    _SWITCH_STATIONS.set(sum(station.live for station in snapshot.stations))
    for state in ("unknown", "registering", "registered", "ready", "failed"):
        _SWITCH_TRUNKS.labels(state).set(sum(trunk.state == state for trunk in snapshot.trunks))
    for name, value in snapshot.counters.items():
        _SWITCH_TOTAL.labels(name).set(value)


async def read_snapshot(phone: Phone) -> Snapshot | None:
    """Return what lives in the switch, None when it cannot be reached."""
    try:
        reply = await phone.ask(ReadSnapshot(), timeout=_SWITCH_SECONDS)
    except (Unavailable, TimeoutError):
        return None
    return reply if isinstance(reply, Snapshot) else None


def is_local(request: Request) -> bool:
    """Tell whether the machine itself asks, by an address: a foreign name pointed at us does not count."""
    try:
        near = ipaddress.ip_address(security.address(request)).is_loopback
        host = request.url.hostname or ""
        return near and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


async def scrape(request: Request) -> Response:
    """`/metrics` in Prometheus' text format."""
    if not is_local(request):
        actor = views.signed_in(request)
        if not actor.may(Role.ADMINISTRATOR):
            raise NotPermitted("Only an administrator or the machine itself may read this.")
    await gather(request.app.state.database, request.app.state.phone)
    return Response(generate_latest(REGISTRY), media_type="text/plain; version=0.0.4; charset=utf-8")


ROUTES: list[BaseRoute] = [Route("/metrics", scrape)]
