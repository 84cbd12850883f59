"""What is told of a call whose agent dropped: on the customer's timeline, in a meeting's history, on the call's page. Pure."""

from typing import Any, NamedTuple

from callcenter.calls.models import Call


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
