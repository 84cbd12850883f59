"""Reports for supervisors."""

import datetime as dt

from pydantic import BaseModel
from starlette.requests import Request

from callcenter.actor import Actor, Role
from callcenter.reports.sources import SourceReports
from webui.openapi import operation, routes_of


class SourceOut(BaseModel):
    """What came of the contacts of a source: calls that were answered, phone meetings that were held. "" for no source."""

    source: str
    retired: bool
    contacts: int
    calls: int
    meetings: int


class SourceReportOut(BaseModel):
    """The sources in their order, contacts without one last; counted at most ten minutes ago."""

    at: dt.datetime
    items: list[SourceOut]


@operation("GET", "/reports/sources", "reportSources", role=Role.SUPERVISOR)
async def report_sources(request: Request, actor: Actor) -> SourceReportOut:
    """Which source of contacts works best."""
    reports: SourceReports = request.app.state.source_reports
    found = await reports.get(actor)
    return SourceReportOut(at=found.at, items=[SourceOut.model_validate(each, from_attributes=True) for each in found.rows])


ROUTES = routes_of(__name__)
