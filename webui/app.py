"""The web application: middleware around the URL table."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callcenter import clock
from callcenter.actor import Actor
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.errors import CallCenterError
from callcenter.phone import Phone
from callcenter.reports.sources import SourceReports
from webui import errors, i18n, metrics, routes, security, webhooks
from webui.imports import ImportWork
from webui.live import LiveHub
from webui.rehearsals import Rehearsals

log = structlog.get_logger(__name__)

BODY_LIMIT = 1024 * 1024
IMPORT_LIMIT = 100 * 1024 * 1024
AVATAR_LIMIT = 11 * 1024 * 1024
UPLOAD_LIMIT = 26 * 1024 * 1024  # a file of 25 MB and the form around it
WEBHOOK_LIMIT = 64 * 1024
_AVATAR_PATH = re.compile(r"(/api/v1)?/contacts/\d{1,10}/avatar")
_IMPORT_PATHS = ("/imports", "/api/v1/imports", "/meetings/import", "/api/v1/phone-meetings/import")
_UPLOAD_PATHS = re.compile(r"(/api/v1)?/tickets/[0-9]+/files|/api/v1/files|(/api/v1)?/do-not-call/lists")
_LEADS_PATH = re.compile(r"(/api/v1)?/campaigns/\d{1,10}/(leads/imports|lead-imports)")
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}
_OPEN_PATHS = ("/static/", "/livez")  # served without asking who is there


class AccessLog:
    """ASGI middleware: an id for every request, and one line in the log when it is answered (no query, no secret)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log the request once it is answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = request_id = clock.new_id()[-16:]
        started, status = time.perf_counter(), 500

        async def start(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, start)
            finally:
                seconds = time.perf_counter() - started
                if not scope["path"].startswith(webhooks.PREFIX):  # those are held, and counted by themselves
                    metrics.REQUESTS.labels(_method(scope), str(status)).observe(seconds)
                actor: Actor | None = scope["state"].get("actor")
                quiet = scope["path"].startswith("/static/") or scope["path"] in {"/livez", "/readyz", "/metrics"}
                (log.debug if quiet else log.info)(
                    "web.request",
                    method=scope["method"],
                    path=security.logged_path(scope["path"]),
                    status=status,
                    milliseconds=round(seconds * 1000, 1),
                    user_id=actor.user_id if actor else None,
                    address=security.address(Request(scope)),
                )


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


class Identity:
    """ASGI middleware: who is asking and in which language; refuses foreign hosts and forged requests.

    Not of carriers: their signature says who they are, and the trunk's public address may be another than the pages'.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set `request.state.actor` and `.language`, then go on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        request.state.actor = None
        self._speak(request)
        if scope["path"].startswith(webhooks.PREFIX):
            await self._answer(request, scope, BodyLimit(scope, receive), send)
            return
        try:
            if not security.allowed_host(request.headers.get("host", ""), self.settings):
                raise errors.BadRequest("This host name is not one of ours.")
            if not scope["path"].startswith(_OPEN_PATHS):
                request.state.actor = await security.authenticate(request)
                self._speak(request)
                security.check_same_site(request)
        except (CallCenterError, SQLAlchemyError) as error:
            response = await errors.on_error(request, error)
            await response(scope, receive, send)
            return
        await self._answer(request, scope, BodyLimit(scope, receive), send)

    async def _answer(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; what nobody expected becomes a sentence with a reference."""
        started = False

        async def start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, start)
        except Exception as error:  # the last place that can still answer; on_crash logs the trace
            if started:
                raise
            response = await errors.on_crash(request, error)
            await response(scope, receive, send)

    @staticmethod
    def _speak(request: Request) -> None:
        actor: Actor | None = request.state.actor
        chosen = request.cookies.get(i18n.LANGUAGE_COOKIE, "")
        if chosen not in i18n.LANGUAGES:
            chosen = i18n.negotiate(request.headers.get("accept-language", ""))
        if actor:
            i18n.use(actor.language, actor.time_zone)
        else:
            i18n.use(chosen)
        request.state.language = i18n.current().language


class BodyLimit:
    """ASGI receive that refuses a body over the limit of its address, as soon as that is known."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.receive = receive
        self.left = IMPORT_LIMIT if scope["path"].startswith(_IMPORT_PATHS) else BODY_LIMIT
        if _LEADS_PATH.fullmatch(scope["path"]):
            self.left = IMPORT_LIMIT
        if _AVATAR_PATH.fullmatch(scope["path"]):
            self.left = AVATAR_LIMIT
        if _UPLOAD_PATHS.fullmatch(scope["path"]):
            self.left = UPLOAD_LIMIT
        if scope["path"].startswith(webhooks.PREFIX):
            self.left = WEBHOOK_LIMIT
        told = Headers(scope=scope).get("content-length", "")
        self.too_large = told.isdigit() and int(told[:20]) > self.left

    async def __call__(self) -> Message:
        """Return the next part of the body; raises 413 when it is too much."""
        if self.too_large:
            raise HTTPException(413)
        message = await self.receive()
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            raise HTTPException(413)
        return message


def create_app(settings: Settings, database: Database, phone: Phone, live: LiveHub) -> Starlette:
    """Build the web application. Whoever calls this runs `live.run()` and wires `database`'s listeners.

    uvicorn is told which proxies to believe (settings.trusted_proxies), so addresses and schemes here are the client's own.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(app.state.imports.watch(database), name="imports")
        yield
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await app.state.imports.close()
        await app.state.rehearsals.close()
        await live.close()

    app = Starlette(
        routes=routes.table(),
        middleware=[
            Middleware(AccessLog),
            Middleware(security.SecurityHeaders, settings=settings),
            Middleware(Identity, settings=settings),
        ],
        exception_handlers=errors.HANDLERS,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.database = database
    app.state.phone = phone
    app.state.live = live
    app.state.imports = ImportWork()
    app.state.rehearsals = Rehearsals()
    app.state.source_reports = SourceReports(database)
    app.state.strangers = webhooks.Strangers()
    return app
