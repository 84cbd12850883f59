"""What was decided about leads, as people read it: sentences in their language, times in their zone, words for codes."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from callcenter.campaigns import explaining
from callcenter.campaigns.explaining import Said
from callcenter.contacts import numbers
from webui import i18n
from webui.i18n import gettext
from webui.meeting_words import plainly

_OUTCOMES = {
    "talked": "Talked",
    "abandoned": "No consultant was free",
    "machine": "Answering machine",
    "message_left": "Message left",
    "busy": "Busy",
    "no_answer": "No answer",
    "rejected": "Rejected",
    "unreachable": "Not reachable",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "uncertain": "Uncertain",
    "confirmed": "Confirmed by key",
    "do_not_call": "Wants no more calls",
    "hung_up": "Hung up",
    "heard": "Heard the message",
    "wanted_agent": "Asked for a consultant",
}
_HOW = {  # how terms or a statement travelled, or why there is no statement
    "email": "by e-mail",
    "letter": "by letter",
    "sms": "by SMS",
    "web_form": "by a web form",
    "other": "in another way",
    "declined": "the customer declined",
    "no_answer": "no answer came",
}


def said(told: Said) -> str:
    """Return a sentence with its values."""
    return i18n.say(told.sentence, {name: _value(name, value) for name, value in told.values.items()})


def code(name: str, values: Mapping[str, Any]) -> str:
    """Return the sentence of a decision."""
    return said(explaining.say(name, values))


def title(name: str) -> str:
    """Return what a code means, whatever its values."""
    return said(explaining.say(name, {}))


def _value(name: str, value: Any) -> Any:
    if name == "outcome":
        return gettext(_OUTCOMES.get(value, str(value)))
    if name in ("how", "why"):
        return gettext(_HOW.get(value, str(value)))
    if name == "number" and isinstance(value, str) and value.startswith("+"):
        return numbers.show(value)
    if name == "day" and isinstance(value, str):
        return day(value)
    return plainly(value)


def day(value: str) -> str:
    """Return a day (ISO 8601) as the person reads it; what is none as it is."""
    try:
        return i18n.date(dt.date.fromisoformat(value))
    except ValueError:
        return value
