"""A tiny app that uses Twilio: it serves TwiML, takes callbacks and media streams, and checks every signature."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any, Self

import orjson
from aiohttp import encode_basic_auth, web
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.peers.twilio import TwilioPeer

OURS, CUSTOMER = "+48221000000", "+48500000101"
_ALL = ["initiated", "ringing", "answered", "completed"]


class Socket:
    """A media stream as the app sees it. `audio` is what came, `events` the other messages, oldest first."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self.audio: list[bytes] = []
        self.media: list[dict[str, Any]] = []
        self.over = False

    @property
    def sid(self) -> str:
        return str(self.of("start")[0]["streamSid"])

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]

    async def say(self, payload: bytes) -> None:
        media = {"payload": base64.b64encode(payload).decode()}
        await self.socket.send_str(orjson.dumps({"event": "media", "streamSid": self.sid, "media": media}).decode())

    async def mark(self, name: str) -> None:
        await self.socket.send_str(orjson.dumps({"event": "mark", "streamSid": self.sid, "mark": {"name": name}}).decode())

    async def clear(self) -> None:
        await self.socket.send_str(orjson.dumps({"event": "clear", "streamSid": self.sid}).decode())


class App:
    """Answers /voice/NAME with `documents[NAME]`; everything that was posted is in `posted` as (path, form)."""

    def __init__(self, peer: TwilioPeer) -> None:
        self.documents: dict[str, str | Callable[[dict[str, str]], Awaitable[str]]] = {}
        self.files: dict[str, bytes] = {}
        self.posted: list[tuple[str, dict[str, str]]] = []
        self.forged: list[str] = []
        self.sockets: list[Socket] = []
        self.close_second = False
        self._validator = RequestValidator(peer.auth_token)
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/streams", self._stream)
        app.router.add_get("/files/{name}", self._file)
        app.router.add_route("*", "/{path:.*}", self._webhook)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def streams(self) -> str:
        return self.url.replace("http", "ws") + "/streams"

    def connect(self, **parameters: str) -> str:
        """Return a <Connect><Stream> to us."""
        inside = "".join(f'<Parameter name="{name}" value="{value}"/>' for name, value in parameters.items())
        return f'<Connect><Stream url="{self.streams}">{inside}</Stream></Connect>'

    def told(self, path: str, key: str = "CallStatus") -> list[str]:
        """Return one field of everything posted to a path."""
        return [form[key] for where, form in self.posted if where == path]

    def form(self, path: str, number: int = -1) -> dict[str, str]:
        """Return what was posted to a path."""
        return [form for where, form in self.posted if where == path][number]

    async def _webhook(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        url = self.url + request.raw_path
        if not self._validator.validate(url, form, request.headers.get("X-Twilio-Signature", "")):
            self.forged.append(url)
            return web.Response(status=403)
        self.posted.append((request.path, form or dict(request.query)))
        document = self.documents.get(request.path.removeprefix("/voice/"), "")
        text = document if isinstance(document, str) else await document(form)
        if not text and request.path.startswith("/voice/"):
            return web.Response(status=404)
        return web.Response(text=text and f"<Response>{text}</Response>", content_type="text/xml")

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["name"]], content_type="audio/wav")

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        if not self._validator.validate(self.streams, {}, request.headers.get("X-Twilio-Signature", "")):
            self.forged.append(self.streams)
            raise web.HTTPForbidden
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        ours = Socket(socket)
        self.sockets.append(ours)
        if self.close_second and len(self.sockets) > 1:
            await socket.close(code=1008)
        async for message in socket:
            event = orjson.loads(message.data)
            if event["event"] == "media":
                ours.media.append(event)
                ours.audio.append(base64.b64decode(event["media"]["payload"]))
            else:
                ours.events.append(event)
        ours.over = True
        return socket


class Rewritten(AsyncTwilioHttpClient):  # type: ignore[misc]  # it has no types
    """Twilio's own asynchronous HTTP client, its requests sent to the peer."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=10)
        self._url = url

    async def request(self, method: str, url: str, **more: Any) -> Response:
        """Make a request; who asks goes into a header, since aiohttp warns of the class twilio would put it in."""
        auth = more.pop("auth", None)
        more["headers"] = {**more.get("headers", {}), "Authorization": encode_basic_auth(*auth)}
        return await super().request(method, url.replace("https://api.twilio.com", self._url), **more)


def client_of(peer: TwilioPeer, username: str = "", password: str = "") -> Client:
    """Return Twilio's REST client for a peer; close its http_client."""
    http = Rewritten(peer.url)
    return Client(username or peer.account_sid, password or peer.auth_token, account_sid=peer.account_sid, http_client=http)


async def unused(client: Client) -> None:
    """Close a client."""
    await client.http_client.close()
    await asyncio.sleep(0)


async def dial(client: Client, app: App, number: str = CUSTOMER, **more: Any) -> Any:
    """Call a number; all callbacks go to /status, what to do is asked at /voice/out."""
    more.setdefault("url", f"{app.url}/voice/out")
    return await client.calls.create_async(
        to=number, from_=OURS, status_callback=f"{app.url}/status", status_callback_event=_ALL, **more
    )
