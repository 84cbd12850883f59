"""The announcement a customer of a phone meeting hears when the consultant drops: kept, listened to, taken away."""

from starlette.requests import Request
from starlette.responses import FileResponse

from callcenter.actor import Actor, Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.meetings import settings
from callcenter.meetings.forms import SettingsOut
from webui import sounds
from webui.openapi import operation, routes_of
from webui.validation import Id

_PATH = "/projects/{project_id}/phone-meetings/announcement"


@operation("GET", _PATH, "readMeetingAnnouncement", media_type="audio/wav")
async def read_meeting_announcement(uow: UnitOfWork, project_id: Id) -> bytes:
    """What customers hear, as a WAV file: for the project's members and supervisors."""
    file = await settings.announcement_file(uow, project_id)
    return FileResponse(file, media_type="audio/wav")  # type: ignore[return-value]  # sent as it is


@operation("PUT", _PATH, "setMeetingAnnouncement", role=Role.SUPERVISOR, upload=True, dry_run=False, errors=(Conflict,))
async def set_meeting_announcement(request: Request, actor: Actor, project_id: Id) -> SettingsOut:
    """Keep another one: WAV, 8000 samples a second, 16 bit, mono, at most a minute. Calls that go on keep theirs."""
    sound = await sounds.sent(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        return await settings.set_announcement(uow, project_id, sound)


@operation("DELETE", _PATH, "deleteMeetingAnnouncement", role=Role.SUPERVISOR, errors=(Conflict,))
async def delete_meeting_announcement(uow: UnitOfWork, project_id: Id) -> None:
    """Take it away: customers then hear music until the call ends."""
    await settings.set_announcement(uow, project_id, None)


ROUTES = routes_of(__name__)
