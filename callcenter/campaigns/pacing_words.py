"""Why so many lines were begun, in a sentence with values for supervisors: of a recorded decision and its inputs. Pure."""

from collections.abc import Mapping
from typing import Any

STOPPED = {
    "trunk_down": "The trunk does not take calls now, so nothing is dialled. It is tried again every ten seconds.",
    "spent": "What may be spent on calls in a day is spent, so nothing is dialled.",
    "project_off": "The project is switched off, so nothing is dialled.",
    "not_started": "The campaign's first day has not come, so nothing is dialled.",
    "ended": "The campaign's last day is over, so nothing is dialled.",
}
_PLAIN = {
    "nobody": "Nobody who serves the campaign is signed in, so nothing is dialled.",
    "preview": "Each ready consultant is shown a lead and decides whether to call.",
    "trouble": "The trunk refuses calls, so only one is tried every few seconds until it takes them again.",
    "no_room": "No more lines may be begun now: the lines at once, the calls a second, or lines per consultant are used up.",
    "budget_spent": "No more calls may be abandoned now, so there is at most one line for each ready consultant.",
}

AGENTLESS = "Up to {most} lines play the message at once; in use: {used}."
PACED = (
    "Within {seconds} seconds about {answers} people will answer, the new lines among them. {ready} consultants are ready, and "
    "about {free} more come free."
)
SPARE = "All who are ready ({count}) are kept for callers by their project, so nothing new is dialled."


def say(why: str, lines: int, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the sentence of a decision and its values; a word nobody knows is said as it is."""
    if why in STOPPED:
        return STOPPED[why], {}
    if why in _PLAIN:
        return _PLAIN[why], {}
    if why == "one_each":
        return _one_each(lines, inputs)
    if why == "power":
        return "{ratio} lines for each ready consultant, as the campaign is set.", {"ratio": inputs.get("ratio", 1.0)}
    if why == "agentless":
        return AGENTLESS, {"most": inputs.get("most", 0), "used": inputs.get("in_use", 0)}
    if why == "paced":
        return _paced(lines, inputs)
    return "{why}.", {"why": why}


def _one_each(lines: int, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if not inputs.get("ready") and inputs.get("spare"):
        return SPARE, {"count": inputs["spare"]}
    if not inputs.get("ready"):
        return "No consultant is ready, so nothing new is dialled.", {}
    if lines <= 0:
        return "A line rings already for each ready consultant.", {}
    if inputs.get("mode") in ("power", "predictive"):
        if inputs.get("cap", 0) <= 0:
            return "One line for each ready consultant: nobody may be left without one.", {}
        return "One line for each ready consultant: with more, somebody who answers might meet nobody.", {}
    return "One line for each ready consultant.", {}


def _paced(lines: int, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    seconds, free, people = (inputs.get(name) or [0.0] for name in ("horizons", "free", "people"))
    more = lines * (inputs.get("line") or [0.0])[-1]
    values = {"seconds": round(seconds[-1]), "ready": inputs.get("ready", 0), "free": _tenths(free[-1])}
    values |= {"answers": _tenths(people[-1] + inputs.get("waiting", 0) + more)}
    return PACED, values


def _tenths(value: float) -> float:
    return round(float(value), 1)
