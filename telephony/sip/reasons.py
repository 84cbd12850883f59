"""What a SIP status means to a person, and which status says what we mean. The one table of both directions.

403 counts as failed, not rejected: carriers send it for a barred number, an unknown caller id or an empty account, and
the person called never heard a ring; 603 is the person's own no. A redirection (3xx) is not followed: the number as
dialled leads nowhere on this trunk, and dialling where a carrier points would pass every rule on what may be dialled.
"""

import re

from callcenter.phone import EndReason

_OUTCOMES: dict[int, EndReason] = {
    404: EndReason.UNREACHABLE,
    408: EndReason.NO_ANSWER,
    410: EndReason.UNREACHABLE,
    416: EndReason.UNREACHABLE,
    433: EndReason.REJECTED,  # anonymity disallowed (RFC 5079)
    480: EndReason.NO_ANSWER,
    484: EndReason.UNREACHABLE,
    485: EndReason.UNREACHABLE,
    486: EndReason.BUSY,
    487: EndReason.NO_ANSWER,
    600: EndReason.BUSY,
    603: EndReason.REJECTED,
    604: EndReason.UNREACHABLE,
    607: EndReason.REJECTED,  # unwanted (RFC 8197)
    608: EndReason.REJECTED,  # rejected by an intermediary for the callee (RFC 8688)
}

_CODES: dict[EndReason, tuple[int, str]] = {
    EndReason.BUSY: (486, "Busy Here"),
    EndReason.REJECTED: (603, "Decline"),
    EndReason.COMPLETED: (603, "Decline"),
    EndReason.UNREACHABLE: (404, "Not Found"),
    EndReason.NO_ANSWER: (480, "Temporarily Unavailable"),
    EndReason.CANCELLED: (480, "Temporarily Unavailable"),
    EndReason.DROPPED: (480, "Temporarily Unavailable"),
    EndReason.ABANDONED: (480, "Temporarily Unavailable"),
    EndReason.FAILED: (503, "Service Unavailable"),
}

_Q850: dict[int, str] = {  # ITU-T Q.850, the causes that say something to a person
    1: "Unallocated number",
    3: "No route to destination",
    16: "Normal call clearing",
    17: "User busy",
    18: "No user responding",
    19: "No answer",
    20: "Subscriber absent",
    21: "Call rejected",
    22: "Number changed",
    27: "Destination out of order",
    28: "Invalid number format",
    34: "No circuit available",
    38: "Network out of order",
    41: "Temporary failure",
    42: "Switching equipment congestion",
    102: "Recovery on timer expiry",
}

REDIRECTION = range(300, 400)


def outcome(code: int) -> EndReason:
    """Return why an outbound call was not answered, from the final status 300-699."""
    if code in REDIRECTION:
        return EndReason.UNREACHABLE
    return _OUTCOMES.get(code, EndReason.FAILED)


def refusal(reason: EndReason) -> tuple[int, str]:
    """Return the status an inbound call that is not answered is refused with."""
    return _CODES[reason]


def reason_text(values: list[str]) -> str:
    """Turn Reason headers (RFC 3326) into text for a person, "" when they say nothing."""
    for value in values:
        if quoted := re.search(r'text\s*=\s*"([^"]{1,200})"', value, re.IGNORECASE):
            return quoted.group(1)
        if bare := re.search(r"text\s*=\s*([^;\s\"]{1,200})", value, re.IGNORECASE):
            return bare.group(1)
    for value in values:
        cause = re.search(r"cause\s*=\s*(\d{1,4})", value, re.IGNORECASE)
        if cause and value.strip().upper().startswith("Q.850") and int(cause.group(1)) in _Q850:
            return _Q850[int(cause.group(1))]
    return ""
