"""The OpenAPI document, made from the operations as they are declared in webui.openapi."""

import inspect
import json
from functools import cache
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from callcenter import __version__
from webui.errors import ErrorOut
from webui.openapi import OPERATIONS, PREFIX, Operation, adapter


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
    found: dict[str, Any] = adapter(kind).json_schema(mode=mode, ref_template=template)
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
        properties: dict[str, Any] = {"file": {"type": "string", "format": "binary"}}
        if each.dry_run:
            properties["dry_run"] = {"type": "string", "enum": ["true", "false"]}
        form = {"type": "object", "properties": properties, "required": ["file"]}
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    return described


def _responses(each: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if each.reply is not None:
        binary = each.media_type.startswith(("audio/", "image/")) or each.media_type == "application/octet-stream"
        text = {"type": "string", "format": "binary"} if binary else {"type": "string"}
        kind = text if each.media_type != "application/json" else _schema(each.reply, schemas, "serialization")
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
