"""Reports for supervisors: which source of contacts works best."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.reports.sources import SourceReports
from webui import views


async def sources(request: Request) -> Response:
    """Show what came of the contacts of each source."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    reports: SourceReports = request.app.state.source_reports
    return await views.render(request, "reports/sources.html", report=await reports.get(actor))


ROUTES = [Route("/reports/sources", sources, methods=["GET"])]
