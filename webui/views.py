"""How a page is written: templates with the person's language, forms, redirects, and errors as pages.

A page is a document, or only its <main> when htmx asks (`HX-Request`); templates begin with `{% extends layout %}`.
"""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jinja2
import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from callcenter.actor import Actor, Role
from callcenter.contacts import numbers
from callcenter.contacts.visibility import require_some, sees_some
from callcenter.errors import CallCenterError, Invalid, NotSignedIn
from webui import i18n, lead_words, meeting_words, user_agents

log = structlog.get_logger(__name__)

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
_MAX_FIELDS = 200
# Every page and operation under these is for people with an account role (S16): said here, so that a new one cannot forget it.
_OF_ACCOUNTS = re.compile(r"(/api/v1)?/(contacts|organisations)(/|$)")


@cache
def environment() -> jinja2.Environment:
    """Return the template environment: autoescaping, strict about undefined names, translated."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    found.filters |= {
        "datetime": i18n.datetime,
        "date": i18n.date,
        "day": lead_words.day,
        "time": i18n.time,
        "window": i18n.window,
        "ago": i18n.ago,
        "duration": i18n.duration,
        "number": i18n.number,
        "amount": i18n.amount,
        "shown_number": numbers.show,
        "answerable": numbers.answerable,
        "told": meeting_words.told,
        "plainly": meeting_words.plainly,
        "browser": user_agents.browser,
        "system": user_agents.system,
    }
    found.globals |= {"asset": asset, "languages": i18n.LANGUAGES, "Role": Role, "say": i18n.say, "sees_accounts": sees_some}
    return found


def asset(path: str) -> str:
    """Return the address of a static file, with a mark that changes when the file does."""
    return f"/static/{quote(path)}?v={_mark(path, (STATIC / path).stat().st_mtime_ns if (STATIC / path).is_file() else 0)}"


@cache
def _mark(path: str, _changed: int) -> str:
    file = STATIC / path
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else "0"


def is_fragment(request: Request) -> bool:
    """Tell whether htmx asks for <main> only."""
    return request.headers.get("hx-request") == "true"


async def render(request: Request, template: str, status: int = 200, /, **context: Any) -> Response:
    """Render a template as a document, or as <main> only when htmx asks."""
    whole = "document.html" if actor(request) else "plain.html"
    known = {
        "request": request,
        "actor": actor(request),
        "settings": request.app.state.settings,
        "language": i18n.current().language,
        "layout": "fragment.html" if is_fragment(request) else whole,
    }
    body = environment().get_template(template).render(known | context)
    return HTMLResponse(body, status, headers={"vary": "HX-Request, Cookie, Accept-Language"})


def actor(request: Request) -> Actor | None:
    """Return who is asking, None when nobody is signed in."""
    found: Actor | None = getattr(request.state, "actor", None)
    return found


def signed_in(request: Request, role: Role = Role.CONSULTANT) -> Actor:
    """Return who is asking; raises NotSignedIn, NotPermitted below `role`, or on accounts' pages without an account role."""
    found = actor(request)
    if found is None:
        raise NotSignedIn("Please sign in.")
    found.require(role)
    if _OF_ACCOUNTS.match(request.url.path):
        require_some(found)
    return found


async def form(request: Request) -> FormData:
    """Read a form; raises Invalid for text no database can hold."""
    data = await request.form(max_files=1, max_fields=_MAX_FIELDS)
    for name, value in data.multi_items():
        if "\x00" in name or (isinstance(value, str) and "\x00" in value):
            await data.close()
            raise Invalid("The text holds a character that cannot be kept.", field=name.replace("\x00", ""))
    return data


def redirect(url: str) -> Response:
    """Send the browser on to another page of ours."""
    return RedirectResponse(url, 303)


def local_path(url: str) -> str:
    """Return `url` if it is a path on this site, else "/": where a person may be sent after signing in."""
    parts = urlsplit(url.replace("\\", "/"))
    return url if url.startswith("/") and not url.startswith("//") and not parts.scheme and not parts.netloc else "/"


def translate(request: Request, error: CallCenterError) -> str:
    """Return an error's sentence in the person's language."""
    return i18n.sentence(error)


def to_sign_in(request: Request) -> Response:
    """Send somebody who is not signed in to the sign-in page, and afterwards back to where they were."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method not in {"GET", "HEAD"} or is_fragment(request):
        shown = urlsplit(request.headers.get("hx-current-url", ""))
        path = (shown.path or "/") + (f"?{shown.query}" if shown.query else "")
    target = f"/sign-in?next={quote(local_path(path))}" if path != "/" else "/sign-in"
    if is_fragment(request):
        return Response(status_code=200, headers={"hx-redirect": target})
    return RedirectResponse(target, 303)


async def error_page(request: Request, status: int, sentence: str) -> Response:
    """Show an error as a page, or as <main> when htmx asks."""
    try:
        return await render(request, "error.html", status, status=status, sentence=sentence)
    except jinja2.TemplateError:  # the page about an error must not fail itself
        log.exception("views.error_page")
        return PlainTextResponse(sentence, status)
