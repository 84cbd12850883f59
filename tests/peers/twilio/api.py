"""The REST API over HTTP: authentication, limits, faults, and the way to each resource."""

import asyncio
import base64
import hmac
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from tests.peers.twilio import call_api, errors, text_api
from tests.peers.twilio.errors import ApiError
from tests.peers.twilio.forms import INCOMING, read
from tests.peers.twilio.paging import page
from tests.peers.twilio.resources import API, PeerNumber, Requested, account_view, now

if TYPE_CHECKING:
    from tests.peers.twilio.peer import TwilioPeer

Form = MultiDictProxy[Any]
Answer = tuple[int, dict[str, Any] | None]
_PATH = re.compile(rf"/{API}/Accounts/(?P<account>\w+)(/(?P<kind>\w+)(/(?P<sid>\w+))?)?\.json")


def application(peer: "TwilioPeer") -> web.Application:
    """Return the server of a peer."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _Api(peer).serve)
    return app


class _Api:
    def __init__(self, peer: "TwilioPeer") -> None:
        self.peer = peer
        self._now = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, or misbehave."""
        form: Form = await request.post() if request.method == "POST" else MultiDictProxy(MultiDict(request.query))
        noted = Requested(request.method, request.path, {each: _one(form.getall(each)) for each in dict.fromkeys(form)})
        self.peer.requests.append(noted)
        self._now += 1
        try:
            status, body = await self._answer(request, form)
        finally:
            self._now -= 1
        return self._respond(request, noted, status, body)

    def _respond(self, request: web.Request, noted: Requested, status: int, body: dict[str, Any] | None) -> web.StreamResponse:
        noted.status = status
        if not status:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=503)
        headers = {"Twilio-Concurrent-Requests": str(self._now), "X-Api-Domain": "api.twilio.com"}
        if status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
        if status == 204:
            return web.Response(status=204, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    async def _answer(self, request: web.Request, form: Form) -> Answer:
        faults = self.peer.faults
        fault = faults.next_rest(request.method, request.path)
        if fault is not None and not fault.after:
            return fault.status, errors.of_status(fault.status).body()
        try:
            self._check_limits()
            answer = await self._route(request, form)
        except ApiError as error:
            answer = error.status, error.body()
        if faults.slow_rest:
            await asyncio.sleep(faults.slow_rest)
        return (fault.status, errors.of_status(fault.status).body()) if fault is not None else answer

    def _check_limits(self) -> None:
        if self.peer.concurrency and self._now > self.peer.concurrency:
            raise ApiError(429, 20429)

    def _who(self, request: web.Request) -> str:
        """Return who asks: the account's SID or an API key's; raises 401."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            user, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            user = secret = ""
        known = {self.peer.account_sid: self.peer.auth_token, **self.peer.api_keys}.get(user, "")
        if scheme.lower() != "basic" or not known or not hmac.compare_digest(known, secret):
            raise ApiError(401, 20003)
        return user

    async def _route(self, request: web.Request, form: Form) -> Answer:
        who = self._who(request)
        found = _PATH.fullmatch(request.path)
        if found is None or found["account"] != self.peer.account_sid:
            raise errors.not_found(request.path)
        kind, sid = found["kind"] or "", found["sid"] or ""
        if kind == "":
            return self._account(request, who)
        serve = _ROUTES.get((kind, bool(sid), request.method))
        if serve is None:
            known = any(each[:2] == (kind, bool(sid)) for each in _ROUTES)
            raise ApiError(405, 20004) if known else errors.not_found(request.path)
        return await serve(self.peer, form, sid)

    def _account(self, request: web.Request, who: str) -> Answer:
        """Show the account; standard API keys may not see it."""
        if request.method != "GET":
            raise ApiError(405, 20004)
        if who != self.peer.account_sid:
            raise ApiError(401, 20003)
        return 200, account_view(self.peer.account_sid, self.peer.auth_token, self.peer.created)


def _one(values: list[Any]) -> Any:
    return str(values[0]) if len(values) == 1 else [str(each) for each in values]


async def _numbers(peer: "TwilioPeer", form: Form, _: str) -> Answer:
    """List our numbers; PhoneNumber matches a part, * any digits, as documented."""
    wanted = form.get("PhoneNumber")
    pattern = ".*" + re.escape(wanted).replace(r"\*", ".*") + ".*" if wanted else ".*"
    named = form.get("FriendlyName")
    found = [each for each in peer.numbers.values() if re.fullmatch(pattern, each.number)]
    found = [each for each in found if not named or each.view()["friendly_name"] == named]
    path = f"/{API}/Accounts/{peer.account_sid}/IncomingPhoneNumbers.json"
    return 200, page(path, "incoming_phone_numbers", [each.view() for each in found], form)


async def _number(peer: "TwilioPeer", _: Form, sid: str) -> Answer:
    return 200, _by_sid(peer, sid).view()


async def _update_number(peer: "TwilioPeer", form: Form, sid: str) -> Answer:
    number = _by_sid(peer, sid)
    number.settings |= read(form, INCOMING)
    number.updated = now()
    return 200, number.view()


def _by_sid(peer: "TwilioPeer", sid: str) -> PeerNumber:
    for each in peer.numbers.values():
        if each.sid == sid:
            return each
    raise errors.not_found(f"/{API}/Accounts/{peer.account_sid}/IncomingPhoneNumbers/{sid}.json")


async def _balance(peer: "TwilioPeer", _: Form, __: str) -> Answer:
    return 200, {"account_sid": peer.account_sid, "balance": "17.29", "currency": "USD"}


Route = Callable[["TwilioPeer", Form, str], Awaitable[Answer]]
_ROUTES: dict[tuple[str, bool, str], Route] = {
    ("Calls", False, "POST"): call_api.create,
    ("Calls", False, "GET"): call_api.list_calls,
    ("Calls", True, "GET"): call_api.fetch,
    ("Calls", True, "POST"): call_api.update,
    ("Calls", True, "DELETE"): call_api.delete,
    ("Messages", False, "POST"): text_api.create,
    ("Messages", False, "GET"): text_api.list_messages,
    ("Messages", True, "GET"): text_api.fetch,
    ("IncomingPhoneNumbers", False, "GET"): _numbers,
    ("IncomingPhoneNumbers", True, "GET"): _number,
    ("IncomingPhoneNumbers", True, "POST"): _update_number,
    ("Balance", False, "GET"): _balance,
}
