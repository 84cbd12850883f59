"""How the product does: latencies, the switch, the pages; and the rehearsal with the built-in carrier (demo)."""

import datetime as dt
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field
from starlette.requests import Request

from callcenter import __version__, clock, rehearsal
from callcenter.actor import Role
from callcenter.calls import service as calls
from callcenter.calls import spending
from callcenter.calls.spending import SpendingOut
from callcenter.calls.views import Latency
from callcenter.errors import Conflict, NotFound
from webui import metrics
from webui.openapi import operation, routes_of
from webui.validation import In, Word

Model = TypeVar("Model", bound=BaseModel)


class OperationsQuery(In):
    """How far back the latencies reach."""

    hours: Annotated[int, Field(ge=1, le=720)] = 24


class SwitchOut(BaseModel):
    """The switch, as it says itself; counters are totals since its start."""

    up: bool
    boot_id: str
    legs: int
    stations_live: int
    counters: dict[str, int]


class OperationsOut(BaseModel):
    """Figures for whoever runs the product. Latencies are milliseconds from a call's first packet (B2)."""

    version: str
    since: dt.datetime
    latency: Latency
    live_sockets: int
    switch: SwitchOut
    spending: list[SpendingOut]


class CustomerIn(In):
    """Which customer of the built-in carrier calls, and which number; null: any customer, the demo project."""

    customer: Word | None = None
    dialled: Word | None = None


class RehearsalCall(BaseModel):
    """A customer's call as the built-in carrier sees it."""

    id: str
    number: str
    name: str
    state: str


class CustomerOut(BaseModel):
    """A customer of the built-in carrier."""

    number: str
    name: str
    behaviour: str


class CustomerList(BaseModel):
    """Customers who may call."""

    items: list[CustomerOut]


@operation("GET", "/operations", "getOperations", role=Role.SUPERVISOR)
async def get_operations(request: Request, query: OperationsQuery) -> OperationsOut:
    """Latencies (p50, p95, p99), connected pages, the switch, what calls that left cost today."""
    since = clock.now() - dt.timedelta(hours=query.hours)
    async with request.app.state.database.reading(request.state.actor) as uow:
        latency = await calls.latency(uow, since)
        costs = await spending.today(uow)
    snapshot = await metrics.read_snapshot(request.app.state.phone)
    switch = SwitchOut(
        up=snapshot is not None,
        boot_id=snapshot.boot_id if snapshot else "",
        legs=len(snapshot.legs) if snapshot else 0,
        stations_live=sum(each.live for each in snapshot.stations) if snapshot else 0,
        counters=snapshot.counters if snapshot else {},
    )
    sockets = request.app.state.live.count
    return OperationsOut(version=__version__, since=since, latency=latency, live_sockets=sockets, switch=switch, spending=costs)


@operation("GET", "/rehearsal/customers", "listCustomers", errors=(NotFound,))
async def list_customers(request: Request) -> CustomerList:
    """The customers of the built-in carrier (demo)."""
    _only_in_demo(request)
    return CustomerList(items=[_take(CustomerOut, each) for each in await rehearsal.customers(request.app.state.settings)])


@operation("POST", "/rehearsal/call", "letCustomerCall", errors=(NotFound, Conflict), status=201)
async def let_customer_call(request: Request, body: CustomerIn) -> RehearsalCall:
    """Let a customer of the built-in carrier call (demo)."""
    _only_in_demo(request)
    return _take(RehearsalCall, await rehearsal.let_call(request.app.state.settings, body.customer, body.dialled))


def _take(model: type[Model], said: dict[str, Any]) -> Model:
    return model.model_validate({name: str(said.get(name) or "") for name in model.model_fields})


def _only_in_demo(request: Request) -> None:
    if not request.app.state.settings.demo:
        raise NotFound("Rehearsals are part of the demo: start the product with --demo.")


ROUTES = routes_of(__name__)
