"""The agents' state machine: which change may follow which, and what a wish means in a state. Pure."""

from callcenter.agents.models import AgentState
from callcenter.errors import CallCenterError, Conflict, Invalid

LEAD = "lead"  # the reason of OFFERED while a lead is only looked at
MEETING = "meeting"  # ... and while a phone meeting is counted down
MISSED_OFFERS = 2  # unanswered in a row that put an agent on break

ASKABLE = frozenset({AgentState.READY, AgentState.BREAK, AgentState.OFFLINE})
BUSY = frozenset({AgentState.OFFERED, AgentState.ON_CALL})
WAITED_FOR = BUSY | {AgentState.LISTENING}  # what is asked for in one of these is taken when it is over
FOLLOWING: dict[AgentState, frozenset[AgentState]] = {
    AgentState.OFFLINE: frozenset({AgentState.READY, AgentState.BREAK, AgentState.ON_CALL, AgentState.LISTENING}),
    AgentState.READY: frozenset(
        {AgentState.OFFERED, AgentState.ON_CALL, AgentState.BREAK, AgentState.OFFLINE, AgentState.LISTENING}
    ),
    AgentState.OFFERED: frozenset({AgentState.ON_CALL, AgentState.READY, AgentState.BREAK, AgentState.OFFLINE}),
    AgentState.ON_CALL: frozenset({AgentState.WRAP_UP, AgentState.READY, AgentState.BREAK, AgentState.OFFLINE}),
    AgentState.WRAP_UP: frozenset({AgentState.READY, AgentState.BREAK, AgentState.OFFLINE, AgentState.ON_CALL}),
    AgentState.BREAK: frozenset({AgentState.READY, AgentState.OFFLINE, AgentState.ON_CALL, AgentState.LISTENING}),
    AgentState.LISTENING: frozenset({AgentState.READY, AgentState.BREAK, AgentState.OFFLINE}),
}


def asked(state: str) -> AgentState:
    """Return the state a person asked for; raises Invalid for one that only a call can bring."""
    if state not in ASKABLE:
        raise Invalid("You can ask for ready, break or offline.", field="state")
    return AgentState(state)


def refusal(wanted: AgentState, *, station_live: bool) -> CallCenterError | None:
    """Return why a person cannot have the state now; ready needs ears and a mouth."""
    if wanted is AgentState.READY and not station_live:
        return Conflict("Allow the microphone first, then press Ready.")
    return None


def after_call(wanted: str | None, *, station_here: bool) -> tuple[AgentState, str]:
    """Return the state that follows a call or wrap-up, and the reason if it is not what was wanted.

    `station_here`: the station is live, or may still come back in its time of grace.
    """
    state = AgentState(wanted or AgentState.READY)
    if state is AgentState.READY and not station_here:
        return AgentState.OFFLINE, "station_lost"
    return state, ""
