"""API operations, each declared once: from the declaration come the route, the validation and the OpenAPI document.

    @operation("POST", "/calls/{call_id}/hold", "holdCall", errors=(Conflict,))
    async def hold(uow: UnitOfWork, call_id: CallId, body: HoldIn) -> CallOut: ...

The parameters say what is wanted: `uow` a unit of work (reading for GET), `request` the request, `actor` who asks, `body` a
model from JSON, `query` a model from the query string, anything else a path parameter of that type. The return type is
the response's model; None is 204.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

import pydantic_core
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from callcenter import __version__
from callcenter.actor import Actor, Role
from callcenter.db import Database
from callcenter.errors import CallCenterError, Invalid, NotFound, NotPermitted, NotSignedIn, Unavailable
from webui import views
from webui.errors import BadRequest, ErrorOut, TooLarge, WrongType
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
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    reply: Any
    path_types: dict[str, Any]
    wants: frozenset[str]
    upload: bool
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
    media_type: str = "application/json",
) -> Callable[[Function], Function]:
    """Declare an operation; see the module's text. `upload`: the body is multipart and the function reads it."""

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
    return Response(_adapter(wanted.reply).dump_json(reply), wanted.status, media_type="application/json")


async def _in_unit_of_work(wanted: Operation, database: Database, actor: Actor, values: dict[str, Any]) -> Any:
    opened = database.reading(actor) if wanted.method == "GET" else database.unit_of_work(actor)
    async with opened as uow:
        return await wanted.function(uow=uow, **values)


async def _read(wanted: Operation, request: Request) -> dict[str, Any]:
    """Validate path, query and body; raises NotFound for a path that can name nothing, Invalid for the rest."""
    values: dict[str, Any] = {}
    for name, kind in wanted.path_types.items():
        try:
            values[name] = _adapter(kind).validate_python(request.path_params[name])
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


async def _body(model: type[BaseModel], request: Request) -> BaseModel:
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
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise invalid(error) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


# --- the document ---------------------------------------------------------------------------------------------------


@cache
def document() -> str:
    """Return the OpenAPI 3.1 document of all declared operations, as JSON."""
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _describe(each, schemas)
    body = {
        "openapi": "3.1.0",
        "info": {
            "title": "Callcenter",
            "version": __version__,
            "description": "Sign in with the session cookie or a bearer token. Live updates: /api/v1/live.json.",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "callcenter_session"},
            },
        },
    }
    return json.dumps(body, ensure_ascii=False)


def _schema(kind: Any, schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    """Return a type's JSON schema, its definitions moved to the components."""
    suffix = "" if mode == "serialization" else "Input"
    template = "#/components/schemas/{model}" + suffix
    found: dict[str, Any] = _adapter(kind).json_schema(mode=mode, ref_template=template)
    for name, definition in found.pop("$defs", {}).items():
        _add(schemas, name + suffix, definition)
    if isinstance(kind, type) and issubclass(kind, BaseModel) and "$ref" not in found:
        _add(schemas, kind.__name__ + suffix, found)
        return {"$ref": template.format(model=kind.__name__)}
    return found


def _add(schemas: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    if schemas.setdefault(name, schema) != schema:
        raise ValueError(f"two models of the API are called {name}")


def _describe(each: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    """Describe one operation."""
    summary, _, text = (inspect.getdoc(each.function) or each.name).partition("\n")
    described: dict[str, Any] = {
        "operationId": each.name,
        "summary": summary,
        "description": (text.strip() + f"\n\nRole: {each.role.value}.").strip(),
        "tags": [each.function.__module__.rpartition(".")[2]],
        "parameters": [*_path_parameters(each, schemas), *_query_parameters(each, schemas)],
        "responses": _responses(each, schemas),
    }
    if each.body:
        content = {"application/json": {"schema": _schema(each.body, schemas, "validation")}}
        described["requestBody"] = {"required": True, "content": content}
    if each.upload:
        properties = {"file": {"type": "string", "format": "binary"}, "dry_run": {"type": "string", "enum": ["true", "false"]}}
        form = {"type": "object", "properties": properties, "required": ["file"]}
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    return described


def _responses(each: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if each.reply is not None:
        kind = {"type": "string"} if each.media_type != "application/json" else _schema(each.reply, schemas, "serialization")
        good["content"] = {each.media_type: {"schema": kind}}
    problem = {"application/json": {"schema": _schema(ErrorOut, schemas, "serialization")}}
    bad = {str(status): {"description": words, "content": problem} for status, words in sorted(each.statuses.items())}
    return {str(each.status): good, **bad}


def _path_parameters(each: Operation, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _schema(kind, schemas, "validation")}
        for name, kind in each.path_types.items()
    ]


def _query_parameters(each: Operation, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if each.query is None:
        return []
    schema = each.query.model_json_schema(mode="validation", ref_template="#/components/schemas/{model}Input")
    for name, definition in schema.get("$defs", {}).items():
        _add(schemas, name + "Input", definition)
    wanted = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in wanted, "schema": kind}
        for name, kind in schema.get("properties", {}).items()
    ]


async def openapi(_request: Request) -> Response:
    """`/api/v1/openapi.json`."""
    return Response(document(), media_type="application/json", headers={"cache-control": "no-cache"})


ROUTES: list[BaseRoute] = [Route(f"{PREFIX}/openapi.json", openapi)]
