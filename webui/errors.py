"""What a person gets when something is refused or fails: JSON for the API, a page or <main> for a browser."""

from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from callcenter.db import away
from callcenter.errors import CallCenterError, Conflict, Invalid, Merged, NotFound, NotSignedIn, Unavailable
from webui import i18n, security, views

log = structlog.get_logger(__name__)

CLIENT_GONE = 499  # nginx's word for "the client closed the request"; nobody reads it


class ErrorDetail(BaseModel):
    """What went wrong: a stable word for scripts, a sentence for people, and the input at fault if there is one.

    Of a change to what somebody else changed meanwhile: the `version` that is stored, and what `differs` between it and what
    was sent, as {field: {"typed": ..., "stored": ...}}.
    """

    model_config = ConfigDict(extra="forbid")
    code: str
    sentence: str
    field: str | None = None
    version: int | None = None
    differs: dict[str, dict[str, Any]] | None = None


class ErrorOut(BaseModel):
    """Every error of the API."""

    model_config = ConfigDict(extra="forbid")
    error: ErrorDetail


class BadRequest(CallCenterError):
    """The request is not understood."""

    status = 400
    code = "bad_request"


class WrongMethod(CallCenterError):
    """The address does not take this method."""

    status = 405
    code = "wrong_method"


class TooLarge(CallCenterError):
    """The body is over the limit."""

    status = 413
    code = "too_large"


class WrongType(CallCenterError):
    """The body is of a type this address does not take."""

    status = 415
    code = "wrong_type"


class Failed(CallCenterError):
    """Our own fault: the log has the trace under the reference."""

    code = "failed"


def is_api(request: Request) -> bool:
    """Tell whether a script is asking, and gets JSON."""
    return request.url.path.startswith("/api/") or request.url.path in {"/readyz", "/metrics", "/i18n.json"}


def from_http(error: HTTPException) -> CallCenterError:
    """Give Starlette's own refusals a sentence."""
    match error.status_code:
        case 404:
            return NotFound("There is nothing at this address.")
        case 405:
            return WrongMethod("This address does not take that method.")
        case 413:
            return TooLarge("That is too much at once.")
        case _:
            return BadRequest("The request could not be understood.")


def from_database(error: SQLAlchemyError) -> CallCenterError | None:
    """Give what a database refuses a sentence; None when it is a mistake of ours."""
    if isinstance(error, DataError):
        return Invalid("A value is out of range.")
    if isinstance(error, IntegrityError):
        return Conflict("Somebody changed this at the same time. Load it again.")
    if away(error):
        return Unavailable("The database cannot be reached just now. Nothing was saved; try again in a moment.")
    return None


def _moved(request: Request, error: Merged) -> str:
    """Return the same address of the contact somebody was merged into; "" when the address does not name a contact."""
    before, contacts, rest = request.url.path.partition("/contacts/")
    number, slash, part = rest.partition("/")
    if not contacts or not number.isdigit():
        return ""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{before}{contacts}{error.survivor_id}{slash}{part}{query}"


async def respond(request: Request, error: CallCenterError, headers: dict[str, str] | None = None) -> Response:
    """Answer with an error, as whoever asks can read it."""
    words = i18n.sentence(error)
    if isinstance(error, Merged) and request.method in ("GET", "HEAD") and (there := _moved(request, error)):
        return RedirectResponse(there, 301 if is_api(request) else 303, headers)
    if is_api(request):
        more = getattr(error, "details", {})
        detail = ErrorDetail(code=error.code, sentence=words, field=getattr(error, "field", None), **more)
        body = ErrorOut(error=detail).model_dump(exclude_unset=True)
        body["error"] = {name: value for name, value in body["error"].items() if value is not None}
        response: Response = JSONResponse(body, error.status, headers)
        if error.status == NotSignedIn.status:
            response.headers["www-authenticate"] = "Bearer"
        return response
    if isinstance(error, NotSignedIn):
        return views.to_sign_in(request)
    response = await views.error_page(request, error.status, words)
    response.headers.update(headers or {})
    return response


async def on_error(request: Request, error: Exception) -> Response:
    """Answer a CallCenterError, an HTTPException, or a database's refusal."""
    headers: dict[str, str] = {}
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        error = from_http(error)
    if isinstance(error, SQLAlchemyError):
        known = from_database(error)
        if known is None:
            return await on_crash(request, error)
        log.warning("web.database", path=security.logged_path(request.url.path), status=known.status, reason=type(error).__name__)
        error = known
    if isinstance(error, UnicodeEncodeError):  # half a character (a lone surrogate) on its way to the database
        error = Invalid("The text holds a character that cannot be kept.")
    if isinstance(error, ClientDisconnect):
        return Response(status_code=CLIENT_GONE)
    assert isinstance(error, CallCenterError)  # noqa: S101 - the table below passes nothing else
    return await respond(request, error, headers)


async def on_crash(request: Request, error: Exception) -> Response:
    """Answer what nobody expected: a reference for the person, the trace for the log."""
    reference = getattr(request.state, "request_id", "")
    log.error(
        "web.crash", method=request.method, path=security.logged_path(request.url.path), reference=reference, exc_info=error
    )
    sentence = Failed("Something went wrong here. Tell an administrator this reference: {reference}", reference=reference)
    return await respond(request, sentence)


HANDLERS = {
    CallCenterError: on_error,
    HTTPException: on_error,
    SQLAlchemyError: on_error,
    ClientDisconnect: on_error,
    UnicodeEncodeError: on_error,
}
