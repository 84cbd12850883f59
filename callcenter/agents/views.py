"""What is shown of an agent."""

import datetime as dt

from pydantic import BaseModel

from callcenter.agents.models import Agent, AgentState


class AgentOut(BaseModel):
    """An agent as pages and the API show them; somebody who never took a state is offline."""

    user_id: int
    name: str
    state: str
    reason: str = ""
    since: dt.datetime | None = None
    ready_since: dt.datetime | None = None
    wrap_up_until: dt.datetime | None = None
    call_id: str | None = None
    after_call: str | None = None
    missed_offers: int = 0
    station_live: bool = False
    station_session: str = ""


def show(agent: Agent | None, user_id: int, name: str) -> AgentOut:
    """Return the agent of a user, who may have no row yet."""
    if agent is None:
        return AgentOut(user_id=user_id, name=name, state=AgentState.OFFLINE.value)
    own = {field: getattr(agent, field) for field in AgentOut.model_fields if field not in ("user_id", "name")}
    return AgentOut(user_id=user_id, name=name, **own)
