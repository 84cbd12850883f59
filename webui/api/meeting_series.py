"""Phone meetings that repeat: planning a series, changing or cancelling one of it or the rest."""

from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.meetings import series
from callcenter.meetings.forms import MeetingChange
from callcenter.meetings.series_forms import SeriesCancel, SeriesChange, SeriesOut, SeriesPlan, SeriesReport
from webui.openapi import operation, routes_of
from webui.validation import Id


@operation("POST", "/phone-meetings/series", "createPhoneMeetingSeries", status=201)
async def create_phone_meeting_series(uow: UnitOfWork, body: SeriesPlan) -> SeriesOut:
    """Plan a meeting and those that repeat it, at the same wall-clock time of your zone: all of them or none."""
    return await series.plan_series(uow, body.meeting, body.repeat)


@operation("PUT", "/phone-meetings/{meeting_id}/series", "updatePhoneMeetingSeries", errors=(Conflict,))
async def update_phone_meeting_series(uow: UnitOfWork, meeting_id: Id, body: SeriesChange) -> SeriesReport:
    """Change a meeting of a series, or it and the rest; only what is different carries over."""
    own = body.model_dump(include=set(MeetingChange.model_fields))
    change = MeetingChange.model_validate(own)
    return await series.change_series(uow, meeting_id, change, body.scope, changed_singly=body.changed_singly)


@operation("POST", "/phone-meetings/{meeting_id}/series/cancel", "cancelPhoneMeetingSeries", errors=(Conflict,))
async def cancel_phone_meeting_series(uow: UnitOfWork, meeting_id: Id, body: SeriesCancel) -> SeriesReport:
    """Cancel a meeting of a series, or it and the rest, with a reason."""
    return await series.cancel_series(uow, meeting_id, body.reason, body.scope)


ROUTES = routes_of(__name__)
