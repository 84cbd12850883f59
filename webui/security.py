"""Who is asking, and whether the request comes from our own pages: sessions, tokens, CSRF, and the security headers."""

import ipaddress
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callcenter.actor import Actor
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.errors import NotPermitted
from callcenter.users import sessions as users

SESSION_COOKIE = "callcenter_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, section 9.2.1
_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; media-src 'self' blob:; "
    "connect-src 'self'{sockets}; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_COOKIE_LIMIT = 512
_SECRET_PART = re.compile(r"[A-Za-z0-9_-]{40,}")  # ids of calls have 32


def public_url(connection: HTTPConnection) -> str:
    """Return where people reach us, without a slash at the end: the setting, else where this request was sent to."""
    settings: Settings = connection.app.state.settings
    return (settings.public_url or str(connection.base_url)).rstrip("/")


def calendar_url(connection: HTTPConnection, secret: str) -> str:
    """Return the address of a calendar feed."""
    return f"{public_url(connection)}/calendar/{secret}.ics"


def logged_path(path: str) -> str:
    """Return a path as a log may hold it: a part of it long enough to be a secret (a calendar feed's) is left out."""
    return _SECRET_PART.sub("***", path[:200])


def start_session(response: Response, cookie: str, settings: Settings) -> None:
    """Give the browser its session cookie; it ends with the browser or with the session on the server."""
    response.set_cookie(SESSION_COOKIE, cookie, path="/", httponly=True, samesite="lax", secure=is_secure(settings))


def end_session(response: Response, settings: Settings) -> None:
    """Take the session cookie back."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=is_secure(settings))


def is_secure(settings: Settings) -> bool:
    """Tell whether people reach us over HTTPS, directly or through a proxy."""
    return settings.tls_cert is not None or settings.public_url.startswith("https://")


def bearer(headers: Headers) -> str | None:
    """Return the bearer token of a request, if it has one (RFC 6750, section 2.1)."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip()[:_COOKIE_LIMIT] if scheme.lower() == "bearer" else None


def address(connection: HTTPConnection) -> str:
    """Return the address a request comes from, "" when unknown."""
    return connection.client.host if connection.client else ""


def is_loopback(address: str) -> bool:
    """Tell whether an address is the machine's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


async def authenticate(connection: HTTPConnection) -> Actor | None:
    """Find who is asking, by bearer token or session cookie; None when nobody or no longer valid."""
    database: Database = connection.app.state.database
    settings: Settings = connection.app.state.settings
    token = bearer(connection.headers)
    if token is not None:
        return await users.actor_for_token(database, token, address=address(connection))
    cookie = connection.cookies.get(SESSION_COOKIE, "")
    if not cookie or len(cookie) > _COOKIE_LIMIT:
        return None
    hours = settings.session_hours
    return await users.actor_for_session(database, cookie, address=address(connection), session_hours=hours)


def same_origin(connection: HTTPConnection) -> bool:
    """Tell whether `Origin` names the host the request was sent to, or our public address; False when there is none."""
    try:
        origin = urlsplit(connection.headers.get("origin", ""))
        public = urlsplit(connection.app.state.settings.public_url)
    except ValueError:
        return False
    if not origin.netloc:
        return False
    scheme = {"ws": "http", "wss": "https"}.get(connection.scope["scheme"], connection.scope["scheme"])
    ours = {(scheme, connection.headers.get("host", "").lower()), (public.scheme, public.netloc.lower())}
    return (origin.scheme, origin.netloc.lower()) in ours


def check_same_site(connection: HTTPConnection) -> None:
    """Refuse an unsafe request that a foreign page may have sent (CSRF); raises NotPermitted.

    Sec-Fetch-Site decides where the browser sends it, else Origin. A request with a bearer token cannot be forged.
    """
    if connection.scope["method"] in SAFE_METHODS or bearer(connection.headers) is not None:
        return
    site = connection.headers.get("sec-fetch-site")
    if site in {"same-origin", "none"} and ("origin" not in connection.headers or site == "same-origin"):
        return
    if site is None and same_origin(connection):
        return
    raise NotPermitted("This request did not come from our own pages. Load the page again.")


class SecurityHeaders:
    """ASGI middleware: every response forbids foreign content, framing and guessing of types."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.secure = is_secure(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to a response as it starts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        clean = host and all(character.isalnum() or character in ".:-[]" for character in host)
        policy = _CONTENT_SECURITY_POLICY.format(sockets=f" {'wss' if self.secure else 'ws'}://{host}" if clean else "")

        async def start(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = policy
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "same-origin"
                headers["permissions-policy"] = "microphone=(self), camera=(), geolocation=()"
                headers["cross-origin-opener-policy"] = "same-origin"
                headers.setdefault("cache-control", "no-store")
                if self.secure:
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        await self.app(scope, receive, start)


def allowed_host(host: str, settings: Settings) -> bool:
    """Tell whether `Host` is a name people reach us by, so that a foreign name pointed at us gets nothing.

    Addresses and localhost always are; with `public_url` set, its host is the only other name.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if not name or not settings.public_url:
        return bool(name)
    if name in {"localhost", (urlsplit(settings.public_url).hostname or "").lower()}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
