"""Phone meetings: plan, find, change, call, and say what came of them; and each project's rules for them (M4, M6, S14, S15)."""

from typing import Annotated, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from callcenter.actor import Role
from callcenter.calls import service as calls
from callcenter.calls.views import CallOut
from callcenter.contacts import text
from callcenter.db import UnitOfWork
from callcenter.errors import BadValue, Conflict, NotFound
from callcenter.meetings import attempts, settings
from callcenter.meetings import service as meetings
from callcenter.meetings.forms import (
    AssignReport,
    MeetingChange,
    MeetingFilter,
    MeetingInput,
    MeetingOut,
    MeetingPage,
    MeetingWhole,
    ModeName,
    Outcome,
    Reschedule,
    SettingsInput,
    SettingsOut,
    StateName,
    Warning,  # noqa: A004 - the word for it
)
from webui.openapi import operation, routes_of
from webui.validation import Id, In, KeyText

_STATES = get_args(StateName)


def _states(value: str) -> str:
    for each in value.split(","):
        if each and each not in _STATES:
            raise BadValue("This is none of the possible values: {expected}.", expected=", ".join(_STATES))
    return value


Reason = Annotated[str, Field(max_length=1000, pattern="^[^\\x00]*$"), AfterValidator(text.clean_lines)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=1000)]


class MeetingsWanted(In):
    """Which meetings: everything given must fit. `state`: one or more, commas between. Times are the window's beginning."""

    project_id: Id | None = None
    user_id: Id | None = None
    unassigned: bool = False
    mine: bool = False
    state: Annotated[str, Field(max_length=200, pattern="^[a-z_,]*$"), AfterValidator(_states)] = ""
    mode: ModeName | None = None
    from_at: AwareDatetime | None = None
    to_at: AwareDatetime | None = None
    contact_id: Id | None = None
    ticket_id: Id | None = None
    series_id: Id | None = None
    q: Annotated[str, Field(max_length=100, pattern="^[^\\x00]*$")] = ""

    @property
    def filter(self) -> MeetingFilter:
        """The same as the services take it."""
        states = list(dict.fromkeys(each for each in self.state.split(",") if each))
        given = self.model_dump(exclude={"state", "after"})
        return MeetingFilter.model_validate({**given, "state": states, "after": getattr(self, "after", None) or None})


class MeetingsQuery(MeetingsWanted):
    """The same, page by page: `after` is the `next` of the page before."""

    after: Annotated[str, Field(max_length=100, pattern="^[A-Za-z0-9_=-]*$")] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class CancelIn(In):
    """Why the promise is taken back."""

    reason: Reason


class SnoozeIn(In):
    """For how many minutes."""

    minutes: Annotated[int, Field(ge=1, le=1440)]


class NotNowIn(In):
    """Which countdown is stopped, and why."""

    attempt_id: KeyText
    reason: Reason = ""


class AssignIn(In):
    """Which meetings, and whose they become; null: whoever of their project is free."""

    ids: Ids
    user_id: Id | None


class SpreadIn(In):
    """Which meetings, and over whom they are spread."""

    ids: Ids
    user_ids: Ids


class CheckIn(MeetingInput):
    """A meeting as it would be planned, or changed when `meeting_id` is given."""

    meeting_id: Id | None = None


class WarningList(BaseModel):
    """What should be thought of before saving."""

    items: list[Warning]


@operation("GET", "/phone-meetings", "listPhoneMeetings")
async def list_phone_meetings(uow: UnitOfWork, query: MeetingsQuery) -> MeetingPage:
    """Meetings by the beginning of their window: own, planned by oneself, nobody's in one's projects; all for supervisors."""
    return await meetings.list_meetings(uow, query.filter)


@operation("POST", "/phone-meetings", "createPhoneMeeting", errors=(Conflict,), status=201)
async def create_phone_meeting(uow: UnitOfWork, body: MeetingInput) -> MeetingOut:
    """Plan a meeting. `warnings` in the reply say what should be thought of; they refuse nothing."""
    return await meetings.plan(uow, body)


@operation("POST", "/phone-meetings/check", "checkPhoneMeeting", errors=(NotFound,))
async def check_phone_meeting(uow: UnitOfWork, body: CheckIn) -> WarningList:
    """Say what planning this would say, without planning it."""
    wanted = MeetingInput.model_validate(body.model_dump(exclude={"meeting_id"}))
    return WarningList(items=await meetings.check(uow, wanted, body.meeting_id))


