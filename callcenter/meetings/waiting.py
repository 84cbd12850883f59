"""Why a meeting is not dialled just now: a code (Meeting.waiting) and the sentence a person reads."""

from callcenter.agents.models import Agent, AgentState

TEXTS: dict[str, str] = {
    "on_call": "Waiting: the consultant is on a call.",
    "wrap_up": "Waiting: the consultant is in wrap-up.",
    "listening": "Waiting: the consultant listens to somebody's call.",
    "break": "Waiting: the consultant is on a break.",
    "offline": "Waiting: the consultant is offline.",
    "no_audio": "Waiting: the consultant's microphone is not connected.",
    "offered": "Waiting: a call is ringing at the consultant's desk.",
    "nobody_ready": "Waiting: nobody who serves the project is ready.",
    "in_line": "Waiting: another meeting of the consultant comes first.",
    "by_hand": "Waiting for the consultant to press Call.",
    "no_consultant": "Waiting: the consultant does not serve this project any more. Assign the meeting to somebody else.",
    "hours": "Waiting: it is outside the project's calling hours.",
    "not_before": "Waiting for the time of the next attempt.",
    "too_late": "There is no time left to let it ring before the window ends.",
    "switch_away": "Waiting: the telephone switch cannot be reached.",
    "draining": "Waiting: the system is stopping and makes no new calls.",
    "trunk_off": "Waiting: the project's trunk is switched off.",
    "no_trunk": "Waiting: no trunk is chosen for the project.",
    "spent": "Waiting: calls on the project's trunk have cost today what they may cost in a day.",
    "not_now": "Waiting: the consultant pressed Not now.",
    "no_settings": "Waiting: the project has no settings for phone meetings.",
    "number": "Not dialled: the number may not be called.",
    "objected": "Not dialled: the customer asked not to be called.",
    "no_consent": "Not dialled: the customer has not agreed to be called for what the project is for.",
    "countdown": "About to be dialled.",
    "contact_deleted": "The contact was deleted. Cancel the meeting, or say whom it is with.",
}

_BUSY = {
    AgentState.OFFLINE: "offline",
    AgentState.BREAK: "break",
    AgentState.OFFERED: "offered",
    AgentState.ON_CALL: "on_call",
    AgentState.WRAP_UP: "wrap_up",
    AgentState.LISTENING: "listening",
}


def of_agent(agent: Agent | None) -> str:
    """Return why this consultant cannot take a meeting now, "" when they can."""
    if agent is None:
        return "offline"
    if agent.state == AgentState.READY:
        return "" if agent.station_live else "no_audio"
    return _BUSY[AgentState(agent.state)]
