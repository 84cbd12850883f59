"""Oneself: who I am, what rings, my state, my audio place, my preferences."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request

from callcenter import inbox
from callcenter.actor import Actor
from callcenter.agents.views import AgentOut
from callcenter.calls import service as calls
from callcenter.calls.events import Listener
from callcenter.calls.views import CallOut, Current, ListeningOut
from callcenter.campaigns import desk
from callcenter.campaigns.desk import LeadCard
from callcenter.correspondence import service as correspondence
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, Unavailable
from callcenter.events import CallOffered, MeetingDue
from callcenter.meetings import pop_ups, talks
from callcenter.meetings.forms import MeetingOfCall, MeetingOut
from callcenter.phone import CloseStation, OpenStation, Refusal, StationAnswer
from callcenter.projects import service as projects
from callcenter.projects.service import DispositionOut
from callcenter.texts import service as texts
from callcenter.users import service as users
from callcenter.users.models import User
from callcenter.users.preferences import Preferences
from webui.openapi import operation, routes_of
from webui.validation import In, Line, Word

_SDP_LIMIT = 65_536
_PATIENCE = 10.0  # seconds the switch has for an SDP answer (it gathers candidates)


class Myself(BaseModel):
    """The person themselves."""

    id: int
    login: str
    name: str
    role: str
    language: str
    time_zone: str
    accounts: list[str]


class ProjectName(BaseModel):
    """A project one serves."""

    id: int
    name: str


class Me(BaseModel):
    """All a reloaded page needs. Open /live with `?after=` this `seq`.

    `meetings` are up now, `meeting` is that of the call or the wrap-up, `missed` one's own of the last hours.
    `listeners`: the supervisors in one's call, as far as one is told; `listening`: the call one listens to oneself.
    `lead`: of a campaign, shown to one, being called or wrapped up.
    `unread_texts`: SMS that concern one and nobody has dealt with, counted up to 100; `unread_emails`: those of the inbox.
    """

    user: Myself
    language: str
    time_zone: str
    preferences: Preferences
    agent: AgentOut
    wrap_up_until: dt.datetime | None
    offers: list[CallOffered]
    call: CallOut | None
    wrap_up: CallOut | None
    unsaved: list[CallOut]
    listeners: list[Listener]
    listening: ListeningOut | None
    meetings: list[MeetingDue]
    meeting: MeetingOfCall | None
    missed: list[MeetingOut]
    lead: LeadCard | None
    unread_texts: int
    unread_emails: int
    dispositions: list[DispositionOut]
    projects: list[ProjectName]
    seq: int
    switch_up: bool
    draining: bool
    demo: bool
    stun_servers: list[str]
    emergency_warning: bool


class StateIn(In):
    """The state one wants; during a call it is taken afterwards."""

    state: Literal["ready", "break", "offline"]
    reason: Word = ""


class StationIn(In):
    """A browser's SDP offer. `session` names the page: a newer one takes over."""

    session: Annotated[str, Field(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$")]
    sdp: Annotated[str, Field(min_length=1, max_length=_SDP_LIMIT, pattern="^[^\\x00]*$")]


class StationOut(BaseModel):
    """The switch's SDP answer."""

    sdp: str


class SessionQuery(In):
    """Which page leaves."""

    session: Annotated[str, Field(max_length=64, pattern="^[A-Za-z0-9_-]*$")] = ""


class PreferencesIn(In):
    """What to change; what is not named stays, null puts a preference back to its default."""

    language: Literal["en", "pl"] | None = None
    time_zone: Word | None = None
    answer_shortcut: Annotated[str, Field(max_length=40)] | None = None
    microphone: Line | None = None
    speaker: Line | None = None
    ring_device: Line | None = None
    ring_volume: Annotated[int, Field(ge=0, le=100)] | None = None
    notifications: bool | None = None
    theme: Literal["light", "dark", "auto"] | None = None


class PreferencesOut(BaseModel):
    """What one has chosen."""

    language: str
    time_zone: str
    preferences: Preferences


@operation("GET", "/me", "getMe")
async def get_me(uow: UnitOfWork, request: Request) -> Me:
    """Everything a page needs to draw itself."""
    user = await users.get_user(uow, uow.actor.id)
    seq = await inbox.last_seq(uow, user.id)  # read first: what happens meanwhile is replayed, never skipped
    current = await calls.current(uow)
    about = current.call or current.wrap_up
    settings = request.app.state.settings
    return Me(
        user=Myself.model_validate(user, from_attributes=True),
        language=user.language,
        time_zone=user.time_zone,
        preferences=Preferences(**user.preferences),
        wrap_up_until=current.agent.wrap_up_until,
        **{name: getattr(current, name) for name in Current.model_fields},
        meetings=await pop_ups.current(uow),
        meeting=await talks.of_call(uow, about.id) if about else None,
        missed=await talks.missed_lately(uow),
        lead=await desk.current(uow),
        unread_texts=await texts.unread_count(uow),
        unread_emails=await correspondence.unread_count(uow),
        dispositions=await projects.dispositions(uow, about.project_id if about else None),
        projects=[ProjectName(id=each.id, name=each.name) for each in await projects.projects_of(uow)],
        seq=seq,
        switch_up=request.app.state.live.switch_up,
        draining=request.app.state.live.draining,
        demo=settings.demo,
        stun_servers=[each.strip() for each in settings.stun_servers.split(",") if each.strip()],
        emergency_warning=await calls.emergency_warning(uow),
    )


@operation("PUT", "/me/state", "setAgentState", errors=(Conflict,))
async def set_agent_state(uow: UnitOfWork, body: StateIn) -> AgentOut:
    """Become ready, take a break, or go offline."""
    return await calls.set_agent_state(uow, body.state, body.reason)


@operation("POST", "/me/station", "openStation", errors=(Conflict, Invalid))
async def open_station(request: Request, actor: Actor, body: StationIn) -> StationOut:
    """Plug this browser's audio into one's place in the switch."""
    query = OpenStation(station_id=str(actor.id), session=body.session, sdp=body.sdp)
    reply = await request.app.state.phone.ask(query, timeout=_PATIENCE)
    if isinstance(reply, StationAnswer):
        return StationOut(sdp=reply.sdp)
    if isinstance(reply, Refusal):
        raise refusal(reply)
    raise Unavailable("The telephone switch gave no answer. Try again.")


@operation("DELETE", "/me/station", "closeStation")
async def close_station(request: Request, actor: Actor, query: SessionQuery) -> None:
    """Unplug this browser's audio; calls stay for a while, the customer hears music."""
    request.app.state.phone.send(CloseStation(station_id=str(actor.id), session=query.session))


@operation("POST", "/me/station/close", "closeStationOnLeaving")
async def close_station_on_leaving(request: Request, actor: Actor, query: SessionQuery) -> None:
    """The same for navigator.sendBeacon, which can only post."""
    request.app.state.phone.send(CloseStation(station_id=str(actor.id), session=query.session))


@operation("POST", "/me/wrap-up/finish", "finishWrapUp", errors=(Conflict,))
async def finish_wrap_up(uow: UnitOfWork) -> AgentOut:
    """End the wrap-up."""
    return await calls.finish_wrap_up(uow)


@operation("POST", "/me/wrap-up/extend", "extendWrapUp", errors=(Conflict,))
async def extend_wrap_up(uow: UnitOfWork) -> AgentOut:
    """Take sixty seconds more."""
    return await calls.extend_wrap_up(uow)


@operation("PUT", "/me/preferences", "setPreferences")
async def set_preferences(uow: UnitOfWork, body: PreferencesIn) -> PreferencesOut:
    """Choose language, time zone, devices, shortcut and appearance."""
    chosen: dict[str, Any] = body.model_dump(exclude_unset=True)
    user: User = await users.set_preferences(uow, **chosen)
    return PreferencesOut(language=user.language, time_zone=user.time_zone, preferences=Preferences(**user.preferences))


def refusal(reply: Refusal) -> CallCenterError:
    """Turn the switch's refusal into an error of the same status."""
    kinds: dict[int, type[CallCenterError]] = {409: Conflict, 422: Invalid}
    return kinds.get(reply.status, Unavailable)(reply.sentence)


ROUTES = routes_of(__name__)
