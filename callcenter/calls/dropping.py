"""What is told of a call whose agent dropped, or of a message that was played in it: on the customer's timeline, in a meeting's
history, on the call's page. Pure.
"""

from typing import Any, NamedTuple

from callcenter.calls.models import Call, CallState
from callcenter.phone import EndReason


class Told(NamedTuple):
    """A sentence template in English with its values."""

    text: str
    values: dict[str, Any]


def told(call: Call) -> Told | None:
    """Return what became of the customer when the agent dropped, None when the agent did not."""
    if call.dropped_at is None:
        return None
    if not call.announcement:
        return Told("The consultant's connection was lost.", {})
    if call.heard_ms is None or call.announcement_ms is None:
        return Told("The consultant's connection was lost. How much of the announcement the customer heard is not known.", {})
    if not call.announcement_ms:
        return Told("The consultant's connection was lost. The announcement could not be played.", {})
    if call.heard_ms >= call.announcement_ms:
        return Told("The consultant's connection was lost. The customer heard the whole announcement.", {})
    return Told(
        "The consultant's connection was lost. The customer heard {heard} of the {length} seconds of the announcement.",
        {"heard": call.heard_ms // 1000, "length": -(-call.announcement_ms // 1000)},
    )


def played(call: Call) -> list[Told]:
    """Return what became of a message that was played instead of a talk, and what the customer pressed; [] when none was.

    Of calls without a talk only such a one is over as completed with something played in it.
    """
    found = []
    if call.state == CallState.ENDED and call.answered_at is None and call.end_reason == EndReason.COMPLETED:
        found += _message(call)
    if call.pressed in _PRESSED:
        found.append(Told(_PRESSED[call.pressed], {}))
    return found


_PRESSED = {
    "confirm": "The customer confirmed by pressing a key.",
    "agent": "The customer asked to speak to somebody by pressing a key.",
    "do_not_call": "The customer asked for no more calls by pressing a key.",
}


def _message(call: Call) -> list[Told]:
    if call.heard_ms is None or call.announcement_ms is None:
        return []
    if not call.announcement_ms:
        return [Told("The recorded message could not be played.", {})]
    if call.machine in ("machine", "fax"):
        if call.heard_ms >= call.announcement_ms:
            return [Told("The recorded message was left on the answering machine.", {})]
        return [Told("The answering machine ended the call before the recorded message was over.", {})]
    if call.heard_ms >= call.announcement_ms:
        return [Told("The customer heard the whole recorded message.", {})]
    values = {"heard": call.heard_ms // 1000, "length": -(-call.announcement_ms // 1000)}
    return [Told("The customer heard {heard} of the {length} seconds of the recorded message.", values)]
