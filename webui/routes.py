"""The URL table of the web: every module of pages/ and api/ lists its own in `ROUTES`, these are the rest."""

import importlib
import pkgutil

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import webui.api
import webui.pages
from webui import health, i18n, live, metrics, openapi_document, views, webhooks

_YEAR = "public, max-age=31536000, immutable"


class Assets(StaticFiles):
    """Files of webui/static; those asked for with their mark (`?v=`) are kept by browsers for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve a file, with its ETag."""
        response = await super().get_response(path, scope)
        marked = scope["query_string"].startswith(b"v=")
        response.headers["cache-control"] = _YEAR if marked else "no-cache"
        return response


async def browser_messages(request: Request) -> Response:
    """Give the page's scripts their translations."""
    language = request.query_params.get("lang", i18n.current().language)
    body = i18n.browser_messages(language if language in i18n.LANGUAGES else i18n.DEFAULT)
    return JSONResponse(body, headers={"cache-control": "no-cache", "vary": "Cookie, Accept-Language"})


def table() -> list[BaseRoute]:
    """Return every route: pages, API, live updates, operations, static files."""
    found: list[BaseRoute] = []
    for package in (webui.api, webui.pages):
        for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
            found.extend(getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "ROUTES", ()))
    return [
        Mount("/static", Assets(directory=views.STATIC, check_dir=False), name="static"),  # first: a page asks for dozens
        *live.ROUTES,
        *found,
        *openapi_document.ROUTES,
        *health.ROUTES,
        *metrics.ROUTES,
        *webhooks.ROUTES,
        Route("/i18n.json", browser_messages),
    ]
