"""What the list of meetings is narrowed to: read from its address, so that it can be kept, shared, and taken back."""

from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlencode

from starlette.requests import Request

from callcenter.meetings.forms import MeetingFilter, ModeName, StateName
from callcenter.meetings.states import OPEN
from webui.pages import fields, times

OPEN_STATES = [state for state in get_args(StateName) if state in {each.value for each in OPEN}]
_STATES, _MODES = get_args(StateName), get_args(ModeName)
_TEXTS = ("project_id", "user", "mode", "from", "to", "contact_id", "series_id", "q")
_CLEAR = "f"  # in the address: somebody chose, so that no state at all means every state


@dataclass(slots=True)
class Chosen:
    """A filter, and the same as the address and the form write it. `count`: how many fields were chosen by hand."""

    given: dict[str, Any]
    count: int
    filter: MeetingFilter

    @property
    def query(self) -> str:
        """Return what stands after ? in the address."""
        return urlencode({name: value for name, value in self.given.items() if value}, doseq=True)


def read(request: Request, *, limit: int) -> Chosen:
    """Read the address; what makes no sense in it is left out. Untouched, it means every open meeting."""
    text = {name: fields.query_text(request, name, 100) for name in _TEXTS}
    touched = fields.query_text(request, _CLEAR, 1) == "1"
    states = [each for each in dict.fromkeys(request.query_params.getlist("state")) if each in _STATES]
    if not touched and not states:
        states = list(OPEN_STATES)
    user, mode = text["user"], text["mode"]
    wanted = MeetingFilter(
        project_id=fields.query_id(request, "project_id"),
        user_id=fields.query_id(request, "user"),
        mine=user == "me",
        unassigned=user == "none",
        state=states,
        mode=mode if mode in _MODES else None,
        from_at=times.midnight(text["from"]),
        to_at=times.midnight(text["to"], after=True),
        contact_id=fields.query_id(request, "contact_id"),
        series_id=fields.query_id(request, "series_id"),
        q=text["q"],
        after=fields.query_text(request, "after", 100) or None,
        limit=limit,
    )
    given = text | {"state": states, _CLEAR: "1"}
    narrowed = sum(bool(value) for value in text.values()) + int(touched and bool(states) and set(states) != set(OPEN_STATES))
    return Chosen(given, narrowed, wanted)


def tabs() -> dict[str, str]:
    """Return the addresses people need most: open meetings, today's, missed ones, all."""
    today = times.today().isoformat()
    return {
        "open": "/meetings",
        "today": f"/meetings?f=1&from={today}&to={today}",
        "missed": "/meetings?f=1&state=missed",
        "all": "/meetings?f=1",
    }


def tab_of(chosen: Chosen) -> str:
    """Return which of the tabs is shown, "" for another choice."""
    today = times.today().isoformat()
    given = {name: value for name, value in chosen.given.items() if value and name != _CLEAR}
    known: dict[str, dict[str, Any]] = {
        "open": {"state": OPEN_STATES},
        "today": {"from": today, "to": today},
        "missed": {"state": ["missed"]},
        "all": {},
    }
    return next((name for name, wanted in known.items() if wanted == given), "")
