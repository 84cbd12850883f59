"""What a request outside any call must be to be taken (RFC 3261 8.2), and the answer to one that is not."""

from typing import Any, NamedTuple

from telephony.sip import parsing
from telephony.sip.dialog import contact_uri
from telephony.sip.engine import ALLOW
from telephony.sip.session_timer import MIN_SECONDS, too_short

_KNOWN_EXTENSIONS = {"timer"}
_WITHIN_CALLS = {"BYE", "UPDATE", "INFO", "PRACK", "REFER", "NOTIFY", "ACK", "CANCEL"}
_NOT_OFFERED = {"REGISTER", "SUBSCRIBE", "PUBLISH", "MESSAGE"}


class Refusal(NamedTuple):
    """A final answer."""

    code: int
    phrase: str
    headers: tuple[str, ...] = ()


def refuse_invite(request: Any) -> Refusal | None:
    """Return why an INVITE cannot be taken, None when it can."""
    if forwards_spent(request):
        return Refusal(483, "Too Many Hops")
    unknown = [each for each in parsing.tokens(request, "require") if each not in _KNOWN_EXTENSIONS]
    if unknown:
        return Refusal(420, "Bad Extension", (f"Unsupported: {', '.join(unknown)[:200]}",))
    if contact_uri(request) is None:
        return Refusal(400, "Missing or Bad Contact")
    if too_short(request):
        return Refusal(422, "Session Interval Too Small", (f"Min-SE: {MIN_SECONDS}",))
    encoded = [each for each in parsing.tokens(request, "content-encoding") if each != "identity"]
    if encoded or (request.getBody() is not None and parsing.body_of(request) is None):
        return Refusal(415, "Unsupported Media Type", ("Accept: application/sdp",))
    return None


def forwards_spent(request: Any) -> bool:
    """Whether a request has used up its hops."""
    return any(int(each.strip()) == 0 for each in parsing.values(request, "max-forwards"))


def answer_other(method: str) -> Refusal:
    """Return the answer to a request of a trunk that is neither INVITE nor OPTIONS and belongs to no call."""
    if method in _WITHIN_CALLS:
        return Refusal(481, "Call/Transaction Does Not Exist")
    if method in _NOT_OFFERED:
        return Refusal(405, "Method Not Allowed", (f"Allow: {ALLOW}",))
    return Refusal(501, "Not Implemented", (f"Allow: {ALLOW}",))
