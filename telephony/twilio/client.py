"""Twilio's own library, given one asynchronous HTTP session of ours.

The only file that imports twilio.rest and aiohttp, which take 150 ms and 20 MB: api.py imports it when it is first needed.
"""

import logging
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from callcenter.phone import TwilioConfig
from telephony.twilio import trace
from telephony.twilio.errors import Refused, TooFast, Uncertain, Unsent

TWILIO = "https://api.twilio.com"
_CONNECT_SECONDS = 5.0
_SECONDS = 15.0
_SERVER_FAULT = 500
_TOO_MANY = 429
_LONGEST = 1000  # octets of an answer of our own
_ENVIRONMENT = {"TWILIO": "the environment has no say here"}  # an empty one would be os.environ

T = TypeVar("T")


class _Failed(Exception):
    """A request that got no answer; carries what it means to the one who asked."""

    def __init__(self, meaning: Unsent | Uncertain) -> None:
        super().__init__(str(meaning))
        self.meaning = meaning


class Session(AsyncHttpClient):  # type: ignore[misc]  # the library has no types
    """The HTTP client the library is given: one aiohttp session, another address when a gateway stands before Twilio."""

    def __init__(self, api_url: str, kept: trace.Trace) -> None:
        super().__init__(logging.getLogger(__name__), True, _SECONDS)
        self._api_url, self._trace = api_url.rstrip("/"), kept
        self._peer = urlsplit(api_url or TWILIO).netloc
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_SECONDS, sock_connect=_CONNECT_SECONDS),
            connector=aiohttp.TCPConnector(limit=100),
        )
        self.retry_after = 0.0  # seconds, as the last answer 429 named them

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's name
        allow_redirects: bool = False,
    ) -> Response:
        """Make a request (twilio.http.AsyncHttpClient); raises _Failed when no answer comes."""
        if self._api_url and url.startswith(TWILIO):
            url = self._api_url + url.removeprefix(TWILIO)
        fields = _fields(data)
        self._trace.record(True, self._peer, f"{method} {urlsplit(url).path}{trace.query(_fields(params))}\n{trace.form(fields)}")
        try:
            async with self._http.request(
                method,
                url,
                params=_fields(params),
                data=urlencode(fields),
                headers={**(headers or {}), "Authorization": aiohttp.encode_basic_auth(*auth)} if auth else headers,
                allow_redirects=allow_redirects,
            ) as answer:
                text = await answer.text()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise self._fail(Unsent(str(error))) from None
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
            raise self._fail(Uncertain(str(error) or "no answer in time")) from None
        self._trace.record(False, self._peer, f"{answer.status} {answer.reason}\n{text}")
        if answer.status == _TOO_MANY:
            self.retry_after = _seconds(answer.headers.get("Retry-After", ""))
        return Response(answer.status, text, answer.headers)

    def _fail(self, meaning: Unsent | Uncertain) -> _Failed:
        self._trace.record(False, self._peer, f"no answer: {meaning}")
        return _Failed(meaning)

    async def fetch(self, method: str, url: str, fields: list[tuple[str, str]], headers: Mapping[str, str]) -> tuple[int, str]:
        """Make a request of an address of our own; raises OSError or TimeoutError."""
        try:
            async with self._http.request(method, url, data=urlencode(fields), headers=headers, allow_redirects=False) as answer:
                return answer.status, (await answer.content.read(_LONGEST)).decode(errors="replace")
        except aiohttp.ClientError as error:
            raise OSError(str(error)) from None

    async def close(self) -> None:
        """End the session."""
        await self._http.close()


def _fields(given: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    for name, value in (given or {}).items():
        fields += [(name, str(each)) for each in (value if isinstance(value, list | tuple) else [value])]
    return fields


def _seconds(text: str) -> float:
    return float(text) if text.isdigit() else 0.0


class Clients:
    """An account's two ways to ask: `client` with the API key, if there is one, and `owner` with the auth token."""

    def __init__(self, config: TwilioConfig, kept: trace.Trace) -> None:
        self.session = Session(config.api_url, kept)
        self.owner = self._client(config.account_sid, config.auth_token, config)
        self.client = self._client(config.api_key, config.api_secret, config) if config.api_key else self.owner

    def _client(self, user: str, secret: str, config: TwilioConfig) -> Client:
        return Client(user, secret, config.account_sid, http_client=self.session, environment=_ENVIRONMENT)

    async def ask(self, request: Awaitable[T]) -> T:
        """Make a request of either client; raises Refused, TooFast, Unsent or Uncertain."""
        try:
            return await request
        except _Failed as failed:
            raise failed.meaning from None
        except TwilioException as error:
            raise self._meaning(error) from None
        except (ValueError, KeyError, TypeError) as error:
            raise Uncertain(f"the answer cannot be read: {error!r}"[:200]) from None

    def _meaning(self, error: TwilioException) -> Refused | Uncertain:
        status, code = int(getattr(error, "status", 0) or 0), getattr(error, "code", None)
        words = str(getattr(error, "msg", "") or getattr(error, "detail", "") or getattr(error, "title", ""))
        if status == _TOO_MANY:
            return TooFast(code, words, self.session.retry_after)
        if 0 < status < _SERVER_FAULT:
            return Refused(status, code, words)
        return Uncertain(f"{status} {words}".strip())
