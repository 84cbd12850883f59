"""API operations, each declared once: from the declaration come the route, the validation and the OpenAPI document
(webui.openapi_document).

    @operation("POST", "/calls/{call_id}/hold", "holdCall", errors=(Conflict,))
    async def hold(uow: UnitOfWork, call_id: CallId, body: HoldIn) -> CallOut: ...

The parameters say what is wanted: `uow` a unit of work (reading for GET), `request` the request, `actor` who asks, `body` a
model from JSON, `query` a model from the query string, anything else a path parameter of that type. The return type is
the response's model; None is 204.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

import pydantic_core
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from callcenter.actor import Actor, Role
from callcenter.db import Database
from callcenter.errors import CallCenterError, Invalid, Merged, NotFound, NotPermitted, NotSignedIn, Unavailable
from webui import views
from webui.errors import BadRequest, TooLarge, WrongType
from webui.validation import invalid, refuse_nul

PREFIX = "/api/v1"
_SPECIAL = {"uow", "request", "actor", "body", "query", "return"}
Function = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    method: str
    path: str
    name: str
    function: Function
    role: Role
    errors: tuple[type[CallCenterError], ...]
    status: int
    body: Any  # a model, or a union of models told apart by one of their fields
    query: type[BaseModel] | None
    reply: Any
    path_types: dict[str, Any]
    wants: frozenset[str]
    upload: bool
    dry_run: bool
    media_type: str

    @property
    def statuses(self) -> dict[int, str]:
        """Every error status it may answer with, and what it means."""
        known: list[type[CallCenterError]] = [NotSignedIn, NotPermitted, Unavailable, *self.errors]
        if self.body or self.query or self.upload:
            known.append(Invalid)
        if self.body or self.upload:
            known += [BadRequest, TooLarge, WrongType]
        if self.path_types:
            known.append(NotFound)
        if "contact_id" in self.path_types:
            known.append(Merged)
        return {each.status: (each.__doc__ or "").split("\n")[0] for each in known}


OPERATIONS: list[Operation] = []


def operation(
    method: str,
    path: str,
    name: str,
    *,
    role: Role = Role.CONSULTANT,
    errors: Iterable[type[CallCenterError]] = (),
    status: int = 200,
    upload: bool = False,
    dry_run: bool = True,
    media_type: str = "application/json",
) -> Callable[[Function], Function]:
    """Declare an operation; see the module's text. `upload`: the body is multipart and the function reads it;
    `dry_run`: it may be asked to check only.
    """

    def declare(function: Function) -> Function:
        hints = get_type_hints(function, include_extras=True)
        reply = hints.get("return")
        nothing = reply is None or reply is type(None)
        OPERATIONS.append(
            Operation(
                method=method,
                path=PREFIX + path,
                name=name,
                function=function,
                role=role,
                errors=tuple(errors),
                status=204 if nothing else status,
                body=hints.get("body"),
                query=hints.get("query"),
                reply=None if nothing else reply,
                path_types={each: kind for each, kind in hints.items() if each not in _SPECIAL},
                wants=frozenset(inspect.signature(function).parameters),
                upload=upload,
                dry_run=dry_run,
                media_type=media_type,
            )
        )
        return function

    return declare


def routes_of(module: str) -> list[BaseRoute]:
    """Return a module's routes: one for each path, so that a wrong method is told all the right ones."""
    by_path: dict[str, dict[str, Operation]] = {}
    for each in OPERATIONS:
        if each.function.__module__ == module:
            by_path.setdefault(each.path, {})[each.method] = each
    return [Route(path, _endpoint(methods), methods=list(methods)) for path, methods in by_path.items()]


def _endpoint(methods: dict[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await _run(methods["GET" if request.method == "HEAD" else request.method], request)

    return answer


async def _run(wanted: Operation, request: Request) -> Response:
    """Check who asks, validate, run, and write the reply."""
    actor = views.signed_in(request, wanted.role)
    values = await _read(wanted, request)
    if "actor" in wanted.wants:
        values["actor"] = actor
    if "request" in wanted.wants:
        values["request"] = request
    if "uow" in wanted.wants:
        reply = await _in_unit_of_work(wanted, request.app.state.database, actor, values)
    else:
        reply = await wanted.function(**values)
    if isinstance(reply, Response):
        return reply
    if wanted.reply is None:
        return Response(status_code=204)
    return Response(adapter(wanted.reply).dump_json(reply), wanted.status, media_type="application/json")


async def _in_unit_of_work(wanted: Operation, database: Database, actor: Actor, values: dict[str, Any]) -> Any:
    opened = database.reading(actor) if wanted.method == "GET" else database.unit_of_work(actor)
    async with opened as uow:
        return await wanted.function(uow=uow, **values)


async def _read(wanted: Operation, request: Request) -> dict[str, Any]:
    """Validate path, query and body; raises NotFound for a path that can name nothing, Invalid for the rest."""
    values: dict[str, Any] = {}
    for name, kind in wanted.path_types.items():
        try:
            values[name] = adapter(kind).validate_python(request.path_params[name])
        except ValidationError as error:
            raise NotFound("There is nothing at this address.") from error
    if wanted.query:
        values["query"] = _query(wanted.query, request)
    if wanted.body:
        values["body"] = await _body(wanted.body, request)
    return values


def _query(model: type[BaseModel], request: Request) -> BaseModel:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise Invalid("This may be given only once.", field=name[:100])
        given[name] = value
    refuse_nul(given)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from error


async def _body(model: Any, request: Request) -> Any:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise WrongType("Send JSON with Content-Type: application/json.")
    raw = await request.body()
    try:
        given = pydantic_core.from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise BadRequest("The body is not JSON.") from error
    refuse_nul(given)
    try:
        return adapter(model).validate_json(raw, strict=True)
    except ValidationError as error:
        raise invalid(error, union=not isinstance(model, type)) from error


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what validates and writes a type, made once."""
    return TypeAdapter(kind)
