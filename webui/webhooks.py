"""Webhooks: what a carrier asks of us over HTTP goes to the switch as it came, and the switch's answer goes back.

No session and no page of ours asks here, so neither the host name nor a cookie counts: the switch checks the carrier's
signature against the trunk's public address. Nothing of what comes is logged. Not part of the API people use.
"""

import asyncio
import re
from urllib.parse import parse_qsl

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from callcenter import clock
from callcenter.errors import CallCenterError, NotFound, TooMany, Unavailable
from callcenter.phone import LONGEST_WEBHOOK, Phone, Refusal, Reply, Webhook, WebhookAnswer
from callcenter.trunks import service as trunks
from webui import errors, metrics, security
from webui.validation import LARGEST_ID

log = structlog.get_logger(__name__)

PREFIX = "/twilio/"
PATIENCE = LONGEST_WEBHOOK + 3  # seconds: the switch answers before
SWITCH_BACK_SECONDS = 5.0  # a switch that is away, or goes while it thinks, is waited for: the caller hears ringing meanwhile
_LOOK_SECONDS = 0.1
_FORM = "application/x-www-form-urlencoded"
_PATH = re.compile(r"[A-Za-z0-9._~-]{1,128}(/[A-Za-z0-9._~-]{1,128}){0,4}")  # nothing that could be written in two ways
_MOST_FIELDS = 400
_LONGEST_SIGNATURE = 200


class Strangers:
    """Addresses that send requests with wrong signatures: after MOST in a minute they are not listened to until it is over.

    Only WATCHED addresses are kept, the oldest go first. The machine's own address stands for a proxy that does not say
    who asks (settings.trusted_proxies), and is never shut out: the carrier would be, too.
    """

    MOST = 30
    SECONDS = 60.0
    WATCHED = 10_000

    def __init__(self) -> None:
        self._wrong: dict[str, tuple[float, int]] = {}

    def shut_out(self, address: str) -> float:
        """Return for how many seconds an address is not listened to, 0 when it is."""
        since, wrong = self._wrong.get(address, (0.0, 0))
        return max(0.0, since + self.SECONDS - clock.monotonic()) if wrong >= self.MOST else 0.0

    def wrong(self, address: str, trunk_id: int) -> None:
        """Count a wrong signature."""
        if security.is_loopback(address):
            return
        now = clock.monotonic()
        since, wrong = self._wrong.pop(address, (now, 0))
        if now - since > self.SECONDS:
            since, wrong = now, 0
        self._wrong[address] = (since, wrong + 1)
        if wrong + 1 == self.MOST:
            log.warning("webhook.shut_out", address=address, trunk_id=trunk_id, wrong_signatures=self.MOST)
        while len(self._wrong) > self.WATCHED:
            del self._wrong[next(iter(self._wrong))]


class Webhooks:
    """ASGI application at /twilio/{trunk_id}/{path}: GET and POST, anything else is 405."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one webhook; a carrier that leaves while the switch thinks is let go."""
        request, started = Request(scope, receive), clock.monotonic()
        try:
            response = await _answer(request)
        except ClientDisconnect:
            response = Response(status_code=errors.CLIENT_GONE)
        except HTTPException as error:
            response = _refused(errors.from_http(error))
        except CallCenterError as error:
            response = _refused(error)
        except SQLAlchemyError as error:
            known = errors.from_database(error)
            if known is None:
                raise
            response = _refused(known)
        metrics.WEBHOOKS.labels(str(response.status_code)).observe(clock.monotonic() - started)
        await response(scope, receive, send)


async def _answer(request: Request) -> Response:
    if request.method not in {"GET", "POST"}:
        return PlainTextResponse("GET or POST.\n", 405, {"allow": "GET, POST"})
    address, strangers = security.address(request), request.app.state.strangers
    if (seconds := strangers.shut_out(address)) > 0:
        refused = _refused(TooMany("Too many wrong signatures came from this address. Wait a minute."))
        refused.headers["retry-after"] = str(int(seconds) + 1)
        return refused
    trunk_id, path = int(request.path_params["trunk_id"]), str(request.path_params["path"])
    if trunk_id > LARGEST_ID or not _PATH.fullmatch(path):
        raise NotFound("There is nothing at this address.")
    webhook = Webhook(
        trunk_id=trunk_id,
        path=path,
        query=request.scope["query_string"].decode("latin-1"),
        params=await _params(request),
        signature=request.headers.get("x-twilio-signature", "")[:_LONGEST_SIGNATURE],
    )
    async with request.app.state.database.reading() as uow:
        if not await trunks.takes_webhooks(uow, trunk_id):
            raise NotFound("There is nothing at this address.")
    reply = await _ask(request.app.state.phone, webhook, request.receive)
    if isinstance(reply, Refusal):
        return PlainTextResponse(f"{reply.sentence}\n", reply.status)
    if not isinstance(reply, WebhookAnswer):
        return PlainTextResponse("The telephone switch gave no answer.\n", 503)
    if reply.status == 403:
        strangers.wrong(address, trunk_id)
    return Response(reply.body, reply.status, media_type=reply.content_type)


async def _params(request: Request) -> tuple[tuple[str, str], ...]:
    """Return a form's fields in order, none of a GET; raises 413, 415, 400."""
    if request.method == "GET":
        return ()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise errors.WrongType("Send a form.")
    raw = await request.body()
    try:
        text = raw.decode()
        return tuple(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise errors.BadRequest("The request could not be understood.") from error


async def _ask(phone: Phone, webhook: Webhook, receive: Receive) -> Reply:
    """Let the switch answer; raises ClientDisconnect as soon as whoever asked is gone, and asks no more."""
    asked = asyncio.ensure_future(_answered(phone, webhook))
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({asked, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise ClientDisconnect
        return asked.result()
    finally:
        for each in (asked, gone):
            each.cancel()
        await asyncio.gather(asked, gone, return_exceptions=True)


async def _answered(phone: Phone, webhook: Webhook) -> Reply:
    """Ask again of a switch that is away for a moment; it takes a webhook that comes twice once. Raises Unavailable."""
    end, away = clock.monotonic() + PATIENCE, 0.0
    while True:
        try:
            return await phone.ask(webhook, timeout=end - clock.monotonic())
        except Unavailable:
            now = clock.monotonic()
            away = away or now
            if now - away >= SWITCH_BACK_SECONDS or now + 2 * _LOOK_SECONDS >= end:
                raise
            await asyncio.sleep(_LOOK_SECONDS)


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


def _refused(error: CallCenterError) -> Response:
    """Say it in one line of English: the carrier keeps it in its own log."""
    return PlainTextResponse(f"{error}\n", error.status)


ROUTES: list[BaseRoute] = [Route(PREFIX + "{trunk_id:int}/{path:path}", Webhooks())]