@operation("POST", "/phone-meetings/assign", "assignPhoneMeetings")
async def assign_phone_meetings(uow: UnitOfWork, body: AssignIn) -> AssignReport:
    """Give meetings to somebody: any for supervisors; others take what is nobody's and give back what is theirs."""
    return await meetings.assign(uow, body.ids, body.user_id)


@operation("POST", "/phone-meetings/spread", "spreadPhoneMeetings", role=Role.SUPERVISOR)
async def spread_phone_meetings(uow: UnitOfWork, body: SpreadIn) -> AssignReport:
    """Share meetings out evenly over people."""
    return await meetings.spread(uow, body.ids, body.user_ids)


@operation("GET", "/phone-meetings/{meeting_id}", "getPhoneMeeting")
async def get_phone_meeting(uow: UnitOfWork, meeting_id: Id) -> MeetingWhole:
    """One meeting with its attempts and its history."""
    return await meetings.get(uow, meeting_id)


@operation("PUT", "/phone-meetings/{meeting_id}", "updatePhoneMeeting", errors=(Conflict,))
async def update_phone_meeting(uow: UnitOfWork, meeting_id: Id, body: MeetingChange) -> MeetingOut:
    """Change a meeting upon the version that was read; 409 says who changed what meanwhile."""
    return await meetings.change(uow, meeting_id, body)


@operation("POST", "/phone-meetings/{meeting_id}/cancel", "cancelPhoneMeeting", errors=(Conflict,))
async def cancel_phone_meeting(uow: UnitOfWork, meeting_id: Id, body: CancelIn) -> MeetingOut:
    """Take back the promise, with a reason."""
    return await meetings.cancel(uow, meeting_id, body.reason)


@operation("POST", "/phone-meetings/{meeting_id}/reschedule", "reschedulePhoneMeeting", errors=(Conflict,), status=201)
async def reschedule_phone_meeting(uow: UnitOfWork, meeting_id: Id, body: Reschedule) -> MeetingOut:
    """Make another meeting for the same promise; the reply is the new one."""
    return await meetings.reschedule(uow, meeting_id, body)


@operation("POST", "/phone-meetings/{meeting_id}/outcome", "setPhoneMeetingOutcome", errors=(Conflict,))
async def set_phone_meeting_outcome(uow: UnitOfWork, meeting_id: Id, body: Outcome) -> MeetingOut:
    """Say what came of it."""
    return await meetings.set_outcome(uow, meeting_id, body)


@operation("POST", "/phone-meetings/{meeting_id}/call", "callPhoneMeeting", errors=(Conflict,))
async def call_phone_meeting(uow: UnitOfWork, meeting_id: Id) -> CallOut:
    """Dial now, from one's own desk."""
    return await calls.get_call(uow, await attempts.call_now(uow, meeting_id))


@operation("POST", "/phone-meetings/{meeting_id}/snooze", "snoozePhoneMeeting", errors=(Conflict,))
async def snooze_phone_meeting(uow: UnitOfWork, meeting_id: Id, body: SnoozeIn) -> MeetingOut:
    """Be reminded, or have it dialled, some minutes later, within its window."""
    return await meetings.snooze(uow, meeting_id, body.minutes)


@operation("POST", "/phone-meetings/{meeting_id}/not-now", "declinePhoneMeeting", errors=(Conflict,))
async def decline_phone_meeting(uow: UnitOfWork, meeting_id: Id, body: NotNowIn) -> MeetingWhole:
    """Stop the countdown before an automatic dial; it comes again a minute later."""
    whole = await meetings.get(uow, meeting_id)
    if body.attempt_id not in [each.id for each in whole.attempts_made]:
        raise NotFound("There is no such attempt.")
    await attempts.not_now(uow, body.attempt_id, body.reason)
    return await meetings.get(uow, meeting_id)


@operation("GET", "/projects/{project_id}/phone-meetings", "getPhoneMeetingSettings")
async def get_phone_meeting_settings(uow: UnitOfWork, project_id: Id) -> SettingsOut:
    """The project's rules for phone meetings; 404 when it has none yet."""
    found = await settings.get_settings(uow, project_id)
    if found is None:
        raise NotFound("This project has no settings for phone meetings yet.")
    return found


@operation("PUT", "/projects/{project_id}/phone-meetings", "setPhoneMeetingSettings", role=Role.SUPERVISOR)
async def set_phone_meeting_settings(uow: UnitOfWork, project_id: Id, body: SettingsInput) -> SettingsOut:
    """Set the project's rules for phone meetings."""
    return await settings.set_settings(uow, project_id, body)


ROUTES = routes_of(__name__)
