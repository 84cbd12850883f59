"""Whether the process lives (/livez) and whether it can work (/readyz), for whoever starts and watches it."""

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from callcenter.db import Database
from webui import metrics
from webui.i18n import gettext

log = structlog.get_logger(__name__)


async def live(_request: Request) -> Response:
    """Answer: the process runs."""
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """Say of each part whether it answers: 200 when all do, 503 otherwise."""
    database = await _database_answers(request.app.state.database)
    switch = await metrics.read_snapshot(request.app.state.phone) is not None
    checks = {
        "database": (database, gettext("The database answers.") if database else gettext("The database does not answer.")),
        "switch": (switch, gettext("The telephone switch is linked.") if switch else gettext("The telephone switch is away.")),
    }
    good = database and switch
    body = {"ready": good, "checks": {name: {"ok": ok, "sentence": words} for name, (ok, words) in checks.items()}}
    return JSONResponse(body, 200 if good else 503)


async def _database_answers(database: Database) -> bool:
    try:
        async with database.reading() as uow:
            await uow.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        log.warning("ready.database", reason=type(error).__name__)
        return False
    return True


ROUTES: list[BaseRoute] = [Route("/livez", live), Route("/readyz", ready)]
