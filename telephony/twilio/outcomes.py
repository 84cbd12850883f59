"""What Twilio's words for a call, a message or what picked up mean at the port. A SIP status says more where there is one."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from callcenter.phone import EndReason
from telephony.legs import Found
from telephony.sip import reasons

FINAL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
ORDER = {"queued": 0, "initiated": 0, "ringing": 1, "in-progress": 2, "answered": 2} | dict.fromkeys(FINAL, 3)
_OUTCOMES = {
    "completed": EndReason.COMPLETED,
    "busy": EndReason.BUSY,
    "no-answer": EndReason.NO_ANSWER,
    "failed": EndReason.FAILED,
    "canceled": EndReason.CANCELLED,
}
# Twilio refuses to dial: the number is none, or leads nowhere (https://www.twilio.com/docs/api/errors).
_NO_NUMBER = frozenset({13223, 13224, 21201, 21211, 21214, 21217, 21401, 21421})
_FIRST_REFUSAL = 300

TextState = Literal["sent", "delivered", "undelivered", "failed", "uncertain"]
_TEXT_STATES: dict[str, TextState] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "partially_delivered": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}


class Outcome(NamedTuple):
    """Why a call that was not answered ended, with the carrier's own code and words."""

    reason: EndReason
    code: int | None
    text: str


def of_call(status: str, params: Mapping[str, str]) -> Outcome:
    """Return what a final status means; SipResponseCode, where Twilio gives it, tells a refusal from an engaged line."""
    given = params.get("SipResponseCode", "")
    code = int(given) if given.isdigit() and int(given) >= _FIRST_REFUSAL else None
    reason = _OUTCOMES[status]
    if code is not None and status in ("busy", "failed", "no-answer"):
        reason = reasons.outcome(code)
    error = params.get("ErrorCode", "")
    words = params.get("ErrorMessage", "") or status
    return Outcome(reason, code if code is not None else int(error) if error.isdigit() else None, words[:200])


def of_refusal(code: int | None) -> EndReason:
    """Return what it means when Twilio refuses to dial."""
    return EndReason.UNREACHABLE if code in _NO_NUMBER else EndReason.FAILED


def of_text(status: str) -> TextState | None:
    """Return what a message's status means; None while there is nothing to tell."""
    return _TEXT_STATES.get(status)


def picked_up_by(answered_by: str) -> Found:
    """Return what picked up, from AnsweredBy."""
    if answered_by == "human":
        return "human"
    if answered_by == "fax":
        return "fax"
    return "machine" if answered_by.startswith("machine") else "unknown"
